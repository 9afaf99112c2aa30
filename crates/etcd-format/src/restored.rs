//! What a restore changes in the database of a snapshot.

use crate::bolt::patch::Edits;
use crate::membership::{InitialCluster, MemberId};

/// What the new cluster is to be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RestoreOptions<'a> {
    /// The members.
    pub cluster: &'a InitialCluster,
    /// How far to move the revision on; everything up to the new revision is marked as compacted. 0 leaves it.
    pub bump_revision: u64,
    /// Drop alarms of type NOSPACE (default). CORRUPT always stays.
    pub drop_nospace: bool,
    /// Switch authentication off; users and roles stay.
    pub disable_auth: bool,
    /// Cancel a downgrade of the old cluster that was under way (default).
    pub cancel_downgrade: bool,
}

impl<'a> RestoreOptions<'a> {
    /// The defaults for this cluster.
    #[must_use]
    pub fn new(cluster: &'a InitialCluster) -> Self {
        Self {
            cluster,
            bump_revision: 0,
            drop_nospace: true,
            disable_auth: false,
            cancel_downgrade: true,
        }
    }
}

/// What the small buckets of a snapshot say, and its latest revision. Fill it from a walk over the file.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SourceState {
    /// The main revision of the last record of the bucket `key`; 0 if it is empty.
    pub last_record_revision: i64,
    items: std::collections::BTreeMap<Vec<u8>, std::collections::BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl SourceState {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the items of this bucket are wanted: all but `key`, `lease`, `authUsers` and `authRoles`, which may be large.
    #[must_use]
    pub fn wants(bucket: &[u8]) -> bool {
        !matches!(bucket, b"key" | b"lease" | b"authUsers" | b"authRoles")
    }

    /// Takes one item of a bucket that is wanted; others are passed over.
    pub fn insert(&mut self, bucket: &[u8], key: &[u8], value: &[u8]) {
        if Self::wants(bucket) {
            self.items
                .entry(bucket.to_vec())
                .or_default()
                .insert(key.to_vec(), value.to_vec());
        }
    }
}

/// The edits, and what they drop or leave, for a report to the user.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Restored {
    /// To be applied by a patch or a rewrite.
    pub edits: Edits,
    /// The members of the old cluster, which are dropped: id, and name if the record could be read.
    pub old_members: Vec<(MemberId, String)>,
    /// Members with a NOSPACE alarm that is dropped (or kept, if so wished: see the options).
    pub nospace: Vec<MemberId>,
    /// Members with a CORRUPT alarm, which stays: the restored cluster will refuse writes until somebody disarms it.
    pub corrupt: Vec<MemberId>,
    /// Whether authentication was on in the snapshot.
    pub auth_was_enabled: bool,
    /// The target version of a downgrade that was under way in the snapshot.
    pub downgrade_target: Option<String>,
    /// The revision at which the restored cluster stands: that of the snapshot, plus the bump.
    pub revision: i64,
}

/// Computes what is to be changed.
///
/// # Errors
///
/// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the bump leaves the range of revisions.
pub fn restore_edits(
    options: &RestoreOptions<'_>,
    source: &SourceState,
) -> Result<Restored, crate::FormatError> {
    let _ = (options, source);
    unimplemented!()
}
