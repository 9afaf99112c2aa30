//! What one listing tells of a home.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::SystemTime;

use futures::TryStreamExt as _;
use objstore_core::{ObjectMeta, ObjectStoreExt as _};
use serde::Serialize;

use super::Home;
use super::id::SnapshotId;
use super::names::{self, Name};
use crate::Result;
use crate::checks::Checks;
use crate::store::store_error;

/// What a home holds, told from its listing alone.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Inventory {
    /// Complete snapshots, newest first.
    pub snapshots: Vec<Listed>,
    /// Payloads without manifest and manifests without payload, newest first: saves that run now, were cut off, or failed
    /// to verify, and snapshots that somebody deleted by halves.
    pub incomplete: Vec<Incomplete>,
    /// Keys of direct children that no version of ours writes. They are never touched.
    pub foreign: Vec<String>,
    /// The highest incarnation that was declared; 0 in an empty home.
    pub incarnation: u32,
}

impl Inventory {
    /// The newest complete snapshot.
    #[must_use]
    pub fn newest(&self) -> Option<&Listed> {
        self.snapshots.first()
    }

    /// The complete snapshot `id`.
    #[must_use]
    pub fn find(&self, id: &SnapshotId) -> Option<&Listed> {
        self.snapshots.iter().find(|listed| listed.id == *id)
    }
}

/// A complete snapshot, as its home's listing shows it.
///
/// "Newest" compares incarnation, then revision, then the time in the id. A restored cluster starts again at a lower
/// revision, so revisions only order within one incarnation; clocks skew, so time only decides between equal revisions.
/// The store's `LastModified` is never looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Listed {
    /// Its name.
    pub id: SnapshotId,
    /// Which cluster, in this home's count.
    pub incarnation: u32,
    /// The revision of its key space.
    pub revision: i64,
    /// Bytes of its payload.
    pub bytes: u64,
    /// What was verified of it, at its save and since.
    pub checks: Checks,
}

impl Listed {
    /// How old it is at `now`; zero if the clock that named it was ahead.
    #[must_use]
    pub fn age(&self, now: SystemTime) -> std::time::Duration {
        now.duration_since(self.id.time()).unwrap_or_default()
    }
}

/// Something that is no backup: half of one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Incomplete {
    /// Its name.
    pub id: SnapshotId,
    /// What is missing.
    pub why: &'static str,
    /// Bytes of its payload, if there is one.
    pub bytes: Option<u64>,
    /// The key of its payload below the home's prefix, if there is one.
    pub payload: Option<String>,
    /// Which cluster, in this home's count, by its payload, or else by its manifest.
    pub incarnation: Option<u32>,
}

/// The objects of one id, while the listing is read.
#[derive(Default)]
struct Parts {
    payload: Option<(u32, u64)>,
    manifest: Option<(u32, i64)>,
    checks: Checks,
}

pub(super) async fn collect(home: &Home) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    let mut parts: BTreeMap<SnapshotId, Parts> = BTreeMap::new();
    let mut listing = home.store.list_direct(&home.prefix);
    while let Some(object) = listing.try_next().await.map_err(|e| store_error(format!("cannot list {home}"), e))? {
        sort_in(home, &object, &mut inventory, &mut parts);
    }
    for (id, parts) in parts {
        settle(id, &parts, &mut inventory);
    }
    inventory
        .snapshots
        .sort_unstable_by_key(|listed| Reverse((listed.incarnation, listed.revision, listed.id.clone())));
    inventory.incomplete.sort_unstable_by_key(|incomplete| Reverse(incomplete.id.clone()));
    Ok(inventory)
}

fn sort_in(home: &Home, object: &ObjectMeta, inventory: &mut Inventory, parts: &mut BTreeMap<SnapshotId, Parts>) {
    let relative = home.prefix.relative(&object.key).unwrap_or(object.key.as_str());
    match Name::parse(relative) {
        Some(Name::Marker) => {}
        Some(Name::Incarnation(number)) => inventory.incarnation = inventory.incarnation.max(number),
        Some(Name::Payload { id, incarnation }) => {
            parts.entry(id).or_default().payload = Some((incarnation, object.size))
        }
        Some(Name::Manifest { id, incarnation, revision }) => {
            parts.entry(id).or_default().manifest = Some((incarnation, revision));
        }
        Some(Name::Check { id, checks }) => {
            let entry = parts.entry(id).or_default();
            entry.checks |= checks;
        }
        None => inventory.foreign.push(relative.to_owned()),
    }
}

fn settle(id: SnapshotId, parts: &Parts, inventory: &mut Inventory) {
    let incomplete = |id: SnapshotId, why| Incomplete {
        why,
        bytes: parts.payload.map(|(_, bytes)| bytes),
        payload: parts.payload.map(|(incarnation, _)| names::payload(&id, incarnation)),
        incarnation: parts.payload.map(|(number, _)| number).or(parts.manifest.map(|(number, _)| number)),
        id,
    };
    match (parts.manifest, parts.payload) {
        (Some((incarnation, revision)), Some((of_payload, bytes))) if incarnation == of_payload => {
            inventory.snapshots.push(Listed { id, incarnation, revision, bytes, checks: parts.checks });
        }
        (Some(_), Some(_)) => {
            inventory.incomplete.push(incomplete(id, "its manifest and its payload are of different incarnations"))
        }
        (Some(_), None) => inventory.incomplete.push(incomplete(id, "it has a manifest and no payload")),
        (None, Some(_)) => inventory.incomplete.push(incomplete(id, "it has a payload and no manifest")),
        (None, None) => {
            inventory.incomplete.push(incomplete(id, "it has neither a payload nor a manifest, only checks"))
        }
    }
}
