//! Several at once.

use std::{future::Future, sync::Arc};

use bytes::Bytes;
use objstore_core::{
    DeleteOptions, Error, ErrorKind, ObjectKey, ObjectStore, ObjectStoreExt as _, Payload, UploadOptions, Written,
};
use tokio::{sync::Barrier, task::JoinSet};

use super::super::{
    failure::{Failure, Found, ensure, same},
    home::{Home, LARGE, absent, large_body},
};

/// Of how many writers one must win.
const WRITERS: u8 = 24;

/// A body that says who wrote it.
fn body_of(writer: u8, size: usize) -> Bytes {
    vec![writer; size].into()
}

/// Fails unless one of the writers won, the others were told so, and the object is the winner's.
async fn one_won(home: &Home, key: &ObjectKey, size: usize, results: Vec<Result<Written, Error>>) -> Found {
    let winners: Vec<u8> = (0..).zip(&results).filter(|(_, result)| result.is_ok()).map(|(writer, _)| writer).collect();
    let [winner] = winners[..] else {
        return Err(Failure::new(format!("{} of {} writers won: {winners:?}", winners.len(), results.len())));
    };
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        // A conflict says that nothing was written and to try again; a store may leave that to a layer above it.
        ensure!(matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Conflict), "a loser was told: {error}");
    }
    let (_, bytes) = home.store.get_bytes(key, size as u64).await?;
    ensure!(bytes == body_of(winner, size), "writer {winner} won, and the object is not its");
    Ok(())
}

/// Runs the work of several writers in tasks of their own, started together; the results are in their order.
async fn at_once<T, F>(writers: u8, work: impl Fn(u8) -> F) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(usize::from(writers)));
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (start, work) = (Arc::clone(&start), work(writer));
        tasks.spawn(async move {
            start.wait().await;
            (writer, work.await)
        });
    }
    let mut results = Vec::new();
    while let Some(done) = tasks.join_next().await {
        results.push(done.map_err(|error| Failure::new(format!("a writer did not come to an end: {error}")))?);
    }
    results.sort_by_key(|(writer, _)| *writer);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

async fn race(home: &Home, key: &ObjectKey, writers: u8, size: usize) -> Found {
    let create = |writer| {
        let (store, key) = (Arc::clone(&home.store), key.clone());
        async move { store.create(&key, Payload::from(body_of(writer, size))).await }
    };
    one_won(home, key, size, at_once(writers, create).await?).await
}

pub(super) async fn of_racing_creators_one_wins(home: &Home) -> Found {
    for round in 0..10 {
        race(home, &home.key(&format!("round/{round}"))?, WRITERS, 1).await?;
    }
    Ok(())
}

/// Some stores are atomic for small bodies only.
pub(super) async fn of_racing_creators_of_large_objects_one_wins(home: &Home) -> Found {
    race(home, &home.key("large")?, WRITERS, 8_000_000).await
}

pub(super) async fn of_racing_uploads_one_wins(home: &Home) -> Found {
    let key = &home.key("uploaded")?;
    let upload = |writer| {
        let (store, key) = (Arc::clone(&home.store), key.clone());
        async move {
            let mut upload = store.start_upload(&key, UploadOptions::new().with_write(absent())).await?;
            for chunk in large_body() {
                upload.write(body_of(writer, chunk.len())).await?;
            }
            upload.finish().await
        }
    };
    one_won(home, key, LARGE, at_once(6, upload).await?).await
}

pub(super) async fn of_racing_increments_none_is_lost(home: &Home) -> Found {
    const EACH: u32 = 15;
    let key = &home.key("counter")?;
    home.store.create(key, "0").await?;
    let count = |_| {
        let (store, key) = (Arc::clone(&home.store), key.clone());
        async move {
            for _ in 0..EACH {
                while !increment(&*store, &key).await? {}
            }
            Ok::<_, Failure>(())
        }
    };
    for counted in at_once(8, count).await? {
        counted?;
    }
    same!(home.store.get_bytes(key, 10).await?.1, (8 * EACH).to_string());
    Ok(())
}

async fn increment(store: &dyn ObjectStore, key: &ObjectKey) -> Result<bool, Failure> {
    let (meta, bytes) = store.get_bytes(key, 10).await?;
    let count: u32 = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    match store.replace(key, meta.revision, count.saturating_add(1).to_string()).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::PreconditionFailed | ErrorKind::Conflict) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn deletes_and_creates_race_without_errors(home: &Home) -> Found {
    // In a store of folders, each delete may remove the folder in which a create is at work.
    let key = &home.key("deep/down/a")?;
    let work = |writer: u8| {
        let (store, key) = (Arc::clone(&home.store), key.clone());
        async move {
            for _ in 0..25 {
                if writer.is_multiple_of(2) {
                    store.delete(&key, DeleteOptions::new()).await?;
                } else if let Err(error) = store.create(&key, "x").await {
                    let kinds = [ErrorKind::AlreadyExists, ErrorKind::Conflict];
                    ensure!(kinds.contains(&error.kind()), "{error}: wanted one of {kinds:?}");
                }
            }
            Ok::<_, Failure>(())
        }
    };
    for worked in at_once(4, work).await? {
        worked?;
    }
    home.store.put_bytes(key, "y").await?;
    same!(home.names().await?, ["deep/down/a"]);
    Ok(())
}
