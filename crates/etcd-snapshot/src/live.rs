//! What a save needs of a live cluster, as a trait: a real one is behind the feature `client`, tests script theirs.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::Result;
use crate::hex::Hex64;

/// A live etcd cluster, as far as backups need it.
///
/// An implementation that is not etcd itself is for tests: it can send what no healthy member would.
#[async_trait]
pub trait Live: fmt::Debug + Send + Sync {
    /// Asks every endpoint for its status. An endpoint that does not answer is in the list, with the reason.
    ///
    /// # Cancel safety
    /// It changes nothing.
    async fn members(&self) -> Vec<Endpoint>;

    /// Asks the member behind one endpoint for its status.
    ///
    /// # Errors
    /// When it does not answer, or does not allow it.
    ///
    /// # Cancel safety
    /// It changes nothing.
    async fn member(&self, endpoint: &str) -> Result<Status>;

    /// How many voting members the cluster has, by its own list; not only those among the endpoints.
    ///
    /// # Errors
    /// When no endpoint tells.
    ///
    /// # Cancel safety
    /// It changes nothing.
    async fn voters(&self) -> Result<usize>;

    /// Starts the snapshot stream of the member behind `endpoint`.
    ///
    /// # Errors
    /// When the member cannot be reached, or does not allow it.
    ///
    /// # Cancel safety
    /// Dropping the stream ends the call. Some servers leak a read transaction then (etcd issue 21188): read it to
    /// its end where that is possible.
    async fn snapshot(&self, endpoint: &str) -> Result<BoxStream<'static, Result<Message>>>;

    /// Asks the member behind `endpoint` for its HashKV at `revision`; 0 is its current one.
    ///
    /// Writes wait at that member while it computes: 0.8 s for 1.5 million keys were seen.
    ///
    /// # Errors
    /// When the member cannot be reached, or does not allow it. A revision that it has compacted, or has not reached, is
    /// an answer, not an error.
    ///
    /// # Cancel safety
    /// It changes nothing.
    async fn hash_kv(&self, endpoint: &str, revision: i64) -> Result<LiveHash>;
}

/// One message of the stream `etcdserverpb.Maintenance/Snapshot`. Its `Debug` shows how long the blob is, not what is in it.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "scripted streams build these; the message has these three fields")]
pub struct Message {
    /// The next bytes of the file; 32,768 in every version so far, and the 32 of the trailer last.
    pub blob: Bytes,
    /// How many bytes of the file follow after this message, without the trailer.
    pub remaining_bytes: u64,
    /// The storage version, from etcd 3.6 on; empty before.
    pub version: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("blob", &format_args!("{} bytes", self.blob.len()))
            .field("remaining_bytes", &self.remaining_bytes)
            .field("version", &self.version)
            .finish()
    }
}

/// One endpoint that was asked for its status.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a name and an answer")]
pub struct Endpoint {
    /// The endpoint as it was given.
    pub url: String,
    /// What it answered.
    pub status: Result<Status>,
}

/// The status of one member.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Status {
    /// The cluster it says it is of.
    pub cluster_id: Hex64,
    /// The member that answered.
    pub member_id: Hex64,
    /// The leader it knows; 0 if none, as at what is left of a cluster that has lost its quorum.
    pub leader: Hex64,
    /// Its revision at the time of the answer.
    pub revision: i64,
    /// The last log entry that it has applied.
    pub raft_applied_index: u64,
    /// The size of its database file, in bytes.
    pub db_size: u64,
    /// The server's version, such as `3.6.15`.
    pub version: String,
    /// Whether it is a learner.
    pub is_learner: bool,
    /// Members under the alarm CORRUPT, as this member knows them.
    pub corrupt: Vec<Hex64>,
}

impl Status {
    /// A status with the fields that every choice depends on; assign the others.
    #[must_use]
    pub fn new(cluster_id: u64, member_id: u64, revision: i64) -> Self {
        Self { cluster_id: Hex64(cluster_id), member_id: Hex64(member_id), revision, ..Self::default() }
    }

    /// Whether this member leads.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leader == self.member_id
    }
}

/// What a member said about its HashKV.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LiveHash {
    /// The hash, and the compaction that it was computed with.
    Hash {
        /// The member that answered.
        member_id: Hex64,
        /// The hash.
        hash: u32,
        /// The compacted revision that it was computed with; -1 if never compacted.
        compact_revision: i64,
        /// The revision of the member when it answered.
        current_revision: i64,
    },
    /// The member has compacted past the revision that was asked for.
    Compacted,
    /// The member has not reached the revision yet.
    Behind,
}
