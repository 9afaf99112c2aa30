//! What a survey learned.

use crate::membership::{Member, MemberId};
use crate::mvcc::HashKv;

/// Everything that one walk over a database tells.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// What `etcdutl snapshot status` prints.
    pub status: Status,
    /// The hash over the history of the keys, or why there is none at the revision that was asked for.
    pub hash_kv: Result<HashKv, NoHashKv>,
    /// The revision that etcd would start with: the highest of the last record and both compaction marks.
    pub revision: i64,
    /// How far the history is compacted.
    pub compaction: Compaction,
    /// Findings of severity [`Damage`](super::Severity::Damage). 0 means that every check passed.
    pub damage: u64,
    /// Findings of severity [`Notice`](super::Severity::Notice).
    pub notices: u64,
    /// Bytes of a page.
    pub page_size: u32,
    /// Transaction id of the meta in force.
    pub txid: u64,
    /// Bytes that belong to the database: high-water mark times page size. The file may be longer (a trailer, a grown file).
    pub database_len: u64,
    /// The raft index that the content includes, if the `meta` bucket has it.
    pub consistent_index: Option<u64>,
    /// The raft term of that index; etcd 3.4 does not store it.
    pub term: Option<u64>,
    /// The cluster version, such as `3.6.0`, if it is set.
    pub cluster_version: Option<String>,
    /// The target version of a downgrade that is going on.
    pub downgrade_target: Option<String>,
    /// The members. Those that cannot be read are findings.
    pub members: Vec<Member>,
    /// Ids in the bucket `members_removed`.
    pub members_removed: u64,
    /// Granted leases.
    pub leases: u64,
    /// Raised alarms.
    pub alarms: Vec<Alarm>,
    /// What is known about users and roles.
    pub auth: Auth,
}

impl Summary {
    /// Whether every check passed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damage == 0
    }
}

/// The figures of `etcdutl snapshot status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// CRC-32C over the names of all top-level buckets, and after each name its keys and values. It differs between members.
    pub hash: u32,
    /// Main revision of the last record; 0 when there is none.
    pub revision: i64,
    /// Keys by the rule of etcdutl 3.6 and later: distinct keys that are not deleted. The placeholder of a bumped restore counts as one.
    pub total_key: u64,
    /// Keys by the rule of etcdutl 3.5 and earlier: all items of all buckets.
    pub total_key_35: u64,
    /// High-water mark times page size, in bytes.
    pub total_size: u64,
    /// The storage version, such as `3.6.0`; etcd before 3.6 stores none.
    pub version: Option<String>,
}

/// The compaction marks of the `meta` bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compaction {
    /// The last compaction that was begun.
    pub scheduled: Option<i64>,
    /// The last compaction that was carried out.
    pub finished: Option<i64>,
}

impl Compaction {
    /// The compaction that the history must be read by: the higher mark, -1 for none.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.scheduled.max(self.finished).unwrap_or(-1)
    }

    /// Whether a compaction was begun and not yet finished when the file was taken. etcd goes on with it when it starts.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        self.scheduled > self.finished
    }
}

/// Why there is no HashKV for what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoHashKv {
    /// The revision that was asked for is compacted in the file.
    #[error("the file is compacted at revision {compact_revision}: ask for that or a later one")]
    Compacted {
        /// The file's compaction.
        compact_revision: i64,
    },
    /// The revision that was asked for is not in the file yet.
    #[error("the file ends at revision {revision}: ask for that or an earlier one")]
    Future {
        /// The file's revision.
        revision: i64,
    },
    /// The compaction that was asked for is below the file's: records that it needs are gone.
    #[error("the file is compacted further, at revision {compact_revision}")]
    CompactedFurther {
        /// The file's compaction.
        compact_revision: i64,
    },
    /// The compaction that was asked for is above the revision that was asked for: there is no such state.
    #[error("no history at revision {revision} is compacted above it")]
    CompactedAboveRevision {
        /// The revision that was asked for.
        revision: i64,
    },
}

/// An alarm that a member raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Alarm {
    /// Who raised it.
    pub member: MemberId,
    /// What it says.
    pub kind: AlarmKind,
}

/// What an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AlarmKind {
    /// The member is out of space: the cluster takes no writes.
    NoSpace,
    /// The member's data differs from the others': the cluster takes no writes.
    Corrupt,
    /// A number that this crate does not know.
    Other(u64),
}

/// What is known about users and roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Auth {
    /// Whether clients must authenticate.
    pub enabled: bool,
    /// Number of users.
    pub users: u64,
    /// Number of roles.
    pub roles: u64,
}
