//! An init container's restore as a controller: crashed, refused and lied to at every call of the file system, and run
//! again until it says that it is done.

#[path = "restore_crashes/contents.rs"]
mod contents;
mod restore_support;

use std::path::PathBuf;
use std::sync::Arc;

use contents::{Contents, contents, is_litter, keep, names};
use etcd_snapshot::restore::{InitContainer, RestoreOptions, restore};
use etcd_snapshot::{Host, SnapshotSource};
use objstore_core::disk::{Ability, Disk, Faults as Disabled, ModelDisk};
use reconcile::testkit::{Claim, Faults, FaultyDisk, Kit, Pairs, Reason};
use restore_support::{sample, wait};

const MEMBER: &str = "/var/lib/etcd/member";

/// What survives a crash: the disk of the pod. Reserving space would cost these tests only memory.
fn fresh() -> ModelDisk {
    let disk = ModelDisk::new();
    disk.set_faults(Disabled::none().without(Ability::Allocate));
    disk
}

/// The same bytes in every run: all ends can be compared, and each run finds the name that it wants for its own work
/// taken by what one that crashed has left.
#[derive(Debug)]
struct SameHost;

impl Host for SameHost {
    fn now(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH
    }

    fn random(&self, buffer: &mut [u8]) -> etcd_snapshot::Result<()> {
        buffer.fill(7);
        Ok(())
    }
}

/// What the init container runs, each time that the pod starts.
async fn init_container(snapshot: &PathBuf, disk: Arc<dyn Disk>) -> etcd_snapshot::Result<()> {
    let options = RestoreOptions::default()
        .with_data_dir("/var/lib/etcd")
        .with_initial_cluster_token("restored")
        .with_init_container(InitContainer::new(0));
    restore(&SnapshotSource::file(snapshot)?, &options, disk, &SameHost).await.map(drop)
}

/// The disk after a restore that nothing disturbs.
fn complete(snapshot: &PathBuf) -> Contents {
    let disk = fresh();
    wait(init_container(snapshot, Arc::new(disk.clone()))).expect("nothing disturbs it");
    contents(&disk)
}

/// An etcd that starts now finds the member, whole, or refuses to start.
fn starts_right_or_not_at_all(disk: &ModelDisk, complete: &Contents) -> Result<(), String> {
    let found = contents(disk);
    match found.get(&PathBuf::from(MEMBER)) {
        Some(Some(_guard)) => Ok(()),
        Some(None) if below_member(&found).eq(below_member(complete)) => Ok(()),
        Some(None) => Err(format!("a member that is not whole: {}", names(&found))),
        None if found.keys().any(|path| is_litter(path)) => Err("an etcd would start empty beside it".to_owned()),
        None => Ok(()),
    }
}

fn below_member(contents: &Contents) -> impl Iterator<Item = (&PathBuf, &Option<Vec<u8>>)> {
    contents.iter().filter(|(path, _)| path.starts_with(MEMBER) && !is_litter(path))
}

fn kit<'k>(complete: &'k Contents, pass: impl AsyncFn(&ModelDisk, Faults) -> Claim + 'k) -> Kit<'k, ModelDisk> {
    Kit::new(fresh, pass)
        .with_threads()
        .with_safety(|disk| starts_right_or_not_at_all(disk, complete))
        .with_goal(move |disk| {
            let found = contents(disk);
            if found == *complete { Ok(()) } else { Err(format!("it is not complete: {}", names(&found))) }
        })
        .with_end_state(|disk| names(&contents(disk)))
}

#[test]
fn an_init_container_restores_whatever_strikes() {
    let (_dir, snapshot) = keep(&sample(12, 300));
    let complete = complete(&snapshot);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let _entered = runtime.enter();
    let report = kit(&complete, async |disk: &ModelDisk, faults: Faults| {
        let process = FaultyDisk::new(Arc::new(disk.clone())).under(&faults);
        let done = init_container(&snapshot, process).await.is_ok();
        // A name that could not be removed at the very end is no reason to keep etcd from starting; the next run does it.
        Claim::from(done && !contents(disk).keys().any(|path| is_litter(path)))
    })
    .with_pairs(Pairs::Drawn(200))
    .explore();
    println!("{report}");
    report.assert_clean();
    assert!(report.points > 500, "only {} points", report.points);
}

/// A test of the test: a restore that writes the member in its place, file by file, and takes a folder for a finished one.
#[test]
fn the_kit_notices_a_restore_that_is_not_guarded() {
    let (_dir, snapshot) = keep(&sample(12, 300));
    let complete = complete(&snapshot);
    let report = kit(&complete, async |disk: &ModelDisk, faults: Faults| {
        let process = FaultyDisk::new(Arc::new(disk.clone())).under(&faults);
        Claim::from(unguarded(process.as_ref(), &complete).is_ok())
    })
    .with_pairs(Pairs::None)
    .explore();
    report.assert_finds(Reason::Unsafe, "not whole");
}

fn unguarded(disk: &dyn Disk, complete: &Contents) -> std::io::Result<()> {
    for (path, content) in complete {
        match (content, disk.metadata(path).is_ok()) {
            (None, true) if path.ends_with("member") => return Ok(()),
            (_, true) => {}
            (None, false) => disk.mkdir(path, 0o700)?,
            (Some(content), false) => disk.create_new(path, 0o600)?.write_at(content, 0)?,
        }
    }
    Ok(())
}
