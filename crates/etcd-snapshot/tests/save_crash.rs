//! A save that is stopped at any call leaves no manifest without a complete payload, and what it acknowledged is there.
//!
//! Two seams: every file system call below a file store, with what was not synced lost in several ways; and every call of
//! a store, before it is delivered or with its answer lost.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod save_support;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use etcd_snapshot::home::Home;
use etcd_snapshot::{ErrorKind, SaveOptions, SnapshotSource, save, save_raw};
use futures::TryStreamExt as _;
use objstore_core::disk::{Disk as _, Faults, ModelDisk, Survival};
use objstore_core::{FileStore, MemoryStore, ObjectStore, ObjectStoreExt as _, Prefix};
use save_support::hooked::{Act, Hooked};
use save_support::{Script, Scripted, snapshot};

const REVISIONS: i64 = 60;
const ROOT: &str = "/store";

fn options(seed: u64) -> SaveOptions {
    SaveOptions::default().with_host(Scripted::new(seed)).without_live_check()
}

fn on_disk(disk: &ModelDisk) -> Home {
    let store = FileStore::builder(ROOT).with_disk(Arc::new(disk.clone())).build().unwrap();
    Home::new(Arc::new(store), Prefix::root())
}

/// Every complete snapshot has the bytes that were sent; returns how many there are.
async fn complete(home: &Home, file: &[u8], at: &str) -> Result<usize, String> {
    let inventory = home.inventory().await.map_err(|e| format!("{at}: the home cannot be listed: {e}"))?;
    for listed in &inventory.snapshots {
        let source = SnapshotSource::stored(home, &listed.id).await.map_err(|e| format!("{at}: {e}"))?;
        let blocks: Vec<Bytes> =
            source.stream().await.unwrap().try_collect().await.map_err(|e| format!("{at}: {e}"))?;
        if blocks.concat() != file {
            return Err(format!("{at}: a manifest stands beside a payload that is not what was sent"));
        }
    }
    Ok(inventory.snapshots.len())
}

/// Stops a save at each file system call, in each way, and judges what is left.
async fn enumerate_disk(prepare: impl Fn(Faults) -> Faults) -> Result<u64, String> {
    let file = snapshot(REVISIONS);
    let disk = ModelDisk::new();
    save(&Script::new(&file, REVISIONS), &on_disk(&disk), &options(1)).await.unwrap();
    let calls = disk.calls();
    for call in 1..=calls + 1 {
        for (how, faults) in [("before", Faults::none().stop_before(call)), ("after", Faults::none().stop_after(call))]
        {
            let disk = ModelDisk::new();
            disk.set_faults(prepare(faults));
            let saved = save(&Script::new(&file, REVISIONS), &on_disk(&disk), &options(1)).await;
            for survival in [Survival::Synced, Survival::Everything, Survival::Some(call), Survival::Some(call + 1000)]
            {
                let at =
                    format!("stopped {how} call {call} of {calls}, {survival:?} survives, log {:?}", disk.log().last());
                let left = disk.after_crash(survival);
                let found = complete(&on_disk(&left), &file, &at).await?;
                if saved.is_ok() && found != 1 {
                    return Err(format!("{at}: it was acknowledged and is gone"));
                }
                let again = save(&Script::new(&file, REVISIONS), &on_disk(&left), &options(2)).await;
                again.map_err(|e| format!("{at}: the next save fails: {e}"))?;
                complete(&on_disk(&left), &file, &at).await?;
            }
        }
    }
    Ok(calls)
}

#[tokio::test]
async fn a_crash_at_any_file_system_call_leaves_no_manifest_without_payload() {
    let calls = enumerate_disk(|faults| faults).await.unwrap();
    assert!(calls > 20, "only {calls} calls were enumerated");
}

#[tokio::test]
async fn the_enumeration_notices_a_store_that_does_not_sync() {
    let files = enumerate_disk(Faults::without_file_syncs).await;
    assert!(files.is_err(), "without syncs of files something must be lost");
    let folders = enumerate_disk(Faults::without_dir_syncs).await;
    assert!(folders.is_err(), "without syncs of folders something must be lost");
}

#[tokio::test]
async fn a_full_disk_at_any_call_leaves_nothing_half_made() {
    let file = snapshot(REVISIONS);
    let disk = ModelDisk::new();
    save(&Script::new(&file, REVISIONS), &on_disk(&disk), &options(1)).await.unwrap();
    for call in 1..=disk.calls() {
        let disk = ModelDisk::new();
        disk.set_faults(Faults::none().full_from(call));
        let home = on_disk(&disk);
        let error = save(&Script::new(&file, REVISIONS), &home, &options(1)).await;
        let Err(error) = error else { continue };
        let at = format!("full from call {call}: {error}");
        let expected = [ErrorKind::NoSpace, ErrorKind::Unverified];
        assert!(expected.contains(&error.kind()), "{at}: {:?}", error.kind());
        home.store().close().await.unwrap();
        disk.set_faults(Faults::none());
        let inventory = home.inventory().await.unwrap();
        assert!(inventory.snapshots.is_empty(), "{at}");
        let uploads = home.store().uploads_page(home.prefix(), None).await.unwrap();
        assert!(uploads.uploads.is_empty(), "{at}: an upload is left");
        save(&Script::new(&file, REVISIONS), &home, &options(2)).await.unwrap();
    }
}

/// What waits between network and store is less than the payload: whoever fails must let go of all others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_full_in_the_middle_ends_a_large_save() {
    let file = snapshot(60_000);
    assert!(file.len() > 3 << 20, "{} bytes", file.len());
    for room in [0, 64 << 10, 1 << 20, file.len() as u64 - 1] {
        let disk = ModelDisk::new();
        let home = on_disk(&disk);
        disk.set_capacity(room);
        let (cluster, options) = (Script::new(&file, 60_000), options(1));
        let saving = save(&cluster, &home, &options);
        let saved = tokio::time::timeout(std::time::Duration::from_secs(30), saving).await.expect("it must end");
        assert_eq!(saved.map(|saved| saved.id).map_err(|e| e.kind()), Err(ErrorKind::NoSpace), "room for {room}");
        home.store().close().await.unwrap();
        assert!(home.inventory().await.unwrap().incomplete.is_empty());
    }
}

#[tokio::test]
async fn a_raw_file_is_the_old_one_or_the_new_one() {
    let (old, new) = (snapshot(3), snapshot(REVISIONS));
    let path = Path::new("/backup/etcd.db");
    let prepared = || {
        let disk = ModelDisk::new();
        disk.mkdir(Path::new("/backup"), 0o700).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let file = disk.create_new(path, 0o600).unwrap();
        file.write_at(&old, 0).unwrap();
        file.sync().unwrap();
        disk.sync_dir(Path::new("/backup")).unwrap();
        disk.set_faults(Faults::none());
        disk
    };
    let run = async |disk: &ModelDisk| {
        save_raw(&Script::new(&new, REVISIONS), path, &options(1), Arc::new(disk.clone())).await
    };
    let disk = prepared();
    run(&disk).await.unwrap();
    assert_eq!(disk.read(path).unwrap(), new);
    let calls = disk.calls();
    assert!(calls >= 5, "only {calls} calls");
    for call in 1..=calls {
        for faults in
            [Faults::none().stop_before(call), Faults::none().stop_after(call), Faults::none().full_from(call)]
        {
            let disk = prepared();
            disk.set_faults(faults);
            let saved = run(&disk).await;
            for survival in [Survival::Synced, Survival::Everything, Survival::Some(call)] {
                let left = disk.after_crash(survival).read(path).unwrap();
                assert!(left == old || left == new, "call {call}, {survival:?}: {} bytes", left.len());
                assert!(saved.is_err() || left == new, "call {call}, {survival:?}: acknowledged and gone");
            }
            if let Err(error) = saved.as_ref()
                && !disk.is_stopped()
            {
                assert_eq!(error.kind(), ErrorKind::NoSpace, "{error:?}");
                assert_eq!(disk.read_dir(Path::new("/backup")).unwrap().len(), 1, "something is left beside it");
            }
        }
    }
}

/// Two saves to one path: each writes a file of its own, and the later one takes the place whole.
#[tokio::test]
async fn raw_saves_that_overlap_do_not_share_a_file() {
    let (first, second) = (snapshot(3), snapshot(REVISIONS));
    let disk = ModelDisk::new();
    let path = Path::new("/etcd.db");
    let run = async |file: &[u8], seed: u64| {
        save_raw(&Script::new(file, REVISIONS), path, &options(seed), Arc::new(disk.clone())).await
    };
    // Dropped in the middle, it leaves its part behind.
    let mut stalled = Script::new(&second, REVISIONS);
    stalled.messages.truncate(1);
    stalled.end = save_support::End::Stall;
    let stalled_options = options(1);
    let mut earlier = Box::pin(save_raw(&stalled, path, &stalled_options, Arc::new(disk.clone())));
    while disk.read_dir(Path::new("/")).unwrap().is_empty() {
        tokio::select! {
            done = &mut earlier => panic!("it stalls: {done:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    run(&first, 3).await.unwrap();
    assert_eq!(disk.read(path).unwrap(), first);
    drop(earlier);
    run(&second, 5).await.unwrap();
    assert_eq!(disk.read(path).unwrap(), second);
}

#[tokio::test]
async fn a_raw_file_replaces_files_only() {
    let disk = ModelDisk::new();
    disk.mkdir(Path::new("/backup"), 0o700).unwrap();
    let file = snapshot(3);
    let saved = save_raw(&Script::new(&file, 3), Path::new("/backup"), &options(1), Arc::new(disk.clone())).await;
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::Usage);
    let real = tempfile::tempdir().unwrap();
    let link = real.path().join("link.db");
    std::os::unix::fs::symlink("elsewhere", &link).unwrap();
    let os = Arc::new(objstore_core::disk::OsDisk::new());
    let error = save_raw(&Script::new(&file, 3), &link, &options(1), os).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(link.symlink_metadata().unwrap().is_symlink(), "{error}");
}

#[tokio::test]
async fn a_crash_at_any_store_call_leaves_no_manifest_without_payload() {
    let file = snapshot(REVISIONS);
    let run = async |at: u64, answer_lost: bool| {
        let inner: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        // Every later call fails.
        let hooked = Hooked::new(Arc::clone(&inner), move |_, call| match call.cmp(&at) {
            std::cmp::Ordering::Less => Act::Deliver,
            std::cmp::Ordering::Equal if answer_lost => Act::LoseAnswer,
            _ => Act::Fail,
        });
        let home = Home::new(Arc::new(hooked.clone()), Prefix::root());
        let saved = save(&Script::new(&file, REVISIONS), &home, &options(1)).await;
        (saved, Home::new(inner, Prefix::root()), hooked.calls())
    };
    let (saved, _, calls) = run(u64::MAX, false).await;
    saved.unwrap();
    assert!(calls >= 12, "only {calls} calls");
    for at in 1..=calls {
        for answer_lost in [false, true] {
            let (saved, home, _) = run(at, answer_lost).await;
            let name = format!("stopped at call {at} of {calls}, answer lost: {answer_lost}");
            assert!(saved.is_err(), "{name}");
            complete(&home, &file, &name).await.unwrap();
            save(&Script::new(&file, REVISIONS), &home, &options(2)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
            home.store().get_bytes(&home.prefix().key("home.json").unwrap(), 1 << 10).await.unwrap();
        }
    }
}
