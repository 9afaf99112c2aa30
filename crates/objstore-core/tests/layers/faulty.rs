//! A store in memory that fails on cue.

use std::{
    fmt,
    future::{Future, pending},
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, future::BoxFuture, stream};
use objstore_core::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Effect, Error, ErrorKind, Get, ListOptions,
    ListPage, MemoryStore, ObjectKey, ObjectMeta, ObjectStore, PageToken, Payload, Prefix, PresignRequest, Presigned,
    ReadOptions, Result, Retry, Timer, Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written,
};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is refused.
    Refused,
    /// The connection breaks before the request arrives.
    NotDelivered,
    /// The request is done, and the connection breaks.
    ReplyLost,
    /// 500, and nothing was done.
    Error500,
    /// 500, and it was done.
    Error500Done,
    /// 503 with Retry-After.
    Busy503,
    /// 429 with Retry-After.
    Busy429,
    /// 409.
    Conflict,
    /// No answer, and nothing was done.
    Hang,
    /// It is done, and there is no answer.
    HangDone,
    /// The credentials have expired.
    Expired,
    /// The body that is read breaks off with an error.
    ResetBody,
    /// The body that is read ends early.
    ShortBody,
    /// The body that is read stalls.
    StalledBody,
    /// The body that is read is whole, and its digest is wrong.
    BadDigest,
}

impl Fault {
    pub(crate) const ALL: &'static [Self] = &[
        Self::Refused,
        Self::NotDelivered,
        Self::ReplyLost,
        Self::Error500,
        Self::Error500Done,
        Self::Busy503,
        Self::Busy429,
        Self::Conflict,
        Self::Hang,
        Self::HangDone,
        Self::Expired,
        Self::ResetBody,
        Self::ShortBody,
        Self::StalledBody,
    ];

    /// How long the store asks to wait.
    pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(3);

    fn is_done(self) -> bool {
        matches!(self, Self::ReplyLost | Self::Error500Done | Self::HangDone) || self.is_of_body()
    }

    fn is_of_body(self) -> bool {
        matches!(self, Self::ResetBody | Self::ShortBody | Self::StalledBody | Self::BadDigest)
    }

    async fn answer(self) -> Error {
        let after = Retry::After(Self::RETRY_AFTER);
        match self {
            Self::Refused => Error::new(ErrorKind::Transport),
            Self::NotDelivered | Self::ReplyLost => Error::new(ErrorKind::Transport).with_effect(Effect::Unknown),
            Self::Error500 | Self::Error500Done => Error::new(ErrorKind::Unavailable).with_effect(Effect::Unknown),
            Self::Busy503 => Error::new(ErrorKind::Unavailable).with_retry(after),
            Self::Busy429 => Error::new(ErrorKind::RateLimited).with_retry(after),
            Self::Conflict => Error::new(ErrorKind::Conflict),
            Self::Expired => Error::new(ErrorKind::Unauthenticated),
            _ => pending().await,
        }
    }
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) calls: usize,
    /// Which faults struck, and what.
    pub(crate) struck: Vec<(Fault, &'static str)>,
    /// How often an object was written, copied or deleted.
    pub(crate) changes: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    script: Arc<Vec<(usize, Fault)>>,
    turns: bool,
    log: Arc<Mutex<Log>>,
}

impl Faulty {
    /// Fails at these calls.
    pub(crate) fn new(inner: MemoryStore, script: Vec<(usize, Fault)>) -> Self {
        Self { inner, script: Arc::new(script), turns: false, log: Arc::default() }
    }

    /// Lets others go first before and after every call.
    pub(crate) fn with_turns(mut self) -> Self {
        self.turns = true;
        self
    }

    async fn turn(&self) {
        if self.turns {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault of the next call.
    fn next(&self, what: &'static str) -> Option<Fault> {
        let mut log = self.log();
        let call = log.calls;
        log.calls += 1;
        let fault = self.script.iter().find(|(at, _)| *at == call).map(|(_, fault)| *fault);
        let reads = what == "get";
        // What can only happen to a read happens to no other call.
        let fault = fault.filter(|fault| !fault.is_of_body() || reads);
        log.struck.extend(fault.map(|fault| (fault, what)));
        fault
    }

    async fn call<T: Send>(&self, what: &'static str, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.turn().await;
        let fault = self.next(what);
        let result = match fault {
            Some(fault) if !fault.is_done() => return Err(fault.answer().await),
            _ => work.await,
        };
        if result.is_ok() && matches!(what, "put" | "copy" | "delete" | "finish") {
            self.log().changes += 1;
        }
        self.turn().await;
        match fault {
            Some(fault) if !fault.is_of_body() => Err(fault.answer().await),
            _ => result,
        }
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Faulty {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        self.call("put", self.inner.put(key, body, options)).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let inner = self.call("start_upload", self.inner.start_upload(key, options)).await?;
        Ok(Box::new(FaultyUpload { store: self.clone(), inner, done: None }))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.call("head", self.inner.head(key, options)).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let before = self.log().struck.len();
        let get = self.call("get", self.inner.get(key, range, options)).await?;
        let struck = self.log().struck.get(before).copied();
        match struck {
            Some((fault, _)) if fault.is_of_body() => Ok(broken(get, fault)),
            _ => Ok(get),
        }
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        self.call("delete", self.inner.delete(key, options)).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        let fault = self.next("delete_many");
        if let Some(fault) = fault
            && !fault.is_done()
        {
            let mut results = Vec::new();
            for _ in &items {
                results.push(Err(fault.answer().await));
            }
            return results;
        }
        let count = items.len();
        let results = self.inner.delete_many(items).await;
        match fault {
            None => results,
            Some(fault) => {
                let mut results = Vec::new();
                for _ in 0..count {
                    results.push(Err(fault.answer().await));
                }
                results
            }
        }
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.call("list", self.inner.list_page(prefix, options)).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        self.call("copy", self.inner.copy(from, to, options)).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        self.call("presign", self.inner.presign(request)).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.call("uploads_page", self.inner.uploads_page(prefix, after)).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.call("abort_upload", self.inner.abort_upload(key, id)).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// Half of the body, or all of it, then the fault.
fn broken(get: Get, fault: Fault) -> Get {
    let (meta, range) = (get.meta, get.range);
    let half = match fault {
        Fault::BadDigest => range.end - range.start,
        _ => (range.end - range.start) / 2,
    };
    let half = usize::try_from(half).unwrap();
    let body = get.body.map(move |chunk| chunk.map(|chunk: Bytes| chunk.slice(..half)));
    let end = match fault {
        Fault::ShortBody => stream::empty().boxed(),
        Fault::StalledBody => stream::pending().boxed(),
        Fault::BadDigest => stream::iter([Err(Error::new(ErrorKind::Integrity))]).boxed(),
        _ => stream::iter([Err(Error::new(ErrorKind::Transport))]).boxed(),
    };
    Get::new(meta, range, body.chain(end).boxed())
}

/// An upload whose end can be asked for again, as the contract says.
#[derive(Debug)]
struct FaultyUpload {
    store: Faulty,
    inner: Box<dyn Upload>,
    done: Option<Written>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for FaultyUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk).await
    }

    async fn finish(&mut self) -> Result<Written> {
        if self.done.is_some() {
            return Err(Error::new(ErrorKind::NotFound)); // as a store that has forgotten the upload
        }
        let Self { store, inner, done } = self;
        let store = store.clone();
        store
            .call("finish", async {
                let written = inner.finish().await?;
                *done = Some(written.clone());
                Ok(written)
            })
            .await
    }

    async fn abort(&mut self) -> Result<()> {
        let store = self.store.clone();
        store.call("abort", self.inner.abort()).await
    }

    fn id(&self) -> Option<UploadId> {
        self.inner.id()
    }
}

/// Time passes only by waiting for it, and then at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hurry(Arc<Mutex<Vec<Duration>>>);

impl Hurry {
    /// What was waited for.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Timer for Hurry {
    fn now(&self) -> Duration {
        self.waits().iter().sum()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(Wait { waits: Arc::clone(&self.0), duration })
    }
}

/// Over when it is first asked: whatever is ready before is faster.
struct Wait {
    waits: Arc<Mutex<Vec<Duration>>>,
    duration: Duration,
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(self.duration);
        Poll::Ready(())
    }
}
