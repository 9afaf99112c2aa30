//! A restore is stopped before and after each call to the file system, and half of what it had not synced is lost. What is
//! left is judged, given to every etcd, and restored again.

#[path = "restore_crashes/mod.rs"]
mod crashes;
mod restore_live;
mod restore_support;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use crashes::{Contents, Scenario, Verdict, contents, names};
use etcd_snapshot::ErrorKind;
use judges::{Case, EtcdServer, Minor, Part};
use objstore_core::disk::{Access, DirEntry, Disk, DiskFile, DiskLock, Faults, Metadata, ModelDisk, Survival};
use restore_live::Original;

/// The calls of one undisturbed restore are at least so many, or the enumeration looks at something else.
const CALLS_MIN: u64 = 25;

fn main() -> ExitCode {
    let mut cases = vec![
        Case::new("a crash at any call", [], crash_at_any_call),
        Case::new("a crash of the restore that cleans up", [], crash_of_the_second_run),
        Case::new("no room from any call on", [], full_from_any_call),
        Case::new("a failure of any call", [], failure_of_any_call),
        Case::new("the enumeration notices files that are not synced", [], || {
            noticed(|faults| faults.without_file_syncs())
        }),
        Case::new("the enumeration notices folders that are not synced", [], || {
            noticed(|faults| faults.without_dir_syncs())
        }),
        Case::new("the enumeration notices a claim that is left out", [], claim_left_out),
    ];
    for minor in [Minor::V3_4, Minor::V3_5, Minor::V3_6, Minor::V3_7] {
        let needs = [Part::Etcd(minor), Part::Etcd(Minor::V3_4), Part::Etcdctl(Minor::V3_6)];
        cases.push(Case::new(format!("what a crash leaves, given to etcd {minor}"), needs, move || {
            given_to_etcd(minor)
        }));
    }
    judges::harness(11, cases)
}

/// A snapshot that was made by hand, and all scenarios with it.
fn scenarios() -> (tempfile::TempDir, Vec<Scenario>) {
    let (dir, snapshot) = crashes::keep(&restore_support::sample(12, 300));
    let scenarios = Scenario::all(&snapshot);
    (dir, scenarios)
}

fn check(
    scenario: &Scenario,
    place: &str,
    left: &ModelDisk,
    next_run: u8,
    complete: &[Contents],
) -> Result<Verdict, String> {
    let verdict = scenario.judge(left, complete).map_err(|wrong| format!("{place}: {wrong}"))?;
    scenario.completes(left, next_run, verdict, complete).map_err(|wrong| format!("{place}: {verdict:?}: {wrong}"))?;
    Ok(verdict)
}

fn crash_at_any_call() -> anyhow::Result<()> {
    let (_dir, scenarios) = scenarios();
    for scenario in &scenarios {
        let complete = [scenario.undisturbed(1), scenario.undisturbed(2)];
        let before = scenario.disk();
        let calls = scenario.calls(&before, 1);
        ensure!(calls >= CALLS_MIN, "{}: only {calls} calls", scenario.name);
        let mut verdicts = BTreeMap::<Verdict, usize>::new();
        let mut wrong = Vec::new();
        scenario.every_crash(&before, 1, &scenario.faults(), |place, left| {
            match check(scenario, place, &left, 2, &complete) {
                Ok(verdict) => *verdicts.entry(verdict).or_default() += 1,
                Err(e) => wrong.push(e),
            }
        });
        ensure!(wrong.is_empty(), "{} wrong, the first: {}", wrong.len(), wrong[0]);
        ensure!(verdicts.len() == 3, "{}: not every kind of outcome was seen: {verdicts:?}", scenario.name);
    }
    Ok(())
}

/// What a crash of the first run leaves is cleaned up by a second run, which crashes too, and then by a third.
fn crash_of_the_second_run() -> anyhow::Result<()> {
    let (_dir, scenarios) = scenarios();
    for scenario in scenarios.iter().filter(|scenario| scenario.has_log_elsewhere()) {
        let complete = [scenario.undisturbed(1), scenario.undisturbed(2), scenario.undisturbed(3)];
        let mut firsts = BTreeMap::new();
        scenario.every_crash(&scenario.disk(), 1, &scenario.faults(), |place, left| {
            let paths: Vec<PathBuf> = contents(&left).into_keys().collect();
            firsts.entry(paths).or_insert((place.to_owned(), left));
        });
        let mut checked = BTreeSet::new();
        for (first_place, first) in firsts.values() {
            let mut wrong = None;
            scenario.every_crash_after_a_call(first, 2, |place, left| {
                if wrong.is_none() && checked.insert(crashes::digest(&contents(&left))) {
                    wrong = check(scenario, &format!("{first_place}; then {place}"), &left, 3, &complete).err();
                }
            });
            ensure!(wrong.is_none(), "{}", wrong.unwrap_or_default());
        }
        ensure!(firsts.len() > 15, "{}: a crash leaves only {} things", scenario.name, firsts.len());
    }
    Ok(())
}

/// Nothing half-made stays where there is no room, whenever it runs out.
fn full_from_any_call() -> anyhow::Result<()> {
    let (_dir, scenarios) = scenarios();
    for scenario in &scenarios {
        let before = contents(&scenario.disk());
        let mut failed = 0;
        for call in 1..=scenario.calls(&scenario.disk(), 1) {
            let disk = scenario.disk();
            disk.set_faults(scenario.faults().full_from(call));
            let place = format!("{}: full from call {call} on", scenario.name);
            match scenario.run(Arc::new(disk.clone()), 1) {
                Ok(_) => ensure!(contents(&disk) == scenario.undisturbed(1), "{place}: not complete"),
                Err(e) => {
                    failed += 1;
                    ensure!(e.kind() == ErrorKind::NoSpace, "{place}: {e:?}");
                    let left = contents(&disk);
                    ensure!(left == before, "{place}: it leaves {}", names(&left));
                }
            }
        }
        ensure!(failed > 10, "{}: only {failed} calls need room", scenario.name);
        no_room_for_the_log(scenario)?;
    }
    Ok(())
}

/// The other runs do not reserve room for the log, so this one does.
fn no_room_for_the_log(scenario: &Scenario) -> anyhow::Result<()> {
    let run = |faults| {
        let disk = scenario.disk();
        disk.set_faults(faults);
        (scenario.run(Arc::new(disk.clone()), 1), disk)
    };
    let (undisturbed, disk) = run(Faults::none());
    undisturbed?;
    let reserving = disk.log().iter().position(|call| call.starts_with("allocate")).context("room is reserved")?;
    let (result, disk) = run(Faults::none().fail(reserving as u64 + 1, io::ErrorKind::StorageFull));
    let error = result.err().context("there is no room")?;
    ensure!(error.kind() == ErrorKind::NoSpace, "{error:?}");
    let left = contents(&disk);
    ensure!(left == contents(&scenario.disk()), "{}: it leaves {}", scenario.name, names(&left));
    Ok(())
}

/// A call that fails once leaves nothing, or the complete member, or what no etcd starts on.
fn failure_of_any_call() -> anyhow::Result<()> {
    let (_dir, scenarios) = scenarios();
    for scenario in &scenarios {
        let complete = [scenario.undisturbed(1), scenario.undisturbed(2)];
        for call in 1..=scenario.calls(&scenario.disk(), 1) {
            let disk = scenario.disk();
            disk.set_faults(scenario.faults().fail(call, io::ErrorKind::Other));
            let result = scenario.run(Arc::new(disk.clone()), 1);
            let made = disk.log().get(call as usize - 1).cloned().unwrap_or_default();
            let place = format!("{}: call {call} ({made}) fails", scenario.name);
            for survival in [Survival::Everything, Survival::Synced] {
                let left = disk.after_crash(survival);
                let verdict = check(scenario, &place, &left, 2, &complete).map_err(anyhow::Error::msg)?;
                if result.is_ok() {
                    ensure!(verdict == Verdict::Complete, "{place}: it says that it succeeded, and left {verdict:?}");
                }
            }
        }
    }
    Ok(())
}

/// A test of the test: with this fault in every run, the enumeration must find something wrong.
fn noticed(fault: impl Fn(Faults) -> Faults) -> anyhow::Result<()> {
    let (_dir, scenarios) = scenarios();
    for scenario in &scenarios {
        let complete = [scenario.undisturbed(1)];
        let mut wrong = 0;
        scenario.every_crash(&scenario.disk(), 1, &fault(scenario.faults()), |_, left| {
            wrong += usize::from(scenario.judge(&left, &complete).is_err());
        });
        ensure!(wrong > 0, "{}: nobody noticed", scenario.name);
    }
    Ok(())
}

fn claim_left_out() -> anyhow::Result<()> {
    let (_dir, scenarios) = scenarios();
    for scenario in scenarios.iter().filter(|scenario| !scenario.name.contains("without exchange")) {
        let complete = [scenario.undisturbed(1)];
        let mut wrong = 0;
        for call in 1..=scenario.calls(&scenario.disk(), 1) {
            let model = scenario.disk();
            model.set_faults(scenario.faults().stop_after(call));
            let disk = Unclaimed { model: model.clone(), member: scenario.data_dir().join("member") };
            let _ = scenario.run(Arc::new(disk), 1);
            let left = model.after_crash(Survival::Everything);
            wrong += usize::from(scenario.judge(&left, &complete).is_err());
        }
        ensure!(wrong > 0, "{}: nobody noticed", scenario.name);
    }
    Ok(())
}

/// A disk on which the claim lands in another place, and the exchange is a plain rename: a restore without a guard.
#[derive(Debug)]
struct Unclaimed {
    model: ModelDisk,
    member: PathBuf,
}

impl Unclaimed {
    fn elsewhere<'p>(&self, path: &'p Path) -> &'p Path {
        if path == self.member { Path::new("/unclaimed") } else { path }
    }
}

impl Disk for Unclaimed {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        self.model.open(self.elsewhere(path), access)
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<Arc<dyn DiskFile>> {
        self.model.create_new(self.elsewhere(path), mode)
    }

    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.model.mkdir(path, mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.model.rename(from, to)
    }

    fn rename_exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        self.model.rename(b, a)
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        self.model.hard_link(original, link)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.model.remove_file(self.elsewhere(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.model.remove_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.model.read_dir(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.model.metadata(self.elsewhere(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.model.sync_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.model.lock(path)
    }

    fn chown(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        self.model.chown(self.elsewhere(path), uid, gid)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.model.free_space(path)
    }

    fn now(&self) -> SystemTime {
        self.model.now()
    }
}

/// One thing that a crash leaves.
#[derive(Debug)]
struct Left {
    place: String,
    verdict: Verdict,
    data_dir: PathBuf,
    wal_dir: Option<PathBuf>,
    disk: ModelDisk,
}

/// Everything that a crash can leave of a restore of real data, each thing once.
fn distinct(original: &Original) -> anyhow::Result<&'static Vec<Left>> {
    static LEFT: OnceLock<Result<Vec<Left>, String>> = OnceLock::new();
    let made = LEFT.get_or_init(|| find_distinct(original).map_err(|e| format!("{e:?}")));
    made.as_ref().map_err(|e| anyhow::Error::msg(e.clone()))
}

fn find_distinct(original: &Original) -> anyhow::Result<Vec<Left>> {
    let mut found = BTreeMap::new();
    let mut wrong = Vec::new();
    for scenario in Scenario::all(&original.snapshot) {
        let complete = [scenario.undisturbed(1)];
        scenario.every_crash(&scenario.disk(), 1, &scenario.faults(), |place, disk| {
            let seen = crashes::digest(&crashes::seen_by_etcd(&contents(&disk)));
            if found.contains_key(&seen) {
                return;
            }
            match scenario.judge(&disk, &complete) {
                Ok(verdict) => {
                    let (data_dir, wal_dir) = (scenario.data_dir(), scenario.wal_dir());
                    found.insert(seen, Left { place: place.to_owned(), verdict, data_dir, wal_dir, disk });
                }
                Err(e) => wrong.push(format!("{place}: {e}")),
            }
        });
    }
    if let Some(first) = wrong.first() {
        bail!("{first}");
    }
    Ok(found.into_values().collect())
}

fn given_to_etcd(minor: Minor) -> anyhow::Result<()> {
    let original = restore_live::original(Minor::V3_4)?;
    let mut counts = BTreeMap::<Verdict, usize>::new();
    for left in distinct(original)? {
        *counts.entry(left.verdict).or_default() += 1;
        let dir = tempfile::tempdir()?;
        crashes::materialise(&left.disk, dir.path());
        match left.verdict {
            // There is nothing of ours in it.
            Verdict::Untouched => Ok(()),
            Verdict::Guarded => does_not_start(minor, left, dir.path()),
            Verdict::Complete => serves(minor, left, dir.path(), original),
        }
        .with_context(|| format!("{}: {:?}", left.place, left.verdict))?;
    }
    ensure!(counts.get(&Verdict::Guarded).is_some_and(|&count| count >= 8), "{counts:?}");
    ensure!(counts.get(&Verdict::Complete).is_some_and(|&count| count >= 4), "{counts:?}");
    Ok(())
}

fn server(minor: Minor, left: &Left, dir: &Path) -> anyhow::Result<EtcdServer> {
    let mut server = EtcdServer::builder(&judges::etcd(minor)?).reserve()?;
    server.set_data_dir(crashes::real(dir, &left.data_dir));
    if let Some(wal) = &left.wal_dir {
        server.add_args(["--wal-dir".to_owned(), crashes::real(dir, wal).display().to_string()]);
    }
    Ok(server)
}

fn does_not_start(minor: Minor, left: &Left, dir: &Path) -> anyhow::Result<()> {
    let before = crashes::tree(dir);
    let mut server = server(minor, left, dir)?;
    match server.restart() {
        Ok(()) => bail!("it started, with {} keys", restore_live::keys(&server)?.len()),
        Err(e) => ensure!(format!("{e:#}").contains("ended"), "it neither started nor ended: {e:#}"),
    }
    let after = crashes::tree(dir);
    ensure!(after == before, "it left {}", names(&after));
    Ok(())
}

fn serves(minor: Minor, left: &Left, dir: &Path, original: &Original) -> anyhow::Result<()> {
    let mut server = server(minor, left, dir)?;
    server.restart()?;
    ensure!(restore_live::keys(&server)? == original.keys, "the keys are not those of the source");
    let hash = restore_live::hash_kv(&server, original.hash.revision)?;
    ensure!(hash == original.hash, "the source had {:?}, the restored has {hash:?}", original.hash);
    Ok(())
}
