//! Bodies that arrive in pieces.

use bytes::Bytes;
use objstore_core::{
    Checksums, Condition, DeleteOptions, Effect, ErrorKind, ObjectStoreExt as _, UploadOptions, WriteOptions,
};

use super::super::{
    failure::{Failure, Found, ensure, refused, same},
    home::{Home, LARGE, absent, joined, large_body},
};

async fn nothing_unfinished(home: &Home) -> Found {
    home.store.close().await?;
    let left = home.uploads().await?;
    ensure!(left.is_empty(), "unfinished uploads are left: {left:?}");
    Ok(())
}

pub(super) async fn uploads_of_every_size_arrive(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("up/load")?);
    let large = large_body();
    for chunks in [&[][..], &[Bytes::from("small")], &large] {
        let whole = joined(chunks);
        let written = home.upload(&key, chunks, UploadOptions::new()).await?;
        same!(written.size, whole.len() as u64);
        same!(written.checksums.mismatch(&Checksums::of(&whole)), None);
        let (meta, bytes) = store.get_bytes(&key, LARGE as u64).await?;
        same!(meta.revision, written.revision);
        ensure!(bytes == whole, "{} bytes came back, and not those that were sent", bytes.len());
        nothing_unfinished(home).await?;
    }
    Ok(())
}

pub(super) async fn uploads_obey_their_condition(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let large = large_body();
    for chunks in [&[Bytes::from("small")][..], &large] {
        let create = UploadOptions::new().with_write(absent());
        let mut late = store.start_upload(&key, create.clone()).await?;
        for chunk in chunks {
            late.write(chunk.clone()).await?;
        }
        let revision = store.put_bytes(&key, "faster").await?.revision;
        let error = refused(late.finish().await)?;
        same!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
        same!(store.get_bytes(&key, 10).await?.1, "faster");
        refused(late.finish().await)?;
        drop(late);
        nothing_unfinished(home).await?;

        let replace = WriteOptions::new().with_condition(Condition::Matches(revision));
        let replace = UploadOptions::new().with_write(replace);
        home.upload(&key, chunks, replace.clone()).await?;
        let error = refused(home.upload(&key, chunks, replace).await)?;
        same!((error.kind(), error.effect()), (ErrorKind::PreconditionFailed, &Effect::NotApplied));
        store.delete(&key, DeleteOptions::new()).await?;
        home.upload(&key, chunks, create).await?;
        store.delete(&key, DeleteOptions::new()).await?;
    }
    Ok(())
}

pub(super) async fn uploads_are_invisible_until_finished(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("deep/down/a")?);
    let mut upload = store.start_upload(&key, UploadOptions::new()).await?;
    for chunk in large_body() {
        upload.write(chunk).await?;
    }
    let id = upload.id().ok_or_else(|| Failure::new("nothing of 11 MiB was stored, so they are in memory"))?;
    ensure!(home.names().await?.is_empty(), "it is listed");
    ensure!(!store.exists(&key).await?, "it exists");
    let listed = home.uploads().await?;
    same!(listed.iter().map(|info| (&info.key, &info.id)).collect::<Vec<_>>(), [(&key, &id)]);
    ensure!(listed.iter().all(|info| info.started.is_some()), "the list does not say when it was started");
    let elsewhere = home.uploads_below(&home.prefix.child("elsewhere")?).await?;
    ensure!(elsewhere.is_empty(), "it is listed below another prefix");
    upload.abort().await?;
    nothing_unfinished(home).await?;
    refused(upload.write(Bytes::from("x")).await)?;
    refused(upload.finish().await)?;
    upload.abort().await?;
    ensure!(home.names().await?.is_empty(), "it was written although it was given up");
    Ok(())
}

pub(super) async fn dropped_uploads_leave_nothing(home: &Home) -> Found {
    let chunks = large_body();
    let long = format!("{}/{}", "l".repeat(250), "ü".repeat(120));
    for name in ["a/b", &long] {
        for sent in [0, 1, chunks.len()] {
            let mut upload = home.store.start_upload(&home.key(name)?, UploadOptions::new()).await?;
            for chunk in chunks.iter().take(sent) {
                upload.write(chunk.clone()).await?;
            }
        }
    }
    nothing_unfinished(home).await?;
    ensure!(home.names().await?.is_empty(), "one of them was written");
    Ok(())
}

pub(super) async fn anybody_can_abort_an_upload(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let mut upload = store.start_upload(&key, UploadOptions::new()).await?;
    for chunk in large_body() {
        upload.write(chunk).await?;
    }
    let id = upload.id().ok_or_else(|| Failure::new("nothing of 11 MiB was stored, so they are in memory"))?;
    store.abort_upload(&key, &id).await?;
    store.abort_upload(&key, &id).await?;
    let left = home.uploads().await?;
    ensure!(left.is_empty(), "it is still there: {left:?}");
    let error = refused(upload.finish().await)?;
    same!((error.kind(), error.effect()), (ErrorKind::NotFound, &Effect::NotApplied));
    ensure!(!store.exists(&key).await?, "it was written although it was given up");
    Ok(())
}
