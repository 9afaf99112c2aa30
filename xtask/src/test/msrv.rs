//! The minimum Rust version: what every dependency states, and a build with exactly that version where it is installed.

use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::{
    report::Outcome,
    workspace::{check, metadata, read, root},
};

pub(super) fn run() -> anyhow::Result<Outcome> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let stated = stated(packages)?;
    let limit = version(&stated).context("rust-version in Cargo.toml is no version")?;
    let newer: Vec<String> = packages.iter().filter_map(|package| newer(package, limit)).collect();
    ensure!(newer.is_empty(), "these need a newer Rust than {stated}: {}", newer.join(", "));
    println!("{} packages, none needs a newer Rust than {stated}", packages.len());
    Ok(Outcome::PASSED)
}

/// A check of everything with that toolchain. Without it clippy's `incompatible_msrv` has to do.
pub(super) fn build() -> anyhow::Result<Outcome> {
    let metadata = metadata()?;
    let stated = stated(metadata["packages"].as_array().context("cargo metadata lists no packages")?)?;
    let installed = read(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    if !installed.lines().any(|line| line.starts_with(&stated)) {
        let why = format!(
            "Rust {stated} is not installed (`rustup toolchain install {stated}`), so nothing was built with it"
        );
        return Ok(Outcome::Missing { id: "msrv-toolchain", why });
    }
    let mut command = Command::new("cargo");
    command.current_dir(root()).env("RUSTUP_TOOLCHAIN", stated).env_remove("CARGO").env_remove("RUSTC");
    check(command.args(["check", "--quiet", "--workspace", "--all-targets", "--locked"]))?;
    Ok(Outcome::PASSED)
}

/// The one version that all packages of the workspace state.
fn stated(packages: &[Value]) -> anyhow::Result<String> {
    let ours = packages.iter().filter(|package| package["source"].is_null());
    let mut versions: Vec<&str> = ours.filter_map(|package| package["rust_version"].as_str()).collect();
    versions.dedup();
    ensure!(versions.len() == 1, "the packages of the workspace state different versions: {versions:?}");
    Ok(versions.concat())
}

fn newer(package: &Value, limit: [u32; 3]) -> Option<String> {
    let needs = package["rust_version"].as_str()?;
    (version(needs)? > limit).then(|| format!("{} {} ({needs})", text(&package["name"]), text(&package["version"])))
}

/// `1.94` or `1.94.1` as numbers.
fn version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split(['-', '+']).next()?.split('.').map(|part| part.parse().ok());
    let major = parts.next()??;
    let mut next = || parts.next().unwrap_or(Some(0));
    Some([major, next()?, next()?])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("1.94"), Some([1, 94, 0]));
        assert!(version("1.100") > version("1.94.1"));
        assert_eq!(version("new"), None);
    }
}
