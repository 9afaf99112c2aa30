//! The program under demonstration.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::workspace;

/// The built `etcd-snapshot`.
pub(super) struct Program {
    path: PathBuf,
    environment: Vec<(String, String)>,
}

impl Program {
    /// Builds it; it will run with these variables.
    pub(super) fn build(environment: Vec<(String, String)>) -> anyhow::Result<Self> {
        workspace::check(&mut workspace::cargo(&["build", "--quiet", "--package", "etcd-snapshot-cli"]))?;
        println!();
        Ok(Self { path: workspace::target_dir()?.join("debug/etcd-snapshot"), environment })
    }

    /// Runs it, shows the command line, and reads its answer as JSON.
    pub(super) fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        println!("   $ etcd-snapshot {}", args.join(" "));
        let output = Command::new(&self.path)
            .args(args)
            .envs(self.environment.iter().cloned())
            .output()
            .context("cannot run etcd-snapshot")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "etcd-snapshot {} ended with {}:\n{said}", args.join(" "), output.status);
        serde_json::from_slice(&output.stdout).context("etcd-snapshot answered with something that is not JSON")
    }
}
