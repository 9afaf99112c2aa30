//! One etcd server on loopback.

mod builder;
mod ready;

pub use builder::{EtcdServerBuilder, ServerTls};

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Judge, guard::Guard, http, ports::Port, wait_until};

const STOP_LIMIT: Duration = Duration::from_secs(20);
const CALL_LIMIT: Duration = Duration::from_secs(30);
const LOG_TAIL_LINES: usize = 40;

/// An etcd server of our own: it listens on loopback only, and dies when this is dropped.
#[derive(Debug)]
pub struct EtcdServer {
    judge: Judge,
    name: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    tls: bool,
    ports: Ports,
    data_dir: PathBuf,
    files: TempDir,
    start_limit: Duration,
    running: Option<Running>,
}

#[derive(Debug)]
struct Ports {
    client: Port,
    peer: Port,
    metrics: Port,
}

#[derive(Debug)]
struct Running {
    guard: Option<Guard>,
    child: Child,
}

/// What `Maintenance.HashKV` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashKv {
    /// CRC-32C over the records.
    pub hash: u32,
    /// The compact revision that the hash is for; -1 or 0 when nothing was compacted.
    pub compact_revision: i64,
    /// The revision of the store when it answered.
    pub revision: i64,
}

impl EtcdServer {
    /// Starts to describe a server.
    pub fn builder(judge: &Judge) -> EtcdServerBuilder {
        EtcdServerBuilder::new(judge)
    }

    /// Where clients connect: `http://127.0.0.1:PORT`, or `https://…` with TLS.
    pub fn client_url(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "https" } else { "http" }, self.ports.client.number())
    }

    /// Where the other members connect.
    pub fn peer_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.peer.number())
    }

    /// The member's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it keeps its data.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The database file of the server: `member/snap/db` in its data directory.
    pub fn db_file(&self) -> PathBuf {
        self.data_dir.join("member/snap/db")
    }

    /// What it has logged so far, over all its starts.
    pub fn log(&self) -> String {
        fs::read(self.log_file()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The number of its process; `None` while it does not run.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// One call of the JSON gateway, for example `call("/v3/kv/range", …)`. Keys and values are base64, 64-bit numbers are strings.
    ///
    /// # Errors
    /// When the server does not answer within 30 s, answers with an error, or speaks TLS.
    pub fn call(&self, path: &str, request: &Value) -> anyhow::Result<Value> {
        ensure!(!self.tls, "the JSON gateway is only called without TLS");
        let (status, body) = http::request(self.ports.client.number(), path, Some(&request.to_string()), CALL_LIMIT)
            .with_context(|| format!("cannot call {path} of {}", self.client_url()))?;
        ensure!(status == 200, "{path} answered {status}: {body}");
        Ok(serde_json::from_str(&body)?)
    }

    /// The hash of all records up to `revision` (0: the current one).
    ///
    /// # Errors
    /// As [`EtcdServer::call`]; also when the revision is compacted or in the future.
    pub fn hash_kv(&self, revision: i64) -> anyhow::Result<HashKv> {
        let request = serde_json::json!({ "revision": revision.to_string() });
        // Up to 3.5 the gateway has HashKV at the path where later ones have Hash (`api/etcdserverpb/rpc.proto`).
        let early = ["3.4.", "3.5."].iter().any(|minor| self.judge.version().starts_with(minor));
        let path = if early { "/v3/maintenance/hash" } else { "/v3/maintenance/hashkv" };
        let answer = self.call(path, &request)?;
        Ok(HashKv {
            hash: u32::try_from(number(&answer["hash"]))?,
            compact_revision: number(&answer["compact_revision"]),
            revision: number(&answer["header"]["revision"]),
        })
    }

    /// Kills it without warning, as a power cut would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        let running = self.running.take().context("the server does not run")?;
        running.kill();
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it does not run, or has not ended after 20 s (it is killed then).
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let mut running = self.running.take().context("the server does not run")?;
        running.terminate()?;
        if wait_until(STOP_LIMIT, || running.child.try_wait().transpose()).is_some() {
            return Ok(());
        }
        running.kill();
        bail!("the server did not stop within {} s\n{}", STOP_LIMIT.as_secs(), self.log_tail());
    }

    /// Starts it again, after [`EtcdServer::kill9`] or [`EtcdServer::stop`], with the same arguments and ports, and waits until it is healthy.
    ///
    /// # Errors
    /// When it still runs, or does not become healthy in time.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.spawn()?;
        self.wait_ready()
    }

    /// Starts it without waiting for its health.
    ///
    /// # Errors
    /// When it still runs, or cannot be started.
    pub fn spawn(&mut self) -> anyhow::Result<()> {
        ensure!(self.running.is_none(), "the server still runs");
        let log = fs::File::options().create(true).append(true).open(self.log_file())?;
        let mut command = self.command();
        command.stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.judge.path().display()))?;
        let guard = Guard::over(&child).ok();
        self.running = Some(Running { guard, child });
        Ok(())
    }

    /// Waits until it ends by itself, as an etcd does that refuses its data; `None` if it still runs after `limit`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn wait_exit(&mut self, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
        let running = self.running.as_mut().context("the server does not run")?;
        let status = wait_until(limit, || running.child.try_wait().transpose()).transpose()?;
        if status.is_some() {
            self.running = None;
        }
        Ok(status)
    }

    /// Adds arguments for the next start.
    pub fn add_args<A: Into<String>>(&mut self, args: impl IntoIterator<Item = A>) {
        self.args.extend(args.into_iter().map(Into::into));
    }

    /// Uses another data directory from the next start on. It is kept.
    pub fn set_data_dir(&mut self, dir: impl Into<PathBuf>) {
        self.data_dir = dir.into();
    }

    fn command(&self) -> Command {
        let mut command = self.judge.command();
        let client = self.client_url();
        let peer = self.peer_url();
        let metrics = format!("http://127.0.0.1:{}", self.ports.metrics.number());
        command
            .arg("--name")
            .arg(&self.name)
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--listen-metrics-urls", &metrics])
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn log_file(&self) -> PathBuf {
        self.files.path().join("etcd.log")
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LOG_TAIL_LINES)..).unwrap_or_default();
        format!("--- the end of the log of etcd {} ({})\n{}", self.judge.version(), self.name, tail.join("\n"))
    }
}

impl Drop for EtcdServer {
    #[expect(clippy::print_stderr, reason = "the log of the server is what explains a failed test")]
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill();
        }
        if std::thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
    }
}

impl Running {
    fn terminate(&self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no such process number")?;
        Ok(kill_process(pid, Signal::TERM)?)
    }

    fn kill(mut self) {
        drop(self.guard.take());
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Numbers of the JSON gateway: 64-bit ones are strings, and what is 0 is left out.
fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}
