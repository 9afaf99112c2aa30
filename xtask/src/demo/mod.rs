//! `cargo xtask demo`: the main job, on a real etcd, step by step.

mod data;
mod place;
mod program;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use judges::{EtcdServer, Minor, Part, setup};
use serde_json::Value;

use data::{KeyValues, Written};
use place::Place;
use program::Program;

/// How much the restore raises the revision by: more than the revisions that can pass between a snapshot and a disaster.
const BUMP: i64 = 1_000_000_000;

/// What `cargo xtask demo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the snapshot is stored: in a folder, or on our own S3 server on this machine.
    #[arg(long, value_enum, default_value = "file")]
    store: place::Kind,
}

/// Saves a real etcd, verifies the snapshot, restores it, boots it and compares.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    println!("Dunnage: a live etcd, snapshotted into a store, verified, restored without Go, and booted.\n");
    let etcd = setup::ensure(Part::Etcd(Minor::V3_6))?.judge;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let place = Place::open(args.store, folder.path())?;
    let program = Program::build(place.environment())?;
    let store = place.url().to_owned();

    step(1, "start a real etcd, and write what a Kubernetes cluster would");
    let mut live = EtcdServer::builder(&etcd).data_dir(folder.path().join("live.etcd")).start()?;
    println!("   etcd {} serves on {}", etcd.version(), live.client_url());
    let written = data::write(&live)?;
    println!("   {written}");

    step(2, "save it into a store");
    let saved = program.json(&["save", "--endpoints", &live.client_url(), "--to", &store, "--output", "json"])?;
    let id = saved["id"].as_str().context("save tells no id")?;
    println!("   snapshot {id}");
    println!("   revision {}, {} bytes, HashKV {}", saved["revision"], saved["bytes"], saved["hash_kv"]);
    println!("   verified before it counts as a backup: {}", list(&saved["checks"]));
    println!("   HashKV of the file against the live member: {}", text(&saved["live_hash"]));

    step(3, "verify it again, from what the store gives back");
    let verified = program.json(&["verify", &format!("{store}#{id}"), "--output", "json"])?;
    println!("   verified: {}", list(&verified["checks"]));
    for not_checked in verified["not_checked"].as_array().into_iter().flatten() {
        println!("   not checked: {}", text(not_checked));
    }

    step(4, "lose the cluster");
    data::write_after_the_snapshot(&live)?;
    live.kill9()?;
    println!("   written after the snapshot: one more key; then killed without warning");

    step(5, "restore it into an empty data directory, and boot a real etcd from that");
    restore_and_compare(&program, &etcd, &store, folder.path(), &saved, &written)?;

    step(6, "restore it once more, with the revision raised, so that every watcher notices");
    restore_bumped(&program, &etcd, &store, folder.path(), &written)?;

    println!("\nDone: what was saved is what was restored.");
    Ok(ExitCode::SUCCESS)
}

fn step(number: u32, what: &str) {
    println!("{number}. {what}");
}

fn restore_and_compare(
    program: &Program,
    etcd: &judges::Judge,
    store: &str,
    folder: &Path,
    saved: &Value,
    written: &Written,
) -> anyhow::Result<()> {
    let dir = folder.join("restored.etcd");
    let restored = boot(program, etcd, &["restore", store], &dir)?;
    let revision = saved["revision"].as_i64().context("save tells no revision")?;
    let hash = restored.hash_kv(revision)?;
    println!("   HashKV at revision {revision}: saved {}, restored {}", saved["hash_kv"], hash.hash);
    ensure!(saved["hash_kv"] == hash.hash, "the restored etcd has another HashKV than the snapshot");
    let read = written.compare(&restored)?;
    println!("   {read} keys read back and equal, among them a value of 1 MB; deleted keys are absent");
    ensure!(restored.get("/demo/never-written")?.is_none(), "a key that was never written is there");
    ensure!(restored.get(data::AFTER)?.is_none(), "a key that was written after the snapshot is there");
    println!("   a key that was never written is absent; so is the one written after the snapshot");
    restored.put("/demo/restored", b"yes")?;
    println!("   it takes writes");
    Ok(())
}

fn restore_bumped(
    program: &Program,
    etcd: &judges::Judge,
    store: &str,
    folder: &Path,
    written: &Written,
) -> anyhow::Result<()> {
    let bump = BUMP.to_string();
    let dir = folder.join("bumped.etcd");
    let bumped = boot(program, etcd, &["restore", store, "--bump-revision", &bump, "--mark-compacted"], &dir)?;
    let read = written.compare(&bumped)?;
    let revision = bumped.put("/demo/bumped", b"yes")?;
    ensure!(revision > BUMP, "the revision was not raised: {revision}");
    println!("   {read} keys are equal; the next write has revision {revision}");
    Ok(())
}

/// Restores into `dir` with this etcd's addresses, and boots it.
fn boot(program: &Program, etcd: &judges::Judge, restore: &[&str], dir: &Path) -> anyhow::Result<EtcdServer> {
    let mut server = EtcdServer::builder(etcd).data_dir(dir).reserve()?;
    let members = format!("{}={}", server.name(), server.peer_url());
    let (name, peer) = (server.name().to_owned(), server.peer_url());
    let dir = dir.to_string_lossy().into_owned();
    let mut args = restore.to_vec();
    args.extend(["--data-dir", &dir, "--name", &name, "--initial-cluster", &members]);
    args.extend(["--initial-advertise-peer-urls", &peer, "--output", "json"]);
    let restored = program.json(&args)?;
    println!(
        "   restored as member {} of cluster {}",
        text(&restored["identity"]["member_id"]),
        text(&restored["identity"]["cluster_id"])
    );
    server.restart()?;
    println!("   etcd {} serves on {}", etcd.version(), server.client_url());
    Ok(server)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn list(value: &Value) -> String {
    value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ")
}
