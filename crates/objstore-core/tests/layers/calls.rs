//! A stack of layers over a store that fails on cue, and calls to it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use objstore_core::{
    Condition, CopyOptions, DeleteItem, DeleteOptions, Effect, ObjectKey, ObjectStore, ObjectStoreExt as _, Result,
    Revision, SeededRandom, UploadOptions, WriteOptions,
    layers::{Retries, RetryLoop, RetryPolicy, TimeLimits, Timeouts},
};

use crate::faulty::{Faulty, Hurry};

pub(crate) const SEED: u64 = 20_261_121;

pub(crate) fn stack(store: Faulty, timer: &Hurry) -> Retries {
    let timer = Arc::new(timer.clone());
    let limits = TimeLimits::new().with_long(Duration::from_secs(30));
    let timed = Timeouts::new(Arc::new(store)).with_limits(limits).with_timer(Arc::clone(&timer) as _);
    let policy = RetryPolicy::new().with_max_elapsed(Duration::from_secs(1000));
    let rule = RetryLoop::new().with_policy(policy).with_timer(timer).with_random(Arc::new(SeededRandom::new(SEED)));
    Retries::new(Arc::new(timed)).with_loop(rule)
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

pub(crate) fn options(condition: Option<Condition>) -> WriteOptions {
    let mut options = WriteOptions::new();
    options.condition = condition;
    options
}

pub(crate) async fn write(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    Ok(Some(store.put(&key("a"), "new".into(), options(condition)).await?.revision))
}

pub(crate) async fn upload(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    let options = UploadOptions::new().with_write(options(condition));
    let mut upload = store.start_upload(&key("a"), options).await?;
    upload.write(Bytes::from("new")).await?;
    Ok(Some(upload.finish().await?.revision))
}

pub(crate) async fn copy(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    let options = CopyOptions::new().with_write(options(condition));
    Ok(Some(store.copy(&key("source"), &key("a"), options).await?.revision))
}

pub(crate) async fn delete(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    let mut options = DeleteOptions::new();
    options.condition = condition;
    store.delete(&key("a"), options).await.map(|_| None)
}

pub(crate) async fn batch(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    let mut options = DeleteOptions::new();
    options.condition = condition;
    let items = vec![DeleteItem::new(key("absent")), DeleteItem::new(key("a")).with_options(options)];
    let mut results = store.delete_many(items).await;
    assert_eq!(results.len(), 2);
    results.pop().unwrap().map(|_| None)
}

pub(crate) async fn increment(store: &Retries) -> Result<Option<Revision>> {
    loop {
        let (meta, bytes) = store.get_bytes(&key("a"), 10).await?;
        let count: u32 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
        let options = options(Some(Condition::Matches(meta.revision)));
        match store.put(&key("a"), (count + 1).to_string().into(), options).await {
            Ok(written) => return Ok(Some(written.revision)),
            Err(error) if error.is_condition_failed() && *error.effect() == Effect::NotApplied => {}
            Err(error) => return Err(error),
        }
    }
}
