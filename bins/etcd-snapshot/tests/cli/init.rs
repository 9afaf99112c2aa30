//! Restores that must do nothing: dry runs, and init containers that run again.

use std::path::Path;

use anyhow::{Context as _, ensure};
use judges::{EtcdServer, Minor};

use crate::program::{fails, json, run_in, text};
use crate::world::{Made, World, content, copy, url};

pub(crate) fn dry_run(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let dir = tempfile::tempdir()?;
    let data_dir = dir.path().join("data").display().to_string();
    let (store, file) = (content(&made.store_dir())?, made.file());
    for target in [&made.store, &file] {
        let planned = json(&["restore", target, "--data-dir", &data_dir, "--dry-run"])?;
        ensure!(planned["identity"]["cluster_id"].is_string(), "{planned}");
        ensure!(planned["changes"]["dropped_members"].as_array().is_some_and(|all| all.len() == 1), "{planned}");
        ensure!(planned["needed_bytes"].as_u64() > Some(300_000) && planned["free_bytes"].is_u64(), "{planned}");
        let text = text(&["restore", target, "--data-dir", &data_dir, "--dry-run"])?;
        ensure!(text.contains("would restore") && text.contains("bytes needed"), "{text}");
    }
    // Without --data-dir it would be NAME.etcd in this folder.
    run_in(
        dir.path(),
        &["restore", &file, "--dry-run", "--name", "m0", "--initial-cluster", "m0=http://localhost:2380"],
    )?
    .success()?;
    ensure!(content(dir.path())?.is_empty(), "a dry run wrote something");
    ensure!(content(&made.store_dir())? == store, "a dry run changed the store");
    Ok(())
}

pub(crate) fn containers(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let dir = tempfile::tempdir()?;
    let place = dir.path().join("store");
    copy(&made.store_dir(), &place)?;
    let (store, data_dir) = (url(&place), dir.path().join("data").display().to_string());
    let init = |target: &str, ordinal: &str| {
        json(&["restore", target, "--data-dir", &data_dir, "--init-container", "--ordinal", ordinal])
    };
    // Alone, only ordinal 0 restores; the others join.
    ensure!(init(&store, "1")?["outcome"] == "not_this_ordinal");
    ensure!(!Path::new(&data_dir).exists(), "ordinal 1 wrote something");
    ensure!(init(&store, "0")?["outcome"] == "restored");
    let restored = content(Path::new(&data_dir))?;

    // Each later start is a no-op, also when the store is gone.
    ensure!(init(&store, "0")?["outcome"] == "already_restored");
    std::fs::remove_dir_all(&place)?;
    ensure!(init(&store, "0")?["outcome"] == "already_restored");
    ensure!(init(&format!("{store}#{}", made.ids[0]), "0")?["outcome"] == "already_restored");
    // But not if another one is asked for by name.
    let other = format!("{}#{}", made.store, made.ids[1]);
    let args = ["restore", &other, "--data-dir", &data_dir, "--init-container", "--ordinal", "0"];
    fails(&args, 5, &["nothing was changed"])?;
    ensure!(content(Path::new(&data_dir))? == restored, "a later start changed something");
    populated(made, dir.path())
}

/// Data that no restore made is left alone, unless a snapshot is asked for by name.
fn populated(made: &Made, dir: &Path) -> anyhow::Result<()> {
    let data_dir = dir.join("etcds own");
    let mut etcd = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).data_dir(&data_dir).start()?;
    etcd.stop()?;
    let (before, name) = (content(&data_dir)?, data_dir.display().to_string());
    let args = ["restore", &made.store, "--data-dir", &name, "--init-container", "--ordinal", "0"];
    ensure!(json(&args)?["outcome"] == "already_populated");
    let pinned = format!("{}#{}", made.store, made.ids[0]);
    fails(
        &["restore", &pinned, "--data-dir", &name, "--init-container", "--ordinal", "0"],
        5,
        &["nothing was changed"],
    )?;
    ensure!(content(&data_dir)? == before, "the data was changed");
    Ok(())
}

pub(crate) fn several(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let dir = tempfile::tempdir()?;
    let members = "m-0=http://127.0.0.1:1380,m-1=http://127.0.0.1:2380,m-2=http://127.0.0.1:3380";
    let pinned = format!("{}#{}", made.store, made.ids[0]);
    let args = |target: &str, ordinal: usize, token: &[&str]| -> Vec<String> {
        let data_dir = dir.path().join(format!("data{ordinal}")).display().to_string();
        let (name, peer) = (format!("m-{ordinal}"), format!("http://127.0.0.1:{}380", ordinal + 1));
        let mut args = vec!["restore", target, "--init-container", "--data-dir", &data_dir, "--name", &name];
        args.extend(["--initial-cluster", members, "--initial-advertise-peer-urls", &peer]);
        let ordinal = ordinal.to_string();
        args.extend(["--ordinal", &ordinal]);
        args.extend(token);
        args.into_iter().map(str::to_owned).collect()
    };
    let refused = |args: Vec<String>, says: &[&str]| -> anyhow::Result<()> {
        fails(&args.iter().map(String::as_str).collect::<Vec<_>>(), 5, says)
    };
    let token = ["--initial-cluster-token", "one-for-all"];
    // The newest can change between two pods, and a token of its own makes each a cluster of its own.
    refused(args(&made.store, 0, &token), &["STORE#ID"])?;
    refused(args(&made.file.display().to_string(), 0, &token), &["a file", "by its id", "hint: STORE#ID"])?;
    let done = crate::program::run(&args(&pinned, 0, &[]).iter().map(String::as_str).collect::<Vec<_>>())?;
    ensure!(!done.status.success() && done.stderr.contains("--initial-cluster-token"), "{done:?}");
    ensure!(content(dir.path())?.is_empty(), "something was written");
    let mut clusters = Vec::new();
    for ordinal in 0..3 {
        let args = args(&pinned, ordinal, &token);
        let restored = json(&args.iter().map(String::as_str).collect::<Vec<_>>())?;
        ensure!(restored["outcome"] == "restored", "{restored}");
        clusters.push(restored["identity"]["cluster_id"].as_str().context("it has an id")?.to_owned());
    }
    clusters.dedup();
    ensure!(clusters.len() == 1, "the members are of different clusters: {clusters:?}");
    Ok(())
}
