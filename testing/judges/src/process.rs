//! Running a program to its end, with a limit of time.

use std::{
    io::Read,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::wait_until;

/// What a program that ended has left.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// What it wrote to its error output.
    pub stderr: String,
}

impl Finished {
    /// Itself, if the exit code was 0.
    ///
    /// # Errors
    /// With both outputs in the message, when it was not.
    pub fn success(self) -> anyhow::Result<Self> {
        if !self.status.success() {
            bail!("ended with {}\n--- stdout\n{}--- stderr\n{}", self.status, self.stdout, self.stderr);
        }
        Ok(self)
    }

    /// The exit code; `None` when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// Runs `command`, collects both outputs, and kills it when `limit` is over.
///
/// # Errors
/// When it cannot be started, or had to be killed.
pub fn run_to_end(command: &mut Command, limit: Duration) -> anyhow::Result<Finished> {
    let shown = words(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {shown}"))?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let ended = wait_until(limit, || child.try_wait().transpose());
    let Some(status) = ended else {
        child.kill().ok();
        child.wait().ok();
        let (stdout, stderr) = (text(stdout), text(stderr));
        bail!("killed after {} s: {shown}\n--- stdout\n{stdout}--- stderr\n{stderr}", limit.as_secs());
    };
    let status = status.with_context(|| format!("cannot wait for {shown}"))?;
    Ok(Finished { status, stdout: text(stdout), stderr: text(stderr) })
}

/// The command as one would type it, without the folder and the environment that it gets.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

type Collector = thread::JoinHandle<Vec<u8>>;

fn collect(pipe: Option<impl Read + Send + 'static>) -> Collector {
    thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error still helps whoever reads the failure.
            let _ = pipe.read_to_end(&mut all);
        }
        all
    })
}

fn text(collector: Collector) -> String {
    String::from_utf8_lossy(&collector.join().unwrap_or_default()).into_owned()
}
