//! What was found before.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, SystemTime},
};

use sha2::{Digest as _, Sha256};

use super::{ProbeReport, Versioning};
use crate::{
    Clock, Error, ErrorKind, ObjectKey, ObjectStore, ObjectStoreExt as _, Prefix, Result, SystemClock, Verdict,
};

/// Which bucket, set how, a report is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ProbeKey {
    /// Where the store is: the URL of its endpoint, or its region.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// Whether it keeps old versions: conditions may hold without, and not with.
    pub versioning: Versioning,
}

impl ProbeKey {
    /// A bucket.
    pub fn new(endpoint: impl Into<String>, bucket: impl Into<String>, versioning: Versioning) -> Self {
        Self { endpoint: endpoint.into(), bucket: bucket.into(), versioning }
    }
}

/// Remembers reports, so that a bucket is not probed at each start.
///
/// # Place
/// One object for each [`ProbeKey`], named by a digest of it, in a store of the caller's choice: a
/// [`FileStore`](crate::FileStore) at `${XDG_CACHE_HOME:-~/.cache}/dunnage/probes` for programs of one user, a
/// [`MemoryStore`](crate::MemoryStore) for one process. Everything there can be deleted at any time. Who can write there
/// decides what a program believes of its bucket: keep it private.
///
/// # Lifetime
/// Seven days unless set, from the end of the probe; a report from the future is not believed. A report that is older,
/// damaged, or of another version of its form counts as none. Change the settings of a bucket, other than versioning,
/// and [`forget`](Self::forget) it.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{MemoryStore, Prefix, probe::{Probe, ProbeCache, ProbeKey, Versioning}};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let cache = ProbeCache::new(Arc::new(MemoryStore::new()), Prefix::root());
/// let key = ProbeKey::new("https://s3.example.com", "backups", Versioning::Disabled);
/// let report = match cache.get(&key).await? {
///     Some(report) => report,
///     None => {
///         let report = Probe::new(Arc::new(MemoryStore::new())).with_bodies([(64, 2)]).run().await?;
///         cache.put(&key, &report).await?;
///         report
///     }
/// };
/// assert_eq!(cache.get(&key).await?, Some(report));
/// # Ok::<(), objstore_core::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ProbeCache {
    store: Arc<dyn ObjectStore>,
    prefix: Prefix,
    clock: Arc<dyn Clock>,
    max_age: Duration,
}

/// The form of an entry.
const VERSION: u32 = 1;

/// An entry is smaller than this, whatever a store says in its errors.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Entry {
    version: u32,
    key: ProbeKey,
    /// Seconds since 1970.
    made: u64,
    report: ProbeReport,
}

impl ProbeCache {
    /// A cache below a prefix of a store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Prefix) -> Self {
        Self { store, prefix, clock: Arc::new(SystemClock), max_age: Duration::from_secs(7 * 24 * 60 * 60) }
    }

    /// Sets how old a report may be.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The report on this bucket, if there is one that can be believed.
    ///
    /// # Errors
    /// Those of [`ObjectStore::get`].
    pub async fn get(&self, key: &ProbeKey) -> Result<Option<ProbeReport>> {
        let bytes = match self.store.get_bytes(&self.place(key)?, MOST_BYTES).await {
            Ok((_, bytes)) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::TooLarge) => return Ok(None),
            Err(error) => return Err(error),
        };
        let entry: Option<Entry> = serde_json::from_slice(&bytes).ok();
        let now = self.now();
        let believed = |entry: &Entry| {
            let age = now.checked_sub(entry.made);
            entry.version == VERSION && entry.key == *key && age.is_some_and(|age| age <= self.max_age.as_secs())
        };
        Ok(entry.filter(believed).map(|entry| entry.report))
    }

    /// Remembers a report. One that says nothing is not remembered.
    ///
    /// # Errors
    /// Those of [`ObjectStore::put`].
    pub async fn put(&self, key: &ProbeKey, report: &ProbeReport) -> Result<()> {
        if report.promises.values().all(|verdict| *verdict == Verdict::Unknown) {
            return Ok(());
        }
        let entry = Entry { version: VERSION, key: key.clone(), made: self.now(), report: report.clone() };
        let json = serde_json::to_vec_pretty(&entry)
            .map_err(|error| Error::new(ErrorKind::Other).with_detail("the report has no JSON").with_source(error))?;
        self.store.put_bytes(&self.place(key)?, json).await.map(drop)
    }

    /// Forgets the report on this bucket.
    ///
    /// # Errors
    /// Those of [`ObjectStore::delete`].
    pub async fn forget(&self, key: &ProbeKey) -> Result<()> {
        self.store.delete(&self.place(key)?, crate::DeleteOptions::new()).await.map(drop)
    }

    fn place(&self, key: &ProbeKey) -> Result<ObjectKey> {
        let mut hasher = Sha256::new();
        for part in [key.endpoint.as_str(), &key.bucket, key.versioning.as_str()] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let mut name = String::new();
        for byte in hasher.finalize() {
            let _ = write!(name, "{byte:02x}"); // a string takes everything
        }
        Ok(self.prefix.key(format!("{name}.json"))?)
    }

    fn now(&self) -> u64 {
        self.clock.now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
