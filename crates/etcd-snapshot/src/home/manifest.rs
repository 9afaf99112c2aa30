//! The commit marker of a snapshot, and the small objects beside it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::hex::{Hex32, Hex64};

/// The number of the format that this version writes.
pub(crate) const FORMAT: u32 = 1;

/// What the commit marker of a snapshot records: without it there is no backup.
///
/// It is JSON, written last and create-only. Fields are added in later versions, never removed or changed in meaning;
/// a reader passes over what it does not know. 64-bit ids are hex strings, as etcd prints them: numbers above 2^53 do
/// not survive most JSON readers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The number of the format, 1.
    pub format: u32,
    /// The id of the snapshot.
    pub id: String,
    /// The stored file.
    pub payload: Payload,
    /// Which cluster, in this home's count: 1 for the first, one more each time that another was declared.
    pub incarnation: u32,
    /// The cluster that it was taken from. Not an identity: every etcd started with the defaults has the same.
    pub cluster_id: Hex64,
    /// The member that sent it.
    pub member_id: Hex64,
    /// The version of that member, such as `3.6.15`.
    pub server_version: String,
    /// The storage version in the file, from etcd 3.6 on, such as `3.6.0`.
    pub storage_version: Option<String>,
    /// When the save began, by the clock of the machine that saved.
    pub started: Timestamp,
    /// When everything but this manifest was done.
    pub finished: Timestamp,
    /// The file's content.
    pub content: Content,
    /// What was verified before this manifest was written.
    pub verified: Verified,
    /// The program and the version that wrote it.
    pub tool: String,
}

/// The stored file of a snapshot.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Payload {
    /// Its key, below the home's prefix.
    pub key: String,
    /// Its length in bytes, with the 32 of the trailer.
    pub bytes: u64,
    /// SHA-256 of all of it, trailer included: what `sha256sum` prints.
    pub sha256: String,
    /// CRC-32C of all of it.
    pub crc32c: Hex32,
}

/// What a snapshot holds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Content {
    /// The revision of the key space.
    pub revision: i64,
    /// The revision up to which it is compacted (scheduled or finished); absent if never.
    pub compact_revision: Option<i64>,
    /// HashKV at `revision`, compacted at `compact_revision`, computed from the file.
    pub hash_kv: u32,
    /// The hash of `etcdutl snapshot status`.
    pub hash: u32,
    /// Live keys: the count of `etcdutl snapshot status` from 3.6 on.
    pub total_key: u64,
    /// Items in all buckets: the count of `etcdutl snapshot status` up to 3.5.
    pub total_key_35: u64,
    /// Bytes of the database, up to its high-water mark.
    pub total_size: u64,
    /// Leases.
    pub leases: u64,
    /// Alarms that were raised, such as `NOSPACE 8e9e05c52164694d`.
    pub alarms: Vec<String>,
    /// Whether the cluster asked for users and passwords: a restored one will.
    pub auth_enabled: bool,
}

/// What was verified before the manifest was written.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// The names of the checks that succeeded, as in [`Checks::names`](crate::Checks::names).
    pub checks: Vec<String>,
    /// How the comparison with a live member ended, in words.
    pub live_hash: String,
    /// The member that was compared with, if one was.
    pub compared_with: Option<Hex64>,
    /// How the comparison with the snapshot before it ended, in words; absent where none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
}

/// The marker at the head of a home.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Marker {
    pub(crate) format: u32,
    pub(crate) kind: String,
}

/// What `home.json` says the home is for.
pub(crate) const KIND: &str = "etcd-snapshots";

/// Which cluster a home holds from some point on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Incarnation {
    pub(crate) format: u32,
    pub(crate) cluster_id: Hex64,
    pub(crate) declared: Timestamp,
}

/// What a check that was made found. Its key says which checks succeeded; this says who made them.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct CheckRecord {
    pub(crate) format: u32,
    pub(crate) id: String,
    pub(crate) checks: Vec<String>,
    pub(crate) at: Timestamp,
    pub(crate) tool: String,
}

/// What is written into `tool` fields.
pub(crate) const TOOL: &str = concat!("etcd-snapshot ", env!("CARGO_PKG_VERSION"));
