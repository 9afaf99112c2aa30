//! What the tests of saving share.

#![allow(dead_code, unreachable_pub, missing_docs, unused_imports, reason = "each test file uses its own part of this")]

pub mod hooked;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use etcd_snapshot::testkit::{sample_snapshot, snapshot_file};
use etcd_snapshot::{Host, Result};

pub use etcd_snapshot::testkit::{Record, ScriptedCluster as Script, StreamEnd as End, message, messages};

/// The cluster, the member that sends, and another one.
pub const CLUSTER: u64 = Script::CLUSTER;
pub const SENDER: u64 = Script::SENDER;
pub const OTHER: u64 = Script::OTHER;

/// A snapshot file with its trailer: `revisions` records of one key each, never compacted.
pub fn snapshot(revisions: i64) -> Vec<u8> {
    sample_snapshot(revisions).unwrap()
}

/// A snapshot file with its trailer, of these records, with a compaction that was scheduled and one that was finished.
pub fn database(records: &[Record], scheduled: Option<i64>, finished: Option<i64>) -> Vec<u8> {
    snapshot_file(records, scheduled, finished).unwrap()
}

/// A clock that goes one second further each time it is looked at, and a generator with a seed.
#[derive(Debug)]
pub struct Scripted {
    now: AtomicU64,
    random: AtomicU64,
}

impl Scripted {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(1_790_000_000), random: AtomicU64::new(seed | 1) })
    }
}

impl Host for Scripted {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.now.fetch_add(1, Ordering::Relaxed))
    }

    fn random(&self, buffer: &mut [u8]) -> Result<()> {
        for byte in buffer {
            let mut state = self.random.load(Ordering::Relaxed);
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            self.random.store(state, Ordering::Relaxed);
            *byte = state.to_le_bytes()[3];
        }
        Ok(())
    }
}
