//! One cluster's place in a store: what is there, what is complete, and which is the newest.
//!
//! # Keys
//!
//! Direct children of the home's prefix. What has another name is somebody else's, and is never touched.
//!
//! | key | what it is | written |
//! |---|---|---|
//! | `home.json` | the format marker | once, by the first save |
//! | `incarnation-IIIIIIII.json` | the cluster that this home holds from here on | once, by the first save of it |
//! | `ID.iIIIIIIII.db` | a payload: what `etcdctl snapshot save` would have written | once |
//! | `check-ID-FLAGS-TIME-RANDOM.json` | what was verified, by whom, when | once |
//! | `manifest-iIIIIIIII-rRRRRRRRRRRRRRRRRRRR-ID.json` | the commit marker: incarnation, revision, id | once, last |
//!
//! `I` and `R` are decimal digits with leading zeros, so that manifests sort, as text, from oldest to newest. `ID` and
//! `TIME` are those of a [`SnapshotId`]. `FLAGS` is one letter for each of the [`Checks`]: `t` trailer, `s` structure, `r`
//! read-back, `m` sender-hash, `l` live-hash, `d` drill, or `0` for none; a reader passes over letters that it does not know. The key of a
//! manifest follows from its payload's key and the revision in that file, so that whoever finds a payload alone can know the
//! one key that would make it a backup.

mod id;
mod inventory;
mod manifest;
mod names;

use std::fmt;
use std::sync::Arc;

use objstore_core::{
    Condition, Effect, ErrorKind as StoreKind, ObjectKey, ObjectStore, ObjectStoreExt as _, Prefix, Registry, StoreUrl,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use id::SnapshotId;
pub use inventory::{Incomplete, Inventory, Listed};
use manifest::{CheckRecord, Incarnation as IncarnationRecord, KIND, Marker};
pub use manifest::{Content, Manifest, Payload, Verified};
pub(crate) use manifest::{FORMAT, TOOL};

use crate::checks::Checks;
use crate::hex::Hex64;
use crate::host::Host;
use crate::store::store_error;
use crate::{Error, Result};

/// The largest small object that is read; a manifest has about 2 KiB.
const SMALL: u64 = 256 * 1024;

/// One cluster's place in a store.
///
/// The place is a name that its user gives: a prefix of a store. Snapshots are its direct children, so a home inside
/// another is invisible to it. Which cluster it holds stands in its incarnations, not in its name, because cluster ids
/// are no identities: every etcd with default settings has the same one, and each restore makes a new one.
///
/// `Display` gives its URL, where it was opened by one.
///
/// Reading never writes. A home whose format marker has a number that this version does not know is read as far as it is
/// understood, and never changed.
#[derive(Clone)]
pub struct Home {
    store: Arc<dyn ObjectStore>,
    prefix: Prefix,
    url: Option<StoreUrl>,
}

impl Home {
    /// The home at `prefix` of `store`. Nothing is read or written yet.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Prefix) -> Self {
        Self { store, prefix, url: None }
    }

    /// The home at a URL, such as `file:///backups/prod`; a fragment is passed over. Nothing is written.
    ///
    /// # Errors
    /// [`Usage`](crate::ErrorKind::Usage) for a URL that `registry` does not know; else as the store says.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn open(url: &StoreUrl, registry: &Registry) -> Result<Self> {
        let url = url.clone().without_fragment();
        let opened = registry.open_prefix(&url).await;
        let opened = opened.map_err(|e| store_error(format!("{url} cannot be opened"), e))?;
        Ok(Self { url: Some(url), ..Self::new(opened.store, opened.prefix) })
    }

    /// The URL that it was opened by: whoever opens it again has the same home. A URL never has a secret in it.
    #[must_use]
    pub fn url(&self) -> Option<&StoreUrl> {
        self.url.as_ref()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// The prefix.
    #[must_use]
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    pub(crate) fn key(&self, name: &str) -> Result<ObjectKey> {
        self.prefix.key(name).map_err(|e| Error::usage(format!("`{name}` cannot be a key of {self}")).with_source(e))
    }

    /// What the home holds, by one listing and no other request. Needs permission to list.
    ///
    /// Memory: about 300 bytes an object.
    ///
    /// # Errors
    /// When the store cannot be listed. Objects that are not ours are no error: see [`Inventory::foreign`].
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn inventory(&self) -> Result<Inventory> {
        inventory::collect(self).await
    }

    /// The manifest of a listed snapshot.
    ///
    /// # Errors
    /// [`Damaged`](crate::ErrorKind::Damaged) when it is not JSON of the known shape, or belongs to another snapshot.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn manifest(&self, listed: &Listed) -> Result<Manifest> {
        let name = names::manifest(&listed.id, listed.incarnation, listed.revision);
        let manifest: Manifest = self.read_json(&name).await?.ok_or_else(|| {
            Error::not_found(format!("the manifest of {} is gone from {self}: list again", listed.id))
        })?;
        if manifest.id != listed.id.to_string() || manifest.content.revision != listed.revision {
            return Err(Error::damaged(format!(
                "the manifest {name} in {self} speaks of another snapshot, {}",
                manifest.id
            )));
        }
        Ok(manifest)
    }

    /// Records, as a new object, that `checks` succeeded for the complete snapshot `id`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the home has no such snapshot,
    /// [`Refused`](crate::ErrorKind::Refused) when it has a newer format; else as the store says.
    ///
    /// # Cancel safety
    /// If dropped, the record may or may not have been written; nothing else depends on it.
    pub async fn record_checks(&self, id: &SnapshotId, checks: Checks, host: &dyn Host) -> Result<()> {
        self.require_known_format().await?;
        if self.inventory().await?.find(id).is_none() {
            return Err(Error::not_found(format!("{self} holds no complete snapshot {id}: list what it holds")));
        }
        self.write_checks(id, checks, host).await
    }

    /// As [`record_checks`](Self::record_checks), for a snapshot that is about to be committed.
    pub(crate) async fn write_checks(&self, id: &SnapshotId, checks: Checks, host: &dyn Host) -> Result<()> {
        let name = names::check(id, checks, host)?;
        let record = CheckRecord {
            format: FORMAT,
            id: id.to_string(),
            checks: checks.names().map(str::to_owned).collect(),
            at: timestamp(host)?,
            tool: TOOL.to_owned(),
        };
        if self.create_json(&name, &record).await? {
            return Ok(());
        }
        Err(Error::refused(format!("{name} exists in {self} already: try again")))
    }

    /// Refuses a home that a newer version has laid.
    pub(crate) async fn require_known_format(&self) -> Result<()> {
        let marker: Option<Marker> = self.read_json(names::MARKER).await?;
        let Some(marker) = marker else { return Ok(()) };
        if marker.format == FORMAT && marker.kind == KIND {
            return Ok(());
        }
        Err(Error::refused(format!(
            "{self} has format {} of `{}`, and this version writes format {} of `{}`: nothing was changed; use a newer version, or another place",
            marker.format, marker.kind, FORMAT, KIND
        )))
    }

    /// Lays the format marker if there is none, and refuses one that is not ours.
    pub(crate) async fn lay_marker(&self) -> Result<()> {
        self.require_known_format().await?;
        let marker = Marker { format: FORMAT, kind: KIND.to_owned() };
        match self.create_json(names::MARKER, &marker).await? {
            true => Ok(()),
            false => self.require_known_format().await,
        }
    }

    /// The cluster that incarnation `number` is of.
    pub(crate) async fn incarnation(&self, number: u32) -> Result<Option<Hex64>> {
        let record: Option<IncarnationRecord> = self.read_json(&names::incarnation(number)).await?;
        Ok(record.map(|record| record.cluster_id))
    }

    /// Declares that from incarnation `number` on, the home holds `cluster_id`; false if somebody else declared it first.
    pub(crate) async fn declare(&self, number: u32, cluster_id: Hex64, host: &dyn Host) -> Result<bool> {
        let declared = timestamp(host)?;
        let record = IncarnationRecord { format: FORMAT, cluster_id, declared };
        self.create_json(&names::incarnation(number), &record).await
    }

    /// Writes the commit marker; false if that key is taken.
    pub(crate) async fn commit(&self, manifest: &Manifest, id: &SnapshotId) -> Result<bool> {
        self.create_json(&names::manifest(id, manifest.incarnation, manifest.content.revision), manifest).await
    }

    pub(crate) fn payload_name(id: &SnapshotId, incarnation: u32) -> String {
        names::payload(id, incarnation)
    }

    async fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let key = self.key(name)?;
        let bytes = match self.store.get_bytes(&key, SMALL).await {
            Ok((_, bytes)) => bytes,
            Err(e) if e.kind() == StoreKind::NotFound => return Ok(None),
            Err(e) => return Err(store_error(format!("cannot read {name} in {self}"), e)),
        };
        let parsed = serde_json::from_slice(&bytes);
        parsed
            .map(Some)
            .map_err(|e| Error::damaged(format!("{name} in {self} is not what this version can read")).with_source(e))
    }

    /// Creates an object, never overwrites one. `false` means that somebody else's object is there. An answer that was lost,
    /// or that says "exists", is looked into: if what is there is what was written, it was written.
    async fn create_json<T: Serialize + Sync>(&self, name: &str, value: &T) -> Result<bool> {
        let key = self.key(name)?;
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|e| Error::usage(format!("{name} cannot be written as JSON")).with_source(e))?;
        text.push(b'\n');
        let Err(error) = self.store.create(&key, text.clone()).await else { return Ok(true) };
        let exists = matches!(error.kind(), StoreKind::PreconditionFailed | StoreKind::AlreadyExists);
        if !exists && *error.effect() == Effect::NotApplied {
            return Err(store_error(format!("cannot write {name} in {self}"), error));
        }
        match self.store.get_bytes(&key, SMALL).await {
            Ok((_, there)) => Ok(there == text),
            Err(_) => Err(store_error(format!("it is not known whether {name} was written in {self}: list it"), error)),
        }
    }
}

/// Create-only is what every write of this crate asks for.
pub(crate) const CREATE_ONLY: Condition = Condition::Absent;

pub(crate) fn timestamp(host: &dyn Host) -> Result<jiff::Timestamp> {
    jiff::Timestamp::try_from(host.now())
        .map_err(|e| Error::usage("the clock of this machine is out of range: set it").with_source(e))
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.url, self.prefix.as_str()) {
            (Some(url), _) => write!(f, "{url}"),
            (None, "") => write!(f, "{}", self.store),
            (None, prefix) => write!(f, "{} at {prefix}", self.store),
        }
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Home({self})")
    }
}
