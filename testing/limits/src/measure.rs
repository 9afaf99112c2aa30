//! A stop-watch with a memory gauge: wait4(2), as time(1) uses it.

use std::{
    ffi::OsString,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::Context as _;
use serde_json::json;
use wait4::Wait4 as _;

/// The kernel counts the pages of this small process into the child's peak (the child starts as its copy), so the least
/// that can be measured is about 3 MiB. Pages of mapped files count too.
pub(crate) fn run(command: &[OsString]) -> anyhow::Result<String> {
    let (program, args) = command.split_first().context("no command is given")?;
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let used = child.wait4()?;
    let seconds = start.elapsed().as_secs_f64();
    // Bytes, whatever unit the platform counts in.
    Ok(json!({ "seconds": seconds, "peak_bytes": used.rusage.maxrss, "code": used.status.code() }).to_string())
}
