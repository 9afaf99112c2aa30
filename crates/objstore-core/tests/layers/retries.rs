//! When it is tried again, how long is waited, and where a download goes on.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::TryStreamExt as _;
use objstore_core::{
    Condition, Effect, Error, ErrorKind, MemoryStore, ObjectStore, ObjectStoreExt as _, ReadOptions, Retry,
    WriteOptions, WriteToken,
    layers::{Retries, RetryBudget, RetryLoop, RetryPolicy, StoreBuilder},
};

use crate::{
    calls::{SEED, key, options, stack, write},
    faulty::{Fault, Faulty, Hurry},
};

/// The test of the test: retries that send again without a look are found out by the same check.
#[tokio::test]
async fn blind_retries_would_be_found_out() {
    let memory = MemoryStore::new();
    let faulty = Faulty::new(memory.clone(), vec![(0, Fault::ReplyLost)]);
    let rule = RetryLoop::new().with_timer(Arc::new(Hurry::default()));
    let (a, put) = (key("a"), options(Some(Condition::Absent)));
    let blind = rule.run_idempotent(|| faulty.put(&a, "new".into(), put.clone()));
    let error = blind.await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
    assert!(memory.exists(&a).await.unwrap(), "told not applied, and it was");
}

#[tokio::test]
async fn another_writers_object_is_never_ours() {
    // The reply is lost, and somebody else's object is there: ours was never written.
    let memory = MemoryStore::new();
    memory.create(&key("a"), "theirs").await.unwrap();
    let store = stack(Faulty::new(memory.clone(), vec![(0, Fault::ReplyLost)]), &Hurry::default());
    let error = write(&store, Some(Condition::Absent)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
    // With equal bytes too.
    let memory = MemoryStore::new();
    let theirs = WriteOptions::new().with_token(WriteToken::new("theirs"));
    memory.put(&key("a"), "new".into(), theirs).await.unwrap();
    let store = stack(Faulty::new(memory, vec![(0, Fault::NotDelivered)]), &Hurry::default());
    assert_eq!(write(&store, Some(Condition::Absent)).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn without_a_token_what_cannot_be_told_stays_unknown() {
    for (fault, applied) in [(Fault::ReplyLost, true), (Fault::NotDelivered, false)] {
        let memory = MemoryStore::new();
        let store = stack(Faulty::new(memory.clone(), vec![(0, fault)]), &Hurry::default()).without_tokens();
        let result = write(&store, Some(Condition::Absent)).await;
        assert_eq!(memory.head(&key("a"), ReadOptions::new()).await.unwrap().token, None);
        match result {
            Ok(_) => assert!(!applied, "an absent object is created by the second attempt"),
            Err(error) => assert!(applied && *error.effect() == Effect::Unknown, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_callers_token_is_kept() {
    let memory = MemoryStore::new();
    let store = stack(Faulty::new(memory.clone(), vec![(0, Fault::ReplyLost)]), &Hurry::default());
    let mine = WriteOptions::new().with_token(WriteToken::new("mine")).with_condition(Condition::Absent);
    let written = store.put(&key("a"), "new".into(), mine).await.unwrap();
    let head = memory.head(&key("a"), ReadOptions::new()).await.unwrap();
    assert_eq!((head.token, head.revision), (Some(WriteToken::new("mine")), written.revision));
    assert!(written.checksums.crc32c.is_some());
}

#[tokio::test]
async fn waits_grow_and_obey_the_store_and_end() {
    let every = |fault| (0..100).map(|at| (at, fault)).collect::<Vec<_>>();
    let timer = Hurry::default();
    let store = stack(Faulty::new(MemoryStore::new(), every(Fault::Refused)), &timer);
    let error = store.head(&key("a"), ReadOptions::new()).await.unwrap_err();
    assert_eq!((error.attempts(), error.kind()), (8, ErrorKind::Transport));
    let waits = timer.waits();
    assert_eq!(waits.len(), 7);
    for (attempt, wait) in (0..).zip(&waits) {
        assert!(*wait <= Duration::from_millis(100) * 2_u32.pow(attempt), "{waits:?}, seed {SEED}");
    }
    assert!(waits.iter().any(|wait| *wait > Duration::from_millis(300)), "{waits:?}, seed {SEED}");

    // No wait is begun that would end after all time is over.
    let timer = Hurry::default();
    let rule = RetryLoop::new()
        .with_policy(
            RetryPolicy::new().with_max_elapsed(Duration::from_secs(7)).with_delays(Duration::ZERO, Duration::ZERO),
        )
        .with_timer(Arc::new(timer.clone()));
    let store = Retries::new(Arc::new(Faulty::new(MemoryStore::new(), every(Fault::Busy503)))).with_loop(rule);
    let error = store.head(&key("a"), ReadOptions::new()).await.unwrap_err();
    assert_eq!((error.attempts(), timer.waits()), (3, vec![Fault::RETRY_AFTER; 2]));
    assert_eq!(error.retry(), Retry::After(Fault::RETRY_AFTER), "the caller may go on from there");
}

#[tokio::test]
async fn a_storm_is_damped_for_all_who_share_the_budget() {
    let every: Vec<_> = (0..200).map(|at| (at, Fault::Refused)).collect();
    let faulty = Faulty::new(MemoryStore::new(), every);
    let budget = Arc::new(RetryBudget::new(10));
    let rule = RetryLoop::new().with_timer(Arc::new(Hurry::default())).with_budget(Arc::clone(&budget));
    for _ in 0..20 {
        let store = Retries::new(Arc::new(faulty.clone())).with_loop(rule.clone());
        store.head(&key("a"), ReadOptions::new()).await.unwrap_err();
    }
    assert_eq!((budget.left(), faulty.log().calls), (0, 30), "20 first attempts and 10 more");
    let well = Retries::new(Arc::new(MemoryStore::new())).with_loop(rule);
    for _ in 0..35 {
        well.put_bytes(&key("a"), "x").await.unwrap();
    }
    assert_eq!(budget.left(), 3, "a tenth of the successes");
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    let body: Vec<u8> = (0..1000_u32).map(|index| (index % 251) as u8).collect();
    for fault in [Fault::ResetBody, Fault::ShortBody, Fault::StalledBody] {
        for range in [None, Some(100..900)] {
            let memory = MemoryStore::new();
            memory.put_bytes(&key("a"), body.clone()).await.unwrap();
            let faulty = Faulty::new(memory, vec![(0, fault), (1, Fault::Refused), (2, fault), (3, fault)]);
            let store = stack(faulty.clone(), &Hurry::default());
            let get = store.get(&key("a"), range.clone(), ReadOptions::new()).await.unwrap();
            let range = range.unwrap_or(0..1000);
            assert_eq!(get.range, range);
            let bytes: Vec<Bytes> = get.body.try_collect().await.unwrap();
            assert_eq!(bytes.concat(), body[range.start as usize..range.end as usize], "{fault:?}");
            assert_eq!(faulty.log().calls, 5);
        }
    }
}

#[tokio::test]
async fn a_download_that_goes_on_gives_back_its_turn_first() {
    let faulty = Faulty::new(MemoryStore::new(), vec![(0, Fault::ResetBody)]);
    faulty.inner.put_bytes(&key("a"), "0123456789").await.unwrap();
    let store = StoreBuilder::new(Arc::new(faulty)).with_calls(1).build();
    let read = store.get_bytes(&key("a"), 10).await;
    assert_eq!(read.unwrap().1, "0123456789");
}

#[tokio::test]
async fn a_download_never_joins_two_states() {
    let faulty = Faulty::new(MemoryStore::new(), vec![(0, Fault::ResetBody)]);
    faulty.inner.put_bytes(&key("a"), "old old old").await.unwrap();
    let store = stack(faulty.clone(), &Hurry::default());
    let mut get = store.get(&key("a"), None, ReadOptions::new()).await.unwrap();
    assert_eq!(get.body.try_next().await.unwrap().unwrap(), "old o");
    faulty.inner.put_bytes(&key("a"), "new new new").await.unwrap();
    let error = get.body.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert!(error.to_string().contains("changed while it was being read"), "{error}");
    assert!(get.body.try_next().await.unwrap().is_none(), "it has ended");
}

#[tokio::test]
async fn a_download_that_always_breaks_ends() {
    let faulty = Faulty::new(MemoryStore::new(), (0..100).map(|at| (at, Fault::ResetBody)).collect());
    faulty.inner.put_bytes(&key("a"), vec![7; 1 << 20]).await.unwrap();
    let store = stack(faulty.clone(), &Hurry::default());
    let get = store.get(&key("a"), None, ReadOptions::new()).await.unwrap();
    let error = get.body.try_collect::<Vec<Bytes>>().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), faulty.log().calls), (ErrorKind::Transport, 8, 8));
}

#[tokio::test]
async fn a_digest_that_is_wrong_at_the_end_is_not_passed_over() {
    for layered in [true, false] {
        let faulty = Faulty::new(MemoryStore::new(), vec![(0, Fault::BadDigest)]);
        faulty.inner.put_bytes(&key("a"), "hello").await.unwrap();
        let result = match layered {
            true => stack(faulty, &Hurry::default()).get_bytes(&key("a"), 10).await,
            false => faulty.get_bytes(&key("a"), 10).await,
        };
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Integrity);
    }
}

#[tokio::test]
async fn what_begins_anew_is_handed_to_the_caller() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let rule = RetryLoop::new().with_timer(Arc::new(Hurry::default()));
    let lost = rule.run_idempotent(|| async {
        asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err::<(), _>(Error::new(ErrorKind::Conflict).with_retry(Retry::FromStart))
    });
    let error = lost.await.unwrap_err();
    assert_eq!((error.retry(), asked.into_inner()), (Retry::FromStart, 1));
}
