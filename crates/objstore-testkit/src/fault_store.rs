//! A store whose calls go wrong by plan.

use std::{
    fmt,
    future::{Future, pending},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use objstore_core::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Effect, Error, ErrorKind, Get, ListOptions,
    ListPage, ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest, Presigned,
    ReadOptions, Result, Retry, Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written,
};

use crate::{Fault, FaultPlan};

/// A layer that lets calls go wrong by number: for tests of what stands above a store, such as a retry layer.
///
/// It gives the errors that a store of requests gives *before* anybody looked: a change whose answer was lost has the
/// effect [`Unknown`](Effect::Unknown), also where this layer knows better. Calls are counted from 1, those of uploads
/// ([`Upload::write`], [`Upload::finish`], [`Upload::abort`]) included; [`capabilities`](ObjectStore::capabilities) is
/// not a call. [`Fault::Truncated`] on anything but [`get`](ObjectStore::get) is as [`Fault::NotDelivered`]: a store
/// that speaks to this trait gets its bodies whole. For faults below a client of S3, use the server
/// (`s3::S3Server::play`). To crash a flow at every await, use the kit of the crate `reconcile`: it decides from
/// outside which call fails, and drops the future between calls.
///
/// ```
/// use objstore_core::{Effect, ErrorKind, MemoryStore, ObjectKey, ObjectStoreExt as _};
/// use objstore_testkit::FaultStore;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = FaultStore::new(std::sync::Arc::new(MemoryStore::new()), "1=reply-lost".parse()?);
/// let key = ObjectKey::new("a")?;
/// let lost = store.create(&key, "x").await.unwrap_err();
/// assert_eq!((lost.kind(), lost.effect()), (ErrorKind::Transport, &Effect::Unknown));
/// assert!(store.exists(&key).await?);
/// assert_eq!(store.calls(), ["put", "head"]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    state: Arc<Mutex<State>>,
}

struct State {
    plan: FaultPlan,
    calls: Vec<&'static str>,
}

/// A call that is being made.
#[derive(Clone, Copy)]
struct Call<'a> {
    op: Op,
    key: Option<&'a ObjectKey>,
    /// Whether it can change what is stored.
    changes: bool,
}

impl<'a> Call<'a> {
    fn read(op: Op, key: Option<&'a ObjectKey>) -> Self {
        Self { op, key, changes: false }
    }

    fn change(op: Op, key: Option<&'a ObjectKey>) -> Self {
        Self { op, key, changes: true }
    }
}

impl FaultStore {
    /// Puts a plan before a store.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, plan: FaultPlan) -> Self {
        Self { inner, state: Arc::new(Mutex::new(State { plan, calls: Vec::new() })) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the plan: the next call is number 1.
    pub fn play(&self, plan: FaultPlan) {
        *self.state() = State { plan, calls: Vec::new() };
    }

    /// The calls since the plan was set, by name.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.state().calls.clone()
    }

    /// The store below.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn ObjectStore> {
        &self.inner
    }

    fn count(&self, op: Op) -> Option<Fault> {
        let mut state = self.state();
        state.calls.push(op.as_str());
        state.plan.fault(u32::try_from(state.calls.len()).unwrap_or(u32::MAX))
    }

    fn error(&self, fault: Fault, call: Call<'_>) -> Error {
        let unknown = if call.changes { Effect::Unknown } else { Effect::NotApplied };
        let error = match fault {
            Fault::NotDelivered | Fault::ReplyLost | Fault::Reset | Fault::Truncated => {
                Error::new(ErrorKind::Transport).with_effect(unknown)
            }
            Fault::ServerError => Error::new(ErrorKind::Unavailable).with_http_status(500).with_effect(unknown),
            Fault::SlowDown(after) => {
                Error::new(ErrorKind::RateLimited).with_http_status(503).with_retry(Retry::After(after))
            }
            Fault::TooManyRequests(after) => {
                Error::new(ErrorKind::RateLimited).with_http_status(429).with_retry(Retry::After(after))
            }
            Fault::ExpiredToken => Error::new(ErrorKind::Unauthenticated).with_http_status(400),
            Fault::Slow(_) | Fault::Hang => Error::new(ErrorKind::Timeout).with_effect(unknown),
        };
        let error = error.with_op(call.op).with_store(self).with_detail(format!("by plan: {fault}"));
        match call.key {
            Some(key) => error.with_key(key),
            None => error,
        }
    }

    /// Makes a call under the plan.
    async fn run<T>(&self, call: Call<'_>, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.count(call.op) {
            None => work.await,
            Some(Fault::Slow(by)) => {
                tokio::time::sleep(by).await;
                work.await
            }
            Some(Fault::ReplyLost) => {
                let _ = work.await;
                Err(self.error(Fault::ReplyLost, call))
            }
            Some(Fault::Hang) => {
                let _ = work.await;
                pending().await
            }
            Some(fault) => Err(self.error(fault, call)),
        }
    }

    /// A body that ends in its middle: with an error, or as if it were whole.
    async fn cut(&self, get: Get, fault: Fault, key: &ObjectKey) -> Result<Get> {
        let half = get.range.end.saturating_sub(get.range.start) / 2;
        let whole: Vec<Bytes> = get.body.try_collect().await?;
        let mut bytes = whole.concat();
        bytes.truncate(usize::try_from(half).unwrap_or(usize::MAX));
        let end = match fault {
            Fault::Reset => vec![Err(self.error(fault, Call::read(Op::Read, Some(key))))],
            _ => Vec::new(),
        };
        let body = stream::iter(std::iter::once(Ok(Bytes::from(bytes))).chain(end)).boxed();
        Ok(Get::new(get.meta, get.range, body))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultStore {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        self.run(Call::change(Op::Put, Some(key)), self.inner.put(key, body, options)).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let call = Call::change(Op::StartUpload, Some(key));
        let upload = self.run(call, self.inner.start_upload(key, options)).await?;
        Ok(Box::new(FaultUpload { store: self.clone(), key: key.clone(), upload }))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.run(Call::read(Op::Head, Some(key)), self.inner.head(key, options)).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let call = Call::read(Op::Get, Some(key));
        match self.count(call.op) {
            Some(fault @ (Fault::Reset | Fault::Truncated)) => {
                self.cut(self.inner.get(key, range, options).await?, fault, key).await
            }
            Some(Fault::Slow(by)) => {
                tokio::time::sleep(by).await;
                self.inner.get(key, range, options).await
            }
            Some(Fault::Hang) => pending().await,
            Some(fault) => Err(self.error(fault, call)),
            None => self.inner.get(key, range, options).await,
        }
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        self.run(Call::change(Op::Delete, Some(key)), self.inner.delete(key, options)).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        let keys: Vec<ObjectKey> = items.iter().map(|item| item.key.clone()).collect();
        let work = async { Ok(self.inner.delete_many(items).await) };
        match self.run(Call::change(Op::Delete, None), work).await {
            Ok(results) => results,
            Err(error) => keys.iter().map(|key| Err(copy_of(&error).with_key(key))).collect(),
        }
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.run(Call::read(Op::List, None), self.inner.list_page(prefix, options)).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        self.run(Call::change(Op::Copy, Some(to)), self.inner.copy(from, to, options)).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        let key = request.key.clone();
        self.run(Call::read(Op::Presign, Some(&key)), self.inner.presign(request)).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.run(Call::read(Op::ListUploads, None), self.inner.uploads_page(prefix, after)).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.run(Call::change(Op::AbortUpload, Some(key)), self.inner.abort_upload(key, id)).await
    }

    async fn close(&self) -> Result<()> {
        self.run(Call::read(Op::Close, None), self.inner.close()).await
    }
}

/// An error for each item of a batch: errors cannot be cloned.
fn copy_of(error: &Error) -> Error {
    let copy = Error::new(error.kind()).with_effect(error.effect().clone()).with_retry(error.retry());
    let copy = copy.with_op(Op::Delete).with_detail(error.detail().unwrap_or_default());
    let copy = match error.store() {
        Some(store) => copy.with_store(store),
        None => copy,
    };
    match error.http_status() {
        Some(status) => copy.with_http_status(status),
        None => copy,
    }
}

/// An upload whose calls count too.
#[derive(Debug)]
struct FaultUpload {
    store: FaultStore,
    key: ObjectKey,
    upload: Box<dyn Upload>,
}

#[async_trait]
impl Upload for FaultUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.store.run(Call::change(Op::Write, Some(&self.key)), self.upload.write(chunk)).await
    }

    async fn finish(&mut self) -> Result<Written> {
        self.store.run(Call::change(Op::Finish, Some(&self.key)), self.upload.finish()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.run(Call::change(Op::Abort, Some(&self.key)), self.upload.abort()).await
    }

    fn id(&self) -> Option<UploadId> {
        self.upload.id()
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore").field("store", &self.inner).finish_non_exhaustive()
    }
}
