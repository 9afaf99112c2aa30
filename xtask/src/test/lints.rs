//! The lint table itself: a sample breaks each lint once, and each one must be reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context as _, ensure};
use judges::Settings;
use serde_json::Value;

use crate::{
    report::{Counts, Outcome},
    workspace::root,
};

use super::style;

const SAMPLE: &str = include_str!("../../samples/breaks_every_lint.rs");

pub(super) fn run() -> anyhow::Result<Outcome> {
    if !style::has_clippy() {
        return Ok(style::no_clippy());
    }
    let table = table()?;
    let sample = tempfile::tempdir()?;
    write_sample(sample.path(), &table)?;
    let mut reported = codes(sample.path(), "clippy")?;
    reported.extend(codes(sample.path(), "doc")?);
    let expected = expected(&table);
    let silent: Vec<&str> = expected.iter().map(String::as_str).filter(|lint| !reported.contains_key(*lint)).collect();
    ensure!(silent.is_empty(), "these were not reported: {}", silent.join(", "));
    let banned = banned_methods()?;
    let found = reported.get("clippy::disallowed_methods").copied().unwrap_or_default();
    ensure!(found == banned, "clippy.toml bans {banned} methods, {found} of them were reported");
    println!("{} lints and {banned} banned methods, each reported", expected.len());
    Ok(Outcome::Ran(Counts { passed: (expected.len() + banned) as u64, ..Counts::default() }))
}

/// `[workspace.lints]` of the root manifest.
fn table() -> anyhow::Result<toml::Table> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root().join("Cargo.toml"))?)?;
    let lints = manifest.get("workspace").and_then(|workspace| workspace.get("lints")).and_then(toml::Value::as_table);
    lints.cloned().context("Cargo.toml has no [workspace.lints]")
}

/// The names under which the compiler reports the lints of the table.
fn expected(table: &toml::Table) -> BTreeSet<String> {
    let groups = table.iter().filter_map(|(tool, lints)| Some((tool, lints.as_table()?)));
    let named = groups.flat_map(|(tool, lints)| lints.keys().map(move |lint| (tool, lint)));
    named.map(|(tool, lint)| if tool == "rust" { lint.clone() } else { format!("{tool}::{lint}") }).collect()
}

fn write_sample(folder: &Path, table: &toml::Table) -> anyhow::Result<()> {
    // An old rust-version, so that incompatible_msrv has something to say.
    let manifest = toml::toml! {
        [package]
        name = "sample"
        version = "0.0.0"
        edition = "2024"
        rust-version = "1.85"

        [workspace]
    };
    let mut manifest = manifest;
    manifest.insert("lints".to_owned(), table.clone().into());
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), SAMPLE)?;
    fs::write(folder.join("Cargo.toml"), manifest.to_string())?;
    fs::copy(root().join("clippy.toml"), folder.join("clippy.toml"))?;
    Ok(())
}

/// How often each lint is reported by `cargo <task>`.
fn codes(folder: &Path, task: &str) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut command = Command::new(Settings::from_env().cargo);
    command.current_dir(folder).args([task, "--quiet", "--offline", "--message-format", "json"]);
    // Its exit code says nothing: lints that are denied fail it, as they should.
    let output = command.env("CARGO_TARGET_DIR", folder.join("target")).env_remove("RUSTFLAGS").output()?;
    let mut codes = BTreeMap::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        if let Some(code) = message["message"]["code"]["code"].as_str() {
            *codes.entry(code.to_owned()).or_insert(0) += 1;
        }
    }
    Ok(codes)
}

fn banned_methods() -> anyhow::Result<usize> {
    let settings: toml::Table = toml::from_str(&fs::read_to_string(root().join("clippy.toml"))?)?;
    let banned = settings.get("disallowed-methods").and_then(toml::Value::as_array);
    Ok(banned.context("clippy.toml bans no methods")?.len())
}
