//! The log of a member whose cluster was just founded.

use super::{Encoder, Kind};
use crate::membership::{InitialCluster, Member, MemberId};
use crate::protobuf::{push_bytes, push_number};

/// The raft term of everything in a fresh log.
pub const INITIAL_TERM: u64 = 1;

/// The log of one member of a fresh cluster, from its first byte to its last record.
///
/// The records, in this order: checksum; metadata (the member's id and the cluster's); snapshot 0; one entry for each
/// member that adds it, ascending by id, with index 1 to N and term 1; the hard state (term 1, a vote for the lowest id,
/// commit N); snapshot N with the conf state. The logs of the members differ in the metadata and the checksums only.
///
/// These are the bytes that etcdutl 3.5.34 and 3.6.15 write for the same flags. etcdctl 3.4 leaves the conf state out of
/// the last record; an etcd 3.4 passes it over.
///
/// Preallocate the file to [`PREALLOCATED_SIZE`](super::PREALLOCATED_SIZE) if etcd's own layout is wanted.
///
/// Source: etcd v3.6.15 `etcdutl/snapshot/v3_snapshot.go`, `saveWALAndSnap`.
#[must_use]
pub fn initial_log(cluster: &InitialCluster, local: MemberId) -> Vec<u8> {
    let mut log = Encoder::new(0);
    log.record(Kind::Metadata, &metadata(cluster, local));
    log.record(Kind::Snapshot, &snapshot_mark(0, 0));
    for (member, index) in cluster.members().iter().zip(1..) {
        log.record(Kind::Entry, &entry(index, member));
    }
    log.record(Kind::HardState, &hard_state(cluster));
    let mut mark = snapshot_mark(cluster.last_index(), INITIAL_TERM);
    push_bytes(&mut mark, 3, &conf_state(cluster));
    log.record(Kind::Snapshot, &mark);
    log.into_bytes()
}

/// `raftpb.ConfState`: voters = 1, auto_leave = 5.
pub(crate) fn conf_state(cluster: &InitialCluster) -> Vec<u8> {
    let mut state = Vec::new();
    for id in cluster.voters() {
        push_number(&mut state, 1, id.get());
    }
    push_number(&mut state, 5, 0);
    state
}

/// `etcdserverpb.Metadata`: NodeID = 1, ClusterID = 2.
fn metadata(cluster: &InitialCluster, local: MemberId) -> Vec<u8> {
    let mut metadata = Vec::new();
    push_number(&mut metadata, 1, local.get());
    push_number(&mut metadata, 2, cluster.id().get());
    metadata
}

/// `walpb.Snapshot`: index = 1, term = 2, conf_state = 3.
fn snapshot_mark(index: u64, term: u64) -> Vec<u8> {
    let mut mark = Vec::new();
    push_number(&mut mark, 1, index);
    push_number(&mut mark, 2, term);
    mark
}

/// `raftpb.Entry`: Type = 1 (1: a change of the members), Term = 2, Index = 3, Data = 4.
fn entry(index: u64, member: &Member) -> Vec<u8> {
    let mut entry = Vec::new();
    push_number(&mut entry, 1, 1);
    push_number(&mut entry, 2, INITIAL_TERM);
    push_number(&mut entry, 3, index);
    push_bytes(&mut entry, 4, &add_node(member));
    entry
}

/// `raftpb.ConfChange`: ID = 1, Type = 2 (0: add a voter), NodeID = 3, Context = 4.
fn add_node(member: &Member) -> Vec<u8> {
    let mut change = Vec::new();
    push_number(&mut change, 1, 0);
    push_number(&mut change, 2, 0);
    push_number(&mut change, 3, member.id().get());
    push_bytes(&mut change, 4, member.to_json().as_bytes());
    change
}

/// `raftpb.HardState`: term = 1, vote = 2, commit = 3.
fn hard_state(cluster: &InitialCluster) -> Vec<u8> {
    let mut state = Vec::new();
    push_number(&mut state, 1, INITIAL_TERM);
    push_number(&mut state, 2, cluster.voters().next().map_or(0, MemberId::get));
    push_number(&mut state, 3, cluster.last_index());
    state
}
