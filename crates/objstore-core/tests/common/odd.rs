//! A store with the habits of some that call themselves compatible.

use std::{
    collections::BTreeSet,
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use objstore_core::{
    Capabilities, Clock as _, Condition, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get,
    ListOptions, ListPage, MemoryStore, ObjectKey, ObjectMeta, ObjectStore, PageToken, Payload, Prefix, PresignRequest,
    Presigned, Protection, ReadOptions, Result, Retry, Revision, SystemClock, Upload, UploadId, UploadOptions,
    UploadPage, WriteOptions, Written,
};

/// Where a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    Create,
    Update,
    Complete,
    Copy,
    Delete,
    Batch,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is not looked at.
    Ignore,
    /// It is refused with 501.
    Reject,
    /// It is looked at, and acted on later.
    Race,
    /// It never holds.
    Never,
    /// It is refused, and acted on.
    Pretend,
}

/// One habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    None,
    Condition(Site, Way),
    /// Racy for bodies that are longer.
    AtomicUpTo(u64),
    /// A deleted key counts as taken.
    MarkersCount,
    /// A read shows the state before the last write.
    LateReads,
    /// A listing shows what was written before the last write.
    LateListings,
    Unsorted,
    /// Every page names itself as the next.
    RepeatedToken,
    /// Pages lose their last entry.
    LossyPages,
    NoBatch,
    /// A batch says that it deleted.
    IdleBatch,
    /// Every second call is 429 or 503.
    Busy,
    /// The end of every second conditional upload is 409: all its bytes are gone.
    Startover,
    /// From the tenth call on: 503.
    Dead,
    /// From the tenth call on: 403.
    Forbidden,
    /// Retention is taken and not kept.
    IdleLock,
    Lock,
    DefaultRetention,
}

/// A key, and what was there before the last write.
type Late = Option<(ObjectKey, Option<(ObjectMeta, Bytes)>)>;

#[derive(Debug, Clone)]
pub(crate) struct Odd {
    inner: MemoryStore,
    habit: Habit,
    calls: Arc<AtomicU32>,
    deleted: Arc<Mutex<BTreeSet<ObjectKey>>>,
    locked: Arc<Mutex<BTreeSet<ObjectKey>>>,
    /// The object that late reads and listings do not see yet.
    late: Arc<Mutex<Late>>,
}

impl Odd {
    pub(crate) fn new(habit: Habit) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(),
            habit,
            calls: Arc::default(),
            deleted: Arc::default(),
            locked: Arc::default(),
            late: Arc::default(),
        })
    }

    /// Refuses a call whatever it is.
    fn enter(&self) -> Result<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let kind = match self.habit {
            Habit::Busy if call % 4 == 1 => ErrorKind::RateLimited,
            Habit::Busy if call % 4 == 3 => ErrorKind::Unavailable,
            Habit::Dead if call >= 10 => ErrorKind::Unavailable,
            Habit::Forbidden if call >= 10 => ErrorKind::PermissionDenied,
            _ => return Ok(()),
        };
        Err(Error::new(kind))
    }

    /// The condition that is left to the inner store.
    async fn consider(
        &self,
        site: Site,
        key: &ObjectKey,
        condition: Option<Condition>,
        bytes: u64,
    ) -> Result<Considered> {
        let Some(condition) = condition else { return Ok(Considered::Go(None)) };
        let site = match (site, &condition) {
            (Site::Create, Condition::Matches(_)) => Site::Update,
            (site, _) => site,
        };
        let way = match self.habit {
            Habit::Condition(at, way) if at == site => way,
            Habit::AtomicUpTo(most) if bytes > most && matches!(site, Site::Create | Site::Update) => Way::Race,
            Habit::MarkersCount if condition == Condition::Absent && self.deleted.lock().unwrap().contains(key) => {
                Way::Never
            }
            _ => return Ok(Considered::Go(Some(condition))),
        };
        match way {
            Way::Ignore => Ok(Considered::Go(None)),
            Way::Reject => Err(Error::new(ErrorKind::Unsupported).with_http_status(501)),
            Way::Never => Err(failed(&condition)),
            Way::Race | Way::Pretend => {
                let current = self.inner.head(key, ReadOptions::new()).await.ok().map(|meta| meta.revision);
                let holds = match &condition {
                    Condition::Absent => current.is_none(),
                    Condition::Matches(wanted) => current.as_ref() == Some(wanted),
                    _ => false,
                };
                if way == Way::Pretend {
                    return Ok(if holds { Considered::Go(None) } else { Considered::Pretend(failed(&condition)) });
                }
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                if holds { Ok(Considered::Go(None)) } else { Err(failed(&condition)) }
            }
        }
    }

    async fn write(&self, site: Site, key: &ObjectKey, body: Payload, mut options: WriteOptions) -> Result<Written> {
        let considered = self.consider(site, key, options.condition.take(), body.len()).await?;
        let lock = options.protection != Protection::default();
        if lock && !matches!(self.habit, Habit::Lock | Habit::IdleLock) {
            return Err(Error::new(ErrorKind::Unsupported));
        }
        options.protection = Protection::default();
        if matches!(self.habit, Habit::LateReads | Habit::LateListings) {
            let before = match self.inner.get(key, None, ReadOptions::new()).await {
                Ok(get) => {
                    let body: Vec<_> = futures::TryStreamExt::try_collect(get.body).await?;
                    Some((get.meta, body.concat().into()))
                }
                Err(_) => None,
            };
            *self.late.lock().unwrap() = Some((key.clone(), before));
        }
        let pretence = match considered {
            Considered::Go(condition) => {
                options.condition = condition;
                None
            }
            Considered::Pretend(error) => Some(error),
        };
        let written = self.inner.put(key, body, options).await?;
        if lock && self.habit == Habit::Lock {
            self.locked.lock().unwrap().insert(key.clone());
        }
        self.deleted.lock().unwrap().remove(key);
        pretence.map_or(Ok(written), Err)
    }

    async fn remove(&self, site: Site, key: &ObjectKey, mut options: DeleteOptions) -> Result<Deleted> {
        if self.locked.lock().unwrap().remove(key) {
            return Err(Error::new(ErrorKind::Locked)); // the second attempt comes after its end
        }
        let pretence = match self.consider(site, key, options.condition.take(), 0).await? {
            Considered::Go(condition) => {
                options.condition = condition;
                None
            }
            Considered::Pretend(error) => Some(error),
        };
        let deleted = self.inner.delete(key, options).await?;
        self.deleted.lock().unwrap().insert(key.clone());
        pretence.map_or(Ok(deleted), Err)
    }

    fn late_at(&self, key: &ObjectKey) -> Option<Option<(ObjectMeta, Bytes)>> {
        if self.habit != Habit::LateReads {
            return None;
        }
        let late = self.late.lock().unwrap();
        late.as_ref().filter(|(at, _)| at == key).map(|(_, before)| before.clone())
    }

    fn protect(&self, mut meta: ObjectMeta) -> ObjectMeta {
        if self.habit == Habit::DefaultRetention {
            meta.protection = Protection::new().with_retention(SystemClock.now() + Duration::from_secs(60), None);
        }
        meta
    }
}

enum Considered {
    Go(Option<Condition>),
    Pretend(Error),
}

fn failed(condition: &Condition) -> Error {
    Error::new(match condition {
        Condition::Absent => ErrorKind::AlreadyExists,
        _ => ErrorKind::PreconditionFailed,
    })
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "odd://{:?}", self.habit)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Odd {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        self.enter()?;
        self.write(Site::Create, key, body, options).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        self.enter()?;
        let (key, options, body) = (key.clone(), options.write, Payload::new());
        Ok(Box::new(OddUpload { store: self.clone(), key, options, body }))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.enter()?;
        match self.late_at(key) {
            Some(Some((meta, _))) => Ok(meta),
            Some(None) => Err(Error::new(ErrorKind::NotFound)),
            None => self.inner.head(key, options).await.map(|meta| self.protect(meta)),
        }
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        self.enter()?;
        self.inner.get(key, range, options).await
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        self.enter()?;
        self.remove(Site::Delete, key, options).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        let mut results = Vec::new();
        for item in items {
            results.push(match self.habit {
                Habit::NoBatch => Err(Error::new(ErrorKind::Unsupported).with_http_status(501)),
                Habit::IdleBatch => Ok(Deleted::new()),
                _ => match self.enter() {
                    Ok(()) => self.remove(Site::Batch, &item.key, item.options).await,
                    Err(error) => Err(error),
                },
            });
        }
        results
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.enter()?;
        let mut page = self.inner.list_page(prefix, options.clone()).await?;
        match self.habit {
            Habit::Unsorted => page.objects.reverse(),
            Habit::RepeatedToken if options.after.is_some() => page.next = options.after,
            Habit::LossyPages if page.next.is_some() => drop(page.objects.pop()),
            Habit::LateListings => {
                let late = self.late.lock().unwrap().clone();
                page.objects
                    .retain(|meta| !late.as_ref().is_some_and(|(key, before)| *key == meta.key && before.is_none()));
            }
            _ => {}
        }
        Ok(page)
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, mut options: CopyOptions) -> Result<Written> {
        self.enter()?;
        match self.consider(Site::Copy, to, options.write.condition.take(), 0).await? {
            Considered::Go(condition) => {
                options.write.condition = condition;
                self.inner.copy(from, to, options).await
            }
            Considered::Pretend(error) => self.inner.copy(from, to, options).await.and(Err(error)),
        }
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        self.inner.presign(request).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.enter()?;
        self.inner.uploads_page(prefix, after).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.inner.abort_upload(key, id).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

impl Odd {
    /// The same, as everybody holds it.
    pub(crate) fn share(self: &Arc<Self>) -> Arc<dyn ObjectStore> {
        Arc::<Self>::clone(self)
    }

    /// How many objects are left.
    pub(crate) async fn left(&self) -> usize {
        self.inner.list_page(&Prefix::root(), ListOptions::new()).await.unwrap().objects.len()
    }

    /// A revision that no object has.
    pub(crate) fn foreign() -> Revision {
        Revision::new("of no object")
    }
}

/// Keeps its bytes until the end.
#[derive(Debug)]
struct OddUpload {
    store: Odd,
    key: ObjectKey,
    options: WriteOptions,
    body: Payload,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for OddUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.body.push(chunk);
        Ok(())
    }

    async fn finish(&mut self) -> Result<Written> {
        let calls = self.store.calls.fetch_add(1, Ordering::Relaxed);
        if self.store.habit == Habit::Startover && calls.is_multiple_of(2) {
            return Err(Error::new(ErrorKind::Conflict).with_retry(Retry::FromStart));
        }
        let written = self.store.write(Site::Complete, &self.key, self.body.clone(), self.options.clone()).await;
        written.map_err(|error| error.with_retry(Retry::Never))
    }

    async fn abort(&mut self) -> Result<()> {
        Ok(())
    }

    fn id(&self) -> Option<UploadId> {
        None
    }
}
