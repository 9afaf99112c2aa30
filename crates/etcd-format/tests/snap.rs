//! Raft snapshot files: what is written reads back, and damage is noticed.

use etcd_format::ErrorKind;
use etcd_format::membership::InitialCluster;
use etcd_format::snap::{RaftSnapshot, initial_snap};
use proptest::prelude::*;
use serde_json::Value;

fn three() -> InitialCluster {
    InitialCluster::parse("a=http://a:1,b=http://b:1,b=http://b:2,c=http://c:1", "token").expect("a valid cluster")
}

#[test]
fn the_initial_snapshot_carries_every_member() {
    let cluster = three();
    let snapshot = RaftSnapshot::decode(&initial_snap(&cluster)).unwrap();
    assert_eq!((snapshot.index, snapshot.term), (3, 1));
    assert_eq!(snapshot.conf_state.voters, cluster.voters().collect::<Vec<_>>());
    let store: Value = serde_json::from_slice(&snapshot.v2_store).unwrap();
    assert_eq!((&store["CurrentIndex"], &store["CurrentVersion"]), (&3.into(), &2.into()));
    let members = &store["Root"]["Children"]["0"]["Children"]["members"]["Children"];
    assert_eq!(members.as_object().unwrap().len(), 3);
    for member in cluster.members() {
        let attributes = &members[member.id().to_string()]["Children"]["raftAttributes"]["Value"];
        let attributes: Value = serde_json::from_str(attributes.as_str().unwrap()).unwrap();
        assert_eq!(attributes["peerURLs"], serde_json::json!(member.peer_urls()));
    }
    assert_eq!(store["WatcherHub"]["EventHistory"]["Queue"]["Events"].as_array().unwrap().len(), 1000);
}

#[test]
fn an_empty_file_is_truncated() {
    assert_eq!(RaftSnapshot::decode(&[]).unwrap_err().kind(), ErrorKind::Truncated);
}

#[test]
fn every_truncation_is_noticed() {
    let file = initial_snap(&three());
    for len in 0..file.len() {
        assert!(RaftSnapshot::decode(&file[..len]).is_err(), "cut to {len} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_is_noticed(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut file = initial_snap(&three());
        let at = at.index(file.len());
        file[at] ^= 1_u8 << bit;
        prop_assert!(RaftSnapshot::decode(&file).is_err(), "bit {} of byte {}", bit, at);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = RaftSnapshot::decode(&bytes);
    }
}
