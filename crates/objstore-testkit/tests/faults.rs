//! Plans as text, and the layer that plays them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt as _;
use objstore_core::{
    DeleteItem, Effect, Error, ErrorKind, MemoryStore, ObjectKey, ObjectStore, ObjectStoreExt as _, ReadOptions, Retry,
    UploadOptions, WriteOptions,
};
use objstore_testkit::{Fault, FaultPlan, FaultStore};

fn store(plan: &str) -> FaultStore {
    FaultStore::new(Arc::new(MemoryStore::new()), plan.parse().unwrap())
}

fn key() -> ObjectKey {
    ObjectKey::new("a").unwrap()
}

#[test]
fn a_plan_is_its_text() {
    let all =
        "1=not-delivered,2=reply-lost,3=reset,4=truncated,5=500,6=503:2,7=429:3,8=slow:50,9=expired-token,10=hang";
    let plan: FaultPlan = all.parse().unwrap();
    assert_eq!(plan.to_string(), all);
    assert_eq!(plan.last(), 10);
    assert_eq!(plan.fault(7), Some(Fault::TooManyRequests(Duration::from_secs(3))));
    assert_eq!(plan.fault(11), None);
    assert_eq!("".parse(), Ok(FaultPlan::new()));
    for wrong in ["x", "1", "0=500", "-1=500", "1=501", "1=503", "1=503:x", "1=slow", "1=500,2", "1=hang:2"] {
        let error = wrong.parse::<FaultPlan>().unwrap_err();
        assert!(error.to_string().contains("2=reply-lost"), "{error}");
    }
}

#[test]
fn an_enumeration_is_complete() {
    let faults = [Fault::ReplyLost, Fault::ServerError];
    let singles = FaultPlan::singles(3, &faults);
    let text: Vec<_> = singles.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["1=reply-lost", "1=500", "2=reply-lost", "2=500", "3=reply-lost", "3=500"]);
    let pairs: Vec<_> = singles[2].and_then(3, &faults).iter().map(ToString::to_string).collect();
    assert_eq!(pairs, ["2=reply-lost,3=reply-lost", "2=reply-lost,3=500"]);
    assert!(singles[4].and_then(3, &faults).is_empty());
    for fault in Fault::EACH {
        assert_eq!(fault.to_string().parse(), Ok(*fault));
    }
}

/// What a change answers under a fault, and whether it was made.
async fn put_under(plan: &str) -> (Error, bool) {
    let store = store(plan);
    let error = store.create(&key(), "x").await.unwrap_err();
    assert!(error.to_string().contains("by plan"), "{error}");
    assert_eq!(error.key(), Some("a"));
    (error, store.inner().exists(&key()).await.unwrap())
}

#[tokio::test]
async fn each_fault_answers_as_a_store_would() {
    let unknown = [
        ("1=not-delivered", ErrorKind::Transport, false),
        ("1=reply-lost", ErrorKind::Transport, true),
        ("1=reset", ErrorKind::Transport, false),
        ("1=truncated", ErrorKind::Transport, false),
        ("1=500", ErrorKind::Unavailable, false),
    ];
    for (plan, kind, made) in unknown {
        let (error, there) = put_under(plan).await;
        assert_eq!((error.kind(), error.effect(), there), (kind, &Effect::Unknown, made), "{plan}");
    }
    let refused = [
        ("1=503:2", ErrorKind::RateLimited, Retry::After(Duration::from_secs(2))),
        ("1=429:3", ErrorKind::RateLimited, Retry::After(Duration::from_secs(3))),
        ("1=expired-token", ErrorKind::Unauthenticated, Retry::Never),
    ];
    for (plan, kind, retry) in refused {
        let (error, there) = put_under(plan).await;
        let found = (error.kind(), error.effect(), error.retry(), there);
        assert_eq!(found, (kind, &Effect::NotApplied, retry, false), "{plan}");
    }
}

#[tokio::test]
async fn bodies_break_in_the_middle() {
    let store = store("2=reset,3=truncated");
    store.put_bytes(&key(), "0123456789").await.unwrap();
    let get = store.get(&key(), None, ReadOptions::new()).await.unwrap();
    assert_eq!(get.body.try_collect::<Vec<_>>().await.unwrap_err().kind(), ErrorKind::Transport);
    let get = store.get(&key(), None, ReadOptions::new()).await.unwrap();
    assert_eq!(get.meta.size, 10);
    assert_eq!(get.body.try_collect::<Vec<_>>().await.unwrap().concat(), b"01234");
}

#[tokio::test]
async fn reads_change_nothing() {
    let store = store("1=reply-lost,2=not-delivered,3=500");
    for _ in 0..3 {
        let error = store.head(&key(), ReadOptions::new()).await.unwrap_err();
        assert_eq!(error.effect(), &Effect::NotApplied);
    }
    assert_eq!(store.head(&key(), ReadOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn calls_of_uploads_count() {
    let store = store("3=reply-lost");
    let mut upload = store.start_upload(&key(), UploadOptions::new()).await.unwrap();
    upload.write("x".into()).await.unwrap();
    let error = upload.finish().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, &Effect::Unknown));
    assert!(store.inner().exists(&key()).await.unwrap());
    assert_eq!(store.calls(), ["start_upload", "write", "finish"]);
    store.play(FaultPlan::new());
    assert!(store.calls().is_empty());
}

#[tokio::test]
async fn a_batch_fails_for_each_item() {
    let store = store("2=503:1");
    store.put(&key(), "x".into(), WriteOptions::new()).await.unwrap();
    let results = store.delete_many(vec![DeleteItem::new(key()), DeleteItem::new(ObjectKey::new("b").unwrap())]).await;
    let keys: Vec<_> = results.iter().map(|result| result.as_ref().unwrap_err().key().unwrap()).collect();
    assert_eq!(keys, ["a", "b"]);
    assert!(store.inner().exists(&key()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_hangs_never_ends_and_what_is_slow_does() {
    let store = store("1=slow:5000,2=hang");
    let slow = tokio::time::timeout(Duration::from_secs(6), store.put_bytes(&key(), "x")).await;
    slow.expect("it ends").unwrap();
    let hung = tokio::time::timeout(Duration::from_secs(3600), store.delete(&key(), Default::default())).await;
    assert!(hung.is_err());
    assert!(!store.inner().exists(&key()).await.unwrap(), "it was done");
}
