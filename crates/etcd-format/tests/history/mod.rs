//! A key space that lives through transactions and compactions, and what etcd's own code says about it: the key index with
//! its generations, told again after etcd v3.6.15 `server/storage/mvcc/key_index.go` and `hash.go`.

#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests: each file uses a part, and a panic is a failure")]

use std::collections::{BTreeMap, BTreeSet};

use super::pages::Items;

pub(crate) type Rev = (i64, i64);

/// One operation: a key, and its new value or its deletion.
pub(crate) type Op = (u8, Option<Vec<u8>>);

/// Records by revision, and the marks of compactions.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) records: BTreeMap<Rev, (Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) scheduled: Option<i64>,
    pub(crate) finished: Option<i64>,
    pub(crate) last: i64,
}

/// The message `mvccpb.KeyValue`, zero fields left out.
pub(crate) fn key_value(key: &[u8], create: i64, modified: i64, version: i64, value: &[u8], lease: i64) -> Vec<u8> {
    let mut out = Vec::new();
    let bytes = |out: &mut Vec<u8>, tag: u8, bytes: &[u8]| {
        if !bytes.is_empty() {
            out.push(tag);
            varint(out, bytes.len() as u64);
            out.extend(bytes);
        }
    };
    let number = |out: &mut Vec<u8>, tag: u8, number: i64| {
        if number != 0 {
            out.push(tag);
            varint(out, number as u64);
        }
    };
    bytes(&mut out, 0x0a, key);
    number(&mut out, 0x10, create);
    number(&mut out, 0x18, modified);
    number(&mut out, 0x20, version);
    bytes(&mut out, 0x2a, value);
    number(&mut out, 0x30, lease);
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn user_key(key: u8) -> Vec<u8> {
    format!("/registry/things/{key:03}").into_bytes()
}

pub(crate) fn record_key(rev: Rev, tombstone: bool) -> Vec<u8> {
    let mut key = rev.0.to_be_bytes().to_vec();
    key.push(b'_');
    key.extend(rev.1.to_be_bytes());
    key.extend(tombstone.then_some(b't'));
    key
}

impl History {
    /// Applies transactions, from revision 2 on as etcd does. Operations that etcd would refuse or ignore are left out: a second
    /// change of a key within a transaction, and the deletion of a key that does not live.
    pub(crate) fn of(transactions: &[Vec<Op>]) -> Self {
        let mut history = Self { last: 1, ..Self::default() };
        let mut living: BTreeMap<u8, (i64, i64)> = BTreeMap::new();
        for transaction in transactions {
            let main = history.last + 1;
            let mut seen = BTreeSet::new();
            for (key, value) in transaction {
                let sub = seen.len() as i64;
                if seen.contains(key) || value.is_none() && !living.contains_key(key) {
                    continue;
                }
                seen.insert(*key);
                let user = user_key(*key);
                let message = if let Some(value) = value {
                    let (created, version) =
                        living.get(key).map_or((main, 1), |(created, version)| (*created, version + 1));
                    living.insert(*key, (created, version));
                    Some(key_value(&user, created, main, version, value, i64::from(*key % 3)))
                } else {
                    living.remove(key);
                    None
                };
                history.records.insert((main, sub), (user, message));
            }
            history.last += i64::from(!seen.is_empty());
        }
        history
    }

    /// The generations of each key: lists of revisions, all but the last ending in a tombstone.
    fn index(&self, up_to: i64) -> BTreeMap<&[u8], Vec<Vec<Rev>>> {
        let mut index: BTreeMap<&[u8], Vec<Vec<Rev>>> = BTreeMap::new();
        for (rev, (key, message)) in self.records.range(..=(up_to, i64::MAX)) {
            let generations = index.entry(key).or_insert_with(|| vec![Vec::new()]);
            generations.last_mut().unwrap().push(*rev);
            if message.is_none() {
                generations.push(Vec::new());
            }
        }
        index
    }

    /// `doCompact`, and what `compact` (with `keep_tombstone`) or `keep` make of it.
    fn available(&self, at: i64, keep_tombstone: bool) -> BTreeSet<Rev> {
        let mut available = BTreeSet::new();
        for generations in self.index(i64::MAX).values() {
            let last = generations.len() - 1;
            let picked = (0..last).find(|&g| generations[g].last().unwrap().0 >= at).unwrap_or(last);
            let revs = &generations[picked];
            let Some(position) = revs.iter().rposition(|rev| rev.0 <= at) else { continue };
            let is_tombstone = position == revs.len() - 1 && picked != last;
            if keep_tombstone || !is_tombstone {
                available.insert(revs[position]);
            }
        }
        available
    }

    /// Compacts. `interrupted` stops after so many records were looked at, and leaves the finished mark alone. Old versions
    /// (before 3.4.34 and 3.5.16) delete a tombstone at the compacted revision.
    pub(crate) fn compact(&mut self, at: i64, old: bool, interrupted: Option<usize>) {
        let keep = self.available(at, !old);
        let all: Vec<Rev> = self.records.range(..=(at, i64::MAX)).map(|(rev, _)| *rev).collect();
        for rev in all.into_iter().take(interrupted.unwrap_or(usize::MAX)) {
            if !keep.contains(&rev) {
                self.records.remove(&rev);
            }
        }
        self.scheduled = Some(at);
        if interrupted.is_none() {
            self.finished = Some(at);
        }
    }

    pub(crate) fn compact_revision(&self) -> i64 {
        self.scheduled.max(self.finished).unwrap_or(-1)
    }

    /// The revision that etcd starts with.
    pub(crate) fn revision(&self) -> i64 {
        self.records.keys().last().map_or(1, |rev| rev.0).max(self.compact_revision()).max(1)
    }

    /// `hashByRev` with the compact revision given.
    pub(crate) fn hash_kv(&self, revision: i64, compact: i64) -> u32 {
        let keep = self.available(revision, false);
        let mut hashed = b"key".to_vec();
        for (rev, (key, message)) in &self.records {
            let tombstone = message.is_none();
            if *rev >= (revision + 1, 0) {
                continue;
            }
            if *rev < (compact + 1, 0) && !keep.is_empty() && !keep.contains(rev) {
                continue;
            }
            if rev.0 == compact && tombstone {
                continue;
            }
            hashed.extend(record_key(*rev, tombstone));
            hashed.extend(message.clone().unwrap_or_else(|| key_value(key, 0, 0, 0, b"", 0)));
        }
        crc32c::crc32c(&hashed)
    }

    /// `etcdutl snapshot status` 3.6: distinct keys that live at the end.
    pub(crate) fn living(&self) -> u64 {
        let mut living = BTreeSet::new();
        for (key, message) in self.records.values() {
            if message.is_some() {
                living.insert(key)
            } else {
                living.remove(key)
            };
        }
        living.len() as u64
    }

    /// The bucket `key`.
    pub(crate) fn items(&self) -> Items {
        let value =
            |key: &[u8], message: &Option<Vec<u8>>| message.clone().unwrap_or_else(|| key_value(key, 0, 0, 0, b"", 0));
        self.records
            .iter()
            .map(|(rev, (key, message))| (record_key(*rev, message.is_none()), value(key, message)))
            .collect()
    }

    /// All buckets of an etcd with this history.
    pub(crate) fn buckets(&self) -> BTreeMap<Vec<u8>, Items> {
        let mut meta = Items::from([
            (b"consistent_index".to_vec(), 77_u64.to_be_bytes().to_vec()),
            (b"term".to_vec(), 3_u64.to_be_bytes().to_vec()),
            (b"storageVersion".to_vec(), b"3.6.0".to_vec()),
        ]);
        let mark = |revision: i64| record_key((revision, 0), false);
        meta.extend(self.scheduled.map(|revision| (b"scheduledCompactRev".to_vec(), mark(revision))));
        meta.extend(self.finished.map(|revision| (b"finishedCompactRev".to_vec(), mark(revision))));
        let member = br#"{"id":10276657743932975437,"peerURLs":["http://localhost:2380"],"name":"default","clientURLs":["http://localhost:2379"]}"#;
        let named = |name: &str, items: Items| (name.as_bytes().to_vec(), items);
        BTreeMap::from([
            named("alarm", Items::from([(vec![0x08, 0x07, 0x10, 0x01], vec![])])),
            named("auth", Items::from([(b"authEnabled".to_vec(), vec![1]), (b"authRevision".to_vec(), vec![0; 8])])),
            named("authRoles", Items::from([(b"root".to_vec(), b"\x0a\x04root".to_vec())])),
            named("authUsers", Items::from([(b"root".to_vec(), b"\x0a\x04root".to_vec())])),
            named("cluster", Items::from([(b"clusterVersion".to_vec(), b"3.6.0".to_vec())])),
            named("key", self.items()),
            named("lease", Items::from([(vec![0, 0, 0, 0, 0, 0, 0, 9], b"\x08\x09\x10\x3c".to_vec())])),
            named("members", Items::from([(b"8e9e05c52164694d".to_vec(), member.to_vec())])),
            named("members_removed", Items::new()),
            named("meta", meta),
        ])
    }
}
