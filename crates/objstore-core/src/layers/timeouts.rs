//! Giving up what takes too long.

use std::{fmt, future::Future, ops::Range, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    StreamExt as _,
    future::{Either, select},
    stream,
};

use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Effect, Error, ErrorKind, Get, ListOptions,
    ListPage, ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest, Presigned,
    ReadOptions, Result, Retry, Timer, TokioTimer, Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written,
    rules::context,
};

/// How long calls may take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeLimits {
    /// A call without a body, and what a call with one may take beside its bytes. 30 s unless set.
    pub call: Duration,
    /// The slowest that a put or [`Upload::write`] may be, in bytes a second: each byte adds to the time of its call.
    /// 65,536 unless set; 0 counts as 1.
    pub slowest: u64,
    /// The next piece of a body that is being read. The time that the reader takes itself does not count. 30 s unless
    /// set.
    pub chunk: Duration,
    /// What a store may do at length without a sign of life: [`Upload::finish`], copies, [`ObjectStore::close`].
    /// 15 minutes unless set.
    pub long: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(30),
            slowest: 65_536,
            chunk: Duration::from_secs(30),
            long: Duration::from_secs(15 * 60),
        }
    }
}

impl TimeLimits {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what a call may take beside its body.
    #[must_use]
    pub fn with_call(mut self, call: Duration) -> Self {
        self.call = call;
        self
    }

    /// Sets the slowest that bytes may be sent, in bytes a second.
    #[must_use]
    pub fn with_slowest(mut self, bytes_per_second: u64) -> Self {
        self.slowest = bytes_per_second;
        self
    }

    /// Sets what the next piece of a body may take.
    #[must_use]
    pub fn with_chunk(mut self, chunk: Duration) -> Self {
        self.chunk = chunk;
        self
    }

    /// Sets what the end of an upload or a copy may take.
    #[must_use]
    pub fn with_long(mut self, long: Duration) -> Self {
        self.long = long;
        self
    }

    fn sending(&self, bytes: u64) -> Duration {
        self.call.saturating_add(Duration::from_secs(bytes.div_ceil(self.slowest.max(1))))
    }
}

/// A store whose calls end in time, with [`ErrorKind::Timeout`].
///
/// The effect of a change that was given up is [`Effect::Unknown`]; that of a read is [`Effect::NotApplied`]. After an
/// [`Upload::write`] that was given up the upload is of no use any more: its error says [`Retry::FromStart`].
///
/// Stand it below [`Retries`](super::Retries), so that it limits one attempt.
///
/// # Memory
/// None beside the store's.
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use objstore_core::{
///     MemoryStore, ObjectKey, ObjectStoreExt as _,
///     layers::{TimeLimits, Timeouts},
/// };
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let limits = TimeLimits::new().with_call(Duration::from_secs(5));
/// let store = Timeouts::new(Arc::new(MemoryStore::new())).with_limits(limits);
/// assert!(!store.exists(&ObjectKey::new("a")?).await?);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Timeouts {
    inner: Arc<dyn ObjectStore>,
    limits: TimeLimits,
    timer: Arc<dyn Timer>,
}

impl Timeouts {
    /// The default limits, by tokio's time.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, limits: TimeLimits::default(), timer: Arc::new(TokioTimer::new()) }
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: TimeLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what time is taken by.
    #[must_use]
    pub fn with_timer(mut self, timer: Arc<dyn Timer>) -> Self {
        self.timer = timer;
        self
    }

    async fn read<T>(&self, op: Op, key: Option<&ObjectKey>, work: impl Future<Output = Result<T>>) -> Result<T> {
        within(&*self.timer, self.limits.call, work)
            .await
            .unwrap_or_else(|| Err(context(op, self, key)(late(self.limits.call, Effect::NotApplied))))
    }

    async fn change<T>(
        &self,
        op: Op,
        key: Option<&ObjectKey>,
        limit: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        within(&*self.timer, limit, work)
            .await
            .unwrap_or_else(|| Err(context(op, self, key)(late(limit, Effect::Unknown))))
    }

    fn limited(&self, key: &ObjectKey, get: Get) -> Get {
        let (this, key, limit) = (self.clone(), key.clone(), self.limits.chunk);
        let body = stream::unfold(Some(get.body), move |body| {
            let (this, key) = (this.clone(), key.clone());
            async move {
                let mut body = body?;
                match within(&*this.timer, limit, body.next()).await {
                    Some(chunk) => chunk.map(|chunk| (chunk, Some(body))),
                    None => {
                        let error = late(limit, Effect::NotApplied);
                        Some((Err(context(Op::Read, &this, Some(&key))(error)), None))
                    }
                }
            }
        });
        Get::new(get.meta, get.range, body.boxed())
    }
}

/// The result, or none if time ran out first.
async fn within<T>(timer: &dyn Timer, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), timer.sleep(limit)).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}

fn late(limit: Duration, effect: Effect) -> Error {
    Error::new(ErrorKind::Timeout).with_effect(effect).with_detail(format!("it took longer than {limit:?}"))
}

impl fmt::Display for Timeouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Timeouts {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        let limit = self.limits.sending(body.len());
        self.change(Op::Put, Some(key), limit, self.inner.put(key, body, options)).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        // An upload that was started unseen changes no object: a sweep finds it.
        let inner = self.read(Op::StartUpload, Some(key), self.inner.start_upload(key, options)).await?;
        Ok(Box::new(TimedUpload { layer: self.clone(), key: key.clone(), inner }))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.read(Op::Head, Some(key), self.inner.head(key, options)).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let get = self.read(Op::Get, Some(key), self.inner.get(key, range, options)).await?;
        Ok(self.limited(key, get))
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        self.change(Op::Delete, Some(key), self.limits.call, self.inner.delete(key, options)).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        let keys: Vec<_> = items.iter().map(|item| item.key.clone()).collect();
        let limit = self.limits.call;
        within(&*self.timer, limit, self.inner.delete_many(items)).await.unwrap_or_else(|| {
            let error = |key| Err(context(Op::Delete, self, Some(key))(late(limit, Effect::Unknown)));
            keys.iter().map(error).collect()
        })
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.read(Op::List, None, self.inner.list_page(prefix, options)).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        self.change(Op::Copy, Some(to), self.limits.long, self.inner.copy(from, to, options)).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        let key = request.key.clone();
        self.read(Op::Presign, Some(&key), self.inner.presign(request)).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.read(Op::ListUploads, None, self.inner.uploads_page(prefix, after)).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.change(Op::AbortUpload, Some(key), self.limits.call, self.inner.abort_upload(key, id)).await
    }

    async fn close(&self) -> Result<()> {
        self.change(Op::Close, None, self.limits.long, self.inner.close()).await
    }
}

#[derive(Debug)]
struct TimedUpload {
    layer: Timeouts,
    key: ObjectKey,
    inner: Box<dyn Upload>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for TimedUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let Self { layer, key, inner } = self;
        let limit = layer.limits.sending(chunk.len() as u64);
        within(&*layer.timer, limit, inner.write(chunk)).await.unwrap_or_else(|| {
            let error = late(limit, Effect::NotApplied).with_retry(Retry::FromStart);
            Err(context(Op::Write, layer, Some(key))(error))
        })
    }

    async fn finish(&mut self) -> Result<Written> {
        let Self { layer, key, inner } = self;
        layer.change(Op::Finish, Some(key), layer.limits.long, inner.finish()).await
    }

    async fn abort(&mut self) -> Result<()> {
        let Self { layer, key, inner } = self;
        layer.change(Op::Abort, Some(key), layer.limits.call, inner.abort()).await
    }

    fn id(&self) -> Option<UploadId> {
        self.inner.id()
    }
}
