//! A body that arrives in pieces.

use std::{fmt, num::NonZeroU64, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{FileStore, blocking, files::Files, staged::Staged};
use crate::{
    ObjectKey, Op, Result, Upload, UploadId, UploadOptions, Written,
    rules::{context, invalid},
};

/// How many bytes are written at a time, unless the caller chooses. Twice this is in memory: what is being written, and
/// what arrives meanwhile. Small enough to be still in the processor's caches when it is hashed and copied.
const BATCH_BYTES: u64 = 1 << 20;

pub(super) struct FileUpload {
    store: FileStore,
    key: ObjectKey,
    options: UploadOptions,
    batch: Vec<Bytes>,
    batch_len: u64,
    batch_limit: u64,
    id: Option<UploadId>,
    stage: Stage,
}

/// What the bytes so far became.
enum Stage {
    /// Nothing: they are all in memory.
    New,
    /// A file to which nothing is being written.
    Idle(Box<Staged>),
    /// A file to which a batch is being written.
    Busy(JoinHandle<Result<Box<Staged>>>),
    /// An object, or nothing any more.
    Ended,
}

impl FileUpload {
    pub(super) fn new(store: FileStore, key: ObjectKey, options: UploadOptions) -> Self {
        let batch_limit = options.part_size.map_or(BATCH_BYTES, NonZeroU64::get);
        Self { store, key, options, batch: Vec::new(), batch_len: 0, batch_limit, id: None, stage: Stage::New }
    }

    fn check_open(&self) -> Result<()> {
        match self.stage {
            Stage::Ended => Err(invalid("the upload has ended, or failed before")),
            _ => Ok(()),
        }
    }

    /// Waits until no batch is being written.
    async fn settle(&mut self) -> Result<()> {
        if let Stage::Busy(handle) = &mut self.stage {
            let result = blocking::join(handle).await;
            self.stage = Stage::Ended;
            let staged = result?;
            self.id = Some(staged.id.clone());
            self.stage = Stage::Idle(staged);
        }
        Ok(())
    }

    /// Begins to write the batch.
    async fn flush(&mut self) -> Result<()> {
        self.settle().await?;
        if let Stage::New = self.stage {
            self.create().await?;
        }
        if let Stage::Idle(mut staged) = std::mem::replace(&mut self.stage, Stage::Ended) {
            let batch = std::mem::take(&mut self.batch);
            self.batch_len = 0;
            self.stage = Stage::Busy(blocking::start(move || {
                staged.write(&batch)?;
                Ok(staged)
            }));
        }
        Ok(())
    }

    async fn create(&mut self) -> Result<()> {
        let (files, key, options) = (Arc::clone(&self.store.files), self.key.clone(), self.options.clone());
        self.stage = Stage::Busy(blocking::start(move || {
            Staged::create(files, &key, &options.write, options.size_hint).map(Box::new)
        }));
        self.settle().await
    }

    async fn publish(&mut self) -> Result<Written> {
        self.check_open()?;
        self.settle().await?;
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        let batch = std::mem::take(&mut self.batch);
        match stage {
            Stage::Idle(mut staged) => {
                blocking::run(move || {
                    staged.write(&batch)?;
                    staged.publish()
                })
                .await
            }
            _ => {
                let (files, key, options) =
                    (Arc::clone(&self.store.files), self.key.clone(), self.options.write.clone());
                blocking::run(move || files.put(&key, &batch, &options)).await
            }
        }
    }

    async fn give_up(&mut self) -> Result<()> {
        self.batch = Vec::new();
        let settled = self.settle().await;
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Idle(staged) => blocking::run(move || staged.discard()).await,
            // Whatever made it fail, it took its file with it.
            _ => {
                drop(settled);
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Upload for FileUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let take = async {
            self.check_open()?;
            self.batch_len = self.batch_len.saturating_add(chunk.len() as u64);
            self.batch.push(chunk);
            if self.batch_len < self.batch_limit { Ok(()) } else { self.flush().await }
        };
        let result = take.await;
        result.map_err(context(Op::Write, &self.store, Some(&self.key)))
    }

    async fn finish(&mut self) -> Result<Written> {
        let result = self.publish().await;
        result.map_err(context(Op::Finish, &self.store, Some(&self.key)))
    }

    async fn abort(&mut self) -> Result<()> {
        let result = self.give_up().await;
        result.map_err(context(Op::Abort, &self.store, Some(&self.key)))
    }

    fn id(&self) -> Option<UploadId> {
        match self.stage {
            Stage::New | Stage::Ended => None,
            _ => self.id.clone(),
        }
    }
}

impl Drop for FileUpload {
    fn drop(&mut self) {
        let ending = Ending::begin(&self.store.files);
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::New | Stage::Ended => {}
            // Removing a large file takes a while; a dropped `Staged` removes its file on whichever thread it is.
            Stage::Idle(staged) => match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(move || {
                    drop(staged);
                    drop(ending);
                })),
                Err(_) => drop(staged),
            },
            Stage::Busy(handle) => {
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    drop(runtime.spawn(async move {
                        if let Ok(Ok(staged)) = handle.await {
                            let _done = tokio::task::spawn_blocking(move || drop(staged)).await;
                        }
                        drop(ending);
                    }));
                }
            }
        }
    }
}

/// Counts an upload that is being given up, for [`ObjectStore::close`](crate::ObjectStore::close).
struct Ending(Arc<Files>);

impl Ending {
    fn begin(files: &Arc<Files>) -> Self {
        files.ending.send_modify(|count| *count = count.saturating_add(1));
        Self(Arc::clone(files))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ending.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl fmt::Debug for FileUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileUpload").field("key", &self.key).field("id", &self.id).finish_non_exhaustive()
    }
}
