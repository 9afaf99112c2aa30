//! `cargo xtask demo`.

use std::process::ExitCode;

use anyhow::bail;

/// Runs the demo.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    bail!("the demo is not written yet")
}
