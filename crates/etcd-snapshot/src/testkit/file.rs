//! Small snapshot files, as etcd writes them.

use etcd_format::bolt::writer::{BoltWriter, Layout};
use etcd_format::mvcc::{Revision, RevisionKey};
use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

/// etcd's buckets, in the order of the file.
const BUCKETS: [&str; 10] =
    ["alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta"];

/// One record of the bucket `key`: what a revision did to a key.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The revision.
    pub revision: i64,
    /// The key.
    pub key: String,
    /// Its value; a deletion has none.
    pub value: String,
    /// How often the key was written since it was created: 1 creates it, 0 is a deletion.
    pub version: u64,
}

impl Record {
    /// A key that is created, with a short value.
    #[must_use]
    pub fn put(revision: i64, key: &str) -> Self {
        Self { revision, key: key.to_owned(), value: "yes".to_owned(), version: 1 }
    }

    /// The same as the `version`th write of the key; 0 is its deletion.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Whether it is a deletion.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.version == 0
    }

    /// `mvccpb.KeyValue` (etcd `api/mvccpb/kv.proto`): key 1, create_revision 2, mod_revision 3, version 4, value 5. That of
    /// a deletion has nothing but the key.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_bytes(&mut out, 0x0A, self.key.as_bytes());
        if !self.is_tombstone() {
            push_number(&mut out, 0x10, self.revision.cast_unsigned());
            push_number(&mut out, 0x18, self.revision.cast_unsigned());
            push_number(&mut out, 0x20, self.version);
            push_bytes(&mut out, 0x2A, self.value.as_bytes());
        }
        out
    }
}

/// A snapshot file with its trailer at `revision`: from 2 on, each revision has created a key.
///
/// # Errors
/// None for a revision from 1 on.
pub fn sample_snapshot(revision: i64) -> Result<Vec<u8>> {
    let records: Vec<Record> =
        (2..=revision).map(|revision| Record::put(revision, &format!("/registry/pods/{revision:08}"))).collect();
    snapshot_file(&records, None, None)
}

/// A snapshot file with its trailer, of `records` in ascending order, with the compactions that were scheduled and
/// finished. It leaves nothing out: records that a compaction has deleted are not to be given.
///
/// # Errors
/// [`Usage`](crate::ErrorKind::Usage) for records that no bolt file holds: not in ascending order, or too large.
pub fn snapshot_file(records: &[Record], scheduled: Option<i64>, finished: Option<i64>) -> Result<Vec<u8>> {
    let mut file = write(records, scheduled, finished)
        .map_err(|e| Error::usage("these records make no snapshot: give them in ascending order").with_source(e))?;
    let trailer = Sha256::digest(&file);
    file.extend_from_slice(&trailer);
    Ok(file)
}

fn write(
    records: &[Record],
    scheduled: Option<i64>,
    finished: Option<i64>,
) -> Result<Vec<u8>, etcd_format::FormatError> {
    let mut writer = BoltWriter::new(Layout::default())?;
    for bucket in BUCKETS {
        writer.begin_bucket(bucket.as_bytes())?;
        match bucket {
            "key" => {
                for record in records {
                    writer.put(&revision_key(record.revision, record.is_tombstone()), &record.encode())?;
                }
            }
            "meta" => {
                writer.put(b"consistent_index", &(records.len() as u64).to_be_bytes())?;
                for (name, revision) in [("finishedCompactRev", finished), ("scheduledCompactRev", scheduled)] {
                    if let Some(revision) = revision {
                        writer.put(name.as_bytes(), &revision_key(revision, false))?;
                    }
                }
                writer.put(b"term", &2_u64.to_be_bytes())?;
            }
            _ => {}
        }
    }
    let len = writer.finish()?;
    let mut file = vec![0; usize::try_from(len).unwrap_or_default()];
    while let Some(write) = writer.next_write() {
        let at = usize::try_from(write.offset).unwrap_or(usize::MAX);
        let end = at.saturating_add(write.bytes.len());
        if let Some(place) = file.get_mut(at..end) {
            place.copy_from_slice(&write.bytes);
        }
    }
    Ok(file)
}

fn revision_key(main: i64, tombstone: bool) -> Vec<u8> {
    RevisionKey { revision: Revision::new(main, 0), tombstone }.to_vec()
}

fn push_number(out: &mut Vec<u8>, field: u8, number: u64) {
    out.push(field);
    push_varint(out, number);
}

fn push_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
