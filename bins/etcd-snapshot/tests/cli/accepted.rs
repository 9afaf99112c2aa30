//! What the program promises to scripts: lines that work as written, and what they print.

use std::process::Stdio;

use anyhow::{Context as _, ensure};
use judges::{EtcdServer, Minor};
use serde_json::Value;

use crate::program::{fails, json, program, run, run_with, text};
use crate::world::{World, put, url};

pub(crate) fn lines(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let (dir, endpoint) = (tempfile::tempdir()?, made.server.client_url());
    let store = url(&dir.path().join("home"));
    let saved = json(&["save", "--endpoints", &endpoint, "--to", &store])?;
    let id = saved["id"].as_str().context("an id")?;
    let hash = made.server.hash_kv(saved["revision"].as_i64().context("a revision")?)?.hash;
    ensure!(saved["hash_kv"].as_u64() == Some(hash.into()), "{saved}");
    let payload = saved["bytes"].as_u64().context("bytes")?;
    let listed = json(&["list", &store])?;
    ensure!(listed[0]["id"] == id && listed[0]["bytes"] == payload && listed[1].is_null(), "{listed}");
    both(&made.store, &made.ids)?;

    let file = dir.path().join("etcd.db").display().to_string();
    text(&["save", "--endpoints", &endpoint, "--raw", &file])?;
    let snapshot = format!("{store}#{id}");
    for (index, target) in [&file, &store, &snapshot].into_iter().enumerate() {
        ensure!(text(&["verify", target])?.contains("is sound"));
        ensure!(text(&["status", target])?.contains("revision"));
        let data_dir = dir.path().join(format!("restored{index}")).display().to_string();
        let restored = json(&["restore", target, "--data-dir", &data_dir])?;
        ensure!(
            restored["outcome"] == "restored" && restored["changes"]["revision"] == saved["revision"],
            "{restored}"
        );
        let member = restored["identity"]["member_id"].as_str().context("64-bit ids are strings")?;
        ensure!(u64::from_str_radix(member, 16).is_ok(), "{member}");
    }
    Ok(())
}

/// What scripts for etcdutl write.
pub(crate) fn etcdutls_forms(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let (dir, file) = (tempfile::tempdir()?, made.file());
    let (real, link) = (dir.path().join("volume"), dir.path().join("data"));
    std::fs::create_dir(&real)?;
    std::os::unix::fs::symlink(&real, &link)?;
    let link = link.display().to_string();
    let args =
        ["restore", &file, "--data-dir", &link, "--skip-hash-check=false", "--mark-compacted=false", "-w", "json"];
    let restored = run(&args)?;
    ensure!(restored.status.success() && restored.stdout.contains("\"restored\""), "{restored:?}");
    ensure!(real.join("member").is_dir() && std::path::Path::new(&link).is_symlink(), "the link was not followed");
    let nothing = ["restore", &file, "--data-dir", "", "--initial-cluster-token", "", "--wal-dir", ""];
    let forms = ["--skip-hash-check=true", "--bump-revision=10", "--mark-compacted=true", "--write-out", "json"];
    let restored = crate::program::run_in(dir.path(), &[nothing.as_slice(), forms.as_slice()].concat())?;
    ensure!(restored.status.success() && restored.stdout.contains("default.etcd"), "{restored:?}");
    ensure!(dir.path().join("default.etcd/member").is_dir(), "it is elsewhere");
    // Bare, as before.
    let data_dir = dir.path().join("bare").display().to_string();
    text(&["restore", &file, "--data-dir", &data_dir, "--skip-hash-check"]).map(drop)
}

/// What cannot be read is refused at once; what was done is said although nobody takes the answer.
pub(crate) fn odd_places(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let dir = tempfile::tempdir()?;
    let pipe = dir.path().join("pipe").display().to_string();
    ensure!(std::process::Command::new("mkfifo").arg(&pipe).status()?.success(), "mkfifo failed");
    fails(&["status", &pipe], 2, &["not a regular file"])?;
    let folder = dir.path().canonicalize()?;
    let relative = crate::program::run_in(&folder, &["status", "."])?;
    ensure!(relative.stderr.contains(&format!("file://{}", folder.display())), "{relative:?}");
    let store = url(&dir.path().join("home"));
    let full = std::fs::File::options().write(true).open("/dev/full")?;
    let done = program(&["save", "--endpoints", &made.server.client_url(), "--to", &store])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()?
        .wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(done.status.code() == Some(1) && said.contains("is complete"), "{said}");
    ensure!(json(&["list", &store])?[0]["complete"] == true);
    Ok(())
}

/// The newest first; and STORE alone means it.
fn both(store: &str, ids: &[String; 2]) -> anyhow::Result<()> {
    let listed = json(&["list", store])?;
    ensure!(listed.as_array().is_some_and(|all| all.len() == 2), "{listed}");
    ensure!(listed[0]["id"] == *ids[0] && listed[1]["id"] == *ids[1], "{listed}");
    let text = text(&["list", store])?;
    ensure!(text.find(&ids[0]) < text.find(&ids[1]), "{text}");
    ensure!(json(&["status", store])?["id"] == *ids[0]);
    ensure!(json(&["status", &format!("{store}#{}", ids[1])])?["id"] == *ids[1]);
    Ok(())
}

/// By the judges: etcdutl 3.6, and 3.5's count.
pub(crate) fn status(minor: Minor) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let server = EtcdServer::builder(&judges::etcd(minor)?).start()?;
    for write in 0..30 {
        put(&server, &format!("key{}", write % 10), "value")?;
    }
    let file = dir.path().join("etcd.db").display().to_string();
    text(&["save", "--endpoints", &server.client_url(), "--raw", &file])?;
    let ours = json(&["status", &file])?;
    let theirs = |minor| -> anyhow::Result<Value> {
        let copy = dir.path().join(format!("{minor}.db")).display().to_string();
        std::fs::copy(&file, &copy)?;
        let said = judges::etcdutl(minor)?.run(["snapshot", "status", &copy, "-w", "json"])?.success()?.stdout;
        Ok(serde_json::from_str(&said)?)
    };
    let newer = theirs(Minor::V3_6)?;
    for name in ["hash", "revision", "totalKey", "totalSize", "version"] {
        ensure!(ours[name] == newer[name], "{name}: etcdutl {newer}, ours {ours}");
    }
    let older = theirs(Minor::V3_5)?;
    ensure!(ours["totalKey35"] == older["totalKey"], "etcdutl 3.5 {older}, ours {ours}");
    ensure!(ours["trailer"] == "not checked", "{ours}");
    Ok(())
}

pub(crate) fn verify(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let said = text(&["verify", &made.file()])?;
    ensure!(
        said.contains("not checked: a live member's HashKV") && said.contains("not checked: that an etcd boots"),
        "{said}"
    );
    let compared = json(&["verify", &made.store, "--endpoints", &made.server.client_url()])?;
    ensure!(compared["live_hash"].as_str().is_some_and(|said| said.starts_with("matched")), "{compared}");
    let left_out = json(&["verify", &made.store, "--endpoints", "http://127.0.0.1:1", "--no-live-check"])?;
    ensure!(left_out["live_hash"] == "not asked for", "{left_out}");

    let (dir, endpoint) = (tempfile::tempdir()?, made.server.client_url());
    let store = url(dir.path());
    text(&["save", "--endpoints", &endpoint, "--to", &store, "--no-live-check"])?;
    let level = |checks: &Value| checks.as_array().is_some_and(|all| all.iter().any(|check| check == "sender-hash"));
    ensure!(!level(&json(&["list", &store])?[0]["checks"]), "it was not compared");
    text(&["verify", &store, "--endpoints", &endpoint, "--record"])?;
    let listed = json(&["list", &store])?;
    ensure!(level(&listed[0]["checks"]), "{listed}");
    fails(&["verify", &made.file(), "--record"], 2, &["--record"])
}

pub(crate) fn pipes(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let endpoint = made.server.client_url();
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("etcd.db").display().to_string();
    for args in [
        vec!["save", "-vv", "--endpoints", &endpoint, "--raw", &file],
        vec!["verify", "-vv", &made.store],
        vec!["list", "-vv", &made.store],
    ] {
        let done = run_with(&[("RUST_LOG", "trace")], &args)?.success()?;
        let all = format!("{}{}", done.stdout, done.stderr);
        ensure!(!all.contains(['\u{1b}', '\r']), "escape codes in a pipe: {}", args.join(" "));
    }
    // A reader that has gone away before anything is written.
    let mut child = program(&["list", &made.store]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    drop(child.stdout.take());
    let done = child.wait_with_output()?;
    ensure!(
        done.status.success() && done.stderr.is_empty(),
        "{}: {:?}",
        done.status,
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}

pub(crate) fn environment(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let endpoint = made.server.client_url();
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("etcd.db").display().to_string();
    run_with(&[("ETCDCTL_ENDPOINTS", &endpoint)], &["save", "--raw", &file])?.success()?;
    let compared = run_with(&[("ETCDCTL_ENDPOINTS", &endpoint)], &["verify", &made.file()])?.success()?;
    ensure!(compared.stdout.contains("live hash: matched"), "{}", compared.stdout);
    // What is set to nothing counts as not set; a comma too many is no endpoint.
    let empty: Vec<_> = ["ENDPOINTS", "CACERT", "CERT", "KEY", "USER", "PASSWORD"]
        .map(|name| (format!("ETCDCTL_{name}"), ""))
        .into_iter()
        .collect();
    let empty: Vec<_> = empty.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let verified = run_with(&empty, &["verify", &made.file()])?.success()?;
    ensure!(verified.stdout.contains("live hash: not asked for"), "{}", verified.stdout);
    run_with(&empty, &["save", "--raw", &file, "--endpoints", &format!("{endpoint},")])?.success()?;
    Ok(())
}

pub(crate) fn help_and_completions() -> anyhow::Result<()> {
    for command in ["save", "list", "verify", "status", "restore", "completions"] {
        let help = text(&[command, "--help"])?;
        ensure!(help.contains("Example") && help.contains("etcd-snapshot "), "{command}: {help}");
        ensure!(help.contains("Exit codes:") && help.contains("130"), "{command}: {help}");
        let long = help.lines().find(|line| line.chars().count() > 120);
        ensure!(long.is_none(), "{command}: {long:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&["completions", shell])?;
        for word in ["save", "restore", "max-age", "init-container"] {
            ensure!(script.contains(word), "{shell} does not complete {word}");
        }
    }
    let version = run(&["--version"])?.success()?.stdout;
    ensure!(version.starts_with("etcd-snapshot "), "{version}");
    Ok(())
}
