//! Looking a program up in the cache, and running it.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{Finished, Minor, Part, Settings, run_to_end};

/// How long [`Judge::run`] waits before it kills the program.
const RUN_TIMEOUT: Duration = Duration::from_secs(300);

/// How the variables begin that would set a program otherwise than a test does: `ETCD_NAME`, `ETCDCTL_API`, `MINIO_…`.
const SETTINGS: [&str; 7] = ["ETCD", "MINIO", "VGW", "ROOT_", "AWS_", "RCLONE", "PYTHON"];

/// A foreign program that is there, in the pinned version.
#[derive(Debug, Clone)]
pub struct Judge {
    part: Part,
    version: String,
    path: PathBuf,
}

/// A foreign program that is not there.
#[derive(Debug, Clone)]
pub struct Missing {
    part: Part,
    reason: String,
}

impl Missing {
    pub(crate) fn new(part: Part, reason: impl Into<String>) -> Self {
        Self { part, reason: reason.into() }
    }

    /// What is missing.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Why it is missing.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The command that gets it.
    pub fn command(&self) -> &'static str {
        "cargo xtask servers"
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is missing: {} (to get it, run: {})", self.part, self.reason, self.command())
    }
}

impl std::error::Error for Missing {}

/// The etcd server of a minor release.
///
/// # Errors
/// [`Missing`] when it is not in the cache.
pub fn etcd(minor: Minor) -> Result<Judge, Missing> {
    Part::Etcd(minor).find()
}

/// The newest `etcdctl` that is pinned (3.6).
///
/// # Errors
/// [`Missing`] when it is not in the cache.
pub fn etcdctl() -> Result<Judge, Missing> {
    Part::Etcdctl(Minor::V3_6).find()
}

/// The `etcdutl` of a minor release: 3.5 or 3.6.
///
/// # Errors
/// [`Missing`] when it is not in the cache.
pub fn etcdutl(minor: Minor) -> Result<Judge, Missing> {
    Part::Etcdutl(minor).find()
}

impl Part {
    /// Looks in the cache folder, and nowhere else; fetches nothing.
    ///
    /// # Errors
    /// [`Missing`] when it is not there, with what the last `cargo xtask servers` said about it.
    pub fn find(self) -> Result<Judge, Missing> {
        self.find_in(&Settings::from_env())
    }

    /// As [`Part::find`], with settings of the caller's.
    ///
    /// # Errors
    /// [`Missing`] when it is not there.
    pub fn find_in(self, settings: &Settings) -> Result<Judge, Missing> {
        let Some(pin) = self.pin() else { return Err(Missing::new(self, "judges.toml pins no version of it")) };
        let dir = settings.judge_dir(&pin.name, &pin.version);
        let path = dir.join(&pin.name);
        if path.is_file() {
            return Ok(Judge { part: self, version: pin.version.clone(), path });
        }
        let why = std::fs::read_to_string(settings.why_file(&pin.name, &pin.version));
        Err(Missing::new(self, why.unwrap_or_else(|_| "it was not fetched yet".to_owned())))
    }
}

impl Judge {
    /// Which program this is.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Its exact version, which it printed itself when it was set up.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A command that runs it, without the variables of this process that are meant for such programs, and without input.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        for (name, _) in std::env::vars_os() {
            if SETTINGS.iter().any(|family| name.to_string_lossy().starts_with(family)) {
                command.env_remove(&name);
            }
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs it with these arguments and collects what it prints; killed after 300 s.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time. An exit code other than 0 is not an error: see [`Finished`].
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> anyhow::Result<Finished> {
        self.run_within(RUN_TIMEOUT, args)
    }

    /// As [`Judge::run`], with another limit of time.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time.
    pub fn run_within<A: AsRef<OsStr>>(
        &self,
        limit: Duration,
        args: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Finished> {
        let mut command = self.command();
        command.args(args);
        run_to_end(&mut command, limit)
    }
}
