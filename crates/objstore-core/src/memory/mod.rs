//! Objects in memory.

mod state;
mod upload;

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};

use self::{
    state::{Draft, State},
    upload::MemoryUpload,
};
use crate::{
    Capabilities, Clock, CopyOptions, DeleteItem, DeleteOptions, Deleted, Features, Get, Limits, ListOptions, ListPage,
    ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest, Presigned, Promise,
    ReadOptions, Result, RevisionStrength, SystemClock, Upload, UploadId, UploadOptions, UploadPage, Verdict,
    WriteOptions, Written,
    rules::{check_digest, check_read, context, delete_each, hasher_for, resolve_range, unsupported},
};

/// The most entries of one page.
const PAGE_ITEMS: u32 = 1000;

/// A store in this process's memory: for tests, and for trying things out.
///
/// All promises but [`Promise::Lock`] hold, revisions are unique, listings are sorted. Clones share their objects.
/// Everything is gone with the last clone, or with the process for [`named`](Self::named) ones.
///
/// ```
/// use objstore_core::{MemoryStore, ObjectKey, ObjectStoreExt as _};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let key = ObjectKey::new("a/b")?;
/// store.create(&key, "hello").await?;
/// assert_eq!(store.get_bytes(&key, 100).await?.1, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    clock: Arc<dyn Clock>,
    capabilities: Arc<Capabilities>,
    state: Mutex<State>,
}

static NAMED: LazyLock<Mutex<BTreeMap<String, MemoryStore>>> = LazyLock::new(Mutex::default);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock("", SystemClock)
    }

    /// The store of this name, which all of the process share: what `memory://name` opens.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        named.entry(name.to_owned()).or_insert_with(|| Self::with_clock(name, SystemClock)).clone()
    }

    /// An empty store that shows itself under this name (and is not found by it), with a clock for
    /// [`ObjectMeta::last_modified`].
    #[must_use]
    pub fn with_clock(name: &str, clock: impl Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                name: name.to_owned(),
                clock: Arc::new(clock),
                capabilities: Arc::new(capabilities()),
                state: Mutex::default(),
            }),
        }
    }

    /// The objects. A panic of another thread cannot leave them half changed: each change is one insertion or removal.
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, key: &ObjectKey, body: Payload, options: &WriteOptions) -> Result<Written> {
        let mut hasher = hasher_for(options)?;
        let body = body.into_bytes();
        hasher.update(&body);
        let checksums = hasher.finish();
        check_digest(&checksums, &options.expect)?;
        let draft = Draft {
            body,
            checksums,
            headers: options.headers.clone(),
            token: options.token.clone(),
            modified: self.shared.clock.now(),
        };
        self.state().write(key, draft, options.condition.as_ref())
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory://{}", self.shared.name)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryStore").field(&self.to_string()).finish()
    }
}

fn capabilities() -> Capabilities {
    let features = Features {
        user_metadata: true,
        http_headers: true,
        key_beside_folder: true,
        stored_checksums: true,
        ..Features::default()
    };
    let limits = Limits { batch_items: Some(PAGE_ITEMS), page_items: Some(PAGE_ITEMS), ..Limits::default() };
    let start =
        Capabilities::new().with_revisions(RevisionStrength::Unique).with_features(features).with_limits(limits);
    Promise::ALL
        .iter()
        .filter(|promise| **promise != Promise::Lock)
        .fold(start, |capabilities, promise| capabilities.with_promise(*promise, Verdict::Verified))
        .with_verdict(Promise::Lock, Verdict::Rejected)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for MemoryStore {
    fn capabilities(&self) -> Arc<Capabilities> {
        Arc::clone(&self.shared.capabilities)
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        self.store(key, body, &options).map_err(context(Op::Put, self, Some(key)))
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        hasher_for(&options.write).map_err(context(Op::StartUpload, self, Some(key)))?;
        Ok(Box::new(MemoryUpload::new(self.clone(), key.clone(), options.write)))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        let look = || {
            no_versions(options.version.is_some())?;
            let meta = self.state().find(key)?.meta(key);
            check_read(&options, &meta.revision)?;
            Ok(meta)
        };
        look().map_err(context(Op::Head, self, Some(key)))
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let look = || {
            no_versions(options.version.is_some())?;
            let (meta, body) = {
                let state = self.state();
                let object = state.find(key)?;
                (object.meta(key), object.body.clone())
            };
            check_read(&options, &meta.revision)?;
            let range = resolve_range(range, meta.size)?;
            let (start, end) = (to_index(range.start), to_index(range.end));
            Ok(Get::new(meta, range, stream::iter([Ok(body.slice(start..end))]).boxed()))
        };
        look().map_err(context(Op::Get, self, Some(key)))
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        no_versions(options.version.is_some())
            .and_then(|()| self.state().delete(key, options.condition.as_ref()))
            .map_err(context(Op::Delete, self, Some(key)))
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        delete_each(self, items).await
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        no_versions(options.versions).and_then(|()| self.state().list(prefix, &options)).map_err(context(
            Op::List,
            self,
            None,
        ))
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        let copy = || {
            no_versions(options.source_version.is_some())?;
            let source = self.state().find(from)?.clone();
            check_read(&ReadOptions { matches: options.source, ..ReadOptions::default() }, &source.revision)?;
            let mut write = options.write;
            if write.headers.is_empty() {
                write.headers = source.headers;
            }
            self.store(to, source.body.into(), &write)
        };
        copy().map_err(context(Op::Copy, self, Some(to)))
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        Err(context(Op::Presign, self, Some(&request.key))(unsupported("objects in memory have no URL")))
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.state().uploads(prefix, after.as_ref()).map_err(context(Op::ListUploads, self, None))
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.state().forget_upload(key, id);
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        Ok(()) // a dropped upload is gone at once
    }
}

fn no_versions(asked: bool) -> Result<()> {
    if asked { Err(unsupported("this store keeps no old versions")) } else { Ok(()) }
}

fn to_index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
