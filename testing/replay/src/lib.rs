//! Records one snapshot stream of a real etcd, and replays it to any client.
//!
//! Two saves of an idle etcd are two different files: each has transaction numbers of its own. So that two clients can be
//! compared byte for byte, both must be given the very same stream. It is a crate of its own because the server side of
//! etcd's API is a feature of etcd-client that nothing else needs.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use etcd_client::proto::{
    PbAlarmRequest, PbAlarmResponse, PbDefragmentRequest, PbDefragmentResponse, PbDowngradeRequest,
    PbDowngradeResponse, PbHashKvRequest, PbHashKvResponse, PbHashRequest, PbHashResponse, PbMaintenanceServer,
    PbMaintenanceService, PbMoveLeaderRequest, PbMoveLeaderResponse, PbSnapshotRequest, PbSnapshotResponse,
    PbStatusRequest, PbStatusResponse,
};
use etcd_client::{AlarmAction, AlarmType, Client};
use futures::Stream;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// What one etcd answered: its status, its alarms, and one whole snapshot stream, message by message.
#[derive(Clone, Debug)]
pub struct Recording {
    status: PbStatusResponse,
    alarms: PbAlarmResponse,
    messages: Vec<PbSnapshotResponse>,
}

impl Recording {
    /// Records the etcd at this URL. Memory: the whole snapshot.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn of(url: &str) -> anyhow::Result<Self> {
        let mut client = Client::connect([url], None).await?;
        let status = client.status().await?.0;
        let alarms = client.alarm(AlarmAction::Get, AlarmType::None, None).await?.0;
        let mut stream = client.snapshot().await?;
        let mut messages = Vec::new();
        while let Some(message) = stream.message().await? {
            messages.push(message.0);
        }
        Ok(Self { status, alarms, messages })
    }

    /// The bytes of the stream, one after another, as a client should store them.
    pub fn bytes(&self) -> Vec<u8> {
        self.messages.iter().flat_map(|message| message.blob.iter().copied()).collect()
    }

    /// Serves it on loopback, to everybody who asks, as often as they ask. Needs a tokio runtime.
    ///
    /// # Errors
    /// When nothing can listen.
    pub fn serve(self) -> anyhow::Result<Replay> {
        let incoming = TcpIncoming::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .map_err(|e| anyhow::anyhow!("cannot listen: {e}"))?;
        let address = incoming.local_addr()?;
        let service = PbMaintenanceServer::new(Service(Arc::new(self)));
        let serving = tokio::spawn(async move {
            // It ends when the task is aborted; a connection that breaks is the client's to report.
            let _ = Server::builder().add_service(service).serve_with_incoming(incoming).await;
        });
        Ok(Replay { address, serving })
    }
}

/// A recording that is being served, until this is dropped.
#[derive(Debug)]
pub struct Replay {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Replay {
    /// Where clients connect, without TLS.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Service(Arc<Recording>);

type Answer<T> = Result<Response<T>, Status>;

#[async_trait]
impl PbMaintenanceService for Service {
    type SnapshotStream = Pin<Box<dyn Stream<Item = Result<PbSnapshotResponse, Status>> + Send>>;

    async fn status(&self, _: Request<PbStatusRequest>) -> Answer<PbStatusResponse> {
        Ok(Response::new(self.0.status.clone()))
    }

    async fn alarm(&self, _: Request<PbAlarmRequest>) -> Answer<PbAlarmResponse> {
        Ok(Response::new(self.0.alarms.clone()))
    }

    async fn snapshot(&self, _: Request<PbSnapshotRequest>) -> Answer<Self::SnapshotStream> {
        let recording = Arc::clone(&self.0);
        let messages = (0..recording.messages.len()).filter_map(move |index| recording.messages.get(index).cloned());
        Ok(Response::new(Box::pin(futures::stream::iter(messages.map(Ok)))))
    }

    async fn defragment(&self, _: Request<PbDefragmentRequest>) -> Answer<PbDefragmentResponse> {
        Err(not_recorded())
    }

    async fn hash(&self, _: Request<PbHashRequest>) -> Answer<PbHashResponse> {
        Err(not_recorded())
    }

    async fn hash_kv(&self, _: Request<PbHashKvRequest>) -> Answer<PbHashKvResponse> {
        Err(not_recorded())
    }

    async fn move_leader(&self, _: Request<PbMoveLeaderRequest>) -> Answer<PbMoveLeaderResponse> {
        Err(not_recorded())
    }

    async fn downgrade(&self, _: Request<PbDowngradeRequest>) -> Answer<PbDowngradeResponse> {
        Err(not_recorded())
    }
}

fn not_recorded() -> Status {
    Status::unimplemented("this was not recorded")
}
