//! Record keys and values, against an encoder of the tests' own.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod history;
mod pages;

use etcd_format::mvcc::{HashRule, KeyValueView, KvHasher, Revision, RevisionKey};
use history::{History, key_value, record_key};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_encoded_decodes(
        key in proptest::collection::vec(any::<u8>(), 0..300),
        value in proptest::collection::vec(any::<u8>(), 0..300),
        numbers in any::<[i64; 4]>(),
        unknown in proptest::collection::vec((7_u8..16, any::<u64>()), 0..3),
    ) {
        let [create, modified, version, lease] = numbers;
        let mut message = key_value(&key, create, modified, version, &value, lease);
        for (field, number) in unknown {
            message.push(field << 3 | 1);
            message.extend(number.to_le_bytes());
            message.extend([field << 3 | 5, 1, 2, 3, 4]);
            message.extend([field << 3 | 2, 3, 1, 2, 3]);
            message.extend([field << 3, 0x80, 0x01]);
        }
        let decoded = KeyValueView::decode(&message).unwrap();
        prop_assert_eq!((decoded.key, decoded.value), (key.as_slice(), value.as_slice()));
        prop_assert_eq!([decoded.create_revision, decoded.mod_revision, decoded.version, decoded.lease], numbers);
    }

    #[test]
    fn a_cut_message_is_refused_or_loses_fields(cut in 0_usize..40) {
        let message = key_value(b"key", 1 << 40, 1 << 41, 3, b"value", 1 << 50);
        let cut = cut.min(message.len());
        if let Ok(decoded) = KeyValueView::decode(&message[..cut]) {
            prop_assert!(cut == message.len() || decoded.lease == 0);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = KeyValueView::decode(&bytes);
        if let Ok(key) = RevisionKey::parse(&bytes) {
            prop_assert_eq!(key.to_vec(), bytes);
        }
    }

    #[test]
    fn record_keys_round_trip(main in 0..=i64::MAX, sub in 0..=i64::MAX, tombstone in any::<bool>()) {
        let key = RevisionKey { revision: Revision::new(main, sub), tombstone };
        prop_assert_eq!(key.to_vec(), record_key((main, sub), tombstone));
        prop_assert_eq!(RevisionKey::parse(&key.to_vec()).unwrap(), key);
    }
}

#[test]
fn malformed_messages_are_refused() {
    for (what, message) in [
        ("a length beyond the end", b"\x0a\x05key".as_slice()),
        ("a number without an end", b"\x10\x80"),
        ("a number of eleven bytes", b"\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
        ("a number above 64 bits", b"\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"),
        ("a key that is a number", b"\x08\x01"),
        ("a group", b"\x3b\x3c"),
        ("field 0", b"\x00\x01"),
    ] {
        assert!(KeyValueView::decode(message).is_err(), "{what}");
    }
    assert_eq!(KeyValueView::decode(b"").unwrap(), KeyValueView::default());
}

#[test]
fn malformed_record_keys_are_refused() {
    let good = record_key((7, 1), true);
    let changed = |at: usize, byte: u8| {
        let mut key = good.clone();
        key[at] = byte;
        key
    };
    for key in [
        vec![],
        good[..16].to_vec(),
        [good.as_slice(), b"t"].concat(),
        changed(8, b'-'),
        changed(0, 0x80),
        changed(9, 0xFF),
        changed(17, b'x'),
    ] {
        assert!(RevisionKey::parse(&key).is_err(), "{key:?}");
    }
}

#[test]
fn the_hasher_alone_hashes_by_etcds_rule() {
    let put = |key: u8, value: u8| vec![(key, Some(vec![value]))];
    let mut history = History::of(&[put(1, 1), put(2, 1), put(1, 2), vec![(2, None)], put(3, 1), put(1, 3)]);
    history.compact(5, false, None);
    let mut hasher = KvHasher::new(HashRule::new(7, 5));
    for (key, value) in history.items() {
        // Of the records up to the compaction only a tombstone is left, and key 1, which changed later.
        hasher.record(&key, &value, false).unwrap();
    }
    let hash = hasher.finish();
    assert_eq!((hash.hash, hash.revision, hash.compact_revision), (history.hash_kv(7, 5), 7, 5));
    assert!(hasher.record(b"short", b"", true).is_err());
}
