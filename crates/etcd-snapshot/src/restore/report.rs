//! What a restore did, and what it would do.

use std::path::PathBuf;

use serde::Serialize;

use crate::hex::Hex64;

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Restored {
    /// How it ended.
    pub outcome: Outcome,
    /// The data directory.
    pub data_dir: PathBuf,
    /// What is there now; absent when this pod had nothing to restore, or found data that no restore made.
    pub identity: Option<Identity>,
    /// What was changed on the way; absent when nothing was written.
    pub changes: Option<Changes>,
}

/// How a restore ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The data directory was written and is complete.
    Restored,
    /// An earlier run had restored here: the snapshot that is asked for, or, in an init container that asks for the newest,
    /// the one that was the newest then. Nothing was changed, but for what that run left behind.
    AlreadyRestored,
    /// There is data here already, and an init container leaves it alone. Nothing was changed.
    AlreadyPopulated,
    /// Another ordinal restores, and this one joins it. Nothing was changed.
    NotThisOrdinal,
}

/// Who a restored member is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Identity {
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
}

/// What a restore changes in the data.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Changes {
    /// The revision of the snapshot.
    pub snapshot_revision: i64,
    /// The revision that the restored member starts at: the snapshot's, or the one it was bumped to.
    pub revision: i64,
    /// The storage version that the data names, such as `3.6.0`; etcd names it from 3.6 on.
    pub storage_version: Option<String>,
    /// The cluster version that the data names: the lowest minor that all members spoke.
    pub cluster_version: Option<String>,
    /// Members of the old cluster that are dropped, by id.
    pub dropped_members: Vec<Hex64>,
    /// Alarms that are dropped, such as `NOSPACE 8e9e05c52164694d`.
    pub dropped_alarms: Vec<String>,
    /// Alarms that stay.
    pub kept_alarms: Vec<String>,
    /// Whether authentication is on in the snapshot.
    pub auth_enabled: bool,
    /// Whether authentication is turned off.
    pub auth_disabled: bool,
    /// Bytes of the database, without the trailer.
    pub database_bytes: u64,
    /// SHA-256 of the database as it was in the snapshot, without the trailer, as hex. Absent in a plan: it is only known
    /// once everything was read.
    pub snapshot_sha256: Option<String>,
    /// Whether the content was compared with a SHA-256, the trailer's or the manifest's.
    pub hash_checked: bool,
}

/// What a restore would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RestorePlan {
    /// How it would end.
    pub outcome: Outcome,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Who the member would be. Without a given token the next run draws another, and has other ids.
    pub identity: Option<Identity>,
    /// What would be changed.
    pub changes: Option<Changes>,
    /// Room that is needed in the data directory, in bytes.
    pub needed_bytes: u64,
    /// Room that is there, in bytes.
    pub free_bytes: u64,
}
