//! From the old cluster's state to the edits.

use super::{BUCKETS, SourceState};
use crate::bolt::patch::Edits;
use crate::membership::{ConfState, InitialCluster, MemberId};
use crate::wal::INITIAL_TERM;
use crate::{ErrorKind, FormatError};

/// What the new cluster is to be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RestoreOptions<'a> {
    /// The members.
    pub cluster: &'a InitialCluster,
    /// How far to move the revision on; everything up to the new revision counts as compacted. 0 (default) leaves it.
    pub bump_revision: u64,
    /// Whether alarms of type NOSPACE are dropped. Default yes. CORRUPT always stays.
    pub drop_nospace: bool,
    /// Whether authentication is switched off. Default no. Users and roles stay.
    pub disable_auth: bool,
    /// Whether a downgrade of the old cluster that was under way is cancelled. Default yes.
    pub cancel_downgrade: bool,
}

impl<'a> RestoreOptions<'a> {
    /// The defaults for this cluster.
    #[must_use]
    pub fn new(cluster: &'a InitialCluster) -> Self {
        Self { cluster, bump_revision: 0, drop_nospace: true, disable_auth: false, cancel_downgrade: true }
    }

    /// The same options with this bump.
    #[must_use]
    pub fn with_bump_revision(mut self, amount: u64) -> Self {
        self.bump_revision = amount;
        self
    }

    /// The same options, dropping NOSPACE or not.
    #[must_use]
    pub fn with_drop_nospace(mut self, drop: bool) -> Self {
        self.drop_nospace = drop;
        self
    }

    /// The same options, switching authentication off or not.
    #[must_use]
    pub fn with_disable_auth(mut self, disable: bool) -> Self {
        self.disable_auth = disable;
        self
    }

    /// The same options, cancelling a downgrade or not.
    #[must_use]
    pub fn with_cancel_downgrade(mut self, cancel: bool) -> Self {
        self.cancel_downgrade = cancel;
        self
    }
}

/// The edits, and what they drop or leave, for a report to whoever restores.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Restored {
    /// To be applied by a [`Patch`](crate::bolt::patch::Patch) or a [`Rewrite`](crate::bolt::patch::Rewrite).
    pub edits: Edits,
    /// The members of the old cluster, which are dropped: id, and name if the record can be read.
    pub old_members: Vec<(MemberId, String)>,
    /// The members with a NOSPACE alarm. Dropped if the options say so.
    pub nospace: Vec<MemberId>,
    /// The members with a CORRUPT alarm. It stays: the new cluster refuses writes until somebody disarms it.
    pub corrupt: Vec<MemberId>,
    /// Whether authentication is on in the snapshot.
    pub auth_was_enabled: bool,
    /// The target version of a downgrade that is under way in the snapshot.
    pub downgrade_target: Option<String>,
    /// The revision at which the snapshot stands.
    pub source_revision: i64,
    /// The revision at which the new cluster will stand: that of the snapshot, plus the bump.
    pub revision: i64,
}

/// Computes what is to be changed. The module's table says what and why.
///
/// ```
/// use etcd_format::membership::InitialCluster;
/// use etcd_format::restored::{RestoreOptions, SourceState, restore_edits};
///
/// let cluster = InitialCluster::parse("a=http://localhost:2380", "a-fresh-token")?;
/// let options = RestoreOptions::new(&cluster).with_bump_revision(1_000_000_000);
/// let restored = restore_edits(&options, &SourceState::new())?;
/// assert_eq!(restored.revision, 1_000_000_001);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`InvalidInput`](ErrorKind::InvalidInput) if the bump leads beyond the largest revision, 2^63-1.
pub fn restore_edits(options: &RestoreOptions<'_>, source: &SourceState) -> Result<Restored, FormatError> {
    let alarms = source.alarms();
    let source_revision = source.revision();
    let mut restored = Restored {
        edits: Edits::new(),
        old_members: source.members(),
        nospace: alarms.iter().filter(|alarm| alarm.is_nospace()).map(|alarm| alarm.member).collect(),
        corrupt: alarms.iter().filter(|alarm| alarm.is_corrupt()).map(|alarm| alarm.member).collect(),
        auth_was_enabled: source.auth_enabled(),
        downgrade_target: source.downgrade_target(),
        source_revision,
        revision: bumped(source_revision, options.bump_revision)?,
    };
    let edits = &mut restored.edits;
    for bucket in BUCKETS {
        edits.bucket(bucket);
    }
    found_cluster(edits, options.cluster);
    if restored.revision > source_revision {
        bump(edits, restored.revision);
    }
    if options.drop_nospace {
        for alarm in alarms.iter().filter(|alarm| alarm.is_nospace()) {
            edits.bucket("alarm").remove(alarm.key);
        }
    }
    if options.disable_auth && restored.auth_was_enabled {
        edits.bucket("auth").put("authEnabled", [0]);
    }
    if options.cancel_downgrade && restored.downgrade_target.is_some() {
        edits.bucket("cluster").put("downgrade", r#"{"target-version":"","enabled":false}"#);
    }
    Ok(restored)
}

fn bumped(revision: i64, amount: u64) -> Result<i64, FormatError> {
    revision.checked_add_unsigned(amount).ok_or_else(|| {
        FormatError::new(ErrorKind::InvalidInput, "a bump that stays below revision 2^63")
            .found(format!("{amount} on top of revision {revision}"))
    })
}

/// Replaces the old cluster by the new one.
fn found_cluster(edits: &mut Edits, cluster: &InitialCluster) {
    let members = edits.bucket("members").clear();
    for member in cluster.members() {
        members.put(member.key(), member.to_json());
    }
    edits.bucket("members_removed").clear();
    edits
        .bucket("meta")
        .put("consistent_index", cluster.last_index().to_be_bytes())
        .put("term", INITIAL_TERM.to_be_bytes())
        .put("confState", ConfState::of_voters(cluster.voters()).to_json());
}

/// Puts an empty record at this revision and schedules a compaction up to it, which the server runs when it starts.
fn bump(edits: &mut Edits, revision: i64) {
    let mut key = revision.to_be_bytes().to_vec();
    key.push(b'_');
    key.extend_from_slice(&0_i64.to_be_bytes());
    edits.bucket("key").append(key.clone(), "");
    edits.bucket("meta").put("scheduledCompactRev", key);
}
