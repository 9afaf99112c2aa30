//! Whether a new snapshot goes on where the one before it ended.
//!
//! A cluster id does not tell clusters apart: every etcd that was started with the defaults has the same one. Their
//! histories do. HashKV at a revision R by a compaction C is a digest of the whole history up to R, and a later state of the
//! same cluster gives the same one as long as it is not compacted past R. After that, whatever record is left that was
//! written up to R must stand in the older snapshot too: records never change, and what a compaction keeps was the newest
//! of its key at R already.

use std::fmt;

use serde::{Serialize, Serializer};

use super::sample;
use crate::home::{Content, Home, Listed, SnapshotId};
use crate::inspect::{self, Inspection};
use crate::source::SnapshotSource;
use crate::{Advice, Error, Result};

/// How the history in a new snapshot compares with that of the newest one that its home holds of the same incarnation.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HistoryCheck {
    /// There was no snapshot of this incarnation to compare with.
    First,
    /// Both hold the same history up to the revision of the older one.
    Continues {
        /// The snapshot that was compared with.
        id: SnapshotId,
    },
    /// The cluster was compacted past the older one, so that there are no histories to compare; but the oldest records that
    /// are left in the new one, written before the older one was taken, stand in both.
    SharesRecords {
        /// The snapshot that was compared with.
        id: SnapshotId,
        /// How many were compared, 8 at the most.
        records: usize,
    },
    /// The two could not be compared, and why.
    NotComparable {
        /// The snapshot that was to be compared with.
        id: SnapshotId,
        /// What stood in the way.
        why: String,
    },
}

/// In words, as in a manifest.
impl Serialize for HistoryCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for HistoryCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("the first of its incarnation"),
            Self::Continues { id } => write!(f, "continues {id}"),
            Self::SharesRecords { id, records } => write!(f, "shares its {records} oldest records with {id}"),
            Self::NotComparable { id, why } => write!(f, "not comparable with {id}: {why}"),
        }
    }
}

/// What a comparison came to.
#[derive(Debug)]
pub(super) enum Compared {
    /// Nothing speaks against it.
    Fits(HistoryCheck),
    /// It is not the history of the snapshot before it.
    Strange(Error),
}

/// Two histories, compared.
enum Histories {
    Equal,
    Share(usize),
    /// Up to this revision they differ, and this is how.
    Differ(i64, String),
    None(String),
}

/// The point at which two snapshots are compared: the revision of the older one, by the later of both compactions.
#[derive(Clone, Copy)]
struct Point {
    revision: i64,
    compacted: i64,
}

/// Compares the stored and inspected `source` with the newest snapshot of incarnation `number`.
///
/// # Errors
/// When the home cannot be listed, or `source` not be read. What cannot be read of the older snapshot is no error: a
/// payload that is archived, damaged or gone must not stand in the way of the next one.
pub(super) async fn compare(
    home: &Home,
    number: u32,
    source: &SnapshotSource,
    inspection: &Inspection,
) -> Result<Compared> {
    let inventory = home.inventory().await?;
    let Some(before) = inventory.snapshots.iter().find(|listed| listed.incarnation == number) else {
        return Ok(Compared::Fits(HistoryCheck::First));
    };
    let id = before.id.clone();
    Ok(match histories(home, before, source, inspection).await? {
        Histories::Equal => Compared::Fits(HistoryCheck::Continues { id }),
        Histories::Share(records) => Compared::Fits(HistoryCheck::SharesRecords { id, records }),
        Histories::None(why) => Compared::Fits(HistoryCheck::NotComparable { id, why }),
        Histories::Differ(revision, how) => Compared::Strange(Error::refused(format!(
            "up to revision {revision} the history of this cluster is not that of {id} in {home} ({how}): it is another \
             cluster with the same id, or this one was restored from a backup; use a place of its own for each cluster, or \
             declare a new incarnation if this one takes the other's place. If neither is so, a member is corrupt: see `etcdctl endpoint hashkv --cluster`"
        ))
        .with_advice(Advice::NewIncarnation)),
    })
}

async fn histories(
    home: &Home,
    before: &Listed,
    source: &SnapshotSource,
    inspection: &Inspection,
) -> Result<Histories> {
    let content = &Content::from(inspection);
    let manifest = match home.manifest(before).await {
        Ok(manifest) => manifest.content,
        Err(e) => return Ok(Histories::None(e.to_string())),
    };
    let older = if manifest.revision <= content.revision { &manifest } else { content };
    let at = Point { revision: older.revision, compacted: compaction(&manifest).max(compaction(content)) };
    if at.compacted > at.revision {
        // While a compaction goes on, records are left that it will not keep.
        let is_settled = content.revision >= manifest.revision && !inspection.summary.compaction.is_in_progress();
        let records = if is_settled { sample::oldest(source, at.revision).await? } else { Vec::new() };
        return match records.is_empty() {
            true => Ok(Histories::None(format!("it was compacted up to revision {} since", at.compacted))),
            false => {
                shared(home, before, &manifest, at, &records).await.or_else(|e| Ok(Histories::None(e.to_string())))
            }
        };
    }
    // Where no key lives HashKV leaves no record out (etcd v3.6.15 `server/storage/mvcc/hash.go`), and so depends on what a
    // compaction has deleted already.
    if older.total_key == 0 {
        return Ok(Histories::None(format!("no key lived at revision {}", at.revision)));
    }
    let theirs = match hash_before(home, before, &manifest, at).await {
        Ok(Some(theirs)) => theirs,
        Ok(None) => return Ok(Histories::None("its payload is damaged".to_owned())),
        Err(e) => return Ok(Histories::None(e.to_string())),
    };
    let ours = match known(content, at) {
        Some(ours) => ours,
        None => hash_of(source, at).await?.ok_or_else(|| Error::damaged("it has no HashKV at its own compaction"))?,
    };
    if theirs == ours {
        return Ok(Histories::Equal);
    }
    match is_intact(home, before, &manifest, at).await {
        Ok(true) => Ok(Histories::Differ(at.revision, format!("HashKV {ours}, there {theirs}"))),
        Ok(false) => Ok(Histories::None("its payload is damaged".to_owned())),
        Err(e) => Ok(Histories::None(e.to_string())),
    }
}

/// Whether the older snapshot holds these records of the new one.
async fn shared(
    home: &Home,
    before: &Listed,
    manifest: &Content,
    at: Point,
    records: &[(Vec<u8>, Vec<u8>)],
) -> Result<Histories> {
    if sample::holds(&SnapshotSource::listed(home, before).await?, records).await? {
        return Ok(Histories::Share(records.len()));
    }
    Ok(match is_intact(home, before, manifest, at).await? {
        true => Histories::Differ(at.revision, "records of that time that it holds are not there".to_owned()),
        false => Histories::None("its payload is damaged".to_owned()),
    })
}

/// The hash of the older snapshot: from its manifest, or from its payload if the compaction has moved.
async fn hash_before(home: &Home, before: &Listed, manifest: &Content, at: Point) -> Result<Option<u32>> {
    match known(manifest, at) {
        Some(hash) => Ok(Some(hash)),
        None => hash_of(&SnapshotSource::listed(home, before).await?, at).await,
    }
}

/// Before a payload that was walked is held against a cluster, it must still be what its manifest says.
async fn is_intact(home: &Home, before: &Listed, manifest: &Content, at: Point) -> Result<bool> {
    if known(manifest, at).is_some() {
        return Ok(true);
    }
    let source = SnapshotSource::listed(home, before).await?;
    let own = Point { revision: manifest.revision, compacted: compaction(manifest) };
    Ok(hash_of(&source, own).await? == Some(manifest.hash_kv))
}

/// The hash that is known without a walk.
fn known(content: &Content, at: Point) -> Option<u32> {
    (content.revision == at.revision && compaction(content) == at.compacted).then_some(content.hash_kv)
}

async fn hash_of(source: &SnapshotSource, at: Point) -> Result<Option<u32>> {
    inspect::hash_kv_at(source, at.revision, at.compacted).await
}

/// -1 if it was never compacted.
fn compaction(content: &Content) -> i64 {
    content.compact_revision.unwrap_or(-1)
}
