//! What is special about objects in files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    num::NonZeroU32,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::Path,
};

use bytes::Bytes;
use futures::TryStreamExt as _;
use objstore_core::{
    DeleteOptions, Effect, ErrorKind, FileStore, ListOptions, ObjectKey, ObjectStore, ObjectStoreExt as _, Prefix,
    ReadOptions, UploadId, UploadOptions,
};

fn store() -> (tempfile::TempDir, FileStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path().join("made/when/needed")).unwrap();
    (folder, store)
}

fn root(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("made/when/needed")
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).unwrap()
}

async fn names(store: &FileStore) -> Vec<String> {
    store.list(&Prefix::root()).map_ok(|meta| meta.key.to_string()).try_collect().await.unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn reading_makes_no_folder() {
    let (folder, store) = store();
    assert!(names(&store).await.is_empty());
    assert!(store.head(&key("a"), ReadOptions::new()).await.unwrap_err().is_not_found());
    assert_eq!(store.delete(&key("a/b"), DeleteOptions::new()).await.unwrap().existed, Some(false));
    assert!(store.uploads_page(&Prefix::root(), None).await.unwrap().uploads.is_empty());
    store.abort_upload(&key("a"), &UploadId::new("0123456789abcdef")).await.unwrap();
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[tokio::test]
async fn files_and_folders_are_the_owners_only() {
    let (folder, store) = store();
    store.put_bytes(&key("a/b"), "x").await.unwrap();
    let root = root(&folder);
    for path in ["", "..", "a", ".objstore", ".objstore/uploads"] {
        assert_eq!(mode(&root.join(path)), 0o700, "{path}");
    }
    assert_eq!(mode(&root.join("a/b")), 0o600);
}

#[tokio::test]
async fn an_object_is_its_bytes_at_its_key() {
    let (folder, store) = store();
    store.put_bytes(&key("ä/b c%?"), "bytes").await.unwrap();
    assert_eq!(fs::read(root(&folder).join("ä/b c%?")).unwrap(), b"bytes");
    fs::write(root(&folder).join("ä/from elsewhere"), "theirs").unwrap();
    assert_eq!(store.get_bytes(&key("ä/from elsewhere"), 10).await.unwrap().1, "theirs");
    assert_eq!(names(&store).await, ["ä/b c%?", "ä/from elsewhere"]);
}

#[tokio::test]
async fn a_file_changed_by_others_has_another_revision() {
    let (folder, store) = store();
    let revision = store.put_bytes(&key("a"), "ours").await.unwrap().revision;
    fs::write(root(&folder).join("a"), "edited").unwrap();
    let error = store.replace(&key("a"), revision, "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(store.get_bytes(&key("a"), 10).await.unwrap().1, "edited");
}

#[tokio::test]
async fn a_key_beside_its_folder_is_refused() {
    let (_folder, store) = store();
    store.put_bytes(&key("x"), "1").await.unwrap();
    store.put_bytes(&key("y/z"), "1").await.unwrap();
    for taken in ["x/below", "x/far/below", "y"] {
        let put = store.put_bytes(&key(taken), "2").await.unwrap_err();
        let create = store.create(&key(taken), "2").await.unwrap_err();
        for error in [put, create] {
            assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, &Effect::NotApplied), "{error}");
            assert!(error.to_string().contains("choose another key"), "{error}");
        }
        assert!(!store.exists(&key(taken)).await.unwrap());
    }
    assert_eq!(names(&store).await, ["x", "y/z"]);
    // What is not there can be deleted, whatever stands at its place.
    for absent in ["x/below", "y"] {
        assert_eq!(store.delete(&key(absent), DeleteOptions::new()).await.unwrap().existed, Some(false));
    }
    assert_eq!(names(&store).await, ["x", "y/z"]);
}

#[tokio::test]
async fn an_empty_folder_is_in_nobodys_way() {
    let (folder, store) = store();
    store.put_bytes(&key("a"), "1").await.unwrap();
    fs::create_dir(root(&folder).join("b")).unwrap();
    fs::create_dir(root(&folder).join("c")).unwrap();
    assert_eq!(names(&store).await, ["a"]);
    store.put_bytes(&key("b"), "2").await.unwrap();
    store.create(&key("c"), "3").await.unwrap();
    assert_eq!(names(&store).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_delete_leaves_no_empty_folders() {
    let (folder, store) = store();
    store.put_bytes(&key("a/b/c"), "1").await.unwrap();
    store.put_bytes(&key("a/d"), "1").await.unwrap();
    store.delete(&key("a/b/c"), DeleteOptions::new()).await.unwrap();
    assert!(!root(&folder).join("a/b").exists() && root(&folder).join("a").exists());
    store.delete(&key("a/d"), DeleteOptions::new()).await.unwrap();
    assert!(!root(&folder).join("a").exists() && root(&folder).exists());
}

#[tokio::test]
async fn keys_that_no_file_can_have_are_refused() {
    let (_folder, store) = store();
    let long = "l".repeat(256);
    for text in ["/a", "a/", "a//b", "a/./b", "..", "../a", "a/..", &long, ".objstore/x", "a/.objstore-x/y"] {
        let error = store.put_bytes(&key(text), "x").await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, &Effect::NotApplied), "{text}");
        let head = store.head(&key(text), ReadOptions::new()).await.unwrap_err();
        assert_eq!(head.kind(), ErrorKind::InvalidInput, "{text}");
        assert!(store.start_upload(&key(text), UploadOptions::new()).await.is_err(), "{text}");
    }
    assert!(names(&store).await.is_empty());
    for prefix in ["/", "../", "a//", ".objstore/", ".objstore/uploads/"] {
        let page = store.list_page(&Prefix::new(prefix).unwrap(), ListOptions::new()).await.unwrap();
        assert!(page.objects.is_empty() && page.prefixes.is_empty() && page.invalid.is_empty(), "{prefix}");
    }
}

#[tokio::test]
async fn links_are_no_objects() {
    let (folder, store) = store();
    store.put_bytes(&key("real"), "1").await.unwrap();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(&outside, root(&folder).join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret"), root(&folder).join("file")).unwrap();
    std::os::unix::fs::symlink("nowhere", root(&folder).join("dangling")).unwrap();

    assert_eq!(names(&store).await, ["real"]);
    for text in ["file", "folder/secret", "folder", "dangling"] {
        assert!(store.head(&key(text), ReadOptions::new()).await.unwrap_err().is_not_found(), "{text}");
        assert!(store.get(&key(text), None, ReadOptions::new()).await.unwrap_err().is_not_found(), "{text}");
        assert_eq!(store.delete(&key(text), DeleteOptions::new()).await.unwrap().existed, Some(false), "{text}");
    }
    for text in ["file", "folder/new", "folder/secret", "dangling", "dangling/new"] {
        assert_eq!(store.put_bytes(&key(text), "x").await.unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
        assert_eq!(store.create(&key(text), "x").await.unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
    }
    let below = ListOptions::new();
    assert!(store.list_page(&Prefix::new("folder/").unwrap(), below).await.unwrap().objects.is_empty());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn a_root_that_is_no_folder_is_no_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("dangling")).unwrap();
    for name in ["file", "dangling"] {
        let store = FileStore::open(folder.path().join(name)).unwrap();
        let error = store.list_page(&Prefix::root(), ListOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{name}: {error}");
        assert!(error.to_string().contains("name the folder"), "{error}");
    }
    assert!(names(&FileStore::open(folder.path().join("new")).unwrap()).await.is_empty());
}

#[tokio::test]
async fn the_root_may_be_a_link() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
    let store = FileStore::open(folder.path().join("link")).unwrap();
    store.create(&key("a"), "1").await.unwrap();
    store.put_bytes(&key("a"), "2").await.unwrap();
    assert_eq!(fs::read(folder.path().join("real/a")).unwrap(), b"2");
    assert_eq!(names(&store).await, ["a"]);
}

#[tokio::test]
async fn a_named_pipe_is_no_object_and_stops_nobody() {
    let (folder, store) = store();
    store.put_bytes(&key("a"), "1").await.unwrap();
    let status = std::process::Command::new("mkfifo").arg(root(&folder).join("pipe")).status().unwrap();
    assert!(status.success());
    assert!(store.get(&key("pipe"), None, ReadOptions::new()).await.unwrap_err().is_not_found());
    assert_eq!(store.put_bytes(&key("pipe"), "x").await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(names(&store).await, ["a"]);
}

#[tokio::test]
async fn names_that_are_no_keys_are_reported() {
    let (folder, store) = store();
    store.put_bytes(&key("a"), "1").await.unwrap();
    store.put_bytes(&key("z"), "1").await.unwrap();
    fs::write(root(&folder).join(std::ffi::OsStr::from_bytes(b"not utf-8 \xff")), "x").unwrap();
    fs::write(root(&folder).join("line\nbreak"), "x").unwrap();
    let mut options = ListOptions::new().with_limit(NonZeroU32::new(1).unwrap());
    let (mut keys, mut invalid) = (Vec::new(), Vec::new());
    loop {
        let page = store.list_page(&Prefix::root(), options.clone()).await.unwrap();
        keys.extend(page.objects.iter().map(|meta| meta.key.to_string()));
        invalid.extend(page.invalid);
        match page.next {
            Some(next) => options = options.with_after(next),
            None => break,
        }
    }
    assert_eq!(keys, ["a", "z"]);
    assert_eq!(invalid, ["line\\nbreak", "not utf-8 \u{fffd}"]);
    let whole: Result<Vec<_>, _> = store.list(&Prefix::root()).try_collect().await;
    assert_eq!(whole.unwrap_err().kind(), ErrorKind::InvalidInput, "a part must not be taken for the whole");
}

#[tokio::test]
async fn a_store_inside_a_store_keeps_its_own_to_itself() {
    let (folder, outer) = store();
    let inner = FileStore::open(root(&folder).join("inner")).unwrap();
    let mut upload = inner.start_upload(&key("late"), UploadOptions::new()).await.unwrap();
    upload.write(Bytes::from(vec![0; 5 << 20])).await.unwrap();
    upload.write(Bytes::from(vec![0; 5 << 20])).await.unwrap();
    let revision = inner.create(&key("a"), "1").await.unwrap().revision;
    assert_eq!(names(&outer).await, ["inner/a"]);
    let seen = outer.head(&key("inner/a"), ReadOptions::new()).await.unwrap().revision;
    assert_eq!(seen, revision);
    outer.replace(&key("inner/a"), seen, "2").await.unwrap();
    assert_eq!(inner.replace(&key("a"), revision, "3").await.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    upload.abort().await.unwrap();
}

#[tokio::test]
async fn a_root_that_is_no_folder_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let store = FileStore::open(folder.path().join("file")).unwrap();
    let error = store.put_bytes(&key("a"), "x").await.unwrap_err();
    assert_eq!(error.effect(), &Effect::NotApplied);
    assert!(error.to_string().contains("store's folder"), "{error}");
    assert_eq!(FileStore::open("relative").unwrap_err().kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_damaged() {
    let (folder, store) = store();
    store.put_bytes(&key("a"), vec![1; 4 << 20]).await.unwrap();
    let get = store.get(&key("a"), None, ReadOptions::new()).await.unwrap();
    fs::OpenOptions::new().write(true).open(root(&folder).join("a")).unwrap().set_len(10).unwrap();
    let read: Result<Vec<_>, _> = get.body.try_collect().await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Integrity);
}

#[tokio::test]
async fn an_upload_dropped_outside_the_runtime_is_removed_too() {
    let (folder, store) = store();
    let upload = {
        let mut upload = store.start_upload(&key("a"), UploadOptions::new()).await.unwrap();
        upload.write(Bytes::from(vec![0; 5 << 20])).await.unwrap();
        upload.write(Bytes::new()).await.unwrap();
        upload
    };
    std::thread::spawn(move || drop(upload)).join().unwrap();
    store.close().await.unwrap();
    // What was being written when it was dropped is removed by its thread, which `close` cannot know here.
    let uploads = root(&folder).join(".objstore/uploads");
    for _ in 0..10_000_000 {
        if fs::read_dir(&uploads).unwrap().next().is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(fs::read_dir(&uploads).unwrap().next().is_none());
    assert!(names(&store).await.is_empty());
}

/// Bytes that count how many of their kind are held.
struct Counted {
    bytes: Vec<u8>,
    held: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes.len(), std::sync::atomic::Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_upload_holds_no_more_than_it_says() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    let (_folder, store) = store();
    for (part, chunk) in [(None, 100_000), (None, 1 << 20), (Some(4 << 20), 100_000), (Some(1 << 18), 3 << 20)] {
        let mut options = UploadOptions::new();
        options.part_size = part.and_then(std::num::NonZeroU64::new);
        let bound = 2 * usize::try_from(part.unwrap_or(1 << 20)).unwrap() + 2 * chunk;
        let (held, mut peak) = (Arc::new(AtomicUsize::new(0)), 0);
        let mut upload = store.start_upload(&key("a"), options).await.unwrap();
        for _ in 0..(64 << 20) / chunk {
            held.fetch_add(chunk, Ordering::SeqCst);
            upload.write(Bytes::from_owner(Counted { bytes: vec![7; chunk], held: Arc::clone(&held) })).await.unwrap();
            peak = peak.max(held.load(Ordering::SeqCst));
        }
        upload.finish().await.unwrap();
        assert!(
            peak <= bound,
            "{peak} bytes were held, {bound} are allowed, with chunks of {chunk} and parts of {part:?}"
        );
        assert_eq!(held.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn messages_name_the_store_and_what_to_do() {
    let (folder, store) = store();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(store.head(&key("a"), ReadOptions::new())).unwrap_err();
    let shown = error.to_string().replace(&folder.path().display().to_string(), "ROOT");
    assert_eq!(shown, "object not found op=head store=file://ROOT/made/when/needed key=a");
}
