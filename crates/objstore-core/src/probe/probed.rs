//! A store that refuses what was not seen to hold.

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use super::ProbeReport;
use crate::{
    Capabilities, Condition, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get, ListOptions,
    ListPage, ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest, Presigned, Promise,
    Protection, ReadOptions, Result, Upload, UploadId, UploadOptions, UploadPage, Verdict, WriteOptions, Written,
    capabilities::shortfall,
    rules::{context, delete_each, invalid},
};

/// A store with the capabilities that a probe saw: what is rejected, ignored or racy there is refused with
/// [`ErrorKind::Unsupported`] before anything is sent. What the probe could not look at is left to the store.
///
/// - A conditional upload whose completion does not keep its condition is refused, unless its
///   [`size_hint`](UploadOptions::size_hint) is at most 8 MiB: it is then held in memory and written by one put, and
///   longer bodies are [`ErrorKind::TooLarge`].
/// - A batch of deletes becomes single ones where the store has no batch.
///
/// # Memory
/// The uploads held, at most 8 MiB each.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{MemoryStore, ObjectKey, ObjectStoreExt as _, probe::{Probe, Probed}};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let bucket = Arc::new(MemoryStore::new());
/// let report = Probe::new(bucket.clone()).with_bodies([(64, 2)]).run().await?;
/// let store = Probed::new(bucket, &report);
/// store.create(&ObjectKey::new("a")?, "hello").await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Probed {
    inner: Arc<dyn ObjectStore>,
    capabilities: Arc<Capabilities>,
}

/// The longest upload that is held in memory.
const HELD_BYTES: u64 = 8 << 20;

impl Probed {
    /// The store as it was seen.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, report: &ProbeReport) -> Self {
        let capabilities = Arc::new(report.apply(&inner.capabilities()));
        Self { inner, capabilities }
    }

    fn fails(&self, promise: Promise) -> bool {
        matches!(self.capabilities.verdict(promise), Verdict::Rejected | Verdict::Ignored | Verdict::Racy)
    }

    fn check(&self, promise: Promise) -> Result<()> {
        match shortfall(promise, self.capabilities.verdict(promise)) {
            Some(detail) if self.fails(promise) => Err(Error::new(ErrorKind::Unsupported).with_detail(detail)),
            _ => Ok(()),
        }
    }

    fn check_write(&self, options: &WriteOptions) -> Result<()> {
        match options.condition {
            Some(Condition::Absent) => self.check(Promise::CreateIfAbsent)?,
            Some(Condition::Matches(_)) => self.check(Promise::UpdateIfMatch)?,
            None => {}
        }
        self.check_protection(&options.protection)
    }

    fn check_protection(&self, protection: &Protection) -> Result<()> {
        if *protection == Protection::default() { Ok(()) } else { self.check(Promise::Lock) }
    }

    /// Whether the upload must be held in memory.
    fn check_upload(&self, options: &UploadOptions) -> Result<Option<u64>> {
        self.check_write(&options.write)?;
        if options.write.condition.is_none() || !self.fails(Promise::ConditionalComplete) {
            return Ok(None);
        }
        match options.size_hint {
            Some(hint) if hint <= HELD_BYTES => Ok(Some(hint)),
            _ => self.check(Promise::ConditionalComplete).map(|()| None),
        }
    }
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Probed {
    fn capabilities(&self) -> Arc<Capabilities> {
        Arc::clone(&self.capabilities)
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        self.check_write(&options).map_err(context(Op::Put, self, Some(key)))?;
        self.inner.put(key, body, options).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let held = self.check_upload(&options).map_err(context(Op::StartUpload, self, Some(key)))?;
        match held {
            None => self.inner.start_upload(key, options).await,
            Some(most) => {
                let (store, key, body) = (self.clone(), key.clone(), Some(Payload::new()));
                Ok(Box::new(HeldUpload { store, key, options: options.write, most, body }))
            }
        }
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.inner.head(key, options).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        self.inner.get(key, range, options).await
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        if options.condition.is_some() {
            self.check(Promise::ConditionalDelete).map_err(context(Op::Delete, self, Some(key)))?;
        }
        self.inner.delete(key, options).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        let conditional = items.iter().any(|item| item.options.condition.is_some());
        if self.fails(Promise::BatchDelete) || conditional && self.fails(Promise::ConditionalBatchDelete) {
            return delete_each(self, items).await;
        }
        self.inner.delete_many(items).await
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.inner.list_page(prefix, options).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        let check = || {
            self.check_protection(&options.write.protection)?;
            if options.write.condition.is_some() { self.check(Promise::ConditionalCopy) } else { Ok(()) }
        };
        check().map_err(context(Op::Copy, self, Some(to)))?;
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

/// A small upload that becomes one put.
#[derive(Debug)]
struct HeldUpload {
    store: Probed,
    key: ObjectKey,
    options: WriteOptions,
    most: u64,
    /// None when it has ended.
    body: Option<Payload>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for HeldUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let at = context(Op::Write, &self.store, Some(&self.key));
        let body = self.body.as_mut().ok_or_else(|| at(invalid("the upload has ended")))?;
        let size = body.len().saturating_add(chunk.len() as u64);
        if size > self.most {
            let detail = format!(
                "on this store a conditional upload must not be longer than its size hint, {} bytes: give a larger one",
                self.most
            );
            return Err(at(Error::new(ErrorKind::TooLarge).with_detail(detail)));
        }
        body.push(chunk);
        Ok(())
    }

    async fn finish(&mut self) -> Result<Written> {
        let body = self.body.clone().ok_or_else(|| invalid("the upload has ended").with_op(Op::Finish))?;
        let result = self.store.inner.put(&self.key, body, self.options.clone()).await;
        // What may be tried again keeps its bytes.
        if !matches!(&result, Err(error) if matches!(error.retry(), crate::Retry::After(_))) {
            self.body = None;
        }
        result.map_err(|error| error.with_op(Op::Finish))
    }

    async fn abort(&mut self) -> Result<()> {
        self.body = None;
        Ok(())
    }

    fn id(&self) -> Option<UploadId> {
        None
    }
}
