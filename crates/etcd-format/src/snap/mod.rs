//! The raft snapshot file (`.snap`) of a member.
//!
//! It is protobuf `snappb.Snapshot`: crc = 1 (CRC-32C of the data, never 0), data = 2, a `raftpb.Snapshot`: data = 1
//! (the v2 store as JSON), metadata = 2 (conf_state = 1, index = 2, term = 3).
//!
//! etcd 3.4 takes the members from the v2 store. 3.5 takes them from the database, but from 3.5.26 on it first brings the
//! database in line with the v2 store; 3.6 reads the index only; 3.7 reads none of it. So the file carries all members.
//!
//! Source: etcd v3.6.15 `server/etcdserver/api/snap/{snapshotter.go,snappb/snap.proto}`, raft v3.6 `raftpb/raft.proto`.

mod decode;
mod v2store;

pub use decode::RaftSnapshot;

use crate::membership::InitialCluster;
use crate::protobuf::{push_bytes, push_number};
use crate::wal::{self, INITIAL_TERM};

/// The name of a `.snap` file.
///
/// ```
/// assert_eq!(etcd_format::snap::file_name(1, 3), "0000000000000001-0000000000000003.snap");
/// ```
#[must_use]
pub fn file_name(term: u64, index: u64) -> String {
    format!("{term:016x}-{index:016x}.snap")
}

/// The `.snap` file of every member of a fresh cluster, named `file_name(INITIAL_TERM, cluster.last_index())`.
///
/// These are the bytes that etcdutl 3.5.34 writes for the same flags. etcdutl 3.6 numbers the members in the v2 store in random
/// order; nobody reads these numbers.
#[must_use]
pub fn initial_snap(cluster: &InitialCluster) -> Vec<u8> {
    let mut metadata = Vec::new();
    push_bytes(&mut metadata, 1, &wal::conf_state(cluster));
    push_number(&mut metadata, 2, cluster.last_index());
    push_number(&mut metadata, 3, INITIAL_TERM);
    let mut snapshot = Vec::new();
    push_bytes(&mut snapshot, 1, v2store::encode(cluster.members()).as_bytes());
    push_bytes(&mut snapshot, 2, &metadata);
    let mut file = Vec::new();
    push_number(&mut file, 1, u64::from(crc32c::crc32c(&snapshot)));
    push_bytes(&mut file, 2, &snapshot);
    file
}
