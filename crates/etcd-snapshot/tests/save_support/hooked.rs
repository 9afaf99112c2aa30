//! A store that asks before each call what is to become of it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use objstore_core::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get, ListOptions, ListPage,
    ObjectKey, ObjectMeta, ObjectStore, PageToken, Payload, Prefix, PresignRequest, Presigned, ReadOptions, Upload,
    UploadId, UploadOptions, UploadPage, WriteOptions, Written,
};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Deliver,
    /// It is not delivered, and fails.
    Fail,
    /// The same, with another kind of error.
    FailAs(ErrorKind),
    /// It is delivered, and its answer is lost.
    LoseAnswer,
    /// It is not delivered, and never answers.
    Hang,
}

type Hook = Arc<dyn Fn(&'static str, u64) -> Act + Send + Sync>;

/// Counts calls, and gives name and number of each to a hook.
#[derive(Clone)]
pub struct Hooked {
    inner: Arc<dyn ObjectStore>,
    asked: Asked,
}

#[derive(Clone)]
struct Asked {
    hook: Hook,
    calls: Arc<AtomicU64>,
}

impl Hooked {
    pub fn new(inner: Arc<dyn ObjectStore>, hook: impl Fn(&'static str, u64) -> Act + Send + Sync + 'static) -> Self {
        Self { inner, asked: Asked { hook: Arc::new(hook), calls: Arc::default() } }
    }

    pub fn calls(&self) -> u64 {
        self.asked.calls.load(Ordering::Relaxed)
    }
}

impl Asked {
    async fn run<T>(&self, name: &'static str, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let failed = Error::new(ErrorKind::Transport);
        match (self.hook)(name, number) {
            Act::Deliver => call.await,
            Act::Fail => Err(failed),
            Act::FailAs(kind) => Err(Error::new(kind)),
            Act::LoseAnswer => call.await.and(Err(failed)),
            Act::Hang => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked")
    }
}

impl fmt::Display for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a store with a hook")
    }
}

#[async_trait]
impl ObjectStore for Hooked {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }
    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written, Error> {
        self.asked.run("put", self.inner.put(key, body, options)).await
    }
    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>, Error> {
        let inner = self.asked.run("start_upload", self.inner.start_upload(key, options)).await?;
        Ok(Box::new(HookedUpload { inner, asked: self.asked.clone() }))
    }
    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta, Error> {
        self.asked.run("head", self.inner.head(key, options)).await
    }
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get, Error> {
        self.asked.run("get", self.inner.get(key, range, options)).await
    }
    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted, Error> {
        self.asked.run("delete", self.inner.delete(key, options)).await
    }
    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted, Error>> {
        self.inner.delete_many(items).await
    }
    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage, Error> {
        self.asked.run("list_page", self.inner.list_page(prefix, options)).await
    }
    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written, Error> {
        self.asked.run("copy", self.inner.copy(from, to, options)).await
    }
    async fn presign(&self, request: PresignRequest) -> Result<Presigned, Error> {
        self.inner.presign(request).await
    }
    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage, Error> {
        self.asked.run("uploads_page", self.inner.uploads_page(prefix, after)).await
    }
    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<(), Error> {
        self.asked.run("abort_upload", self.inner.abort_upload(key, id)).await
    }
    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

struct HookedUpload {
    inner: Box<dyn Upload>,
    asked: Asked,
}

impl fmt::Debug for HookedUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookedUpload")
    }
}

#[async_trait]
impl Upload for HookedUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Error> {
        self.asked.run("write", self.inner.write(chunk)).await
    }
    async fn finish(&mut self) -> Result<Written, Error> {
        self.asked.run("finish", self.inner.finish()).await
    }
    async fn abort(&mut self) -> Result<(), Error> {
        self.asked.run("abort", self.inner.abort()).await
    }
    fn id(&self) -> Option<UploadId> {
        self.inner.id()
    }
}
