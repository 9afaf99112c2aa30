//! The file store, stopped before and after every call to the file system.
//!
//! What is left, without what was not synced, must hold: an object is its old self or its new one, whole; what was
//! acknowledged is there; nothing else remains but uploads that are listed and can be aborted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{num::NonZeroU64, path::Path, sync::Arc};

use bytes::Bytes;
use futures::{TryStreamExt as _, future::BoxFuture};
use objstore_core::{
    Condition, CopyOptions, DeleteOptions, Effect, Error, ErrorKind, FileStore, ObjectKey, ObjectStore,
    ObjectStoreExt as _, Prefix, ReadOptions, UploadOptions, WriteOptions,
    disk::{Ability, Disk, Faults, FileKind, ModelDisk, Survival},
};

/// How many throws of the coins for what survives.
const SEEDS: u64 = 24;

const ROOT: &str = "/srv/store";

/// An operation, what it works on, and what it makes of it.
struct Scenario {
    name: &'static str,
    key: String,
    old: Option<Bytes>,
    new: Option<Bytes>,
    run: for<'a> fn(&'a FileStore, &'a ObjectKey, Bytes) -> BoxFuture<'a, Result<(), Error>>,
}

fn scenarios() -> Vec<Scenario> {
    let large = Bytes::from((0..30_000).map(|index: u32| (index % 253) as u8).collect::<Vec<_>>());
    let small = || Some(Bytes::from_static(b"new"));
    let old = || Some(Bytes::from_static(b"old, and longer"));
    let long = format!("{}/{}", "l".repeat(250), "m".repeat(250));
    vec![
        Scenario { name: "create", key: "a/b".into(), old: None, new: small(), run: create },
        Scenario { name: "put where nothing is", key: "a/b".into(), old: None, new: small(), run: put },
        Scenario { name: "put over", key: "a/b".into(), old: old(), new: small(), run: put },
        Scenario { name: "put an empty object", key: "a".into(), old: old(), new: Some(Bytes::new()), run: put },
        Scenario { name: "replace", key: "a/b".into(), old: old(), new: small(), run: replace },
        Scenario { name: "upload", key: "a/b".into(), old: old(), new: Some(large.clone()), run: upload },
        Scenario { name: "upload to create", key: long, old: None, new: Some(large), run: upload_to_create },
        Scenario { name: "delete", key: "a/b/c".into(), old: old(), new: None, run: delete },
        Scenario { name: "delete at a revision", key: "a".into(), old: old(), new: None, run: delete_at_revision },
        Scenario { name: "copy", key: "a/b".into(), old: None, new: Some(Bytes::from_static(b"beside")), run: copy },
    ]
}

fn create<'a>(store: &'a FileStore, key: &'a ObjectKey, body: Bytes) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move { store.create(key, body).await.map(drop) })
}

fn put<'a>(store: &'a FileStore, key: &'a ObjectKey, body: Bytes) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move { store.put_bytes(key, body).await.map(drop) })
}

fn replace<'a>(store: &'a FileStore, key: &'a ObjectKey, body: Bytes) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move {
        let revision = store.head(key, ReadOptions::new()).await?.revision;
        store.replace(key, revision, body).await.map(drop)
    })
}

fn upload<'a>(store: &'a FileStore, key: &'a ObjectKey, body: Bytes) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(stream(store, key, body, WriteOptions::new()))
}

fn upload_to_create<'a>(store: &'a FileStore, key: &'a ObjectKey, body: Bytes) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(stream(store, key, body, WriteOptions::new().with_condition(Condition::Absent)))
}

async fn stream(store: &FileStore, key: &ObjectKey, body: Bytes, write: WriteOptions) -> Result<(), Error> {
    let options = UploadOptions::new().with_write(write).with_part_size(NonZeroU64::new(10_000).unwrap());
    let mut upload = store.start_upload(key, options).await?;
    for start in (0..body.len()).step_by(5_000) {
        upload.write(body.slice(start..body.len().min(start + 5_000))).await?;
    }
    upload.finish().await.map(drop)
}

fn delete<'a>(store: &'a FileStore, key: &'a ObjectKey, _: Bytes) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move { store.delete(key, DeleteOptions::new()).await.map(drop) })
}

fn delete_at_revision<'a>(store: &'a FileStore, key: &'a ObjectKey, _: Bytes) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move {
        let revision = store.head(key, ReadOptions::new()).await?.revision;
        let options = DeleteOptions::new().with_condition(Condition::Matches(revision));
        store.delete(key, options).await.map(drop)
    })
}

fn copy<'a>(store: &'a FileStore, key: &'a ObjectKey, _: Bytes) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move { store.copy(&beside(), key, CopyOptions::new()).await.map(drop) })
}

/// An object that no operation changes.
fn beside() -> ObjectKey {
    ObjectKey::new("beside/it").unwrap()
}

fn open(disk: &ModelDisk) -> FileStore {
    FileStore::builder(ROOT).with_disk(Arc::new(disk.clone())).build().unwrap()
}

impl Scenario {
    fn key(&self) -> ObjectKey {
        ObjectKey::new(&*self.key).unwrap()
    }

    /// A disk with what was there before, durably.
    async fn before(&self) -> ModelDisk {
        let disk = ModelDisk::new();
        let store = open(&disk);
        store.put_bytes(&beside(), "beside").await.unwrap();
        if let Some(old) = &self.old {
            store.put_bytes(&self.key(), old.clone()).await.unwrap();
        }
        disk
    }

    async fn run(&self, disk: &ModelDisk, faults: Faults) -> Result<(), Error> {
        disk.set_faults(faults);
        let store = open(disk);
        let result = (self.run)(&store, &self.key(), self.new.clone().unwrap_or_default()).await;
        // What was dropped on the way is still being removed.
        let _left_behind = store.close().await;
        result
    }

    /// How many calls the operation makes when nothing goes wrong.
    async fn calls(&self) -> u64 {
        let disk = self.before().await;
        self.run(&disk, Faults::none()).await.unwrap();
        disk.calls()
    }

    /// What is wrong with a disk that must hold the object as one of `allowed`.
    async fn check(&self, disk: &ModelDisk, allowed: &[&Option<Bytes>]) -> Result<(), String> {
        let store = open(disk);
        let found = match store.get_bytes(&self.key(), u64::MAX).await {
            Ok((_, bytes)) => Some(bytes),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(format!("the object cannot be read: {error}")),
        };
        if !allowed.contains(&&found) {
            let len = found.map(|bytes| bytes.len());
            return Err(format!("the object is neither of those allowed: it has {len:?} bytes"));
        }
        let other =
            store.get_bytes(&beside(), 100).await.map_err(|error| format!("another object is gone: {error}"))?;
        if other.1 != "beside" {
            return Err("another object was changed".into());
        }
        let listed: Vec<_> = store.list(&Prefix::root()).map_ok(|meta| meta.key).try_collect().await.unwrap();
        let mut expected = vec![beside()];
        expected.extend(found.is_some().then(|| self.key()));
        expected.sort();
        if listed != expected {
            return Err(format!("the listing shows {listed:?}, not {expected:?}"));
        }
        self.check_leftovers(disk, &store, expected.len()).await
    }

    /// All that remains beside the objects are uploads that are listed and can be aborted.
    async fn check_leftovers(&self, disk: &ModelDisk, store: &FileStore, objects: usize) -> Result<(), String> {
        for upload in store.uploads_page(&Prefix::root(), None).await.unwrap().uploads {
            if upload.key != self.key() {
                return Err(format!("an upload of {} was left", upload.key));
            }
            store.abort_upload(&upload.key, &upload.id).await.unwrap();
        }
        let files = files(disk, Path::new(ROOT));
        if files.len() != objects {
            return Err(format!("files remain that nobody lists: {files:?}"));
        }
        Ok(())
    }

    /// Stops before and after every call; what is wrong with what is left.
    async fn crash(&self, faults: &Faults) -> Vec<String> {
        let (calls, mut wrong) = (self.calls().await, Vec::new());
        assert!(calls > 2, "{}: only {calls} calls", self.name);
        for call in 1..=calls + 1 {
            for (when, stop) in
                [("before", faults.clone().stop_before(call)), ("after", faults.clone().stop_after(call))]
            {
                let disk = self.before().await;
                let result = self.run(&disk, stop).await;
                assert_eq!(disk.is_stopped(), call <= calls, "{} {when} {call}", self.name);
                let survivals = [Survival::Synced, Survival::Everything].into_iter();
                for survival in survivals.chain((0..SEEDS).map(Survival::Some)) {
                    let found = disk.after_crash(survival);
                    // Acknowledged is acknowledged; anything else may have happened or not.
                    let allowed = if result.is_ok() { vec![&self.new] } else { vec![&self.old, &self.new] };
                    if let Err(why) = self.check(&found, &allowed).await {
                        let last = disk.log().last().cloned();
                        wrong
                            .push(format!("{}: stopped {when} call {call} ({last:?}), {survival:?}: {why}", self.name));
                    }
                }
            }
        }
        wrong
    }

    /// Lets every call fail, and the disk become full at every call: what the operation says must be what happened.
    async fn fail(&self) {
        for call in 1..=self.calls().await {
            let kinds = [Faults::none().fail(call, std::io::ErrorKind::Other), Faults::none().full_from(call)];
            for faults in kinds {
                let disk = self.before().await;
                let result = self.run(&disk, faults.clone()).await;
                let context = format!("{}: {faults:?}: {result:?}: {:#?}", self.name, disk.log());
                disk.set_faults(Faults::none());
                let allowed = match &result {
                    Ok(()) => vec![&self.new],
                    Err(error) => match error.effect() {
                        Effect::NotApplied => vec![&self.old],
                        Effect::Applied(_) => vec![&self.new],
                        Effect::Unknown => vec![&self.old, &self.new],
                    },
                };
                self.check(&disk, &allowed).await.unwrap_or_else(|why| panic!("{why}\n{context}"));
            }
        }
    }
}

/// All files below a folder.
fn files(disk: &ModelDisk, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in disk.read_dir(folder).unwrap() {
        let path = folder.join(&entry.name);
        match entry.kind {
            FileKind::Dir => found.extend(files(disk, &path)),
            _ => found.push(path.display().to_string()),
        }
    }
    found
}

#[tokio::test]
async fn a_crash_at_any_call_leaves_the_old_or_the_new() {
    for scenario in scenarios() {
        let wrong = scenario.crash(&Faults::none()).await;
        assert!(wrong.is_empty(), "{} states are wrong, the first: {:#?}", wrong.len(), &wrong[..wrong.len().min(3)]);
    }
}

/// A test of the test above.
#[tokio::test]
async fn a_store_that_did_not_sync_would_be_noticed() {
    for faults in [Faults::none().without_file_syncs(), Faults::none().without_dir_syncs()] {
        for scenario in scenarios() {
            let no_bytes = scenario.new.as_ref().is_none_or(Bytes::is_empty);
            if no_bytes && faults == Faults::none().without_file_syncs() {
                continue; // nothing that a sync of the file would save
            }
            let wrong = scenario.crash(&faults).await;
            assert!(!wrong.is_empty(), "{}: nobody would notice {faults:?}", scenario.name);
        }
    }
}

#[tokio::test]
async fn what_an_error_says_is_what_happened() {
    for scenario in scenarios() {
        scenario.fail().await;
    }
}

#[tokio::test]
async fn a_full_disk_has_a_kind_of_its_own() {
    let disk = ModelDisk::new();
    disk.set_capacity(6 << 20);
    let store = open(&disk);
    let key = ObjectKey::new("a").unwrap();
    let body = Bytes::from(vec![7; 1 << 20]);
    let mut upload = store.start_upload(&key, UploadOptions::new()).await.unwrap();
    let error = loop {
        if let Err(error) = upload.write(body.clone()).await {
            break error;
        }
    };
    assert_eq!((error.kind(), error.effect()), (ErrorKind::StorageFull, &Effect::NotApplied));
    assert!(upload.finish().await.is_err());
    let known = UploadOptions::new().with_size_hint(7 << 20);
    let error = stream_whole(&store, &key, vec![7; 5 << 20].into(), known).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "said before the body was written");
    let error = store.put_bytes(&key, vec![7; 7 << 20]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    store.close().await.unwrap();
    assert!(files(&disk, Path::new(ROOT)).is_empty(), "a full disk is not filled with leftovers");
    store.put_bytes(&key, vec![7; 5 << 20]).await.unwrap();
}

async fn stream_whole(store: &FileStore, key: &ObjectKey, body: Bytes, options: UploadOptions) -> Result<(), Error> {
    let mut upload = store.start_upload(key, options).await?;
    upload.write(body).await?;
    upload.finish().await.map(drop)
}

#[tokio::test]
async fn what_the_file_system_cannot_do_is_unsupported_before_anything_changes() {
    let key = ObjectKey::new("a/b").unwrap();
    let disk = ModelDisk::new();
    let store = open(&disk);
    disk.set_faults(Faults::none().without(Ability::HardLinks).without(Ability::Locks));
    let revision = store.put_bytes(&key, "old").await.unwrap().revision;
    let other = ObjectKey::new("other").unwrap();
    let matches = DeleteOptions::new().with_condition(Condition::Matches(revision.clone()));
    let errors = [
        store.create(&other, "x").await.unwrap_err(),
        store.replace(&key, revision.clone(), "x").await.unwrap_err(),
        store.delete(&key, matches).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, &Effect::NotApplied), "{error}");
    }
    assert_eq!(store.head(&key, ReadOptions::new()).await.unwrap().revision, revision);
    assert_eq!(files(&disk, Path::new(ROOT)), [format!("{ROOT}/a/b")]);
    store.put_bytes(&key, "new").await.unwrap();
    store.delete(&key, DeleteOptions::new()).await.unwrap();
}

#[tokio::test]
async fn revisions_differ_where_time_stamps_are_coarse() {
    for step in [1, 1_000, 1_000_000, 1_000_000_000, 2_000_000_000] {
        let disk = ModelDisk::new();
        disk.set_faults(Faults::none().with_time_step(std::time::Duration::from_nanos(step)));
        let (store, key) = (open(&disk), ObjectKey::new("a").unwrap());
        let mut times = Vec::new();
        for _ in 0..10 {
            store.put_bytes(&key, "same").await.unwrap();
            times.push(disk.metadata(&Path::new(ROOT).join("a")).unwrap().modified);
        }
        // Later each time, so that an inode that is used again does not make an old revision come true.
        assert!(times.is_sorted_by(|a, b| a < b), "step {step}: {times:?}");
    }
}

/// What a crash left can be looked at with other tools.
#[tokio::test]
async fn a_model_becomes_real_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let disk = ModelDisk::new();
    let store = open(&disk);
    store.put_bytes(&beside(), "beside").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    disk.after_crash(Survival::Synced).write_to(Path::new(ROOT), folder.path()).unwrap();
    let real = FileStore::open(folder.path()).unwrap();
    assert_eq!(real.get_bytes(&beside(), 10).await.unwrap().1, "beside");
    let mode = |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("beside"), mode("beside/it")), (0o700, 0o600));
}
