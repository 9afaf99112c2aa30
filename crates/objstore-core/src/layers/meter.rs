//! Measuring what a store does.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};

use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get, ListOptions, ListPage,
    ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest, Presigned, ReadOptions, Result,
    Timer, TokioTimer, Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written,
};

/// One call that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Measurement {
    /// What was called. [`Op::Read`] is the body of a get, measured when it ends or is dropped.
    pub op: Op,
    /// Why it failed; `None` if it did not. A call that was dropped before its end is [`ErrorKind::Cancelled`]. Whether
    /// a kind is a failure is up to whoever counts: an object that is not found, or a condition that does not hold, may
    /// be what was to be found out.
    pub error: Option<ErrorKind>,
    /// How long it took.
    pub duration: Duration,
    /// How many bytes of bodies went either way.
    pub bytes: u64,
    /// How often it was tried, as far as its error says; a success says 1. To count every attempt, stand another meter
    /// below [`Retries`](super::Retries).
    pub attempts: u32,
}

/// What is told about every call.
///
/// It is called on the way of every request, so it should only count.
pub trait Recorder: fmt::Debug + Send + Sync + 'static {
    /// A call ended.
    fn record(&self, measurement: &Measurement);
}

/// A store that tells a [`Recorder`] about every call.
///
/// # Memory
/// None beside the store's.
///
/// ```
/// use std::sync::{
///     Arc,
///     atomic::{AtomicU64, Ordering},
/// };
///
/// use objstore_core::{
///     MemoryStore, ObjectKey, ObjectStoreExt as _,
///     layers::{Measurement, Meter, Recorder},
/// };
///
/// #[derive(Debug, Default)]
/// struct BytesSent(AtomicU64);
///
/// impl Recorder for BytesSent {
///     fn record(&self, measurement: &Measurement) {
///         self.0.fetch_add(measurement.bytes, Ordering::Relaxed);
///     }
/// }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let sent = Arc::new(BytesSent::default());
/// let store = Meter::new(Arc::new(MemoryStore::new()), sent.clone());
/// store.put_bytes(&ObjectKey::new("a")?, "hello").await?;
/// assert_eq!(sent.0.load(Ordering::Relaxed), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Meter {
    inner: Arc<dyn ObjectStore>,
    recorder: Arc<dyn Recorder>,
    timer: Arc<dyn Timer>,
}

impl Meter {
    /// Tells `recorder` about every call.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, recorder: Arc<dyn Recorder>) -> Self {
        Self { inner, recorder, timer: Arc::new(TokioTimer::new()) }
    }

    /// Sets what durations are taken by.
    #[must_use]
    pub fn with_timer(mut self, timer: Arc<dyn Timer>) -> Self {
        self.timer = timer;
        self
    }

    fn begin(&self, op: Op, bytes: u64) -> Running {
        Running {
            recorder: Arc::clone(&self.recorder),
            began: self.timer.now(),
            timer: Arc::clone(&self.timer),
            op,
            bytes,
            end: None,
        }
    }
}

/// A call that has not ended. Told when it is dropped, whatever became of it.
struct Running {
    recorder: Arc<dyn Recorder>,
    timer: Arc<dyn Timer>,
    began: Duration,
    op: Op,
    bytes: u64,
    end: Option<(Option<ErrorKind>, u32)>,
}

impl Running {
    fn end<T>(mut self, result: Result<T>) -> Result<T> {
        self.note(result.as_ref().err());
        result
    }

    /// Notes the next piece of a body of `wanted` bytes. Who has read them all need not ask for the end.
    fn take(&mut self, piece: Option<&Result<Bytes>>, wanted: u64) {
        match piece {
            None => self.note(None),
            Some(Err(error)) => self.note(Some(error)),
            Some(Ok(bytes)) => {
                self.bytes = self.bytes.saturating_add(bytes.len() as u64);
                if self.bytes == wanted {
                    self.note(None);
                }
            }
        }
    }

    fn note(&mut self, error: Option<&Error>) {
        self.end = Some((error.map(Error::kind), error.map_or(1, Error::attempts)));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (error, attempts) = self.end.unwrap_or((Some(ErrorKind::Cancelled), 1));
        let duration = self.timer.now().saturating_sub(self.began);
        self.recorder.record(&Measurement { op: self.op, error, duration, bytes: self.bytes, attempts });
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Meter {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        let running = self.begin(Op::Put, body.len());
        running.end(self.inner.put(key, body, options).await)
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let running = self.begin(Op::StartUpload, 0);
        let inner = running.end(self.inner.start_upload(key, options).await)?;
        Ok(Box::new(MeteredUpload { layer: self.clone(), inner }))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        let running = self.begin(Op::Head, 0);
        running.end(self.inner.head(key, options).await)
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let running = self.begin(Op::Get, 0);
        let get = running.end(self.inner.get(key, range, options).await)?;
        let running = self.begin(Op::Read, 0);
        let wanted = get.range.end.saturating_sub(get.range.start);
        let body = stream::unfold((get.body, running), move |(mut body, mut running)| async move {
            let chunk = body.next().await;
            running.take(chunk.as_ref(), wanted);
            Some((chunk?, (body, running)))
        });
        Ok(Get::new(get.meta, get.range, body.boxed()))
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        let running = self.begin(Op::Delete, 0);
        running.end(self.inner.delete(key, options).await)
    }

    /// One measurement for each item.
    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        let running: Vec<_> = items.iter().map(|_| self.begin(Op::Delete, 0)).collect();
        let results = self.inner.delete_many(items).await;
        results.into_iter().zip(running).map(|(result, running)| running.end(result)).collect()
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        let running = self.begin(Op::List, 0);
        running.end(self.inner.list_page(prefix, options).await)
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        let running = self.begin(Op::Copy, 0);
        running.end(self.inner.copy(from, to, options).await)
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        let running = self.begin(Op::Presign, 0);
        running.end(self.inner.presign(request).await)
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        let running = self.begin(Op::ListUploads, 0);
        running.end(self.inner.uploads_page(prefix, after).await)
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        let running = self.begin(Op::AbortUpload, 0);
        running.end(self.inner.abort_upload(key, id).await)
    }

    async fn close(&self) -> Result<()> {
        let running = self.begin(Op::Close, 0);
        running.end(self.inner.close().await)
    }
}

#[derive(Debug)]
struct MeteredUpload {
    layer: Meter,
    inner: Box<dyn Upload>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for MeteredUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let running = self.layer.begin(Op::Write, chunk.len() as u64);
        running.end(self.inner.write(chunk).await)
    }

    async fn finish(&mut self) -> Result<Written> {
        let running = self.layer.begin(Op::Finish, 0);
        running.end(self.inner.finish().await)
    }

    async fn abort(&mut self) -> Result<()> {
        let running = self.layer.begin(Op::Abort, 0);
        running.end(self.inner.abort().await)
    }

    fn id(&self) -> Option<UploadId> {
        self.inner.id()
    }
}
