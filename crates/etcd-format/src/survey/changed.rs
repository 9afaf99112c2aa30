//! Keys that changed after a compaction, by fingerprint.
//!
//! Memory, the only part of a survey that grows with the number of keys: at most 40 bytes for each key that changed since the last
//! finished compaction; 80 while a compaction is in progress or one above the file's was asked for; none when nothing
//! was ever compacted. (16 or 32 bytes of entry and 1 of control, in tables that are 7/16 to 7/8 full; 64 tables, so
//! that they do not all grow at once.)

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};

use crate::mvcc::{Revision, RevisionKey};

const SHARDS: usize = 64;

/// 128 bits of SipHash-1-3 over a key. Two keys that share one would be taken for one another: with a billion keys the
/// odds are below 1 in 10^20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint(u128);

impl Fingerprint {
    fn of(key: &[u8]) -> Self {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(key);
        let high = u128::from(hasher.finish());
        // The state is 256 bits wide, so another byte gives another 64 bits that tell keys apart.
        hasher.write_u8(1);
        Self(high << 64 | u128::from(hasher.finish()))
    }

    fn shard(self) -> usize {
        (self.0 >> 122) as usize
    }
}

/// Fingerprints are hashes already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unhashed;

#[derive(Debug, Default)]
pub(super) struct LowHalf(u64);

impl BuildHasher for Unhashed {
    type Hasher = LowHalf;

    fn build_hasher(&self) -> LowHalf {
        LowHalf(0)
    }
}

impl Hasher for LowHalf {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| hash.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }
}

/// The newest record of a key: its revision, and in the highest bit of the second word whether it is a tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Newest {
    main: i64,
    sub_and_mark: u64,
}

const MARK: u64 = 1 << 63;

impl Newest {
    fn of(key: RevisionKey) -> Self {
        let mark = if key.tombstone { MARK } else { 0 };
        Self { main: key.revision.main, sub_and_mark: key.revision.sub.cast_unsigned() | mark }
    }

    fn revision(self) -> Revision {
        Revision::new(self.main, (self.sub_and_mark & !MARK).cast_signed())
    }

    fn is_tombstone(self) -> bool {
        self.sub_and_mark & MARK != 0
    }
}

/// What must be remembered of the keys that changed after the last finished compaction.
#[derive(Debug)]
pub(super) enum Changed {
    /// Nothing was ever compacted: nothing.
    Nothing,
    /// Which keys.
    Keys(Vec<HashSet<Fingerprint, Unhashed>>),
    /// Which keys, and what became of them.
    Newest(Vec<HashMap<Fingerprint, Newest, Unhashed>>),
}

impl Changed {
    pub(super) fn keys() -> Self {
        Self::Keys(vec![HashSet::default(); SHARDS])
    }

    pub(super) fn newest() -> Self {
        Self::Newest(vec![HashMap::default(); SHARDS])
    }

    pub(super) fn record(&mut self, record: RevisionKey, key: &[u8]) {
        let fingerprint = Fingerprint::of(key);
        match self {
            Self::Nothing => {}
            Self::Keys(shards) => {
                if let Some(shard) = shards.get_mut(fingerprint.shard()) {
                    shard.insert(fingerprint);
                }
            }
            Self::Newest(shards) => {
                if let Some(shard) = shards.get_mut(fingerprint.shard()) {
                    let new = Newest::of(record);
                    let entry = shard.entry(fingerprint).or_insert(new);
                    if entry.revision() < new.revision() {
                        *entry = new;
                    }
                }
            }
        }
    }

    pub(super) fn remembers_newest(&self) -> bool {
        matches!(self, Self::Newest(_))
    }

    /// Whether the key changed.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        let fingerprint = Fingerprint::of(key);
        match self {
            Self::Nothing => false,
            Self::Keys(shards) => shards.get(fingerprint.shard()).is_some_and(|shard| shard.contains(&fingerprint)),
            Self::Newest(shards) => {
                shards.get(fingerprint.shard()).is_some_and(|shard| shard.contains_key(&fingerprint))
            }
        }
    }

    /// Whether this record is the newest of its key. Only known when that is remembered.
    pub(super) fn is_newest(&self, record: RevisionKey, key: &[u8]) -> bool {
        let Self::Newest(shards) = self else { return false };
        let fingerprint = Fingerprint::of(key);
        let newest = shards.get(fingerprint.shard()).and_then(|shard| shard.get(&fingerprint));
        newest.is_some_and(|newest| newest.revision() == record.revision)
    }

    /// How many of the keys live, if that is remembered.
    pub(super) fn living(&self) -> Option<u64> {
        let Self::Newest(shards) = self else { return None };
        let living =
            |shard: &HashMap<_, Newest, _>| shard.values().filter(|newest| !newest.is_tombstone()).count() as u64;
        Some(shards.iter().map(living).sum())
    }

    pub(super) fn memory(&self) -> usize {
        // A table's buckets are 8/7 of its capacity.
        let bytes =
            |capacity: usize, entry: usize| (capacity / 7).saturating_mul(8).saturating_mul(entry.saturating_add(1));
        match self {
            Self::Nothing => 0,
            Self::Keys(shards) => shards.iter().map(|shard| bytes(shard.capacity(), size_of::<Fingerprint>())).sum(),
            Self::Newest(shards) => {
                let entry = size_of::<(Fingerprint, Newest)>();
                shards.iter().map(|shard| bytes(shard.capacity(), entry)).sum()
            }
        }
    }
}
