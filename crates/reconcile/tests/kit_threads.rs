//! Code that waits for other threads: a file store, below which everything is `spawn_blocking`.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

use std::{
    future::pending,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use objstore_core::{Error, ErrorKind, FileStore, ObjectKey, ObjectStoreExt as _};
use reconcile::testkit::{Call, Faults, FaultyStore, Kit, Reason, Report, block_on};
use tokio::{runtime::Runtime, task::spawn_blocking};

const WRITE: Call = Call::write("write");

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

/// One folder for each history.
fn store(root: &Path, next: &AtomicU32) -> FaultyStore {
    let folder: PathBuf = root.join(next.fetch_add(1, Ordering::Relaxed).to_string());
    std::fs::create_dir(&folder).unwrap();
    FaultyStore::new(Arc::new(FileStore::open(folder).unwrap()))
}

async fn create(world: &FaultyStore, faults: &Faults, name: &str) -> Result<(), Error> {
    let body = spawn_blocking(|| "x".repeat(100)).await.unwrap();
    match world.under(faults).create(&key(name), body).await {
        Err(taken) if taken.kind() == ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// A payload and what commits it, in this order.
fn explore(order: [&'static str; 2]) -> Report {
    let runtime = runtime();
    let _entered = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicU32::new(0);
    let is_there = |world: &FaultyStore, name| {
        let head = block_on(world.inner().head(&key(name), objstore_core::ReadOptions::new()));
        head.is_ok()
    };
    Kit::new(
        || store(folder.path(), &next),
        async move |world: &FaultyStore, faults: Faults| {
            for name in order {
                create(world, &faults, name).await?;
            }
            Ok::<_, Error>(())
        },
    )
    .with_threads()
    .with_quiet_passes(0)
    .with_safety(move |world| match is_there(world, "manifest") && !is_there(world, "payload") {
        true => Err("a manifest without a payload".into()),
        false => Ok(()),
    })
    .with_goal(move |world| if is_there(world, "manifest") { Ok(()) } else { Err("no manifest".into()) })
    .explore()
}

#[test]
fn a_pass_over_a_file_store_is_crashed_at_every_call() {
    let report = explore(["payload", "manifest"]);
    report.assert_clean();
    // A crash before and after, an error before and after, and a refusal, at each of two calls.
    assert_eq!((report.calls, report.points, report.all_pairs), (2, 10, true), "{report}");
}

#[test]
fn the_wrong_order_is_found_at_each_of_its_calls() {
    let report = explore(["manifest", "payload"]);
    report.assert_finds(Reason::Unsafe, "a manifest without a payload");
}

#[test]
fn a_task_that_the_pass_started_dies_with_it() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let kit = Kit::new(Arc::<AtomicU32>::default, async |world: &Arc<AtomicU32>, faults: Faults| {
        let (world, here) = (Arc::clone(world), faults.clone());
        let task = tokio::spawn(async move {
            here.call(WRITE, || ()).await?;
            here.call(WRITE, || world.fetch_add(1, Ordering::SeqCst)).await
        });
        task.await.unwrap().map(drop)
    })
    .with_threads()
    .with_quiet_passes(0)
    .with_safety(|world| if world.load(Ordering::SeqCst) < 2 { Ok(()) } else { Err("the dead wrote".into()) });
    for line in ["crash-before@1", "crash-after@1", "crash-before@2", "hang@2"] {
        let replay = kit.replay(line).unwrap();
        assert_eq!(replay.finding, None, "{line}: {replay}");
    }
    let replay = kit.replay("crash-after@2").unwrap();
    assert_eq!(replay.finding.map(|found| found.reason), Some(Reason::Unsafe));
}

#[test]
fn blocking_code_gives_up_when_the_controller_is_dead() {
    let runtime = runtime();
    let _entered = runtime.enter();
    for (line, effects) in [
        ("clean", 3),
        ("crash-before@2", 4),
        ("crash-after@2", 5),
        ("hang-lost@3", 6),
        ("err-lost@1", 4),
        ("err-unsent@1", 3),
    ] {
        let count = AtomicU32::new(0);
        let kit = Kit::new(Arc::<AtomicU32>::default, async |world: &Arc<AtomicU32>, faults: Faults| {
            let shared = Arc::clone(world);
            let work = move || {
                (0..3).try_for_each(|_| faults.call_sync(WRITE, |_| shared.fetch_add(1, Ordering::SeqCst)).map(drop))
            };
            let done = spawn_blocking(work).await.unwrap();
            count.store(world.load(Ordering::SeqCst), Ordering::SeqCst);
            done
        });
        let replay = kit.with_threads().with_quiet_passes(0).replay(line).unwrap();
        assert_eq!(replay.finding, None, "{line}: {replay}");
        assert_eq!(count.load(Ordering::SeqCst), effects, "{line}");
    }
}

#[test]
fn a_pass_that_nobody_wakes_is_found() {
    let kit = Kit::new(|| (), async |(): &(), _faults: Faults| pending::<bool>().await);
    let report = kit.with_threads().with_patience(Duration::from_millis(1)).explore();
    report.assert_finds(Reason::Stuck, "nothing wakes it");
}
