//! Not too much at a time.

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get, ListOptions, ListPage,
    ObjectKey, ObjectMeta, ObjectStore, PageToken, Payload, Prefix, PresignRequest, Presigned, ReadOptions, Result,
    Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written,
};

/// A store of which only so many calls run at a time, with so many bytes of bodies. Others wait, first come first served.
///
/// A call counts from its beginning to its end; a [`get`](ObjectStore::get) until its body was read or dropped. So who
/// opens more bodies than calls are allowed, and reads none, waits forever. Bytes are those of puts and of
/// [`Upload::write`] while the call runs; a larger body than all that is allowed takes all.
/// [`close`](ObjectStore::close) and giving up an upload never wait.
///
/// Clones share their limits.
///
/// # Memory
/// At most the bytes allowed are in calls below; those that wait hold theirs too.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{MemoryStore, ObjectKey, ObjectStoreExt as _, layers::Limit};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = Limit::new(Arc::new(MemoryStore::new())).with_calls(16).with_bytes(64 << 20);
/// store.put_bytes(&ObjectKey::new("a")?, "hello").await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Limit {
    inner: Arc<dyn ObjectStore>,
    calls: Option<Arc<Semaphore>>,
    bytes: Option<Bytewise>,
}

/// Bytes are counted in blocks, because a semaphore counts to 2³².
const BLOCK_BYTES: u64 = 1024;

#[derive(Debug, Clone)]
struct Bytewise {
    blocks: Arc<Semaphore>,
    all: u32,
}

/// The right to be at work.
#[derive(Debug)]
struct Turn {
    _call: Option<OwnedSemaphorePermit>,
    _bytes: Option<OwnedSemaphorePermit>,
}

impl Limit {
    /// No limits yet.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, calls: None, bytes: None }
    }

    /// Sets how many calls run at a time; 0 counts as 1.
    #[must_use]
    pub fn with_calls(mut self, calls: usize) -> Self {
        self.calls = Some(Arc::new(Semaphore::new(calls.clamp(1, Semaphore::MAX_PERMITS))));
        self
    }

    /// Sets how many bytes are being sent at a time, in units of 1,024, rounded up.
    #[must_use]
    pub fn with_bytes(mut self, bytes: u64) -> Self {
        const MOST: u32 = u32::MAX >> 3; // what a semaphore holds on every platform
        let all = u32::try_from(bytes.div_ceil(BLOCK_BYTES)).unwrap_or(MOST).clamp(1, MOST);
        self.bytes = Some(Bytewise { blocks: Arc::new(Semaphore::new(all as usize)), all });
        self
    }

    /// Waits for the turn of a call with so many bytes. The call first, then its bytes: who has bytes can go on.
    async fn turn(&self, bytes: u64) -> Result<Turn> {
        let call = match &self.calls {
            Some(calls) => Some(Arc::clone(calls).acquire_owned().await.map_err(closed)?),
            None => None,
        };
        let bytes = match &self.bytes {
            Some(limit) if bytes > 0 => {
                let blocks = u32::try_from(bytes.div_ceil(BLOCK_BYTES)).unwrap_or(limit.all).min(limit.all);
                Some(Arc::clone(&limit.blocks).acquire_many_owned(blocks).await.map_err(closed)?)
            }
            _ => None,
        };
        Ok(Turn { _call: call, _bytes: bytes })
    }
}

fn closed(error: tokio::sync::AcquireError) -> Error {
    Error::new(ErrorKind::Cancelled).with_source(error) // nobody closes these semaphores
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Limit {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        let _turn = self.turn(body.len()).await?;
        self.inner.put(key, body, options).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let _turn = self.turn(0).await?;
        let inner = self.inner.start_upload(key, options).await?;
        Ok(Box::new(LimitedUpload { layer: self.clone(), inner }))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        let _turn = self.turn(0).await?;
        self.inner.head(key, options).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let turn = self.turn(0).await?;
        let get = self.inner.get(key, range, options).await?;
        let body = stream::unfold((get.body, turn), |(mut body, turn)| async move {
            let chunk = body.next().await?;
            Some((chunk, (body, turn)))
        });
        Ok(Get::new(get.meta, get.range, body.boxed()))
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        let _turn = self.turn(0).await?;
        self.inner.delete(key, options).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        match self.turn(0).await {
            Ok(_turn) => self.inner.delete_many(items).await,
            Err(_) => items.iter().map(|_| Err(Error::new(ErrorKind::Cancelled))).collect(),
        }
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        let _turn = self.turn(0).await?;
        self.inner.list_page(prefix, options).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        let _turn = self.turn(0).await?;
        self.inner.copy(from, to, options).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        let _turn = self.turn(0).await?;
        self.inner.presign(request).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        let _turn = self.turn(0).await?;
        self.inner.uploads_page(prefix, after).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.inner.abort_upload(key, id).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct LimitedUpload {
    layer: Limit,
    inner: Box<dyn Upload>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for LimitedUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let _turn = self.layer.turn(chunk.len() as u64).await?;
        self.inner.write(chunk).await
    }

    async fn finish(&mut self) -> Result<Written> {
        let _turn = self.layer.turn(0).await?;
        self.inner.finish().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }

    fn id(&self) -> Option<UploadId> {
        self.inner.id()
    }
}
