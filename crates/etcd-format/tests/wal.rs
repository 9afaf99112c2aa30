//! Logs: what is written reads back, and whatever is read never panics and never passes unnoticed.

use etcd_format::ErrorKind;
use etcd_format::membership::{InitialCluster, MemberId};
use etcd_format::wal::{self, Encoder, HardState, Kind, Metadata, Records, SnapshotMark};
use proptest::prelude::*;

fn three() -> InitialCluster {
    InitialCluster::parse("a=http://a:1,b=http://b:1,c=http://c:1", "token").expect("a valid cluster")
}

#[test]
fn the_initial_log_says_who_and_how_far() {
    let cluster = three();
    let local = cluster.member("b").unwrap().id();
    let log = wal::initial_log(&cluster, local);
    let records: Vec<_> = Records::new(&log).collect::<Result<_, _>>().unwrap();
    let data = |kind| records.iter().filter(move |record| record.kind == kind).map(|record| record.data);

    let metadata = Metadata::decode(data(Kind::Metadata).next().unwrap()).unwrap();
    assert_eq!((metadata.member, metadata.cluster), (local, cluster.id()));
    assert_eq!(data(Kind::Entry).count(), 3);
    let state = HardState::decode(data(Kind::HardState).next().unwrap()).unwrap();
    assert_eq!((state.term, state.commit), (wal::INITIAL_TERM, 3));
    assert_eq!(Some(state.vote), cluster.voters().min(), "every member voted for the lowest id");
    let marks: Vec<_> = data(Kind::Snapshot).map(|data| SnapshotMark::decode(data).unwrap()).collect();
    assert_eq!((marks[0].index, marks[0].term, &marks[0].conf_state), (0, 0, &None));
    assert_eq!((marks[1].index, marks[1].term), (3, 1));
    assert_eq!(marks[1].conf_state.as_ref().unwrap().voters, cluster.voters().collect::<Vec<_>>());
}

#[test]
fn frames_are_aligned_and_followed_by_zeros() {
    let mut log = wal::initial_log(&three(), MemberId::new(1));
    let used = log.len() as u64;
    assert_eq!(used % 8, 0);
    log.resize(log.len() + 4096, 0);
    let mut records = Records::new(&log);
    assert!(records.by_ref().all(|record| record.unwrap().offset % 8 == 0));
    assert_eq!(records.offset(), used);
}

#[test]
fn a_second_file_goes_on_from_the_checksum_of_the_first() {
    let mut file = Encoder::new(0xdead_beef);
    file.record(Kind::Entry, b"data");
    file.record(Kind::Crc, b"");
    file.record(Kind::Entry, b"more");
    let file = file.into_bytes();
    assert_eq!(Records::new(&file).filter_map(Result::ok).count(), 4);
}

#[test]
fn a_log_without_a_checksum_first_is_damaged() {
    let log = wal::initial_log(&three(), MemberId::new(1));
    let error = Records::new(&log[16..]).next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Damaged, Some(0)));
}

#[test]
fn every_truncation_ends_at_a_frame_or_is_noticed() {
    let log = wal::initial_log(&three(), MemberId::new(1));
    let ends: Vec<u64> = Records::new(&log).map(|record| record.unwrap().offset).chain([log.len() as u64]).collect();
    for len in 0..log.len() {
        let failed = Records::new(&log[..len]).any(|record| record.is_err());
        assert_eq!(failed, !ends.contains(&(len as u64)), "cut to {len} bytes");
    }
}

/// The type of a record is not under its checksum: the format leaves that to whoever reads the data.
#[test]
fn every_flipped_bit_is_noticed_or_leaves_the_data() {
    let log = wal::initial_log(&three(), MemberId::new(1));
    let data = |log: &[u8]| -> Option<Vec<Vec<u8>>> {
        Records::new(log).map(|record| Some(record.ok()?.data.to_vec())).collect()
    };
    let good = data(&log).unwrap();
    for bit in 0..log.len() * 8 {
        let mut bad = log.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let read = data(&bad);
        assert!(read.is_none_or(|read| read == good), "bit {} of byte {}", bit % 8, bit / 8);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_read_back(records in prop::collection::vec((0_usize..4, prop::collection::vec(any::<u8>(), 0..40)), 0..20)) {
        let kinds = [Kind::Metadata, Kind::Entry, Kind::HardState, Kind::Snapshot];
        let mut file = Encoder::new(0);
        for (kind, data) in &records {
            file.record(kinds[*kind], data);
        }
        let file = file.into_bytes();
        let read: Vec<_> = Records::new(&file).skip(1).map(|record| record.map(|r| (r.kind, r.data.to_vec()))).collect::<Result<_, _>>().unwrap();
        let wanted: Vec<_> = records.into_iter().map(|(kind, data)| (kinds[kind], data)).collect();
        prop_assert_eq!(read, wanted);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Records::new(&bytes).for_each(drop);
        let _ = (Metadata::decode(&bytes), HardState::decode(&bytes), SnapshotMark::decode(&bytes));
    }
}
