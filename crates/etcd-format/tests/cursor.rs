//! A cursor yields exactly the entries of a bucket, from any key on.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod pages;

use etcd_format::bolt::{BucketView, Cursor};
use etcd_format::{DriveError, ErrorKind, Machine, Step, drive};
use pages::{FreelistForm, Items, Plan, build};
use proptest::prelude::*;

fn all(cursor: &mut Cursor, bytes: &Vec<u8>) -> Items {
    let mut items = Items::new();
    drive(cursor, bytes, |entry| {
        let is_new = items.insert(entry.key.to_vec(), entry.value.to_vec()).is_none();
        assert!(is_new, "a key twice");
    })
    .unwrap();
    items
}

/// The next entry's key.
fn next(cursor: &mut Cursor, bytes: &[u8]) -> Option<Vec<u8>> {
    loop {
        let request = match Machine::step(cursor).unwrap() {
            Step::Item(entry) => return Some(entry.key.to_vec()),
            Step::Done => return None,
            Step::Read(request) => request,
        };
        cursor.feed(&bytes[request.offset as usize..request.end() as usize]).unwrap();
    }
}

fn items() -> impl Strategy<Value = Items> {
    let key = proptest::collection::vec(any::<u8>(), 1..20);
    let value = prop_oneof![9 => proptest::collection::vec(any::<u8>(), 0..50), 1 => proptest::collection::vec(any::<u8>(), 2000..6000)];
    proptest::collection::btree_map(key, value, 0..80)
}

fn plan() -> impl Strategy<Value = Plan> {
    let buckets = (items(), items(), items()).prop_map(|(a, b, c)| {
        [(b"alarm".to_vec(), a), (b"key".to_vec(), b), (b"meta".to_vec(), c)].into_iter().collect()
    });
    (buckets, 0_u32..7, any::<bool>(), 1_usize..9, 2_usize..6, 0_u64..1000).prop_map(
        |(buckets, size, inline, per_leaf, per_branch, seed)| Plan {
            page_size: 1024 << size,
            inline,
            per_leaf,
            per_branch,
            seed,
            freelist: Some(FreelistForm::Short),
            ..Plan::new(buckets)
        },
    )
}

proptest! {
    #[test]
    fn every_entry_comes_once_in_order(plan in plan()) {
        let built = build(&plan);
        for (name, items) in &plan.buckets {
            let mut cursor = Cursor::new(built.bytes.len() as u64, name);
            prop_assert_eq!(&all(&mut cursor, &built.bytes), items);
            prop_assert_eq!(cursor.bucket_exists(), Some(true));
        }
        let mut absent = Cursor::new(built.bytes.len() as u64, b"lease");
        prop_assert_eq!(all(&mut absent, &built.bytes), Items::new());
        prop_assert_eq!(absent.bucket_exists(), Some(false));
        let buckets = all(&mut Cursor::buckets(built.bytes.len() as u64), &built.bytes);
        prop_assert!(buckets.keys().eq(plan.buckets.keys()));
    }

    #[test]
    fn seeking_goes_to_the_first_key_from_there_on(plan in plan(), targets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 1..6)) {
        let built = build(&plan);
        let items = &plan.buckets[b"key".as_slice()];
        let mut cursor = Cursor::new(built.bytes.len() as u64, b"key");
        let exact = items.keys().next_back().cloned();
        for target in targets.into_iter().chain(exact) {
            cursor.seek(&target);
            let mut expected = items.range(target..).map(|(key, _)| key.clone());
            for _ in 0..7 {
                prop_assert_eq!(next(&mut cursor, &built.bytes), expected.next());
            }
        }
    }
}

#[test]
fn bucket_entries_tell_where_the_bucket_is() {
    let named = |name: &str, items: Items| (name.as_bytes().to_vec(), items);
    let big: Items = (0..100_u8).map(|key| (vec![key], vec![key; 20])).collect();
    let buckets = [named("key", big), named("meta", Items::from([(b"term".to_vec(), vec![0; 8])]))];
    let built = build(&Plan::new(buckets.into_iter().collect()));
    let entries = all(&mut Cursor::buckets(built.bytes.len() as u64), &built.bytes);
    let key = BucketView::parse(&entries[b"key".as_slice()], 0).unwrap();
    assert!(key.root > 1 && key.inline.is_empty() && key.sequence == 0);
    let meta = BucketView::parse(&entries[b"meta".as_slice()], 0).unwrap();
    assert!(meta.root == 0 && !meta.inline.is_empty());
    assert!(BucketView::parse(&[0; 15], 0).is_err());
}

#[test]
fn damage_stops_a_cursor_for_good() {
    let items: Items = (0..100_u8).map(|key| (vec![key], vec![key; 20])).collect();
    let mut built = build(&Plan::new([(b"key".to_vec(), items)].into_iter().collect()));
    let mut leaves: Vec<_> = built.runs_of(b"key", true).cloned().collect();
    leaves.sort_by_key(|run| built.bytes[built.key_at(run, 0)]);
    let (low, high) = (built.key_at(&leaves[2], 0), built.key_at(&leaves[2], 1));
    built.bytes.swap(low, high);
    let mut cursor = Cursor::new(built.bytes.len() as u64, b"key");
    let mut seen = 0;
    let DriveError::Format(error) = drive(&mut cursor, &built.bytes, |_| seen += 1).unwrap_err() else { panic!() };
    assert_eq!((error.kind(), seen), (ErrorKind::Damaged, 11));
    assert_eq!(cursor.step().unwrap_err(), error);
    cursor.seek(&[0]);
    assert_eq!(cursor.step().unwrap_err(), error);
}

#[test]
fn feeding_what_was_not_asked_for_is_misuse() {
    let mut cursor = Cursor::new(1 << 20, b"key");
    assert_eq!(cursor.feed(&[0; 80]).unwrap_err().kind(), ErrorKind::Misuse);
    assert!(matches!(cursor.step().unwrap(), Step::Read(request) if request.len == 80));
    assert_eq!(cursor.feed(&[0; 79]).unwrap_err().kind(), ErrorKind::Misuse);
}
