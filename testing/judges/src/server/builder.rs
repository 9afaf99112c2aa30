//! Describing a server, and starting it for the first time.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{EtcdServer, IdentityFiles, Judge, ports::Port};

use super::Ports;

const START_LIMIT: Duration = Duration::from_secs(60);
/// How often other ports are tried when somebody else took one in the moment between looking and listening.
const PORT_TRIES: usize = 5;

/// How a server proves itself to clients, and whom it believes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerTls {
    /// Its own certificate and key.
    pub identity: IdentityFiles,
    /// The CA whose client certificates it believes; clients then must show one.
    pub client_ca: Option<PathBuf>,
}

impl ServerTls {
    /// TLS without client certificates.
    #[must_use]
    pub fn new(identity: IdentityFiles) -> Self {
        Self { identity, client_ca: None }
    }

    /// Mutual TLS: clients must show a certificate of this CA.
    #[must_use]
    pub fn with_client_ca(mut self, ca: impl Into<PathBuf>) -> Self {
        self.client_ca = Some(ca.into());
        self
    }

    fn args(&self) -> Vec<String> {
        let file = |path: &Path| path.display().to_string();
        let mut args = vec![
            "--cert-file".to_owned(),
            file(&self.identity.cert),
            "--key-file".to_owned(),
            file(&self.identity.key),
        ];
        if let Some(ca) = &self.client_ca {
            args.extend(["--trusted-ca-file".to_owned(), file(ca), "--client-cert-auth".to_owned()]);
        }
        args
    }
}

/// Describes a server: see [`EtcdServer::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct EtcdServerBuilder {
    judge: Judge,
    name: String,
    data_dir: Option<PathBuf>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    tls: Option<ServerTls>,
    start_limit: Duration,
    single: bool,
}

impl EtcdServerBuilder {
    pub(super) fn new(judge: &Judge) -> Self {
        Self {
            judge: judge.clone(),
            name: "default".to_owned(),
            data_dir: None,
            args: Vec::new(),
            env: Vec::new(),
            tls: None,
            start_limit: START_LIMIT,
            single: true,
        }
    }

    /// The member's name; `default` otherwise.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Uses this data directory, which is then kept, instead of a temporary one.
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable of the server.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Serves clients over TLS. Members still talk to each other without.
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// How long [`EtcdServerBuilder::start`] and [`EtcdServer::restart`] wait for health; 60 s otherwise.
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Leaves `--initial-cluster` to the caller; otherwise the server is told that it is the only member.
    pub fn initial_cluster_by_caller(mut self) -> Self {
        self.single = false;
        self
    }

    /// Starts it and waits until it answers a linearizable read.
    ///
    /// # Errors
    /// When it cannot be started, ends, or is not healthy in time: with the end of its log.
    pub fn start(self) -> anyhow::Result<EtcdServer> {
        for _ in 1..PORT_TRIES {
            let mut server = self.reserve()?;
            match server.restart() {
                Err(_) if server.port_was_taken() => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(server),
            }
        }
        let mut server = self.reserve()?;
        server.restart()?;
        Ok(server)
    }

    /// Reserves ports and folders without starting anything: [`EtcdServer::spawn`] and [`EtcdServer::restart`] start it.
    ///
    /// # Errors
    /// When no port is free or no temporary folder can be made.
    pub fn reserve(&self) -> anyhow::Result<EtcdServer> {
        let files = tempfile::Builder::new().prefix("etcd-").tempdir()?;
        let ports = Ports { client: Port::lease()?, peer: Port::lease()?, metrics: Port::lease()? };
        let mut args = self.args.clone();
        args.extend(self.tls.iter().flat_map(ServerTls::args));
        if self.single {
            args.push("--initial-cluster".to_owned());
            args.push(format!("{}=http://127.0.0.1:{}", self.name, ports.peer.number()));
        }
        Ok(EtcdServer {
            judge: self.judge.clone(),
            name: self.name.clone(),
            args,
            env: self.env.clone(),
            tls: self.tls.is_some(),
            ports,
            data_dir: self.data_dir.clone().unwrap_or_else(|| files.path().join("data")),
            files,
            start_limit: self.start_limit,
            running: None,
        })
    }
}
