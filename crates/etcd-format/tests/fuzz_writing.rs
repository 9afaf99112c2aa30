//! The fuzz functions of the writing side, over generated files and seeded mutations of them: no fuzzer is needed for it.

mod model;
mod restoring;

use std::panic::catch_unwind;

use etcd_format::bolt::writer::{Freelist, Layout};
use etcd_format::membership::{ConfState, InitialCluster};
use etcd_format::{fuzz, snap, wal};
use model::{Items, Model};

/// A small generator of numbers (SplitMix64), so that a seed is all that a failure needs.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// Changes bytes, cuts, or repeats a part.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => {
                    let part = bytes[at..bytes.len().min(at + 16)].to_vec();
                    bytes.splice(at..at, part);
                }
                2 => bytes[at..].iter_mut().take(8).for_each(|byte| *byte = 0xff),
                _ if at < bytes.len() => bytes[at] = self.next() as u8,
                _ => {}
            }
        }
    }
}

fn run(name: &str, target: fn(&[u8]), corpus: &[Vec<u8>], turns: u64) {
    for (at, input) in corpus.iter().enumerate() {
        assert!(catch_unwind(|| target(input)).is_ok(), "{name}: corpus entry {at}");
        for seed in 0..turns {
            let mut bytes = input.clone();
            Numbers(seed).mutate(&mut bytes);
            assert!(catch_unwind(|| target(&bytes)).is_ok(), "{name}: corpus entry {at}, seed {seed}");
        }
    }
}

fn clusters() -> Vec<InitialCluster> {
    ["a=http://a:1", "a=http://a:1,b=https://[::1]:2,c=unix://c:3,b=http://b:4"]
        .map(|list| InitialCluster::parse(list, "token").expect("a valid cluster"))
        .into()
}

#[test]
fn logs() {
    let corpus: Vec<_> = clusters().iter().map(|c| wal::initial_log(c, c.members()[0].id())).collect();
    run("wal", fuzz::wal, &corpus, 20_000);
}

#[test]
fn raft_snapshots() {
    let corpus: Vec<_> = clusters().iter().map(snap::initial_snap).collect();
    run("snap", fuzz::snap, &corpus, 5_000);
}

#[test]
fn member_records() {
    let clusters = clusters();
    let members = clusters.iter().flat_map(InitialCluster::members).map(|member| member.to_json().into_bytes());
    let states = clusters.iter().map(|cluster| ConfState::of_voters(cluster.voters()).to_json().into_bytes());
    run("member_json", fuzz::member_json, &members.chain(states).collect::<Vec<_>>(), 5_000);
}

#[test]
fn initial_clusters() {
    let lists =
        ["a=http://a:1", "a=http://a:1,b=https://[fe80::1%25eth0]:2,c=unix://c:3,b=http://b:4", "http://a:1,b:2"];
    run("initial_cluster", fuzz::initial_cluster, &lists.map(|list| list.as_bytes().to_vec()), 20_000);
}

#[test]
fn edited_files() {
    let items =
        |count: u32, size: usize| -> Items { (0..count).map(|n| (n.to_be_bytes().to_vec(), vec![1; size])).collect() };
    let mut corpus = Vec::new();
    for (count, size) in [(0, 0), (5, 10), (300, 40), (6, 3000)] {
        let buckets = [("key", items(count, size)), ("members", items(3, 90)), ("meta", items(2, 8))];
        let model: Model = buckets.map(|(name, items)| (name.as_bytes().to_vec(), items)).into();
        for freelist in [Freelist::Omitted, Freelist::Stored { spare_pages: 3 }] {
            let layout = Layout::default().with_page_size(1024).with_freelist(freelist);
            corpus.push(model::write(&model, layout).expect("a file"));
        }
    }
    run("edit", fuzz::edit, &corpus, 1_500);
}
