//! The cases.

use std::{num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, future::join_all};
use objstore_core::{
    Checksums, Condition, CopyOptions, DeleteItem, DeleteOptions, Effect, ErrorKind, ListOptions, ObjectStore,
    ObjectStoreExt as _, PageToken, Payload, Prefix, PresignMethod, PresignRequest, Promise, Protection, ReadOptions,
    Revision, UploadOptions, Verdict, VersionId, WriteOptions,
};

use super::{key, names, pages, upload, uploads};

/// Larger than what any store of this crate keeps in memory of an upload.
const LARGE: usize = 11 << 20;

fn large_body() -> Vec<Bytes> {
    let pattern: Vec<u8> = (0..LARGE).map(|index| (index % 251) as u8).collect();
    let whole = Bytes::from(pattern);
    // Odd pieces, so that no boundary of the store is one of the caller.
    (0..whole.len()).step_by(777_777).map(|start| whole.slice(start..whole.len().min(start + 777_777))).collect()
}

fn joined(chunks: &[Bytes]) -> Bytes {
    chunks.iter().cloned().collect::<Payload>().into_bytes()
}

fn absent() -> WriteOptions {
    WriteOptions::new().with_condition(Condition::Absent)
}

pub(crate) async fn what_is_put_is_read(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a/b ü+%?#.txt");
    for body in ["", "hello", "hello again, longer"] {
        let written = store.put_bytes(&key, body).await.unwrap();
        assert_eq!(written.size, body.len() as u64);
        assert_eq!(written.checksums.crc32c, Checksums::of(body.as_bytes()).crc32c);
        let (meta, bytes) = store.get_bytes(&key, 100).await.unwrap();
        assert_eq!(bytes, body);
        assert_eq!((meta.key, meta.size, meta.revision.clone()), (key.clone(), body.len() as u64, written.revision));
        let head = store.head(&key, ReadOptions::new()).await.unwrap();
        assert_eq!((head.revision, head.size), (meta.revision, meta.size));
        assert!(head.last_modified.is_some());
    }
    assert_eq!(names(store, home).await, ["a/b ü+%?#.txt"]);
}

pub(crate) async fn a_body_of_several_chunks_is_one_object(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "chunks");
    let body: Payload = vec![Bytes::from("one "), Bytes::new(), Bytes::from("two")].into();
    store.put(&key, body, WriteOptions::new()).await.unwrap();
    assert_eq!(store.get_bytes(&key, 7).await.unwrap().1, "one two");
}

pub(crate) async fn what_is_absent_is_not_found(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "nowhere/to/be/found");
    let head = store.head(&key, ReadOptions::new()).await.unwrap_err();
    let get = store.get(&key, None, ReadOptions::new()).await.unwrap_err();
    for error in [head, get] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.effect(), &Effect::NotApplied);
        assert_eq!(error.key(), Some(key.as_str()));
        assert!(error.to_string().contains(&store.to_string()), "{error}");
    }
    assert!(!store.exists(&key).await.unwrap());
    assert!(names(store, home).await.is_empty());
}

pub(crate) async fn create_never_overwrites(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    store.create(&key, "first").await.unwrap();
    let error = store.create(&key, "second").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
    assert_eq!(store.get_bytes(&key, 100).await.unwrap().1, "first");
    store.delete(&key, DeleteOptions::new()).await.unwrap();
    store.create(&key, "third").await.unwrap();
    assert_eq!(store.get_bytes(&key, 100).await.unwrap().1, "third");
}

pub(crate) async fn replace_needs_the_revision(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    let error = store.replace(&key, Revision::new("none"), "x").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
    let first = store.put_bytes(&key, "1").await.unwrap().revision;
    let second = store.replace(&key, first.clone(), "2").await.unwrap().revision;
    assert_ne!(first, second);
    let error = store.replace(&key, first, "3").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(store.get_bytes(&key, 100).await.unwrap().1, "2");
    assert_eq!(store.head(&key, ReadOptions::new()).await.unwrap().revision, second);
}

pub(crate) async fn equal_contents_have_different_revisions(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    let mut seen = Vec::new();
    for round in 0..50 {
        if round % 3 == 0 {
            store.delete(&key, DeleteOptions::new()).await.unwrap();
        }
        seen.push(store.put_bytes(&key, "same").await.unwrap().revision);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 50);
}

pub(crate) async fn delete_obeys_its_condition(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "deep/down/a");
    assert_ne!(store.delete(&key, DeleteOptions::new()).await.unwrap().existed, Some(true));
    let old = store.put_bytes(&key, "1").await.unwrap().revision;
    let new = store.put_bytes(&key, "2").await.unwrap().revision;
    let at = |revision| DeleteOptions::new().with_condition(Condition::Matches(revision));
    let error = store.delete(&key, at(old)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
    assert!(store.exists(&key).await.unwrap());
    assert_ne!(store.delete(&key, at(new.clone())).await.unwrap().existed, Some(false));
    assert!(!store.exists(&key).await.unwrap());
    assert_eq!(store.delete(&key, at(new)).await.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    let absent = DeleteOptions::new().with_condition(Condition::Absent);
    assert_eq!(store.delete(&key, absent).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

pub(crate) async fn a_batch_has_one_result_for_each(store: &dyn ObjectStore, home: &Prefix) {
    store.put_bytes(&key(home, "a"), "1").await.unwrap();
    store.put_bytes(&key(home, "c"), "1").await.unwrap();
    let wrong = DeleteOptions::new().with_condition(Condition::Matches(Revision::new("wrong")));
    let items = vec![
        DeleteItem::new(key(home, "a")),
        DeleteItem::new(key(home, "b")),
        DeleteItem::new(key(home, "c")).with_options(wrong),
    ];
    let results = store.delete_many(items).await;
    assert_eq!(results.len(), 3);
    assert!(results[0].is_ok() && results[1].is_ok());
    assert_eq!(results[2].as_ref().unwrap_err().kind(), ErrorKind::PreconditionFailed);
    assert_eq!(names(store, home).await, ["c"]);
    assert!(store.delete_many(Vec::new()).await.is_empty());
}

pub(crate) async fn ranges_are_half_open_and_cut(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    store.put_bytes(&key, "0123456789").await.unwrap();
    assert_eq!(store.get_range(&key, 0..10).await.unwrap(), "0123456789");
    assert_eq!(store.get_range(&key, 3..4).await.unwrap(), "3");
    let get = store.get(&key, Some(8..u64::MAX), ReadOptions::new()).await.unwrap();
    assert_eq!((get.range.clone(), get.meta.size), (8..10, 10));
    assert_eq!(get.body.try_collect::<Vec<_>>().await.unwrap().concat(), b"89");
    let kind = async |range| store.get(&key, Some(range), ReadOptions::new()).await.unwrap_err().kind();
    assert_eq!(kind(10..11).await, ErrorKind::RangeNotSatisfiable);
    assert_eq!(kind(4..4).await, ErrorKind::InvalidInput);
    assert_eq!(store.get_range(&key, 8..11).await.unwrap_err().kind(), ErrorKind::RangeNotSatisfiable);
    assert_eq!(store.get_bytes(&key, 9).await.unwrap_err().kind(), ErrorKind::TooLarge);
}

pub(crate) async fn reads_obey_their_conditions(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    let old = store.put_bytes(&key, "1").await.unwrap().revision;
    let new = store.put_bytes(&key, "2").await.unwrap().revision;
    let head = async |options| store.head(&key, options).await.map(|meta| meta.revision).map_err(|error| error.kind());
    let get = async |options| store.get(&key, None, options).await.map(|_| ()).map_err(|error| error.kind());
    assert_eq!(head(ReadOptions::new().with_matches(new.clone())).await, Ok(new.clone()));
    assert_eq!(head(ReadOptions::new().with_matches(old.clone())).await, Err(ErrorKind::PreconditionFailed));
    assert_eq!(get(ReadOptions::new().with_matches(old.clone())).await, Err(ErrorKind::PreconditionFailed));
    assert_eq!(head(ReadOptions::new().with_differs(old)).await, Ok(new.clone()));
    assert_eq!(get(ReadOptions::new().with_differs(new)).await, Err(ErrorKind::NotModified));
}

pub(crate) async fn a_body_is_one_state_and_outlives_its_name(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    let chunks = large_body();
    upload(store, &key, &chunks, UploadOptions::new()).await.unwrap();
    let mut get = store.get(&key, None, ReadOptions::new()).await.unwrap();
    let first = get.body.next().await.unwrap().unwrap();
    store.put_bytes(&key, "new").await.unwrap();
    store.delete(&key, DeleteOptions::new()).await.unwrap();
    let rest: Vec<_> = get.body.try_collect().await.unwrap();
    assert_eq!([first.to_vec(), rest.concat()].concat(), joined(&chunks));
}

pub(crate) async fn listings_are_sorted_by_bytes(store: &dyn ObjectStore, home: &Prefix) {
    // Sorted. A walk through folders that sorts names without the '/' would put a/b before a.b.
    let sorted = ["a!", "a-b", "a.b", "a/b", "a/b.c/d", "a/b0", "a0", "b/c/d/e", "b/c0", "ä", "z/ö", "𝄞"];
    let mut sorted: Vec<_> = sorted.iter().map(ToString::to_string).collect();
    sorted.sort();
    for name in sorted.iter().rev() {
        store.put_bytes(&key(home, name), "x").await.unwrap();
    }
    // Beside the home, not in it.
    let outside = Prefix::new(format!("{home}sibling/")).unwrap();
    store.put_bytes(&key(&outside, "x"), "x").await.unwrap();
    store.delete(&key(&outside, "x"), DeleteOptions::new()).await.unwrap();

    assert_eq!(names(store, home).await, sorted);
    for limit in [1, 2, 3, 5, 100] {
        let options = ListOptions::new().with_limit(NonZeroU32::new(limit).unwrap());
        let (listed, count) = pages(store, home, options).await;
        assert_eq!((&listed, count), (&sorted, sorted.len().div_ceil(limit as usize)), "limit {limit}");
    }
    for (index, name) in sorted.iter().enumerate() {
        let options = ListOptions::new().with_start_after(key(home, name));
        assert_eq!(pages(store, home, options).await.0, sorted[index + 1..], "after {name}");
    }
}

pub(crate) async fn delimited_listings_show_children(store: &dyn ObjectStore, home: &Prefix) {
    for name in ["a", "b.c", "b/x", "b/y/z", "c/d", "e"] {
        store.put_bytes(&key(home, name), "x").await.unwrap();
    }
    for limit in [1, 2, 3, 100] {
        let options = ListOptions::new().with_delimited(true).with_limit(NonZeroU32::new(limit).unwrap());
        assert_eq!(pages(store, home, options).await.0, ["a", "b.c", "b/", "c/", "e"], "limit {limit}");
    }
    let direct: Vec<_> = store.list_direct(home).map_ok(|meta| meta.key.name().to_owned()).try_collect().await.unwrap();
    assert_eq!(direct, ["a", "b.c", "e"]);
    let below = home.child("b").unwrap();
    let options = ListOptions::new().with_delimited(true);
    assert_eq!(pages(store, &below, options.clone()).await.0, ["x", "y/"]);
    // Where everything below a child is gone, so is the child.
    store.delete(&key(home, "c/d"), DeleteOptions::new()).await.unwrap();
    assert_eq!(pages(store, home, options.clone()).await.0, ["a", "b.c", "b/", "e"]);
    let after = |name| options.clone().with_start_after(key(home, name));
    assert_eq!(pages(store, home, after("b/x")).await.0, ["b/", "e"]);
    assert_eq!(pages(store, home, after("b/y/z")).await.0, ["e"]);
}

pub(crate) async fn a_prefix_never_matches_its_sibling(store: &dyn ObjectStore, home: &Prefix) {
    store.put_bytes(&key(home, "etcd-a/x"), "x").await.unwrap();
    store.put_bytes(&key(home, "etcd-a-2/y"), "x").await.unwrap();
    assert_eq!(names(store, &home.child("etcd-a").unwrap()).await, ["x"]);
    assert!(names(store, &home.child("etcd").unwrap()).await.is_empty());
}

pub(crate) async fn foreign_page_tokens_are_refused(store: &dyn ObjectStore, home: &Prefix) {
    let options = ListOptions::new().with_after(PageToken::new("not one of yours"));
    assert_eq!(store.list_page(home, options).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let page = store.uploads_page(home, Some(PageToken::new("nor this"))).await;
    assert_eq!(page.unwrap_err().kind(), ErrorKind::InvalidInput);
}

pub(crate) async fn uploads_of_every_size_arrive(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "up/load");
    let large = large_body();
    for chunks in [&[][..], &[Bytes::from("small")], &large] {
        let whole = joined(chunks);
        let written = upload(store, &key, chunks, UploadOptions::new()).await.unwrap();
        assert_eq!(written.size, whole.len() as u64);
        assert_eq!(written.checksums.crc32c, Checksums::of(&whole).crc32c);
        let (meta, bytes) = store.get_bytes(&key, LARGE as u64).await.unwrap();
        assert_eq!(meta.revision, written.revision);
        assert!(bytes == whole, "{} bytes came back differently", whole.len());
        assert!(uploads(store, home).await.is_empty());
    }
}

pub(crate) async fn uploads_obey_their_condition(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    let large = large_body();
    for chunks in [&[Bytes::from("small")][..], &large] {
        let create = UploadOptions::new().with_write(absent());
        let mut late = store.start_upload(&key, create.clone()).await.unwrap();
        for chunk in chunks {
            late.write(chunk.clone()).await.unwrap();
        }
        let revision = store.put_bytes(&key, "faster").await.unwrap().revision;
        let error = late.finish().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
        assert_eq!(store.get_bytes(&key, 10).await.unwrap().1, "faster");
        assert!(late.finish().await.is_err(), "an upload ends once");
        drop(late);
        store.close().await.unwrap();
        assert!(uploads(store, home).await.is_empty());

        let replace = WriteOptions::new().with_condition(Condition::Matches(revision));
        let replace = UploadOptions::new().with_write(replace);
        upload(store, &key, chunks, replace.clone()).await.unwrap();
        let error = upload(store, &key, chunks, replace).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
        store.delete(&key, DeleteOptions::new()).await.unwrap();
        upload(store, &key, chunks, create).await.unwrap();
        store.delete(&key, DeleteOptions::new()).await.unwrap();
    }
}

pub(crate) async fn uploads_are_invisible_until_finished(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "deep/down/a");
    let mut upload = store.start_upload(&key, UploadOptions::new()).await.unwrap();
    assert_eq!(upload.id(), None, "nothing was stored yet");
    for chunk in large_body() {
        upload.write(chunk).await.unwrap();
    }
    let id = upload.id().unwrap();
    assert!(names(store, home).await.is_empty());
    assert!(!store.exists(&key).await.unwrap());
    let listed = uploads(store, home).await;
    assert_eq!(listed.iter().map(|info| (&info.key, &info.id)).collect::<Vec<_>>(), [(&key, &id)]);
    assert!(listed[0].started.is_some());
    let below = Prefix::new(format!("{home}elsewhere/")).unwrap();
    assert!(uploads(store, &below).await.is_empty());
    upload.abort().await.unwrap();
    assert!(uploads(store, home).await.is_empty());
    assert!(upload.write(Bytes::from("x")).await.is_err());
    assert!(upload.finish().await.is_err());
    upload.abort().await.unwrap();
    assert!(names(store, home).await.is_empty());
}

pub(crate) async fn dropped_uploads_leave_nothing(store: &dyn ObjectStore, home: &Prefix) {
    let long = format!("{}/{}", "l".repeat(250), "ü".repeat(120));
    for name in ["a/b", &long] {
        let chunks = large_body();
        for sent in [0, 1, 7, chunks.len()] {
            let mut upload = store.start_upload(&key(home, name), UploadOptions::new()).await.unwrap();
            for chunk in &chunks[..sent] {
                upload.write(chunk.clone()).await.unwrap();
            }
        }
    }
    store.close().await.unwrap();
    assert!(uploads(store, home).await.is_empty());
    assert!(names(store, home).await.is_empty());
}

pub(crate) async fn anybody_can_abort_an_upload(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    let mut upload = store.start_upload(&key, UploadOptions::new()).await.unwrap();
    for chunk in large_body() {
        upload.write(chunk).await.unwrap();
    }
    let id = upload.id().unwrap();
    store.abort_upload(&key, &id).await.unwrap();
    store.abort_upload(&key, &id).await.unwrap();
    assert!(uploads(store, home).await.is_empty());
    let error = upload.finish().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, &Effect::NotApplied));
    assert!(!store.exists(&key).await.unwrap());
}

pub(crate) async fn announced_digests_are_checked(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    let good = Checksums::of(b"hello");
    for wrong in [Checksums::new().with_crc32c(1), Checksums::new().with_sha256([0; 32])] {
        let options = WriteOptions::new().with_expect(wrong);
        let put = store.put(&key, "hello".into(), options.clone()).await.unwrap_err();
        let chunks = [Bytes::from("hello")];
        let upload = upload(store, &key, &chunks, UploadOptions::new().with_write(options)).await.unwrap_err();
        for error in [put, upload] {
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Integrity, &Effect::NotApplied));
        }
    }
    assert!(!store.exists(&key).await.unwrap());
    let written = store.put(&key, "hello".into(), WriteOptions::new().with_expect(good)).await.unwrap();
    assert_eq!(written.checksums, good);
    let md5 = WriteOptions::new().with_expect(Checksums::new().with_md5([0; 16]));
    if let Err(error) = store.put(&key, "x".into(), md5).await {
        assert!(matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Integrity));
        assert_eq!(store.get_bytes(&key, 5).await.unwrap().1, "hello");
    } else {
        panic!("a digest that is wrong was taken");
    }
}

pub(crate) async fn copies_obey_their_conditions(store: &dyn ObjectStore, home: &Prefix) {
    let (from, to) = (key(home, "from"), key(home, "below/to"));
    let missing = store.copy(&from, &to, CopyOptions::new()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let chunks = large_body();
    let source = upload(store, &from, &chunks, UploadOptions::new()).await.unwrap();
    let create = CopyOptions::new().with_write(absent()).with_source(source.revision);
    let written = store.copy(&from, &to, create.clone()).await.unwrap();
    assert_eq!((written.size, written.checksums.crc32c), (source.size, source.checksums.crc32c));
    assert_eq!(store.copy(&from, &to, create).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let stale = CopyOptions::new().with_source(Revision::new("stale"));
    assert_eq!(store.copy(&from, &to, stale).await.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    assert!(store.get_bytes(&to, LARGE as u64).await.unwrap().1 == joined(&chunks));
}

pub(crate) async fn what_is_not_there_is_said_before_anything_changes(store: &dyn ObjectStore, home: &Prefix) {
    let key = key(home, "a");
    let revision = store.put_bytes(&key, "x").await.unwrap().revision;
    let features = store.capabilities().features().clone();
    if !features.versions {
        let version = VersionId::new("1");
        let head = store.head(&key, ReadOptions::new().with_version(version.clone())).await.unwrap_err();
        let get = store.get(&key, None, ReadOptions::new().with_version(version.clone())).await.unwrap_err();
        let delete = store.delete(&key, DeleteOptions::new().with_version(version)).await.unwrap_err();
        let list = store.list_page(home, ListOptions::new().with_versions(true)).await.unwrap_err();
        for error in [head, get, delete, list] {
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, &Effect::NotApplied));
        }
    }
    if !features.presign {
        let request = PresignRequest::new(key.clone(), PresignMethod::Get, std::time::Duration::from_secs(60));
        assert_eq!(store.presign(request).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    if !store.capabilities().claims(Promise::Lock) {
        let options = WriteOptions::new().with_protection(Protection::new().with_hold(true));
        assert_eq!(store.put(&key, "y".into(), options).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(store.head(&key, ReadOptions::new()).await.unwrap().revision, revision);
}

pub(crate) async fn headers_are_kept_or_refused_as_claimed(store: &dyn ObjectStore, home: &Prefix) {
    use objstore_core::{Headers, WriteToken};
    let key = key(home, "a");
    let features = store.capabilities().features().clone();
    let metadata = [("origin".to_owned(), "ü".to_owned())].into();
    let headers = Headers::new().with_content_type("text/plain".into()).with_metadata(metadata);
    let options = WriteOptions::new().with_headers(headers.clone()).with_token(WriteToken::new("mine"));
    let put = store.put(&key, "x".into(), options).await;
    if features.user_metadata {
        put.unwrap();
        let head = store.head(&key, ReadOptions::new()).await.unwrap();
        assert_eq!((head.headers, head.token), (headers, Some(WriteToken::new("mine"))));
    } else {
        assert_eq!(put.unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(!store.exists(&key).await.unwrap());
    }
}

pub(crate) async fn of_racing_creators_one_wins(store: &dyn ObjectStore, home: &Prefix) {
    assert_eq!(store.capabilities().verdict(Promise::CreateIfAbsent), Verdict::Verified);
    for round in 0..10 {
        let key = key(home, &format!("round/{round}"));
        let results = join_all((0..24).map(|writer| {
            let key = &key;
            async move { (writer, store.create(key, format!("{writer}")).await) }
        }))
        .await;
        let winners: Vec<_> = results.iter().filter(|(_, result)| result.is_ok()).map(|(writer, _)| *writer).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let losers = results.iter().filter_map(|(_, result)| result.as_ref().err());
        assert!(losers.into_iter().all(|error| error.kind() == ErrorKind::AlreadyExists));
        assert_eq!(store.get_bytes(&key, 10).await.unwrap().1, winners[0].to_string());
    }
}

pub(crate) async fn of_racing_increments_none_is_lost(store: &dyn ObjectStore, home: &Prefix) {
    let key = Arc::new(key(home, "counter"));
    store.create(&key, "0").await.unwrap();
    join_all((0..8).map(|_| async {
        for _ in 0..15 {
            while !increment(store, &key).await {}
        }
    }))
    .await;
    assert_eq!(store.get_bytes(&key, 10).await.unwrap().1, "120");
}

async fn increment(store: &dyn ObjectStore, key: &objstore_core::ObjectKey) -> bool {
    let (meta, bytes) = store.get_bytes(key, 10).await.unwrap();
    let count: u32 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
    match store.replace(key, meta.revision, (count + 1).to_string()).await {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::PreconditionFailed => false,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn deletes_and_creates_race_without_errors(store: &dyn ObjectStore, home: &Prefix) {
    // Each delete may remove the folder in which a create is at work.
    let key = key(home, "deep/down/a");
    join_all((0..4).map(|writer| {
        let key = &key;
        async move {
            for _ in 0..25 {
                match writer % 2 {
                    0 => drop(store.delete(key, DeleteOptions::new()).await.unwrap()),
                    _ => match store.create(key, "x").await {
                        Ok(_) => {}
                        Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}"),
                    },
                }
            }
        }
    }))
    .await;
    store.put_bytes(&key, "y").await.unwrap();
    assert_eq!(names(store, home).await, ["deep/down/a"]);
    assert!(uploads(store, home).await.is_empty());
}
