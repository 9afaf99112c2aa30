//! This workspace, and the cargo that builds it.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context as _, ensure};
use judges::Settings;
use serde_json::Value;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A cargo command, run in the workspace's folder.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(Settings::from_env().cargo);
    command.current_dir(root()).args(args).stdin(Stdio::null());
    command
}

/// Runs a command whose output goes to the terminal.
pub(crate) fn show(command: &mut Command) -> anyhow::Result<ExitStatus> {
    println!("$ {}", words(command));
    command.status().with_context(|| format!("cannot start {}", command.get_program().display()))
}

/// Runs a command whose output goes to the terminal; an exit code other than 0 is an error.
pub(crate) fn check(command: &mut Command) -> anyhow::Result<()> {
    let status = show(command)?;
    ensure!(status.success(), "`{}` ended with {status}", words(command));
    Ok(())
}

/// Runs a command and returns what it wrote to its output.
pub(crate) fn read(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(output.status.success(), "`{}` ended with {}", words(command), output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// `cargo metadata` of the workspace, with all dependencies.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let text = read(&mut cargo(&["metadata", "--format-version", "1"]))?;
    Ok(serde_json::from_str(&text)?)
}

/// The folder that cargo builds into.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    let metadata = metadata()?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(folder))
}

/// A package of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) features: Vec<String>,
    pub(crate) published: bool,
}

/// The packages of the workspace, by name.
pub(crate) fn members() -> anyhow::Result<Vec<Member>> {
    let text = read(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages.iter().map(member).collect()
}

fn member(package: &Value) -> anyhow::Result<Member> {
    let text = |field: &str| package[field].as_str().map(str::to_owned).with_context(|| format!("no {field}"));
    let features = package["features"].as_object().into_iter().flatten();
    Ok(Member {
        name: text("name")?,
        version: text("version")?,
        features: features.map(|(name, _)| name.clone()).filter(|name| name != "default").collect(),
        published: package["publish"].is_null(),
    })
}

/// A command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once(program.to_string_lossy().into_owned()).chain(args).collect::<Vec<_>>().join(" ")
}
