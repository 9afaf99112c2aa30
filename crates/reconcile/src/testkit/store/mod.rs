//! An object store under the kit.

mod listing;
mod upload;

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream, stream::BoxStream};
use objstore_core::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Effect, Error, ErrorKind, Get, ListOptions,
    ListPage, ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest, Presigned,
    ReadOptions, Result, Retry, Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written,
};

use self::{
    listing::{Recent, as_of, without_half},
    upload::FaultyUpload,
};
use super::{
    call::{Call, Fault},
    faults::Faults,
};

const PUT: Call = Call::write("put");
const START_UPLOAD: Call = Call::write("start_upload");
const HEAD: Call = Call::read("head");
const GET: Call = Call::read("get");
const READ: Call = Call::read("read");
const DELETE: Call = Call::write("delete");
const DELETE_MANY: Call = Call::write("delete_many");
const LIST: Call = Call::read("list");
const COPY: Call = Call::write("copy");
const PRESIGN: Call = Call::read("presign");
const LIST_UPLOADS: Call = Call::read("list_uploads");
const ABORT_UPLOAD: Call = Call::write("abort_upload");
const CLOSE: Call = Call::read("close");

/// A layer that puts every call of a store through a pass's [`Faults`].
///
/// It stands in the world, around the store that survives; each pass takes its own with [`under`](Self::under). Oracles
/// look at the store below. Chunks of a body that is read, and chunks and the end of an upload, are calls of their own.
///
/// | fault | what the caller sees |
/// |---|---|
/// | not delivered | `Transport`, effect `NotApplied` |
/// | answer lost | `Transport`, effect `Unknown` of what may change something; the change was made |
/// | rate limited | `RateLimited`, retry after so long, effect `NotApplied` |
/// | crash, hang | nothing: the future never completes. An upload that was under way stays behind in the store |
///
/// ```
/// use std::sync::Arc;
/// use objstore_core::{ErrorKind, MemoryStore, ObjectKey, ObjectStoreExt as _};
/// use reconcile::testkit::{FaultyStore, Faults, Kit, block_on};
///
/// async fn pass(world: &FaultyStore, faults: Faults) -> objstore_core::Result<()> {
///     let store = world.under(&faults);
///     let key = ObjectKey::new("pointer").unwrap();
///     match store.create(&key, "first").await {
///         Err(taken) if taken.kind() == ErrorKind::AlreadyExists => Ok(()),
///         written => written.map(drop),
///     }
/// }
///
/// let report = Kit::new(|| FaultyStore::new(Arc::new(MemoryStore::new())), pass)
///     .with_goal(|world| {
///         let there = block_on(world.inner().head(&ObjectKey::new("pointer").unwrap(), Default::default()));
///         there.map(drop).map_err(|error| error.to_string())
///     })
///     .with_quiet_passes(0) // it tries to create in every pass
///     .explore();
/// report.assert_clean();
/// ```
#[derive(Clone)]
pub struct FaultyStore {
    world: Arc<World>,
    faults: Option<Faults>,
}

/// What survives a crash.
struct World {
    store: Arc<dyn ObjectStore>,
    list: Call,
    recent: Mutex<Recent>,
    /// Uploads of controllers that crashed: kept, so that nothing gives them up.
    left: Mutex<Vec<Box<dyn Upload>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FaultyStore {
    /// A store that survives crashes. Calls go through as they are, until a pass takes it.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self::with(store, LIST, 0)
    }

    /// Listings may be up to `writes` writes late: what was created since is missing, what was deleted is still there.
    /// For stores that promise no more; a store that keeps this crate's contract is never late. Call it first.
    #[must_use]
    pub fn with_stale_listings(self, writes: u32) -> Self {
        Self::with(Arc::clone(&self.world.store), self.world.list.with_stale(writes), writes as usize)
    }

    /// Listings may lack a page, and not say so. Call it first.
    #[must_use]
    pub fn with_missing_pages(self) -> Self {
        let depth = lock(&self.world.recent).depth();
        Self::with(Arc::clone(&self.world.store), self.world.list.with_pages(), depth)
    }

    fn with(store: Arc<dyn ObjectStore>, list: Call, depth: usize) -> Self {
        let world = World { store, list, recent: Mutex::new(Recent::new(depth)), left: Mutex::default() };
        Self { world: Arc::new(world), faults: None }
    }

    /// The store as one pass has it.
    #[must_use]
    pub fn under(&self, faults: &Faults) -> Arc<dyn ObjectStore> {
        Arc::new(Self { world: Arc::clone(&self.world), faults: Some(faults.clone()) })
    }

    /// The store below.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn ObjectStore> {
        &self.world.store
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        lock(&self.world.recent)
    }

    /// Makes a call under the plan.
    async fn run<T>(
        &self,
        call: Call,
        op: Op,
        key: Option<&ObjectKey>,
        effect: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let Some(faults) = &self.faults else { return effect.await };
        match faults.around(call, |_straight| effect).await {
            Ok(answer) => answer,
            Err(fault) => Err(self.error(fault, call, op, key)),
        }
    }

    fn error(&self, fault: Fault, call: Call, op: Op, key: Option<&ObjectKey>) -> Error {
        let error = match fault {
            Fault::RateLimited(after) => Error::new(ErrorKind::RateLimited).with_retry(Retry::After(after)),
            Fault::Lost if call.is_write() => Error::new(ErrorKind::Transport).with_effect(Effect::Unknown),
            _ => Error::new(ErrorKind::Transport),
        };
        let error = error.with_op(op).with_store(self).with_detail(fault.to_string());
        match key {
            Some(key) => error.with_key(key),
            None => error,
        }
    }

    /// What an object is, if late listings need to remember it.
    async fn before_delete(&self, key: &ObjectKey) -> Option<ObjectMeta> {
        if self.recent().depth() == 0 {
            return None;
        }
        self.inner().head(key, ReadOptions::new()).await.ok()
    }

    async fn delete_and_remember(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        let before = self.before_delete(key).await;
        let deleted = self.inner().delete(key, options).await?;
        self.recent().deleted(before);
        Ok(deleted)
    }

    fn body(
        &self,
        key: ObjectKey,
        body: BoxStream<'static, Result<bytes::Bytes>>,
    ) -> BoxStream<'static, Result<bytes::Bytes>> {
        let store = self.clone();
        stream::unfold(Some((store, key, body)), |state| async move {
            let (store, key, mut body) = state?;
            let chunk = body.next().await?;
            let chunk = store.run(READ, Op::Read, Some(&key), std::future::ready(chunk)).await;
            let rest = chunk.is_ok().then_some((store, key, body));
            Some((chunk, rest))
        })
        .boxed()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultyStore {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner().capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        let effect = async {
            let condition = options.condition.clone();
            let written = self.inner().put(key, body, options).await?;
            self.recent().written(key, condition.as_ref());
            Ok(written)
        };
        self.run(PUT, Op::Put, Some(key), effect).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let condition = options.write.condition.clone();
        let effect = async {
            let upload = self.inner().start_upload(key, options).await?;
            Ok(FaultyUpload::new(self.clone(), key.clone(), condition, upload))
        };
        Ok(Box::new(self.run(START_UPLOAD, Op::StartUpload, Some(key), effect).await?))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.run(HEAD, Op::Head, Some(key), self.inner().head(key, options)).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let Get { meta, range, body, .. } =
            self.run(GET, Op::Get, Some(key), self.inner().get(key, range, options)).await?;
        Ok(Get::new(meta, range, self.body(key.clone(), body)))
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        self.run(DELETE, Op::Delete, Some(key), self.delete_and_remember(key, options)).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        let keys: Vec<ObjectKey> = items.iter().map(|item| item.key.clone()).collect();
        let answer = match &self.faults {
            None => return self.inner().delete_many(items).await,
            Some(faults) => faults.around(DELETE_MANY, |_straight| self.inner().delete_many(items)).await,
        };
        let failed =
            |fault| keys.iter().map(|key| Err(self.error(fault, DELETE_MANY, Op::Delete, Some(key)))).collect();
        answer.unwrap_or_else(failed)
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        let Some(faults) = &self.faults else { return self.inner().list_page(prefix, options).await };
        let delimited = options.delimited;
        let effect = async |twist: super::Twist| {
            let whole = options.after.is_none() && options.start_after.is_none();
            let page = self.inner().list_page(prefix, options).await?;
            let page = as_of(page, self.recent().last(twist.stale()), prefix, delimited, whole);
            Ok(if twist.page_missing() { without_half(page) } else { page })
        };
        let call = self.world.list;
        match faults.around(call, effect).await {
            Ok(answer) => answer,
            Err(fault) => Err(self.error(fault, call, Op::List, None)),
        }
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        let effect = async {
            let condition = options.write.condition.clone();
            let written = self.inner().copy(from, to, options).await?;
            self.recent().written(to, condition.as_ref());
            Ok(written)
        };
        self.run(COPY, Op::Copy, Some(to), effect).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        let key = request.key.clone();
        self.run(PRESIGN, Op::Presign, Some(&key), self.inner().presign(request)).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.run(LIST_UPLOADS, Op::ListUploads, None, self.inner().uploads_page(prefix, after)).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.run(ABORT_UPLOAD, Op::AbortUpload, Some(key), self.inner().abort_upload(key, id)).await
    }

    async fn close(&self) -> Result<()> {
        self.run(CLOSE, Op::Close, None, self.inner().close()).await
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.world.store.fmt(f)
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("store", &self.world.store).finish_non_exhaustive()
    }
}
