//! Whether a new snapshot goes on where the one before it ended.
//!
//! A cluster id does not tell clusters apart: every etcd that was started with the defaults has the same one. Their
//! histories do. HashKV at a revision R by a compaction C is a digest of the whole history up to R, and a later state of the
//! same cluster gives the same one as long as it is not compacted past R.

use std::fmt;

use serde::{Serialize, Serializer};

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

/// Two histories, reduced to what can be compared.
enum Hashes {
    Equal,
    Differ { revision: i64, before: u32, new: u32 },
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
    Ok(match hashes(home, before, source, &Content::from(inspection)).await? {
        Hashes::Equal => Compared::Fits(HistoryCheck::Continues { id }),
        Hashes::None(why) => Compared::Fits(HistoryCheck::NotComparable { id, why }),
        Hashes::Differ { revision, before, new } => Compared::Strange(Error::refused(format!(
            "up to revision {revision} the history of this cluster is not that of {id} in {home} (HashKV {new}, there {before}): it is another \
             cluster with the same id, or this one was restored from a backup; use a place of its own for each cluster, or \
             declare a new incarnation if this one takes the other's place. If neither is so, a member is corrupt: see `etcdctl endpoint hashkv --cluster`"
        ))
        .with_advice(Advice::NewIncarnation)),
    })
}

async fn hashes(home: &Home, before: &Listed, source: &SnapshotSource, content: &Content) -> Result<Hashes> {
    let manifest = match home.manifest(before).await {
        Ok(manifest) => manifest.content,
        Err(e) => return Ok(Hashes::None(e.to_string())),
    };
    let older = if manifest.revision <= content.revision { &manifest } else { content };
    let at = Point { revision: older.revision, compacted: compaction(&manifest).max(compaction(content)) };
    if at.compacted > at.revision {
        return Ok(Hashes::None(format!("it was compacted up to revision {} since", at.compacted)));
    }
    // Where no key lives HashKV leaves no record out (etcd v3.6.15 `server/storage/mvcc/hash.go`), and so depends on what a
    // compaction has deleted already.
    if older.total_key == 0 {
        return Ok(Hashes::None(format!("no key lived at revision {}", at.revision)));
    }
    let theirs = match hash_before(home, before, &manifest, at).await {
        Ok(Some(theirs)) => theirs,
        Ok(None) => return Ok(Hashes::None("its payload is damaged".to_owned())),
        Err(e) => return Ok(Hashes::None(e.to_string())),
    };
    let ours = match known(content, at) {
        Some(ours) => ours,
        None => hash_of(source, at).await?.ok_or_else(|| Error::damaged("it has no HashKV at its own compaction"))?,
    };
    if theirs == ours {
        return Ok(Hashes::Equal);
    }
    match is_intact(home, before, &manifest, at).await {
        Ok(true) => Ok(Hashes::Differ { revision: at.revision, before: theirs, new: ours }),
        Ok(false) => Ok(Hashes::None("its payload is damaged".to_owned())),
        Err(e) => Ok(Hashes::None(e.to_string())),
    }
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
