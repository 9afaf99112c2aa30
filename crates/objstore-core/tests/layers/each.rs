//! What each layer does beside passing on.
use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use objstore_core::{
    Checksums, Condition, CopyOptions, DeleteItem, DeleteOptions, Effect, ErrorKind, ListOptions, MemoryStore,
    ObjectKey, ObjectStore, ObjectStoreExt as _, Op, Prefix, PresignMethod, PresignRequest, ReadOptions, Retry,
    Revision, UploadId, UploadOptions, WriteOptions,
    layers::{
        DryRun, Limit, Measurement, Meter, PrefixStore, ReadOnly, Recorder, Retries, StoreBuilder, TimeLimits, Timeouts,
    },
};

use crate::faulty::{Fault, Faulty, Hurry};

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

fn at(revision: &str) -> DeleteOptions {
    DeleteOptions::new().with_condition(Condition::Matches(Revision::new(revision)))
}

/// A store that does not answer its first call.
fn hanging(fault: Fault) -> Arc<Faulty> {
    let memory = MemoryStore::new();
    Arc::new(Faulty::new(memory, vec![(0, fault)]))
}

#[tokio::test]
async fn a_call_without_answer_ends_and_says_what_it_may_have_done() {
    for fault in [Fault::Hang, Fault::HangDone] {
        let timer = Hurry::default();
        let timed = |fault| Timeouts::new(hanging(fault)).with_timer(Arc::new(timer.clone()));
        let a = key("a");
        let put = timed(fault).put_bytes(&a, "x").await.unwrap_err();
        let delete = timed(fault).delete(&a, DeleteOptions::new()).await.unwrap_err();
        let batch = timed(fault).delete_many(vec![DeleteItem::new(a.clone())]).await.remove(0).unwrap_err();
        for error in [put, delete, batch] {
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, &Effect::Unknown));
            assert_eq!((error.key(), error.retry()), (Some("a"), Retry::After(Duration::ZERO)));
        }
        let head = timed(fault).head(&a, ReadOptions::new()).await.unwrap_err();
        let list = timed(fault).list_page(&Prefix::root(), ListOptions::new()).await.unwrap_err();
        for error in [head, list] {
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, &Effect::NotApplied));
        }
    }
}

#[tokio::test]
async fn a_body_may_take_its_time_by_its_length() {
    let timer = Hurry::default();
    let limits = TimeLimits::new().with_call(Duration::from_secs(5)).with_slowest(1000);
    let store = Timeouts::new(hanging(Fault::Hang)).with_limits(limits).with_timer(Arc::new(timer.clone()));
    store.put_bytes(&key("a"), vec![0; 2500]).await.unwrap_err();
    assert_eq!(timer.waits(), [Duration::from_secs(8)]);
}

#[tokio::test]
async fn a_stalled_body_ends_and_a_slow_reader_does_not() {
    let timer = Hurry::default();
    let faulty = Faulty::new(MemoryStore::new(), vec![(1, Fault::StalledBody)]);
    faulty.inner.put_bytes(&key("a"), "0123456789").await.unwrap();
    let limits = TimeLimits::new().with_chunk(Duration::from_secs(3));
    let store = Timeouts::new(Arc::new(faulty)).with_limits(limits).with_timer(Arc::new(timer.clone()));
    let whole = store.get(&key("a"), None, ReadOptions::new()).await.unwrap();
    assert_eq!(whole.body.try_collect::<Vec<Bytes>>().await.unwrap().concat(), b"0123456789");
    assert!(timer.waits().is_empty(), "nobody waited");
    let mut stalled = store.get(&key("a"), None, ReadOptions::new()).await.unwrap().body;
    assert_eq!(stalled.try_next().await.unwrap().unwrap(), "01234");
    let error = stalled.try_next().await.unwrap_err();
    assert_eq!((error.kind(), error.op()), (ErrorKind::Timeout, Some(Op::Read)));
    assert_eq!(timer.waits(), [Duration::from_secs(3)]);
    assert!(stalled.next().await.is_none());
}

#[tokio::test]
async fn so_many_calls_run_and_the_others_wait() {
    let memory = MemoryStore::new();
    memory.put_bytes(&key("a"), "x").await.unwrap();
    let store = Limit::new(Arc::new(memory)).with_calls(2);
    let first = store.get(&key("a"), None, ReadOptions::new()).await.unwrap();
    let second = store.get(&key("a"), None, ReadOptions::new()).await.unwrap();
    let a = key("a");
    assert!(store.head(&a, ReadOptions::new()).now_or_never().is_none(), "two bodies are open");
    drop(first);
    assert!(store.head(&a, ReadOptions::new()).now_or_never().is_some(), "one was dropped");
    let third = store.get(&a, None, ReadOptions::new()).now_or_never().unwrap().unwrap();
    assert!(store.head(&a, ReadOptions::new()).now_or_never().is_none());
    assert_eq!(second.body.count().await, 1);
    assert!(store.head(&a, ReadOptions::new()).now_or_never().is_some(), "one was read to its end");
    assert!(store.close().now_or_never().is_some());
    drop(third);
}

#[tokio::test]
async fn so_many_bytes_are_sent_and_the_others_wait() {
    // A store that never ends a put: what is being sent stays so.
    let faulty = Arc::new(Faulty::new(MemoryStore::new(), (0..10).map(|call| (call, Fault::Hang)).collect()));
    let store = Limit::new(Arc::<Faulty>::clone(&faulty)).with_bytes(8 << 10);
    let (a, body) = (key("a"), |kib: usize| vec![0_u8; kib << 10]);
    let mut six = Box::pin(store.put_bytes(&a, body(6)));
    assert!(futures::poll!(&mut six).is_pending());
    let mut three = Box::pin(store.put_bytes(&a, body(3)));
    assert!(futures::poll!(&mut three).is_pending());
    assert_eq!(faulty.log().calls, 1, "three more do not fit");
    drop(six);
    assert!(futures::poll!(&mut three).is_pending());
    assert_eq!(faulty.log().calls, 2);
    drop(three);
    let mut huge = Box::pin(store.put_bytes(&a, body(100)));
    assert!(futures::poll!(&mut huge).is_pending());
    assert_eq!(faulty.log().calls, 3, "more than all takes all");
}

#[derive(Debug, Default)]
struct Notebook(Mutex<Vec<Measurement>>);

impl Recorder for Notebook {
    fn record(&self, measurement: &Measurement) {
        self.0.lock().unwrap().push(measurement.clone());
    }
}

#[tokio::test]
async fn every_call_is_measured_once() {
    let notes = Arc::new(Notebook::default());
    let faulty = Faulty::new(MemoryStore::new(), vec![(2, Fault::Hang), (7, Fault::Refused)]);
    let store = Meter::new(Arc::new(faulty), Arc::<Notebook>::clone(&notes)).with_timer(Arc::new(Hurry::default()));
    let a = key("a");
    store.put_bytes(&a, "hello").await.unwrap(); // 0
    store.head(&key("b"), ReadOptions::new()).await.unwrap_err(); // 1
    assert!(store.head(&a, ReadOptions::new()).now_or_never().is_none()); // 2, given up
    store.get_bytes(&a, 10).await.unwrap(); // 3
    let get = store.get(&a, None, ReadOptions::new()).await.unwrap(); // 4
    drop(get);
    let mut upload = store.start_upload(&a, UploadOptions::new()).await.unwrap(); // 5
    upload.write("abc".into()).await.unwrap();
    upload.finish().await.unwrap(); // 6
    store.delete(&a, DeleteOptions::new()).await.unwrap_err(); // 7
    store.delete_many(vec![DeleteItem::new(a.clone()), DeleteItem::new(a).with_options(at("stale"))]).await;
    let found: Vec<_> = notes.0.lock().unwrap().iter().map(|note| (note.op, note.error, note.bytes)).collect();
    let expected = [
        (Op::Put, None, 5),
        (Op::Head, Some(ErrorKind::NotFound), 0),
        (Op::Head, Some(ErrorKind::Cancelled), 0),
        (Op::Get, None, 0),
        (Op::Read, None, 5),
        (Op::Get, None, 0),
        (Op::Read, Some(ErrorKind::Cancelled), 0),
        (Op::StartUpload, None, 0),
        (Op::Write, None, 3),
        (Op::Finish, None, 0),
        (Op::Delete, Some(ErrorKind::Transport), 0),
        (Op::Delete, None, 0),
        (Op::Delete, Some(ErrorKind::PreconditionFailed), 0),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn durations_and_attempts_are_the_callers() {
    let notes = Arc::new(Notebook::default());
    let timer = Arc::new(Hurry::default());
    let faulty = Faulty::new(MemoryStore::new(), vec![(0, Fault::Busy429)]);
    let rule = objstore_core::layers::RetryLoop::new().with_timer(Arc::<Hurry>::clone(&timer));
    let retries = Retries::new(Arc::new(faulty)).with_loop(rule);
    let store = Meter::new(Arc::new(retries), Arc::<Notebook>::clone(&notes)).with_timer(timer);
    store.head(&key("b"), ReadOptions::new()).await.unwrap_err();
    let note = notes.0.lock().unwrap().remove(0);
    assert_eq!((note.attempts, note.error), (2, Some(ErrorKind::NotFound)));
    assert!(note.duration >= Fault::RETRY_AFTER, "{note:?}");
}

#[tokio::test]
async fn keys_below_a_prefix_are_relative_everywhere() {
    let memory = MemoryStore::new();
    for name in ["teams/a/", "teams/a/x", "teams/a/y/z", "teams/ab/x", "teams/a!", "teams/b/x"] {
        memory.put_bytes(&key(name), "x").await.unwrap();
    }
    let store = PrefixStore::new(Arc::new(memory.clone()), Prefix::new("teams/a/").unwrap());
    let names: Vec<_> = store.list(&Prefix::root()).map_ok(|meta| meta.key.to_string()).try_collect().await.unwrap();
    assert_eq!(names, ["x", "y/z"], "neither siblings nor the marker of the prefix itself");
    let page = store.list_page(&Prefix::root(), ListOptions::new().with_delimited(true)).await.unwrap();
    assert_eq!(page.prefixes, [Prefix::new("y/").unwrap()]);
    assert_eq!(store.head(&key("x"), ReadOptions::new()).await.unwrap().key, key("x"));

    let missing = store.head(&key("nowhere"), ReadOptions::new()).await.unwrap_err();
    let taken = store.create(&key("x"), "y").await.unwrap_err();
    let stale =
        store.delete_many(vec![DeleteItem::new(key("x")).with_options(at("stale"))]).await.remove(0).unwrap_err();
    for (error, name) in [(missing, "nowhere"), (taken, "x"), (stale, "x")] {
        assert_eq!((error.key(), error.store()), (Some(name), Some("memory:///teams/a/")));
    }
    let long = "k".repeat(1020);
    assert_eq!(store.put_bytes(&key(&long), "x").await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let batch = store.delete_many(vec![DeleteItem::new(key(&long)), DeleteItem::new(key("x"))]).await;
    assert_eq!(batch[0].as_ref().unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(batch[1].is_ok() && !memory.exists(&key("teams/a/x")).await.unwrap());
}

#[tokio::test]
async fn a_page_token_is_good_for_its_prefix_only() {
    let memory = MemoryStore::new();
    for name in ["a/1", "a/2", "b/1", "b/2"] {
        memory.put_bytes(&key(name), "x").await.unwrap();
    }
    let below = |name: &str| PrefixStore::new(Arc::new(memory.clone()), Prefix::new(name).unwrap());
    let (a, b) = (below("a/"), below("b/"));
    let first = ListOptions::new().with_limit(NonZeroU32::MIN);
    let page = a.list_page(&Prefix::root(), first.clone()).await.unwrap();
    let token = page.next.unwrap();
    let rest = a.list_page(&Prefix::root(), first.clone().with_after(token.clone())).await.unwrap();
    assert_eq!(rest.objects[0].key, key("2"));
    let raw = memory.list_page(&Prefix::root(), first.clone()).await.unwrap().next.unwrap();
    for foreign in [b.list_page(&Prefix::root(), first.clone().with_after(token)).await, {
        a.list_page(&Prefix::root(), first.with_after(raw)).await
    }] {
        assert_eq!(foreign.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// All that is stored, for a look whether anything was changed.
async fn contents(store: &MemoryStore) -> BTreeMap<String, Revision> {
    let all: Vec<_> = store.list(&Prefix::root()).try_collect().await.unwrap();
    all.into_iter().map(|meta| (meta.key.to_string(), meta.revision)).collect()
}

#[tokio::test]
async fn who_reads_only_changes_nothing() {
    let memory = MemoryStore::new();
    memory.put_bytes(&key("a"), "x").await.unwrap();
    let before = contents(&memory).await;
    let store = ReadOnly::new(Arc::new(memory.clone()));
    let a = key("a");
    let sign = |method| PresignRequest::new(key("a"), method, Duration::from_secs(1));
    let refused = [
        store.put_bytes(&a, "y").await.map(drop),
        store.start_upload(&a, UploadOptions::new()).await.map(drop),
        store.delete(&a, DeleteOptions::new()).await.map(drop),
        store.delete_many(vec![DeleteItem::new(a.clone())]).await.remove(0).map(drop),
        store.copy(&a, &key("b"), CopyOptions::new()).await.map(drop),
        store.abort_upload(&a, &UploadId::new("1")).await,
        store.presign(sign(PresignMethod::Put)).await.map(drop),
        store.presign(sign(PresignMethod::Delete)).await.map(drop),
    ];
    for result in refused {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, &Effect::NotApplied));
        assert_eq!(error.key(), Some("a").filter(|_| error.op() != Some(Op::Copy)).or(Some("b")));
    }
    assert_eq!(store.get_bytes(&a, 10).await.unwrap().1, "x");
    assert_eq!(store.presign(sign(PresignMethod::Get)).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(contents(&memory).await, before);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let memory = MemoryStore::new();
    let revision = memory.put_bytes(&key("a"), "x").await.unwrap().revision;
    let before = contents(&memory).await;
    let store = DryRun::new(Arc::new(memory.clone()));
    let a = key("a");
    let written = store.create(&key("new"), "hello").await.unwrap();
    assert_eq!((written.size, written.checksums.crc32c), (5, Checksums::of(b"hello").crc32c));
    store.replace(&a, revision.clone(), "y").await.unwrap();
    let mut upload = store.start_upload(&key("up"), UploadOptions::new()).await.unwrap();
    upload.write("12".into()).await.unwrap();
    upload.write("345678".into()).await.unwrap();
    assert_eq!(upload.finish().await.unwrap().size, 8);
    assert_eq!(upload.finish().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    store.copy(&a, &key("copy"), CopyOptions::new()).await.unwrap();
    store.delete_many(vec![DeleteItem::new(a.clone())]).await.remove(0).unwrap();
    store.abort_upload(&a, &UploadId::new("7")).await.unwrap();
    let planned: Vec<_> = store.take().iter().map(ToString::to_string).collect();
    let expected = [
        "would write new (5 bytes)",
        "would write a (1 bytes)",
        "would write up (8 bytes)",
        "would copy a to copy (1 bytes)",
        "would delete a",
        "would give up the upload 7 of a",
    ];
    assert_eq!(planned, expected);

    let wrong = WriteOptions::new().with_expect(Checksums::new().with_crc32c(1));
    let stale = Revision::new("stale");
    let would_fail = [
        (store.create(&a, "y").await.map(drop), ErrorKind::AlreadyExists),
        (store.replace(&a, stale.clone(), "y").await.map(drop), ErrorKind::PreconditionFailed),
        (store.delete(&a, at("stale")).await.map(drop), ErrorKind::PreconditionFailed),
        (store.copy(&key("none"), &a, CopyOptions::new()).await.map(drop), ErrorKind::NotFound),
        (store.copy(&a, &a, CopyOptions::new().with_source(stale)).await.map(drop), ErrorKind::PreconditionFailed),
        (store.put(&a, "y".into(), wrong).await.map(drop), ErrorKind::Integrity),
    ];
    for (result, kind) in would_fail {
        assert_eq!(result.unwrap_err().kind(), kind);
    }
    assert!(store.take().is_empty(), "what would fail is not planned");
    assert_eq!(contents(&memory).await, before);
}

#[tokio::test]
async fn the_builder_stands_layers_in_their_order() {
    let notes = Arc::new(Notebook::default());
    // The limit of one call is not held while an attempt waits for its turn.
    let faulty = Faulty::new(MemoryStore::new(), vec![(0, Fault::Refused)]);
    faulty.inner.put_bytes(&key("in/a"), "x").await.unwrap();
    let store = StoreBuilder::new(Arc::new(faulty.clone()))
        .with_calls(1)
        .with_prefix(Prefix::new("in/").unwrap())
        .with_recorder(Arc::<Notebook>::clone(&notes))
        .read_only()
        .build();
    assert_eq!(store.head(&key("a"), ReadOptions::new()).await.unwrap().key, key("a"));
    assert_eq!(store.put_bytes(&key("a"), "y").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    let measured: Vec<_> = notes.0.lock().unwrap().iter().map(|note| note.op).collect();
    assert_eq!((measured, faulty.log().calls), (vec![Op::Head], 2), "a refused change is not measured");
}
