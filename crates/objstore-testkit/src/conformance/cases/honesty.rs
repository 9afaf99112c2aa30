//! What a store does not have, it says.

use std::time::Duration;

use objstore_core::{
    Condition, CopyOptions, DeleteItem, DeleteOptions, Effect, Error, ErrorKind, ListOptions, ObjectKey,
    ObjectStoreExt as _, PresignMethod, PresignRequest, Promise, ReadOptions, UploadOptions, VersionId, WriteOptions,
};

use super::super::{
    case::is_broken,
    failure::{Failure, Found, ensure, refused, same},
    home::{Home, absent, large_body},
};

pub(super) async fn what_is_not_there_is_said_before_anything_changes(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let revision = store.put_bytes(&key, "x").await?.revision;
    let features = store.capabilities().features().clone();
    let mut errors = Vec::new();
    if !features.versions {
        let version = VersionId::new("1");
        errors.push(refused(store.head(&key, ReadOptions::new().with_version(version.clone())).await)?);
        errors.push(refused(store.get(&key, None, ReadOptions::new().with_version(version.clone())).await)?);
        errors.push(refused(store.delete(&key, DeleteOptions::new().with_version(version)).await)?);
        errors.push(refused(store.list_page(&home.prefix, ListOptions::new().with_versions(true)).await)?);
    }
    if !features.presign {
        let request = PresignRequest::new(key.clone(), PresignMethod::Get, Duration::from_secs(60));
        errors.push(refused(store.presign(request).await)?);
    }
    for error in errors {
        same!((error.kind(), error.effect()), (ErrorKind::Unsupported, &Effect::NotApplied), "{error}");
    }
    same!(store.head(&key, ReadOptions::new()).await?.revision, revision);
    Ok(())
}

/// A condition that was seen not to hold on this store must not be accepted for one that does.
pub(super) async fn conditions_that_do_not_hold_here_are_refused(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let revision = store.put_bytes(&key, "x").await?.revision;
    let at = || Condition::Matches(revision.clone());
    let broken = |promise| is_broken(&store.capabilities(), promise);
    let check = |promise: Promise, result: Result<(), Error>| -> Found {
        let error =
            refused(result).map_err(|_| Failure::new(format!("{promise:?} does not hold, and was accepted")))?;
        same!((error.kind(), error.effect()), (ErrorKind::Unsupported, &Effect::NotApplied), "{promise:?}: {error}");
        Ok(())
    };
    if broken(Promise::CreateIfAbsent) {
        check(Promise::CreateIfAbsent, store.create(&home.key("b")?, "y").await.map(drop))?;
    }
    if broken(Promise::UpdateIfMatch) {
        let options = WriteOptions::new().with_condition(at());
        check(Promise::UpdateIfMatch, store.put(&key, "y".into(), options).await.map(drop))?;
    }
    if broken(Promise::ConditionalComplete) {
        let options = UploadOptions::new().with_write(absent());
        let uploaded = home.upload(&home.key("c")?, &large_body(), options).await;
        check(Promise::ConditionalComplete, uploaded.map(drop))?;
    }
    if broken(Promise::ConditionalDelete) {
        let options = DeleteOptions::new().with_condition(at());
        check(Promise::ConditionalDelete, store.delete(&key, options).await.map(drop))?;
    }
    if broken(Promise::ConditionalCopy) {
        let options = CopyOptions::new().with_write(absent());
        check(Promise::ConditionalCopy, store.copy(&key, &home.key("d")?, options).await.map(drop))?;
    }
    if broken(Promise::ConditionalBatchDelete) {
        let item = DeleteItem::new(key.clone()).with_options(DeleteOptions::new().with_condition(at()));
        for result in store.delete_many(vec![item]).await {
            // It may be deleted by itself, where that keeps its condition.
            if broken(Promise::ConditionalDelete) {
                check(Promise::ConditionalBatchDelete, result.map(drop))?;
            } else if result.is_ok() {
                store.put_bytes(&key, "x").await?;
            }
        }
    }
    same!(home.names().await?, ["a"]);
    same!(store.get_bytes(&key, 1).await?.1, "x");
    Ok(())
}

pub(super) async fn signed_urls_do_not_show(home: &Home) -> Found {
    let (store, key): (_, ObjectKey) = (&home.store, home.key("a b/ü")?);
    store.put_bytes(&key, "x").await?;
    let now = objstore_core::Clock::now(&objstore_core::SystemClock);
    let life = Duration::from_secs(600);
    for method in [PresignMethod::Get, PresignMethod::Head, PresignMethod::Put, PresignMethod::Delete] {
        let signed = store.presign(PresignRequest::new(key.clone(), method, life)).await?;
        ensure!(!format!("{signed:?}").contains(signed.expose_url()), "Debug shows the URL");
        let late = now.checked_add(life.saturating_add(Duration::from_secs(60)));
        ensure!(late.is_some_and(|late| signed.expires() <= late), "it is good for longer than was asked");
    }
    if let Some(longest) = store.capabilities().limits().presign {
        let request = PresignRequest::new(key, PresignMethod::Get, longest.saturating_add(Duration::from_secs(1)));
        same!(refused(store.presign(request).await)?.kind(), ErrorKind::InvalidInput);
    }
    Ok(())
}
