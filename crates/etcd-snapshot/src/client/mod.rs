//! A real etcd cluster, through etcd-client.

mod channels;
mod connect;
mod error;
mod tls;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use etcd_client::{AlarmAction, AlarmType, SnapshotStreaming};
use futures::StreamExt as _;
use futures::stream::BoxStream;

pub use connect::{ClientOptions, Password};
pub use tls::{Pem, Tls};

use crate::hex::Hex64;
use crate::live::{Endpoint, Live, LiveHash, Message, Status};
use crate::{Advice, Error, ErrorKind, Result};
use channels::{Channel, Channels};
use error::client_error;

/// How long a member may compute its HashKV: it reads its whole key space, and 1 GB took a second here.
const HASH_LIMIT: Duration = Duration::from_secs(300);

/// A real etcd cluster. One channel for each endpoint, opened on first use and kept, so that every question about a
/// member goes to the same one, even through an address that stands for many.
///
/// A channel that fails is given up, and the next question opens another: certificates that were renewed in their files are
/// read then. A member that was asked over a channel of long ago is asked a second time before that counts as an answer.
///
/// Errors are said for a person: which endpoint, and what to do. A password is never in one.
#[derive(Debug)]
pub struct EtcdCluster {
    options: ClientOptions,
    channels: Channels,
}

impl EtcdCluster {
    /// A cluster that is reached by `options`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Usage`](crate::ErrorKind::Usage) when there is no endpoint, or one of them is no URL.
    pub fn new(options: ClientOptions) -> Result<Self> {
        options.validate()?;
        let channels = Channels::new(&options.endpoints);
        Ok(Self { options, channels })
    }

    async fn channel(&self, endpoint: &str) -> Result<Channel> {
        self.channels.get(endpoint, &self.options).await
    }

    /// An answer, or what its error means.
    fn told<T>(&self, endpoint: &str, channel: &Channel, answer: Result<T, etcd_client::Error>) -> Result<T> {
        answer.map_err(|e| {
            if error::is_broken(&e) {
                self.channels.give_up(endpoint, channel);
            }
            client_error(endpoint, e)
        })
    }

    /// Runs one small request, bounded by the request timeout.
    async fn ask<T>(
        &self,
        endpoint: &str,
        channel: &Channel,
        answer: impl Future<Output = Result<T, etcd_client::Error>> + Send,
    ) -> Result<T> {
        match tokio::time::timeout(self.options.request_timeout, answer).await {
            Ok(answer) => self.told(endpoint, channel, answer),
            Err(_) => Err(silent(endpoint, self.options.request_timeout)),
        }
    }

    async fn status(&self, endpoint: &str) -> Result<Status> {
        let (first, was_old) = self.try_status(endpoint).await;
        let Err(e) = &first else { return first };
        let is_closed = self.options.is_https(endpoint) && error::is_closed(e);
        if !was_old && !is_closed {
            return first;
        }
        let (second, _) = self.try_status(endpoint).await;
        second.map_err(|e| match is_closed && !was_old && error::is_closed(&e) {
            true => error::not_let_in(endpoint, e),
            false => e,
        })
    }

    /// One try, and whether a channel of long ago failed at it: perhaps for what it began with, which is not so any more.
    async fn try_status(&self, endpoint: &str) -> (Result<Status>, bool) {
        let channel = match self.channel(endpoint).await {
            Ok(channel) => channel,
            Err(e) => return (Err(e), false),
        };
        let answer = self.ask_status(endpoint, &channel).await;
        (answer, channel.was_open && !self.channels.keeps(endpoint, &channel))
    }

    async fn ask_status(&self, endpoint: &str, channel: &Channel) -> Result<Status> {
        let answer = self.ask(endpoint, channel, channel.client.maintenance_client().status()).await?;
        let header = answer
            .header()
            .ok_or_else(|| Error::unreachable(format!("{endpoint} answers without a header: is it etcd?")))?;
        let mut status = Status::new(header.cluster_id(), header.member_id(), header.revision());
        status.leader = Hex64(answer.leader());
        status.raft_applied_index = answer.raft_applied_index();
        status.db_size = u64::try_from(answer.db_size()).unwrap_or(0);
        status.version = answer.version().to_owned();
        status.is_learner = answer.is_learner();
        status.corrupt = self.corrupt(endpoint, channel, &status, answer.errors()).await?;
        Ok(status)
    }

    /// The members under the alarm CORRUPT. The list of alarms needs a leader; without one the member's own status tells.
    async fn corrupt(
        &self,
        endpoint: &str,
        channel: &Channel,
        status: &Status,
        errors: &[String],
    ) -> Result<Vec<Hex64>> {
        let told = || errors.iter().filter_map(|error| corrupt_in(error)).collect();
        if status.leader == Hex64(0) {
            return Ok(told());
        }
        let mut client = channel.client.clone();
        match self.ask(endpoint, channel, client.alarm(AlarmAction::Get, AlarmType::None, None)).await {
            Ok(answer) => {
                let alarms = answer.alarms().iter().filter(|alarm| alarm.alarm() == AlarmType::Corrupt);
                Ok(alarms.map(|alarm| Hex64(alarm.member_id())).collect())
            }
            // The leader was lost a moment ago.
            Err(e) if e.kind() == ErrorKind::Unreachable => Ok(told()),
            Err(e) => Err(e),
        }
    }
}

#[async_trait]
impl Live for EtcdCluster {
    async fn members(&self) -> Vec<Endpoint> {
        let asked = self
            .options
            .endpoints
            .iter()
            .map(async |url| Endpoint { url: url.clone(), status: self.status(url).await });
        futures::future::join_all(asked).await
    }

    async fn member(&self, endpoint: &str) -> Result<Status> {
        self.status(endpoint).await
    }

    async fn voters(&self) -> Result<usize> {
        let mut refused = None;
        for endpoint in &self.options.endpoints {
            let counted = async {
                let channel = self.channel(endpoint).await?;
                let answer = self.ask(endpoint, &channel, channel.client.clone().member_list()).await?;
                Ok(answer.members().iter().filter(|member| !member.is_learner()).count())
            };
            match counted.await {
                Ok(count) => return Ok(count),
                Err(e) => refused = Some(e),
            }
        }
        Err(refused.unwrap_or_else(|| Error::usage("no endpoint was given")))
    }

    async fn snapshot(&self, endpoint: &str) -> Result<BoxStream<'static, Result<Message>>> {
        let channel = self.channel(endpoint).await?;
        let stream = self.ask(endpoint, &channel, channel.client.maintenance_client().snapshot()).await?;
        Ok(messages(endpoint.to_owned(), stream))
    }

    async fn hash_kv(&self, endpoint: &str, revision: i64) -> Result<LiveHash> {
        let channel = self.channel(endpoint).await?;
        let answer = tokio::time::timeout(HASH_LIMIT, channel.client.maintenance_client().hash_kv(revision)).await;
        match answer.map_err(|_| silent(endpoint, HASH_LIMIT))? {
            Ok(answer) => Ok(LiveHash::Hash {
                member_id: Hex64(answer.header().map_or(0, etcd_client::ResponseHeader::member_id)),
                hash: answer.hash(),
                compact_revision: answer.compact_version(),
                current_revision: answer.header().map_or(0, etcd_client::ResponseHeader::revision),
            }),
            Err(e) if error::is_compacted(&e) => Ok(LiveHash::Compacted),
            Err(e) if error::is_future_revision(&e) => Ok(LiveHash::Behind),
            Err(e) => self.told(endpoint, &channel, Err(e)),
        }
    }
}

/// The member of an alarm CORRUPT, as text in a status (etcd `server/etcdserver/api/v3rpc/maintenance.go`):
/// `memberID:10501334649042878790 alarm:CORRUPT`.
fn corrupt_in(error: &str) -> Option<Hex64> {
    let words = || error.split_whitespace();
    words().find(|word| *word == "alarm:CORRUPT")?;
    words().find_map(|word| word.strip_prefix("memberID:")?.parse().ok()).map(Hex64)
}

fn silent(endpoint: &str, after: Duration) -> Error {
    Error::unreachable(format!(
        "{endpoint} did not answer within {after:?}: is it up, and is its port open? if so, name another endpoint"
    ))
    .with_advice(Advice::Endpoints)
}

fn messages(endpoint: String, stream: SnapshotStreaming) -> BoxStream<'static, Result<Message>> {
    let next = async |(endpoint, mut stream): (String, SnapshotStreaming)| match stream.message().await {
        Ok(None) => None,
        Ok(Some(message)) => {
            let version = message.version().to_owned();
            let remaining_bytes = message.remaining_bytes();
            let blob = Bytes::from(message.0.blob);
            Some((Ok(Message { blob, remaining_bytes, version }), (endpoint, stream)))
        }
        Err(e) => Some((Err(error::broken_off(&endpoint, e)), (endpoint, stream))),
    };
    futures::stream::unfold((endpoint, stream), next).boxed()
}
