//! Changes with and without conditions, one after the other.

use objstore_core::{
    Condition, DeleteItem, DeleteOptions, Effect, ErrorKind, ObjectStoreExt as _, ReadOptions, Revision,
};

use super::super::{
    failure::{Failure, Found, ensure, refused, same},
    home::Home,
};

pub(super) async fn create_never_overwrites(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let first = store.create(&key, "first").await?.revision;
    let error = refused(store.create(&key, "second").await)?;
    same!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
    let (meta, bytes) = store.get_bytes(&key, 100).await?;
    same!((meta.revision, &bytes[..]), (first, &b"first"[..]));
    Ok(())
}

pub(super) async fn what_was_deleted_can_be_created(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let first = store.create(&key, "first").await?.revision;
    store.delete(&key, DeleteOptions::new()).await?;
    let error = refused(store.replace(&key, first, "second").await)?;
    same!(error.kind(), ErrorKind::PreconditionFailed);
    store.create(&key, "third").await?;
    same!(store.get_bytes(&key, 100).await?.1, "third");
    Ok(())
}

pub(super) async fn replace_needs_the_revision(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let error = refused(store.replace(&key, Revision::new("none"), "x").await)?;
    same!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
    ensure!(!store.exists(&key).await?, "it was written");
    let first = store.put_bytes(&key, "1").await?.revision;
    let second = store.replace(&key, first.clone(), "2").await?.revision;
    ensure!(first != second, "both have the revision {first}");
    let error = refused(store.replace(&key, first, "3").await)?;
    same!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
    same!(store.get_bytes(&key, 100).await?.1, "2");
    same!(store.head(&key, ReadOptions::new()).await?.revision, second);
    Ok(())
}

pub(super) async fn equal_contents_have_different_revisions(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let mut seen = Vec::new();
    for round in 0..50 {
        if round % 3 == 0 {
            store.delete(&key, DeleteOptions::new()).await?;
        }
        seen.push(store.put_bytes(&key, "same").await?.revision);
    }
    seen.sort();
    seen.dedup();
    same!(seen.len(), 50, "different revisions of 50 writes");
    Ok(())
}

pub(super) async fn deleting_what_is_absent_is_no_error(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("deep/down/a")?);
    let deleted = store.delete(&key, DeleteOptions::new()).await?;
    ensure!(deleted.existed != Some(true), "it says that it was there");
    store.put_bytes(&key, "1").await?;
    let deleted = store.delete(&key, DeleteOptions::new()).await?;
    ensure!(deleted.existed != Some(false), "it says that it was not there");
    ensure!(!store.exists(&key).await?, "it is still there");
    let absent = DeleteOptions::new().with_condition(Condition::Absent);
    same!(refused(store.delete(&key, absent).await)?.kind(), ErrorKind::InvalidInput);
    Ok(())
}

pub(super) async fn delete_obeys_its_condition(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("deep/down/a")?);
    let old = store.put_bytes(&key, "1").await?.revision;
    let new = store.put_bytes(&key, "2").await?.revision;
    let at = |revision| DeleteOptions::new().with_condition(Condition::Matches(revision));
    let error = refused(store.delete(&key, at(old)).await)?;
    same!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
    ensure!(store.exists(&key).await?, "it is gone");
    let deleted = store.delete(&key, at(new.clone())).await?;
    ensure!(deleted.existed != Some(false), "it says that it was not there");
    ensure!(!store.exists(&key).await?, "it is still there");
    same!(refused(store.delete(&key, at(new)).await)?.kind(), ErrorKind::PreconditionFailed);
    Ok(())
}

pub(super) async fn a_batch_has_one_result_for_each(home: &Home) -> Found {
    let store = &home.store;
    for name in ["a", "c d/ü", "keep"] {
        store.put_bytes(&home.key(name)?, "1").await?;
    }
    let items = vec![
        DeleteItem::new(home.key("a")?),
        DeleteItem::new(home.key("absent")?),
        DeleteItem::new(home.key("c d/ü")?),
    ];
    let results = store.delete_many(items).await;
    same!(results.len(), 3);
    for result in results {
        result?;
    }
    same!(home.names().await?, ["keep"]);
    ensure!(store.delete_many(Vec::new()).await.is_empty(), "a batch of nothing has results");
    Ok(())
}

pub(super) async fn a_batch_obeys_its_conditions(home: &Home) -> Found {
    let store = &home.store;
    let at = |revision| DeleteOptions::new().with_condition(Condition::Matches(revision));
    let mut items = Vec::new();
    for (name, right) in [("a", true), ("b", false), ("c", true)] {
        let written = store.put_bytes(&home.key(name)?, name).await?.revision;
        let wanted = if right { written } else { Revision::new("wrong") };
        items.push(DeleteItem::new(home.key(name)?).with_options(at(wanted)));
    }
    let results = store.delete_many(items).await;
    let [a, b, c] = <[_; 3]>::try_from(results).map_err(|_| Failure::new("not one result for each"))?;
    a?;
    c?;
    let error = refused(b)?;
    same!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
    same!(home.names().await?, ["b"]);
    Ok(())
}
