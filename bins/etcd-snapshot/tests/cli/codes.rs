//! Exit codes, with a message that says what to do.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{bail, ensure};
use judges::{EtcdCluster, EtcdServer, Minor, wait_until};
use serde_json::json as value;

use crate::program::{fails, fails_as_json, json, run_with, text};
use crate::world::{World, content, put, url};

pub(crate) fn usage() -> anyhow::Result<()> {
    let raw = ["save", "--raw", "x", "--endpoints", "http://127.0.0.1:1"];
    let with = |more: &[&'static str]| [&raw, more].concat();
    fails(&["list", "--bogus", "file:///x"], 2, &["--bogus"])?;
    fails(&["save", "--endpoints", "http://127.0.0.1:1"], 2, &["--to", "--raw"])?;
    fails(&with(&["--to", "file:///x"]), 2, &["cannot be used with"])?;
    for flag in ["--timeout", "--stall-timeout", "--dial-timeout", "--command-timeout"] {
        fails(&with(&[flag, "0s"]), 2, &[flag, "90s"])?;
        fails(&with(&[flag, "26"]), 2, &[flag, "90s"])?;
        fails(&with(&[flag, "-1s"]), 2, &[flag, "negative"])?;
    }
    fails(&with(&["--user", "root:secret"]), 2, &["ETCDCTL_PASSWORD"])?;
    fails(&with(&["--user", "root"]), 2, &["ETCDCTL_PASSWORD"])?;
    fails(&["save", "--raw", "x", "--endpoints", "ftp://127.0.0.1:1"], 2, &["http or https"])?;
    fails(&["save", "--raw", "x", "--endpoints", "http://u:p@127.0.0.1:1"], 2, &["--user"])?;
    fails(&["save", "--raw", "/", "--endpoints", "http://127.0.0.1:1"], 2, &["name of a file"])?;
    fails(&["save", "--raw", "/tmp", "--endpoints", "http://127.0.0.1:1"], 2, &["is a folder"])?;
    fails(&["save", "--to", "memory://x", "--endpoints", "http://127.0.0.1:1"], 2, &["a store that stays"])?;
    for (time, says) in [("1 year", "no fixed length"), ("soon", "is not a time"), ("0d", "zero"), ("-7d", "negative")]
    {
        fails(&["list", "file:///x", "--max-age", time], 2, &[says, "26h"])?;
    }
    for (store, says) in [
        ("/a/folder", "file://"),
        ("file://relative/path", "three slashes"),
        ("nfs://host/path", "nfs"),
        ("file:///a?colour=blue", "colour"),
        ("file://user:secret@host/a", "credentials"),
        ("file:///a#latest", "is not a snapshot id"),
    ] {
        fails(&["list", store], 2, &[says])?;
    }
    fails(&["status", "/tmp"], 2, &["file:///tmp"])?;
    fails(&["restore", "x", "--ordinal", "1"], 2, &["--init-container"])
}

pub(crate) fn usage_as_json() -> anyhow::Result<()> {
    for args in [&["list", "--bogus", "file:///x"] as &[_], &["list", "nowhere"], &["save"], &["nonsense"]] {
        fails_as_json(args, 2, "usage")?;
    }
    let said = fails_as_json(&["list", "file://user:secret@host/a?token=secret"], 2, "usage")?;
    ensure!(!said.contains("secret"), "{said}");
    Ok(())
}

pub(crate) fn not_found() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (store, file) = (url(&dir.path().join("none")), dir.path().join("none.db").display().to_string());
    let target = dir.path().join("data").display().to_string();
    for source in [&store, &file] {
        for args in [&["verify", source] as &[_], &["status", source], &["restore", source, "--data-dir", &target]] {
            fails_as_json(args, 3, "not_found")?;
            fails(args, 3, &["none"])?;
        }
    }
    let id = "20261121T072013.123Z-7f3k9q2mabcd";
    fails(&["verify", &format!("{store}#{id}")], 3, &[id, "list"])?;
    ensure!(content(dir.path())?.is_empty(), "asking changed something");
    // An empty store is no error for `list`; that it is too old is one for `--max-age`.
    ensure!(text(&["list", &store])?.contains("no complete snapshot"));
    Ok(())
}

pub(crate) fn unreachable() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let (file, store) = (dir.path().join("etcd.db").display().to_string(), url(&dir.path().join("store")));
    fails(&["save", "--endpoints", &endpoint, "--raw", &file], 6, &[&endpoint, "--endpoints"])?;
    fails_as_json(&["save", "--endpoints", &endpoint, "--to", &store], 6, "unreachable")?;
    // Accepts, and never answers.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let endpoint = format!("http://{}", silent.local_addr()?);
    let limit = ["--dial-timeout", "1s", "--command-timeout", "1s"];
    fails(
        &[&["save", "--endpoints", &endpoint, "--raw", &file] as &[_], &limit].concat(),
        6,
        &["did not answer within 1s"],
    )?;
    ensure!(content(dir.path())?.is_empty(), "something was left behind");
    Ok(())
}

pub(crate) fn too_old(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    text(&["list", &made.store, "--max-age", "1h"])?;
    text(&["list", &made.store, "--max-age", "2 days"])?;
    let done = run_with(&[], &["list", &made.store, "--max-age", "1ms"])?;
    ensure!(
        done.code() == Some(9) && done.stderr.contains("1ms") | done.stderr.contains("is allowed"),
        "{}",
        done.stderr
    );
    ensure!(done.stdout.contains(&made.ids[0]), "it also lists: {}", done.stdout);
    let dir = tempfile::tempdir()?;
    let empty = run_with(&[], &["list", &url(dir.path()), "--max-age", "1h", "--output", "json"])?;
    ensure!(empty.code() == Some(9) && empty.stdout.trim() == "[]", "{empty:?}");
    ensure!(empty.stderr.contains(r#""kind":"too_old""#), "{}", empty.stderr);
    Ok(())
}

pub(crate) fn refused(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let dir = tempfile::tempdir()?;
    // Another cluster into this one's home.
    let other = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).args(["--initial-cluster-token", "other"]).start()?;
    let before = content(&made.store_dir())?;
    let args = ["save", "--endpoints", &other.client_url(), "--to", &made.store];
    fails(&args, 5, &["nothing was written", "--new-incarnation"])?;
    let said = fails_as_json(&args, 5, "refused")?;
    ensure!(said.ends_with("hint: --new-incarnation"), "{said}");
    // Two clusters at once.
    let both = format!("{},{}", made.server.client_url(), other.client_url());
    fails(&["save", "--endpoints", &both, "--to", &made.store], 5, &["endpoints of one cluster"])?;
    // A member that is known to be corrupt.
    let member = other.call("/v3/maintenance/status", &value!({}))?["header"]["member_id"].clone();
    other.call("/v3/maintenance/alarm", &value!({"action": "ACTIVATE", "memberID": member, "alarm": "CORRUPT"}))?;
    fails(&["save", "--endpoints", &other.client_url(), "--to", &url(&dir.path().join("new"))], 5, &["CORRUPT"])?;
    ensure!(content(&made.store_dir())? == before, "the store was changed");
    // A directory that holds data.
    let member = dir.path().join("data/member");
    std::fs::create_dir_all(&member)?;
    std::fs::write(member.join("precious"), "data")?;
    let data_dir = dir.path().join("data").display().to_string();
    let before = content(dir.path())?;
    fails(&["restore", &made.file(), "--data-dir", &data_dir], 5, &["nothing was changed"])?;
    ensure!(content(dir.path())? == before, "the data was changed");
    Ok(())
}

/// One of two members holds another value, and nobody has noticed: the HashKV of the two differ.
pub(crate) fn unverified() -> anyhow::Result<()> {
    let mut cluster = EtcdCluster::start_three(&judges::etcd(Minor::V3_6)?)?;
    put(&cluster.members()[0], "key", VALUE)?;
    let [_, sound, rotten] = cluster.members_mut() else { bail!("there are three") };
    let endpoints = format!("{},{}", sound.client_url(), rotten.client_url());
    let agreed = || -> anyhow::Result<bool> { Ok(sound.hash_kv(0)? == rotten.hash_kv(0)?) };
    ensure!(wait_until(LIMIT, || agreed().unwrap_or(false).then_some(())).is_some(), "they never agreed");
    rotten.stop()?;
    rot(&rotten.db_file())?;
    rotten.restart()?;

    let dir = tempfile::tempdir()?;
    let store = url(dir.path());
    let args = ["save", "--endpoints", &endpoints, "--to", &store];
    fails(&args, 8, &["is no backup", "differs", "etcdctl endpoint hashkv"])?;
    fails_as_json(&args, 8, "unverified")?;
    ensure!(text(&["list", &store])?.contains("no complete snapshot"));
    ensure!(json(&["list", &store, "--incomplete"])?.as_array().is_some_and(|all| all.len() == 2));
    fails(&["restore", &store, "--data-dir", &dir.path().join("data").display().to_string()], 3, &["--incomplete"])
}

const VALUE: &str = "a value that is found in the file";
const LIMIT: Duration = Duration::from_secs(20);

/// Changes the value wherever it stands. The pages of a bolt file have no checksums.
fn rot(file: &Path) -> anyhow::Result<()> {
    let mut bytes = std::fs::read(file)?;
    let found: Vec<usize> = bytes
        .windows(VALUE.len())
        .enumerate()
        .filter(|(_, window)| *window == VALUE.as_bytes())
        .map(|(at, _)| at)
        .collect();
    ensure!(!found.is_empty(), "the value is not in the file");
    for at in found {
        bytes[at] = b'A';
    }
    Ok(std::fs::write(file, bytes)?)
}
