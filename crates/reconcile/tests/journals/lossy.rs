//! A store that loses one reply.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use objstore_core::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Effect, Error, ErrorKind, Get, ListOptions,
    ListPage, MemoryStore, ObjectKey, ObjectMeta, ObjectStore, PageToken, Payload, Prefix, PresignRequest, Presigned,
    ReadOptions, Result, Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written,
};

/// Loses the reply of one call, after it took effect or before. Reads count too.
#[derive(Debug)]
pub(crate) struct Lossy {
    inner: MemoryStore,
    capabilities: Arc<Capabilities>,
    left: AtomicU32,
    applied: bool,
}

impl Lossy {
    pub(crate) fn new(inner: MemoryStore, lost: u32, applied: bool) -> Self {
        let capabilities = inner.capabilities();
        Self { inner, capabilities, left: AtomicU32::new(lost), applied }
    }

    pub(crate) fn without_conditions() -> Self {
        let capabilities = Arc::new(Capabilities::new());
        Self { inner: MemoryStore::new(), capabilities, left: AtomicU32::new(u32::MAX), applied: false }
    }

    async fn call<T: Send>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let lost = self.left.fetch_sub(1, Ordering::Relaxed) == 0;
        let error = || Err(Error::new(ErrorKind::Transport).with_effect(Effect::Unknown));
        if lost && !self.applied {
            return error();
        }
        let result = call.await;
        if lost { error() } else { result }
    }
}

impl fmt::Display for Lossy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lossy")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Lossy {
    fn capabilities(&self) -> Arc<Capabilities> {
        Arc::clone(&self.capabilities)
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        self.call(self.inner.put(key, body, options)).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        self.inner.start_upload(key, options).await
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.call(self.inner.head(key, options)).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        self.call(self.inner.get(key, range, options)).await
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        self.call(self.inner.delete(key, options)).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        self.inner.delete_many(items).await
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.inner.list_page(prefix, options).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        self.inner.copy(from, to, options).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        self.inner.presign(request).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.inner.uploads_page(prefix, after).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.inner.abort_upload(key, id).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
