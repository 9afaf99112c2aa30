//! The server: starting, switching, asking.

use std::{
    collections::BTreeSet,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use objstore_core::{Clock, SystemClock};
use s3s::service::S3ServiceBuilder;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::{
    backend::{Backend, Serve},
    bucket::Versioning,
    credentials::{Accounts, Credentials, Policy, Secrets},
    http::Front,
    quirk::{Quirk, Quirks},
    record::{Log, Recorded},
};
use crate::FaultPlan;

/// The bucket that every server has, unless others were named.
const DEFAULT_BUCKET: &str = "test-bucket";

/// How a server is to be. Made by [`S3Server::builder`].
#[derive(Debug)]
#[must_use = "nothing runs before start"]
pub struct S3ServerBuilder {
    buckets: Vec<(String, Kind)>,
    credentials: Credentials,
    region: String,
    port: u16,
    quirks: Vec<Quirk>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain,
    Versioned,
    Locked,
}

impl S3ServerBuilder {
    /// Adds a bucket, instead of the default one.
    pub fn with_bucket(self, name: impl Into<String>) -> Self {
        self.bucket(name.into(), Kind::Plain)
    }

    /// Adds a bucket that keeps versions.
    pub fn with_versioned_bucket(self, name: impl Into<String>) -> Self {
        self.bucket(name.into(), Kind::Versioned)
    }

    /// Adds a bucket that keeps versions, and whose objects can be locked.
    pub fn with_locked_bucket(self, name: impl Into<String>) -> Self {
        self.bucket(name.into(), Kind::Locked)
    }

    fn bucket(mut self, name: String, kind: Kind) -> Self {
        self.buckets.push((name, kind));
        self
    }

    /// Sets the key that the server knows. Default: one that anybody may know.
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets the region. Requests that are signed for another are refused, as S3 does. Default: `us-east-1`.
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Sets the port. Default: 0, a free one.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Switches a quirk on. Where two say different things of one request, the first is asked.
    pub fn with_quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    /// Sets the clock that dates objects and ends retention periods. Signatures are judged by the system's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Starts the server, on loopback. It runs on the runtime that this is called on.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start(self) -> io::Result<S3Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        let (quirks, accounts) = (Arc::new(Quirks::default()), Arc::new(Accounts::default()));
        quirks.set(&self.quirks);
        accounts.grant(self.credentials.clone());
        let backend = Arc::new(Backend::new(Arc::clone(&quirks), self.clock, self.region.clone()));
        let mut buckets = self.buckets;
        if buckets.is_empty() {
            buckets.push((DEFAULT_BUCKET.to_owned(), Kind::Plain));
        }
        for (name, kind) in &buckets {
            let shared = backend.create(name);
            let mut bucket = shared.lock();
            bucket.lock = matches!(kind, Kind::Locked);
            if !matches!(kind, Kind::Plain) {
                bucket.versioning = Versioning::Enabled;
            }
        }
        let mut service = S3ServiceBuilder::new(Serve(Arc::clone(&backend)));
        service.set_auth(Secrets(Arc::clone(&accounts)));
        service.set_access(Policy { accounts: Arc::clone(&accounts), region: self.region.clone() });
        let front = Arc::new(Front {
            service: service.build(),
            quirks,
            log: Arc::new(Log::default()),
            plan: Mutex::new(FaultPlan::new()),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&front)));
        let bucket = buckets.into_iter().next().map(|(name, _)| name).unwrap_or_default();
        let owner = Owner { address, bucket, region: self.region, credentials: self.credentials };
        Ok(S3Server { owner, front, accounts, backend, task })
    }
}

/// A server that speaks S3, on loopback, in memory. It dies with this value.
///
/// See the [module](super) for what it does.
pub struct S3Server {
    owner: Owner,
    front: Arc<Front>,
    accounts: Arc<Accounts>,
    backend: Arc<Backend>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Owner {
    address: SocketAddr,
    bucket: String,
    region: String,
    credentials: Credentials,
}

impl S3Server {
    /// Describes a server.
    pub fn builder() -> S3ServerBuilder {
        S3ServerBuilder {
            buckets: Vec::new(),
            credentials: Credentials::new("AKIALOOPBACKTEST", "loopback-secret-key-for-tests"),
            region: "us-east-1".to_owned(),
            port: 0,
            quirks: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`. Buckets are in the path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.owner.address)
    }

    /// The first of its buckets.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.owner.bucket
    }

    /// Its region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.owner.region
    }

    /// The key that it was started with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.owner.credentials
    }

    /// Adds a key.
    pub fn grant(&self, credentials: Credentials) {
        self.accounts.grant(credentials);
    }

    /// Ends a key: requests that it signs are answered with 400 `ExpiredToken` from now on.
    pub fn expire(&self, access_key: &str) {
        self.accounts.expire(access_key);
    }

    /// Allows these IAM actions only (`s3:PutObject`): what needs others is answered with 403. `None` allows all.
    /// What a batch of deletions needs is not checked.
    pub fn allow_only(&self, actions: Option<&[&str]>) {
        self.accounts.allow_only(actions);
    }

    /// Replaces the quirks by these, and counts from the beginning.
    pub fn set_quirks(&self, quirks: &[Quirk]) {
        self.front.quirks.set(quirks);
    }

    /// Sets which requests go wrong, and clears the log: the next request is number 1.
    pub fn play(&self, plan: FaultPlan) {
        let mut there = self.front.plan.lock().unwrap_or_else(PoisonError::into_inner);
        *there = plan;
        self.front.log.clear();
    }

    /// The requests since the log was last cleared.
    #[must_use]
    pub fn log(&self) -> Vec<Recorded> {
        self.front.log.lines()
    }

    /// The IAM actions that the requests in the log used.
    #[must_use]
    pub fn actions(&self) -> BTreeSet<String> {
        self.log().into_iter().flat_map(|line| line.actions).collect()
    }

    /// The body of an object as it is stored, without a request; `None` if there is none.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[must_use]
    pub fn stored(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let shared = self.backend.bucket(bucket).expect("a bucket of this server");
        let object = shared.lock().current(key)?.object.clone()?;
        Some(object.body.to_vec())
    }

    /// The keys of a bucket, sorted, without a request. Those that a delete marker hides are left out.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let shared = self.backend.bucket(bucket).expect("a bucket of this server");
        let bucket = shared.lock();
        bucket.objects.keys().filter(|key| bucket.current(key).is_some()).cloned().collect()
    }

    /// The keys of unfinished uploads of a bucket, sorted, without a request.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[must_use]
    pub fn unfinished(&self, bucket: &str) -> Vec<String> {
        let shared = self.backend.bucket(bucket).expect("a bucket of this server");
        let bucket = shared.lock();
        bucket.uploads.keys().map(|(key, _)| key.clone()).collect()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for S3Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Server").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

/// Takes connections until it is aborted; they end with it.
async fn accept(listener: TcpListener, front: Arc<Front>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(converse(stream, Arc::clone(&front)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, front: Arc<Front>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| Arc::clone(&front).answer(request));
    // An error here is a client that went away, or a fault by plan.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
