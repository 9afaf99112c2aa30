//! The fuzz functions of the reading side, over generated files and seeded mutations of them: no fuzzer is needed for it.
//! Set when this is compiled, `DUNNAGE_FUZZ_SEED=N` runs that seed alone, and `DUNNAGE_FUZZ_TIMES=N` runs N times as many.

mod history;
mod pages;

use std::panic::catch_unwind;

use etcd_format::fuzz;
use history::{History, Op, key_value, record_key};
use pages::{FreelistForm, Numbers, Plan, build};

const SEED: Option<&str> = option_env!("DUNNAGE_FUZZ_SEED");
const TIMES: Option<&str> = option_env!("DUNNAGE_FUZZ_TIMES");

/// Changes a few places: bits, bytes of note, words at the places of header and element fields, cuts, copies.
fn mutated(input: &[u8], seed: u64) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let mut numbers = Numbers(seed);
    for _ in 0..=numbers.below(4) {
        if bytes.is_empty() {
            break;
        }
        // Fields stand at multiples of 4 near the start of a page.
        let page = numbers.below(bytes.len()) & !1023;
        let at = if numbers.below(3) == 0 { numbers.below(bytes.len()) } else { page + numbers.below(64) * 4 };
        let at = at.min(bytes.len() - 1);
        match numbers.below(10) {
            0 => bytes.truncate(at),
            1 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][numbers.below(5)],
            2 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xFF),
            3 => bytes[at..].iter_mut().take(8).for_each(|byte| *byte = 0),
            4 => {
                let from = numbers.below(bytes.len());
                let len = numbers.below(40).min(bytes.len() - from.max(at));
                bytes.copy_within(from..from + len, at);
            }
            5 => bytes[at] = bytes[at].wrapping_add(1),
            6 => bytes[at] = bytes[at].wrapping_sub(1),
            _ => bytes[at] ^= 1 << numbers.below(8),
        }
    }
    bytes
}

fn run(name: &str, target: fn(&[u8]), corpus: &[Vec<u8>], seeds: u64) {
    let only = SEED.map(|seed| seed.parse().expect("a number in DUNNAGE_FUZZ_SEED"));
    let seeds = seeds * TIMES.map_or(1, |times| times.parse().expect("a number in DUNNAGE_FUZZ_TIMES"));
    for (at, input) in corpus.iter().enumerate() {
        assert!(catch_unwind(|| target(input)).is_ok(), "{name}: corpus entry {at}");
        for seed in only.map_or(0..seeds, |seed: u64| seed..seed + 1) {
            let bytes = mutated(input, seed);
            assert!(catch_unwind(|| target(&bytes)).is_ok(), "{name}: corpus entry {at}, seed {seed}");
        }
    }
}

fn files() -> Vec<Vec<u8>> {
    let put = |round: u8, key: u8| -> Vec<Op> { vec![(key, Some(vec![round; usize::from(key) * 2]))] };
    let puts: Vec<_> = (0..3).flat_map(|round| (0..20).map(move |key| put(round, key))).collect();
    let fresh = History::of(&puts);
    let mut compacted = fresh.clone();
    compacted.compact(30, false, None);
    let mut in_progress = compacted.clone();
    in_progress.compact(50, false, Some(3));
    let mut files = Vec::new();
    for (history, freelist) in
        [(fresh, None), (compacted, Some(FreelistForm::Short)), (in_progress, Some(FreelistForm::Long))]
    {
        for (inline, seed) in [(true, 0), (false, 9)] {
            files.push(build(&Plan { inline, seed, freelist, ..Plan::new(history.buckets()) }).bytes);
        }
    }
    files
}

#[test]
fn surveys() {
    let corpus =
        files().into_iter().zip([1, 3, 9].into_iter().cycle()).map(|(file, window)| [vec![window], file].concat());
    run("survey", fuzz::survey, &corpus.collect::<Vec<_>>(), 400);
}

#[test]
fn cursors() {
    run("cursor", fuzz::cursor, &files(), 400);
}

#[test]
fn pages_alone() {
    let pages: Vec<_> =
        files().iter().flat_map(|file| file.chunks(1024).map(<[u8]>::to_vec).collect::<Vec<_>>()).collect();
    run("page", fuzz::page, &pages, 200);
}

#[test]
fn records() {
    let messages =
        [key_value(b"key", 1 << 40, 1 << 41, 3, b"value", 1 << 50), key_value(b"k", 2, 2, 1, b"", 0), vec![]];
    let keys = [record_key((7, 1), true), record_key((i64::MAX, 0), false)];
    run("record", fuzz::record, &messages.into_iter().chain(keys).collect::<Vec<_>>(), 20_000);
}
