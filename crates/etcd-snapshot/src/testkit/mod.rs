//! For tests of code that saves: a cluster that answers by a script, and snapshot files to answer with.
//!
//! ```
//! use std::sync::Arc;
//!
//! use etcd_snapshot::home::Home;
//! use etcd_snapshot::testkit::{ScriptedCluster, StreamEnd, sample_snapshot};
//! use etcd_snapshot::{Checks, ErrorKind, SaveOptions, save};
//! use objstore_core::{MemoryStore, Prefix};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let home = Home::new(Arc::new(MemoryStore::new()), Prefix::root());
//! let file = sample_snapshot(100)?;
//! let mut cluster = ScriptedCluster::new(&file, 100).with_matching_hash(&file)?;
//! save(&cluster, &home, &SaveOptions::default().with_required(Checks::LIVE_HASH)).await?;
//! assert_eq!(home.inventory().await?.snapshots[0].revision, 100);
//!
//! // And one whose connection breaks after the first message.
//! cluster.messages.truncate(1);
//! cluster.end = StreamEnd::Break;
//! let error = save(&cluster, &home, &SaveOptions::default()).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Unreachable);
//! # Ok(()) }
//! ```

//!
//! # In a test that crashes at every step
//!
//! A save runs inside a tokio runtime with time enabled, and gives work to other threads. Where a test drives it by an
//! executor of its own, as the crash kit of the crate `reconcile` does, the test must be inside such a runtime
//! (`let _entered = runtime.enter();`, of one built with `enable_all`), and the kit be told to wait for other threads:
//! `Kit::with_threads`.

mod file;

use async_trait::async_trait;
use bytes::Bytes;
use etcd_format::survey::Survey;
use futures::StreamExt as _;
use futures::stream::BoxStream;

pub use file::{Record, sample_snapshot, snapshot_file};

use crate::hex::Hex64;
use crate::live::{Endpoint, Live, LiveHash, Message, Status};
use crate::receive::TRAILER;
use crate::{Error, ErrorKind, Result};

/// What etcd sends in one message.
const BLOB: usize = 32 * 1024;

/// What happens after the last message of a stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StreamEnd {
    /// The stream ends.
    #[default]
    Close,
    /// Nothing comes any more.
    Stall,
    /// Empty messages come for ever.
    EmptyForEver,
    /// The connection breaks.
    Break,
}

/// A cluster that answers by its fields. Change them to make it misbehave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScriptedCluster {
    /// What the stream of each member sends.
    pub messages: Vec<Message>,
    /// And then.
    pub end: StreamEnd,
    /// The members, the first at the endpoint [`url(0)`](Self::url). The first one does not lead, the second does.
    pub members: Vec<Status>,
    /// Endpoints that do not answer: the number of each, and why.
    pub silent: Vec<(usize, ErrorKind, String)>,
    /// The member that answers for the first endpoint when it is asked again.
    pub later: Option<Status>,
    /// What every member answers when it is asked for its HashKV; without it, an error.
    pub hash: Option<LiveHash>,
    /// How many voting members there are.
    pub voters: usize,
}

impl ScriptedCluster {
    /// The cluster id of all members.
    pub const CLUSTER: u64 = 0xC1;
    /// The first member, which sends.
    pub const SENDER: u64 = 0xA1;
    /// The other one, which leads.
    pub const OTHER: u64 = 0xB2;

    /// Two members at `revision` that send `file`, a snapshot with its trailer.
    #[must_use]
    pub fn new(file: &[u8], revision: i64) -> Self {
        let mut sender = Status::new(Self::CLUSTER, Self::SENDER, revision);
        sender.leader = Hex64(Self::OTHER);
        sender.version = "3.6.15".to_owned();
        sender.db_size = file.len() as u64;
        let mut other = sender.clone();
        other.member_id = Hex64(Self::OTHER);
        Self {
            messages: messages(file),
            end: StreamEnd::Close,
            members: vec![sender, other],
            silent: Vec::new(),
            later: None,
            hash: None,
            voters: 2,
        }
    }

    /// Lets every member answer, as [`OTHER`](Self::OTHER), with the HashKV that `file` has at its own revision: a save of
    /// `file` is then verified by a live hash.
    ///
    /// # Errors
    /// [`Damaged`](ErrorKind::Damaged) for a file that has none.
    pub fn with_matching_hash(mut self, file: &[u8]) -> Result<Self> {
        let no_hash = || Error::damaged("this file has no hash: give a sound snapshot");
        let mut survey = Survey::new(file.len() as u64);
        etcd_format::drive(&mut survey, file, |_| {}).map_err(|e| no_hash().with_source(e))?;
        let summary = survey.finish().map_err(|e| no_hash().with_source(e))?;
        let own = summary.hash_kv.map_err(|_| no_hash())?;
        self.hash = Some(LiveHash::Hash {
            member_id: Hex64(Self::OTHER),
            hash: own.hash,
            compact_revision: own.compact_revision,
            current_revision: own.revision,
        });
        Ok(self)
    }

    /// The endpoint of a member, by its number.
    #[must_use]
    pub fn url(number: usize) -> String {
        format!("http://member-{number}")
    }

    fn status(&self, number: usize) -> Result<Status> {
        if let Some((_, kind, message)) = self.silent.iter().find(|(silent, ..)| *silent == number) {
            return Err(Error::new(*kind, message.clone()));
        }
        let member = self.members.get(number).cloned();
        member.ok_or_else(|| Error::new(ErrorKind::Usage, format!("the script has no member {number}")))
    }
}

/// The messages that a healthy member sends for `file`, a snapshot with its trailer: 32 KiB each, the trailer apart.
#[must_use]
pub fn messages(file: &[u8]) -> Vec<Message> {
    let (data, trailer) = file.split_at(file.len().saturating_sub(TRAILER as usize));
    let mut left = data.len();
    let blobs = data.chunks(BLOB).map(|blob| {
        left -= blob.len();
        message(blob, left as u64)
    });
    let mut messages: Vec<Message> = blobs.collect();
    messages.push(message(trailer, 0));
    messages
}

/// One message of a member of 3.6.
#[must_use]
pub fn message(blob: &[u8], remaining_bytes: u64) -> Message {
    Message { blob: Bytes::copy_from_slice(blob), remaining_bytes, version: "3.6.0".to_owned() }
}

#[async_trait]
impl Live for ScriptedCluster {
    async fn members(&self) -> Vec<Endpoint> {
        (0..self.members.len()).map(|number| Endpoint { url: Self::url(number), status: self.status(number) }).collect()
    }

    async fn member(&self, endpoint: &str) -> Result<Status> {
        let number = (0..self.members.len()).find(|number| Self::url(*number) == endpoint).unwrap_or(usize::MAX);
        match &self.later {
            Some(later) if number == 0 => Ok(later.clone()),
            _ => self.status(number),
        }
    }

    async fn voters(&self) -> Result<usize> {
        Ok(self.voters)
    }

    async fn snapshot(&self, _: &str) -> Result<BoxStream<'static, Result<Message>>> {
        let sent = futures::stream::iter(self.messages.clone().into_iter().map(Ok));
        let remaining = self.messages.last().map_or(0, |last| last.remaining_bytes);
        let broken = async { Err(Error::new(ErrorKind::Unreachable, "the connection broke")) };
        Ok(match self.end {
            StreamEnd::Close => sent.boxed(),
            StreamEnd::Stall => sent.chain(futures::stream::pending()).boxed(),
            StreamEnd::EmptyForEver => {
                sent.chain(futures::stream::repeat_with(move || Ok(message(&[], remaining)))).boxed()
            }
            StreamEnd::Break => sent.chain(futures::stream::once(broken)).boxed(),
        })
    }

    async fn hash_kv(&self, _: &str, _: i64) -> Result<LiveHash> {
        self.hash.ok_or_else(|| Error::new(ErrorKind::Unreachable, "the member does not tell its hash"))
    }
}
