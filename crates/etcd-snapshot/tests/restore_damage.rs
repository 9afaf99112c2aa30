//! Snapshots that are not what was saved: each is refused, says why, and leaves nothing behind.

mod restore_support;

use etcd_snapshot::{Advice, ErrorKind};
use restore_support::{Bench, bolt_file, sample, sample_buckets, told, with_trailer};

const PAGE: usize = 4096;
const PAGE_HEADER: usize = 16;
const TRAILER: usize = 32;

/// Small enough that one restore of it takes a millisecond or two; leaves, branches, inline buckets and an overflow run.
fn small() -> Vec<u8> {
    let mut buckets = sample_buckets(60, 700);
    let big = buckets[b"key".as_slice()].values().next().expect("there are records").repeat(8);
    buckets.get_mut(b"key".as_slice()).expect("the bucket").insert(restore_support::record_key(1_000), big);
    with_trailer(bolt_file(&buckets))
}

/// A generator of numbers, the same for the same seed (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut value = *state;
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[track_caller]
fn is_refused_when_flipped(good: &[u8], at: usize, flip: u8) {
    let mut bad = good.to_vec();
    bad[at] ^= flip;
    let bench = Bench::new(&bad);
    let error = bench.fails_cleanly(&bench.options());
    assert_eq!(error.kind(), ErrorKind::Damaged, "byte {at} ^ {flip:#x}: {}", told(&error));
}

#[test]
fn a_sound_snapshot_is_restored() {
    let bench = Bench::new(&small());
    let restored = bench.restore(&bench.options()).expect("it is sound");
    let changes = restored.changes.expect("it was written");
    assert_eq!(changes.snapshot_revision, 1_000);
    assert!(changes.hash_checked);
}

#[test]
fn every_byte_of_the_metas_counts() {
    let good = small();
    for page in 0..2 {
        for at in 0..PAGE_HEADER + 64 {
            is_refused_when_flipped(&good, page * PAGE + at, 0x10);
        }
    }
}

#[test]
fn every_byte_of_the_page_headers_counts() {
    let good = small();
    for page in 2..(good.len() - TRAILER) / PAGE {
        for at in 0..PAGE_HEADER {
            is_refused_when_flipped(&good, page * PAGE + at, 0x01);
        }
    }
}

#[test]
fn every_byte_of_the_trailer_counts() {
    let good = small();
    for at in good.len() - TRAILER..good.len() {
        is_refused_when_flipped(&good, at, 0x80);
    }
}

#[test]
fn a_byte_of_every_page_counts() {
    let good = small();
    let seed = 0x00e7_cd00_5eed;
    let mut state = seed;
    for page in 0..(good.len() - TRAILER) / PAGE {
        let at = page * PAGE + (next(&mut state) % PAGE as u64) as usize;
        let flip = 1 << (next(&mut state) % 8);
        println!("seed {seed:#x}, page {page}: byte {at} ^ {flip:#x}");
        is_refused_when_flipped(&good, at, flip);
    }
}

#[test]
fn a_snapshot_cut_at_a_page_is_refused() {
    let good = small();
    for pages in 0..(good.len() - TRAILER) / PAGE {
        let bench = Bench::new(&good[..pages * PAGE]);
        let error = bench.fails_cleanly(&bench.options());
        assert_eq!(error.kind(), ErrorKind::Damaged, "{pages} pages: {}", told(&error));
        let told = told(&error);
        assert!(told.contains("cut off") || told.contains("not a snapshot of etcd"), "{pages} pages: {told}");
    }
}

#[test]
fn a_snapshot_cut_in_its_trailer_is_refused() {
    let good = small();
    for len in good.len() - TRAILER + 1..good.len() {
        let bench = Bench::new(&good[..len]);
        let error = bench.fails_cleanly(&bench.options());
        assert_eq!(error.kind(), ErrorKind::Damaged);
        assert!(error.to_string().contains("cut off"), "{len} bytes: {error}");
    }
}

#[test]
fn a_snapshot_without_trailer_needs_to_be_insisted_on() {
    let bench = Bench::new(&bolt_file(&sample_buckets(40, 500)));
    let error = bench.fails_cleanly(&bench.options());
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.advice(), Some(Advice::SkipHashCheck), "{error}");

    let restored = bench.restore(&bench.options().with_skip_hash_check(true)).expect("it is sound");
    assert!(!restored.changes.expect("it was written").hash_checked);
}

#[test]
fn a_copy_of_a_database_file_is_longer_than_its_pages_and_fits() {
    let mut file = bolt_file(&sample_buckets(40, 500));
    file.resize(file.len() + 64 * PAGE, 0);
    let bench = Bench::new(&file);
    bench.restore(&bench.options().with_skip_hash_check(true)).expect("it is sound");
}

#[test]
fn without_a_digest_the_structure_is_checked() {
    let mut file = bolt_file(&sample_buckets(40, 500));
    file[2 * PAGE] ^= 0x40;
    let bench = Bench::new(&file);
    let error = bench.fails_cleanly(&bench.options().with_skip_hash_check(true));
    assert_eq!(error.kind(), ErrorKind::Damaged, "{}", told(&error));
}

#[test]
fn a_wrong_trailer_can_be_insisted_on_and_is_cut_off() {
    let mut snapshot = sample(40, 500);
    let last = snapshot.len() - 1;
    snapshot[last] ^= 1;
    let bench = Bench::new(&snapshot);
    let error = bench.fails_cleanly(&bench.options());
    assert!(error.to_string().contains("SHA-256"), "{error}");

    bench.restore(&bench.options().with_skip_hash_check(true)).expect("the data is sound");
    let db = std::fs::metadata(bench.data_dir().join("member/snap/db")).expect("it was restored");
    assert_eq!(db.len() % 512, 0);
}

#[test]
fn what_is_no_bolt_file_is_told_apart() {
    for content in
        [b"".to_vec(), b"{}".to_vec(), vec![0; 3 * PAGE], b"etcd".repeat(5_000), vec![0xff; 2 * PAGE + TRAILER]]
    {
        let bench = Bench::new(&content);
        let error = bench.fails_cleanly(&bench.options());
        assert_eq!(error.kind(), ErrorKind::Damaged);
        let name = bench.snapshot.display().to_string();
        let said = error.to_string();
        assert!(said.contains("not a snapshot of etcd") && said.contains(&name), "{} bytes: {said}", content.len());
    }
}
