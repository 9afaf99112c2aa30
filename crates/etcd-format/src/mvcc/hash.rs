//! HashKV: one number for the whole history of the keys, the same on every member.

use super::RevisionKey;

/// The answer of etcd's `Maintenance.HashKV`, or the same from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct HashKv {
    /// CRC-32C over `key` and the bytes of every record that counts.
    pub hash: u32,
    /// Records up to this revision count.
    pub revision: i64,
    /// The compaction that the rule assumed; -1 when nothing was ever compacted. Two hashes can only be compared when this
    /// is the same.
    pub compact_revision: i64,
}

/// Which records count for a hash at one revision and one compaction.
///
/// - Records above `revision` do not.
/// - Records at or below `compact_revision` count only while they are *kept*: a record is kept if it is the newest of its key at
///   `revision` and not a tombstone. If no record at all is kept, this rule is off.
/// - A tombstone exactly at `compact_revision` does not count (etcd before 3.4.34 and 3.5.16 deleted it, later ones do not).
///
/// Source: etcd v3.6.15 `server/storage/mvcc/hash.go` (`kvHasher.WriteKeyValue`) and `key_index.go` (`keep`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashRule {
    /// The highest revision that counts.
    pub revision: i64,
    /// The last compaction; -1 for none.
    pub compact_revision: i64,
}

impl HashRule {
    /// The rule for one revision and one compaction, -1 if there was none.
    #[must_use]
    pub const fn new(revision: i64, compact_revision: i64) -> Self {
        Self { revision, compact_revision }
    }

    /// Whether it matters that the record is kept.
    #[must_use]
    pub const fn asks_if_kept(&self, key: RevisionKey) -> bool {
        key.revision.main <= self.compact_revision
    }

    /// Whether the record counts. `kept` is only looked at when [`HashRule::asks_if_kept`]; pass `true` for every
    /// record if nothing at all is kept.
    #[must_use]
    pub const fn counts(&self, key: RevisionKey, kept: bool) -> bool {
        let main = key.revision.main;
        main <= self.revision && (kept || !self.asks_if_kept(key)) && !(key.tombstone && main == self.compact_revision)
    }
}

/// Hashes records one by one, in ascending order of their keys.
///
/// ```
/// use etcd_format::mvcc::{HashRule, KvHasher, Revision, RevisionKey};
///
/// let mut hasher = KvHasher::new(HashRule::new(2, -1));
/// let key = RevisionKey { revision: Revision::new(2, 0), tombstone: false };
/// hasher.record(&key.to_vec(), b"\x0a\x01k", true)?;
/// assert_eq!(hasher.finish().revision, 2);
/// # Ok::<(), etcd_format::FormatError>(())
/// ```
#[derive(Debug, Clone)]
pub struct KvHasher {
    rule: HashRule,
    crc: u32,
}

impl KvHasher {
    /// A hasher that has seen no record.
    #[must_use]
    pub fn new(rule: HashRule) -> Self {
        Self { rule, crc: crc32c::crc32c(b"key") }
    }

    /// Takes the next record; see [`HashRule::counts`] for `kept`.
    ///
    /// # Errors
    ///
    /// [`Damaged`](crate::ErrorKind::Damaged) when the record key is malformed.
    pub fn record(&mut self, key: &[u8], value: &[u8], kept: bool) -> Result<(), crate::FormatError> {
        if self.rule.counts(RevisionKey::parse(key)?, kept) {
            self.crc = crc32c::crc32c_append(self.crc, key);
            self.crc = crc32c::crc32c_append(self.crc, value);
        }
        Ok(())
    }

    /// The hash of all records so far.
    #[must_use]
    pub fn finish(&self) -> HashKv {
        HashKv { hash: self.crc, revision: self.rule.revision, compact_revision: self.rule.compact_revision }
    }
}
