//! Copies within a store.

use objstore_core::{
    CopyOptions, Effect, ErrorKind, Headers, ObjectStoreExt as _, ReadOptions, Revision, UploadOptions, WriteOptions,
};

use super::super::{
    failure::{Found, ensure, refused, same},
    home::{Home, LARGE, absent, joined, large_body},
};

pub(super) async fn copies_have_the_bytes_and_headers(home: &Home) -> Found {
    let (store, from, to) = (&home.store, home.key("from/a b+ü")?, home.key("below/to")?);
    let chunks = large_body();
    let mut options = WriteOptions::new();
    if store.capabilities().features().user_metadata {
        options = options.with_headers(Headers::new().with_metadata([("origin".to_owned(), "x".to_owned())].into()));
    }
    let headers = options.headers.clone();
    home.upload(&from, &chunks, UploadOptions::new().with_write(options)).await?;
    let written = store.copy(&from, &to, CopyOptions::new()).await?;
    same!(written.size, LARGE as u64);
    let (meta, bytes) = store.get_bytes(&to, LARGE as u64).await?;
    same!(meta.revision, written.revision);
    ensure!(bytes == joined(&chunks), "the copy has other bytes");
    same!(store.head(&to, ReadOptions::new()).await?.headers.metadata, headers.metadata);
    Ok(())
}

pub(super) async fn copies_obey_their_source(home: &Home) -> Found {
    let (store, from, to) = (&home.store, home.key("from")?, home.key("to")?);
    let missing = refused(store.copy(&from, &to, CopyOptions::new()).await)?;
    same!((missing.kind(), missing.effect()), (ErrorKind::NotFound, &Effect::NotApplied));
    let source = store.put_bytes(&from, "x").await?.revision;
    let stale = CopyOptions::new().with_source(Revision::new("stale"));
    let error = refused(store.copy(&from, &to, stale).await)?;
    same!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
    ensure!(!store.exists(&to).await?, "it was copied");
    store.copy(&from, &to, CopyOptions::new().with_source(source)).await?;
    same!(store.get_bytes(&to, 1).await?.1, "x");
    Ok(())
}

pub(super) async fn copies_obey_their_conditions(home: &Home) -> Found {
    let (store, from, to) = (&home.store, home.key("from")?, home.key("to")?);
    store.put_bytes(&from, "new").await?;
    let create = CopyOptions::new().with_write(absent());
    store.copy(&from, &to, create.clone()).await?;
    let there = store.put_bytes(&to, "other").await?.revision;
    let error = refused(store.copy(&from, &to, create).await)?;
    same!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
    same!(store.get_bytes(&to, 10).await?.1, "other");
    let at = |revision| {
        let condition = objstore_core::Condition::Matches(revision);
        CopyOptions::new().with_write(WriteOptions::new().with_condition(condition))
    };
    let error = refused(store.copy(&from, &to, at(Revision::new("stale"))).await)?;
    same!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
    store.copy(&from, &to, at(there)).await?;
    same!(store.get_bytes(&to, 10).await?.1, "new");
    Ok(())
}
