//! A server of S3 on loopback: MinIO, versitygw, moto or rclone.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::{Judge, Part, guard::Guard, http, ports::Port, wait_until};

const START_LIMIT: Duration = Duration::from_secs(60);
const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// How often other ports are tried when somebody else took one in the moment between looking and listening.
const PORT_TRIES: usize = 5;

/// Long enough for all of them: some refuse short ones.
const ACCESS_KEY: &str = "judge-access-key";
const SECRET_KEY: &str = "judge-secret-key-of-a-test";

/// A server of S3 of our own: it listens on loopback only, keeps its data in a temporary folder, and dies when this is
/// dropped.
///
/// It has no bucket at first. In MinIO, versitygw and rclone a folder in [`data_dir`](Self::data_dir) is one.
#[derive(Debug)]
pub struct StoreServer {
    judge: Judge,
    port: Port,
    files: TempDir,
    guard: Option<Guard>,
    child: Child,
}

impl StoreServer {
    /// Starts it, and waits until it answers a request, for at most 60 s.
    ///
    /// # Errors
    /// When the judge is no server of S3, cannot be started, ends, or does not answer in time: with its log.
    pub fn start(judge: &Judge) -> anyhow::Result<Self> {
        for _ in 1..PORT_TRIES {
            let mut server = Self::spawn(judge)?;
            match server.wait_ready() {
                Err(_) if server.log().contains("address already in use") => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(server),
            }
        }
        let mut server = Self::spawn(judge)?;
        server.wait_ready()?;
        Ok(server)
    }

    /// Where it listens: `http://127.0.0.1:PORT`. Buckets are in the path, the region is `us-east-1`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// The id of the key that it knows. moto takes any.
    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    /// The secret of that key.
    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// Which program this is.
    pub fn part(&self) -> Part {
        self.judge.part()
    }

    /// Where it keeps its data; moto keeps them in memory.
    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.files.path())
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read(log_file(self.files.path())).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    fn spawn(judge: &Judge) -> anyhow::Result<Self> {
        let files = tempfile::Builder::new().prefix("store-").tempdir()?;
        for folder in ["data", "versions", "certs"] {
            fs::create_dir(files.path().join(folder))?;
        }
        let port = Port::lease()?;
        let log = File::create(log_file(files.path()))?;
        let mut command = command(judge, files.path(), port.number())?;
        command.current_dir(files.path()).env("HOME", files.path()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {}", judge.path().display()))?;
        let guard = Guard::over(&child).ok();
        Ok(Self { judge: judge.clone(), port, files, guard, child })
    }

    fn wait_ready(&mut self) -> anyhow::Result<()> {
        let port = self.port.number();
        let seen = wait_until(START_LIMIT, || match self.child.try_wait() {
            Ok(None) => {
                let answer = http::request(port, "/", None, LOOK_LIMIT);
                answer.is_ok_and(|(status, _)| status < 500).then_some(None)
            }
            Ok(Some(status)) => Some(Some(status.to_string())),
            Err(error) => Some(Some(error.to_string())),
        });
        match seen {
            Some(None) => Ok(()),
            Some(Some(how)) => bail!("{} ended: {how}\n{}", self.part(), self.log()),
            None => bail!("{} does not answer after {} s\n{}", self.part(), START_LIMIT.as_secs(), self.log()),
        }
    }
}

impl Drop for StoreServer {
    #[expect(clippy::print_stderr, reason = "the log of the server is what explains a failed test")]
    fn drop(&mut self) {
        drop(self.guard.take());
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- the log of {}\n{}", self.part(), self.log());
        }
    }
}

fn data_dir(files: &Path) -> PathBuf {
    files.join("data")
}

fn log_file(files: &Path) -> PathBuf {
    files.join("server.log")
}

fn command(judge: &Judge, files: &Path, port: u16) -> anyhow::Result<Command> {
    let mut command = judge.command();
    let (address, data) = (format!("127.0.0.1:{port}"), data_dir(files));
    match judge.part() {
        Part::MinIo => command
            .args(["server", "--quiet", "--address", &address, "--certs-dir"])
            .arg(files.join("certs"))
            .arg(data)
            .envs([("MINIO_ROOT_USER", ACCESS_KEY), ("MINIO_ROOT_PASSWORD", SECRET_KEY)])
            .envs([("MINIO_BROWSER", "off"), ("MINIO_UPDATE", "off")]),
        Part::VersityGw => command
            .args(["--quiet", "--port", &address, "--access", ACCESS_KEY, "--secret", SECRET_KEY])
            .args(["posix", "--versioning-dir"])
            .arg(files.join("versions"))
            .arg(data),
        Part::Rclone => command
            .args(["--config", "/dev/null", "serve", "s3", "--addr", &address])
            .args(["--auth-key", &format!("{ACCESS_KEY},{SECRET_KEY}")])
            .arg(data),
        Part::Moto => command.args(["-H", "127.0.0.1", "-p", &port.to_string()]),
        other => bail!("{other} is no server of S3"),
    };
    Ok(command)
}
