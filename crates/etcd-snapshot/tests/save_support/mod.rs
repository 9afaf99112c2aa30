//! A cluster that answers by a script, and a snapshot to answer with.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses its own part of this")]

pub mod hooked;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use etcd_format::bolt::writer::{BoltWriter, Layout};
use etcd_snapshot::{Endpoint, Error, ErrorKind, Host, Live, LiveHash, Message, Result, Status};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use sha2::{Digest as _, Sha256};

/// The cluster, the member that sends, and another one.
pub const CLUSTER: u64 = 0xC1;
pub const SENDER: u64 = 0xA1;
pub const OTHER: u64 = 0xB2;

/// A snapshot file with its trailer: `revisions` records of one key each, never compacted.
pub fn snapshot(revisions: i64) -> Vec<u8> {
    let key = |revision: i64| format!("/registry/pods/{revision:08}");
    database(&(2..=revisions).map(|revision| Record::put(revision, &key(revision))).collect::<Vec<_>>(), None, None)
}

/// One record of the bucket `key`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub revision: i64,
    pub key: String,
    pub value: String,
    /// How often the key was written since it was created; 0 for a tombstone.
    pub version: u8,
}

impl Record {
    /// A key that is created.
    pub fn put(revision: i64, key: &str) -> Self {
        Self { revision, key: key.to_owned(), value: "yes".to_owned(), version: 1 }
    }

    pub fn is_tombstone(&self) -> bool {
        self.version == 0
    }
}

/// A snapshot file with its trailer, of these records, with a compaction that was scheduled and one that was finished.
pub fn database(records: &[Record], scheduled: Option<i64>, finished: Option<i64>) -> Vec<u8> {
    let mut writer = BoltWriter::new(Layout::default()).unwrap();
    for bucket in
        ["alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta"]
    {
        writer.begin_bucket(bucket.as_bytes()).unwrap();
        match bucket {
            "key" => records.iter().for_each(|record| put_record(&mut writer, record)),
            "meta" => {
                writer.put(b"consistent_index", &(records.len() as u64).to_be_bytes()).unwrap();
                for (name, revision) in [("finishedCompactRev", finished), ("scheduledCompactRev", scheduled)] {
                    if let Some(revision) = revision {
                        writer.put(name.as_bytes(), &revision_key(revision, false)).unwrap();
                    }
                }
                writer.put(b"term", &2_u64.to_be_bytes()).unwrap();
            }
            _ => {}
        }
    }
    let mut file = vec![0; usize::try_from(writer.finish().unwrap()).unwrap()];
    while let Some(write) = writer.next_write() {
        let at = usize::try_from(write.offset).unwrap();
        file[at..at + write.bytes.len()].copy_from_slice(&write.bytes);
    }
    let trailer = Sha256::digest(&file);
    file.extend_from_slice(&trailer);
    file
}

/// Revision, `_`, sub-revision, and `t` for a tombstone.
fn revision_key(revision: i64, tombstone: bool) -> Vec<u8> {
    let mut key = revision.to_be_bytes().to_vec();
    key.push(b'_');
    key.extend_from_slice(&0_i64.to_be_bytes());
    key.extend(tombstone.then_some(b't'));
    key
}

/// The value is an mvccpb.KeyValue; that of a tombstone has nothing but the key.
fn put_record(writer: &mut BoltWriter, record: &Record) {
    let mut value = vec![0x0A, u8::try_from(record.key.len()).unwrap()];
    value.extend_from_slice(record.key.as_bytes());
    if !record.is_tombstone() {
        for field in [0x10, 0x18] {
            value.push(field);
            push_varint(&mut value, u64::try_from(record.revision).unwrap());
        }
        value.extend_from_slice(&[0x20, record.version, 0x2A, u8::try_from(record.value.len()).unwrap()]);
        value.extend_from_slice(record.value.as_bytes());
    }
    writer.put(&revision_key(record.revision, record.is_tombstone()), &value).unwrap();
}

fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7F).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
}

/// The messages that a healthy member sends for `file`: 32 KiB each, the trailer apart.
pub fn messages(file: &[u8]) -> Vec<Message> {
    let (data, trailer) = file.split_at(file.len() - 32);
    let mut left = data.len();
    let mut messages: Vec<Message> = data
        .chunks(32 * 1024)
        .map(|blob| {
            left -= blob.len();
            message(blob, left)
        })
        .collect();
    messages.push(message(trailer, 0));
    messages
}

pub fn message(blob: &[u8], remaining: usize) -> Message {
    let remaining_bytes = u64::try_from(remaining).unwrap();
    Message { blob: Bytes::copy_from_slice(blob), remaining_bytes, version: "3.6.0".to_owned() }
}

/// What happens after the last message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// The stream ends.
    Close,
    /// Nothing comes any more.
    Stall,
    /// Empty messages come for ever.
    EmptyForEver,
    /// The connection breaks.
    Break,
}

/// A cluster that answers by its fields.
#[derive(Debug)]
pub struct Script {
    pub messages: Vec<Message>,
    pub end: End,
    pub members: Vec<Status>,
    /// The member that answers for the first endpoint when it is asked again.
    pub later: Option<Status>,
    pub hash: Option<LiveHash>,
    pub voters: usize,
}

impl Script {
    /// A cluster of two members at the revision of `file`. The other one answers with `hash`.
    pub fn new(file: &[u8], revision: i64) -> Self {
        let mut sender = Status::new(CLUSTER, SENDER, revision);
        sender.leader = etcd_snapshot::Hex64(OTHER);
        sender.version = "3.6.15".to_owned();
        sender.db_size = u64::try_from(file.len()).unwrap();
        let mut other = sender.clone();
        other.member_id = etcd_snapshot::Hex64(OTHER);
        Self {
            messages: messages(file),
            end: End::Close,
            members: vec![sender, other],
            later: None,
            hash: None,
            voters: 2,
        }
    }
}

pub fn url(number: usize) -> String {
    format!("http://member-{number}")
}

#[async_trait]
impl Live for Script {
    async fn members(&self) -> Vec<Endpoint> {
        let members = self.members.iter().cloned();
        members.enumerate().map(|(number, status)| Endpoint { url: url(number), status: Ok(status) }).collect()
    }

    async fn member(&self, endpoint: &str) -> Result<Status> {
        let number = (0..self.members.len()).find(|number| url(*number) == endpoint).unwrap();
        Ok(self.later.clone().filter(|_| number == 0).unwrap_or_else(|| self.members[number].clone()))
    }

    async fn voters(&self) -> Result<usize> {
        Ok(self.voters)
    }

    async fn snapshot(&self, _: &str) -> Result<BoxStream<'static, Result<Message>>> {
        let sent = futures::stream::iter(self.messages.clone().into_iter().map(Ok));
        let broken = || Error::new(ErrorKind::Unreachable, "the connection broke");
        Ok(match self.end {
            End::Close => sent.boxed(),
            End::Stall => sent.chain(futures::stream::pending()).boxed(),
            End::EmptyForEver => {
                let remaining = self.messages.last().map_or(0, |last| last.remaining_bytes);
                let empty = move || Ok(message(&[], usize::try_from(remaining).unwrap()));
                sent.chain(futures::stream::repeat_with(empty)).boxed()
            }
            End::Break => sent.chain(futures::stream::once(async move { Err(broken()) })).boxed(),
        })
    }

    async fn hash_kv(&self, _: &str, _: i64) -> Result<LiveHash> {
        self.hash.ok_or_else(|| Error::new(ErrorKind::Unreachable, "the member does not tell its hash"))
    }
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
