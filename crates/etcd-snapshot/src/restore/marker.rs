//! The file inside `member` that says what was restored there.
//!
//! It lies inside, not beside: beside, it would outlive a `member` that somebody deleted, a restore would think itself
//! done, and etcd would start empty.

use serde::{Deserialize, Serialize};

use crate::hex::Hex64;

/// The marker's name in `member`. etcd reads only `snap` and `wal` there.
pub(super) const NAME: &str = "restored.json";

/// A marker is never longer.
pub(super) const MAX_LEN: u64 = 256 * 1024;

const FORMAT: u32 = 1;

/// What a restore did. It is JSON; fields are added in later versions, never removed or changed in meaning.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RestoreMarker {
    /// The number of the format, 1.
    pub format: u32,
    /// The id of the snapshot, when it came from a store.
    pub snapshot_id: Option<String>,
    /// SHA-256 of the database as it was in the snapshot, without the trailer, as hex. All members of one cluster must
    /// have the same.
    pub snapshot_sha256: String,
    /// The member's name.
    pub name: String,
    /// The member's id.
    pub member_id: Hex64,
    /// The cluster's id.
    pub cluster_id: Hex64,
    /// The cluster's token.
    pub token: String,
    /// All members, as `NAME=URL[,NAME=URL…]`.
    pub initial_cluster: String,
    /// The revision that the restored member starts at.
    pub revision: i64,
    /// The program and the version that restored.
    pub tool: String,
}

impl RestoreMarker {
    pub(super) const FORMAT: u32 = FORMAT;

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a marker. What is no marker, or one of a format that is not known here, is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(bytes).ok().filter(|marker| marker.format == FORMAT)
    }
}
