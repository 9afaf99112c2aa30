//! What we restore, a real etcd boots: every minor, one member and three, with and without a bump, and newer minors.

mod restore_live;
mod restore_support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use etcd_format::bolt::Cursor;
use etcd_format::{ReadWindow, Step};
use etcd_snapshot::restore::{Changes, RestoreOptions, restore};
use etcd_snapshot::{SnapshotSource, SystemHost};
use judges::{Case, EtcdCluster, EtcdServer, Minor, Part};
use objstore_core::disk::OsDisk;
use restore_live::Original;
use restore_support::wait;
use serde_json::json;

const BUMP: u64 = 1_000_000;
const ETCDUTL: Part = Part::Etcdutl(Minor::V3_6);
const ETCDCTL: Part = Part::Etcdctl(Minor::V3_6);

fn main() -> ExitCode {
    use Minor::{V3_4, V3_5, V3_6, V3_7};
    let mut cases = Vec::new();
    for minor in [V3_4, V3_5, V3_6, V3_7] {
        cases.push(case(format!("one member on {minor}"), minor, minor, move || one_member(minor, minor)));
        cases.push(case(format!("one member on {minor}, bumped"), minor, minor, move || one_bumped_member(minor)));
    }
    for (from, to) in [(V3_4, V3_5), (V3_5, V3_6), (V3_6, V3_7), (V3_4, V3_7)] {
        cases.push(case(format!("from {from} to {to}"), from, to, move || one_member(from, to)));
    }
    for minor in [V3_5, V3_6] {
        cases.push(case(format!("three members on {minor}"), minor, minor, move || three_members(minor)));
    }
    for minor in [V3_5, V3_6] {
        let needs = [Part::Etcd(V3_6), ETCDCTL, Part::Etcdutl(minor)];
        cases.push(Case::new(format!("as etcdutl {minor} restores"), needs, move || as_etcdutl(minor)));
    }
    cases.push(case("the log elsewhere".to_owned(), V3_6, V3_6, log_elsewhere));
    cases.push(case("an alarm of a full disk is gone".to_owned(), V3_6, V3_6, nospace_is_dropped));
    cases.push(case("authentication is off".to_owned(), V3_6, V3_6, auth_is_disabled));
    judges::harness(19, cases)
}

fn case(name: String, from: Minor, to: Minor, run: impl FnOnce() -> anyhow::Result<()> + Send + 'static) -> Case {
    Case::new(name, [Part::Etcd(from), Part::Etcd(to), ETCDCTL, ETCDUTL], run)
}

fn restored(snapshot: &Path, options: &RestoreOptions) -> anyhow::Result<Changes> {
    let source = SnapshotSource::file(snapshot)?;
    let restored = wait(restore(&source, options, Arc::new(OsDisk::new()), &SystemHost))?;
    restored.changes.context("it was written")
}

/// A server that is not started yet, and the options of a restore for it.
fn one(minor: Minor, dir: &Path) -> anyhow::Result<(EtcdServer, RestoreOptions)> {
    let mut server = EtcdServer::builder(&judges::etcd(minor)?).reserve()?;
    let data_dir = dir.join("data");
    server.set_data_dir(&data_dir);
    let options = RestoreOptions::default()
        .with_initial_cluster(format!("default={}", server.peer_url()))
        .with_data_dir(data_dir);
    Ok((server, options))
}

fn one_member(from: Minor, to: Minor) -> anyhow::Result<()> {
    let original = restore_live::original(from)?;
    let dir = tempfile::tempdir()?;
    let (mut server, options) = one(to, dir.path())?;
    restored(&original.snapshot, &options)?;
    server.restart()?;
    is_the_original(&server, original)?;
    lives_on(&mut server, original)
}

/// The data is what it was, by the hash of all of its history and by its keys.
fn is_the_original(server: &EtcdServer, original: &Original) -> anyhow::Result<()> {
    let hash = restore_live::hash_kv(server, original.hash.revision)?;
    ensure!(hash == original.hash, "the source had {:?}, the restored has {hash:?}", original.hash);
    ensure!(restore_live::keys(server)? == original.keys, "the keys are not those of the source");
    ensure!(restore_live::get(server, "/registry/never-written")?.is_none(), "a key came from nowhere");
    Ok(())
}

/// It takes writes, and keeps them when it is killed.
fn lives_on(server: &mut EtcdServer, original: &Original) -> anyhow::Result<()> {
    restore_live::put(server, "/after/the/restore", "new", 0)?;
    let revision = restore_live::revision(server)?;
    ensure!(revision == original.hash.revision + 1, "after one write the revision is {revision}");
    server.kill9()?;
    server.restart()?;
    ensure!(restore_live::get(server, "/after/the/restore")?.is_some(), "the write is lost");
    let hash = restore_live::hash_kv(server, original.hash.revision)?;
    ensure!(hash == original.hash, "after a kill: the source had {:?}, the restored has {hash:?}", original.hash);
    Ok(())
}

fn one_bumped_member(minor: Minor) -> anyhow::Result<()> {
    let original = restore_live::original(minor)?;
    let dir = tempfile::tempdir()?;
    let (mut server, options) = one(minor, dir.path())?;
    let changes = restored(&original.snapshot, &options.with_bump_revision(BUMP).with_mark_compacted(true))?;
    let bumped = original.hash.revision + BUMP as i64;
    ensure!(changes.revision == bumped, "it reports revision {}", changes.revision);

    let theirs = dir.path().join("etcdutl");
    let amount = BUMP.to_string();
    let flags = ["--bump-revision", &amount, "--mark-compacted"];
    restore_live::etcdutl_restore(&judges::etcdutl(Minor::V3_6)?, &original.snapshot, &theirs, &flags)?;
    let expected = restore_live::hash_of_file(&theirs.join("member/snap/db"))?;

    server.restart()?;
    let hash = restore_live::hash_kv(&server, 0)?;
    ensure!(hash == expected, "what etcdutl restores has {expected:?}, ours {hash:?}");
    bumped_data(&server, original)?;
    restore_live::put(&server, "/after/the/restore", "new", 0)?;
    let revision = restore_live::revision(&server)?;
    ensure!(revision == bumped + 1, "after one write the revision is {revision}");
    server.kill9()?;
    server.restart()?;
    ensure!(restore_live::get(&server, "/after/the/restore")?.is_some(), "the write is lost");
    restore_live::watch_is_compacted(&server, original.hash.revision)
}

fn bumped_data(server: &EtcdServer, original: &Original) -> anyhow::Result<()> {
    ensure!(restore_live::keys(server)? == original.keys, "the keys are not those of the source");
    restore_live::watch_is_compacted(server, original.hash.revision)?;
    restore_live::watch_is_compacted(server, original.hash.revision + BUMP as i64 - 1)
}

fn three_members(minor: Minor) -> anyhow::Result<()> {
    let original = restore_live::original(minor)?;
    let dir = tempfile::tempdir()?;
    let mut cluster = EtcdCluster::reserve(&judges::etcd(minor)?, 3)?;
    let initial = cluster.initial_cluster();
    let mut dirs = Vec::new();
    for member in cluster.members() {
        let data_dir = dir.path().join(member.name());
        let options = RestoreOptions::default()
            .with_name(member.name())
            .with_initial_cluster(&initial)
            .with_initial_advertise_peer_urls([member.peer_url()])
            .with_initial_cluster_token("three-together")
            .with_data_dir(&data_dir);
        restored(&original.snapshot, &options)?;
        dirs.push(data_dir);
    }
    cluster.use_data_dirs(dirs)?;
    cluster.start()?;
    for member in cluster.members() {
        is_the_original(member, original)?;
    }
    let first = cluster.members().first().context("there are three")?;
    restore_live::put(first, "/after/the/restore", "new", 0)?;
    cluster.kill9();
    cluster.start()?;
    for member in cluster.members() {
        ensure!(restore_live::get(member, "/after/the/restore")?.is_some(), "{} lost the write", member.name());
        let hash = restore_live::hash_kv(member, original.hash.revision)?;
        ensure!(hash == original.hash, "{}: {hash:?}", member.name());
    }
    Ok(())
}

/// The same flags make the same ids, log and members; the database differs in what we mend on purpose.
fn as_etcdutl(minor: Minor) -> anyhow::Result<()> {
    let original = restore_live::original(Minor::V3_6)?;
    let three = "m0=http://127.0.0.1:1380,m1=http://127.0.0.1:2380,m1=http://127.0.0.2:2380,m2=http://127.0.0.1:3380";
    let one = "default=http://localhost:2380";
    for (name, cluster, urls) in
        [("default", one, "http://localhost:2380"), ("m1", three, "http://127.0.0.2:2380,http://127.0.0.1:2380")]
    {
        let dir = tempfile::tempdir()?;
        let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
        let flags = [
            "--name",
            name,
            "--initial-cluster",
            cluster,
            "--initial-advertise-peer-urls",
            urls,
            "--initial-cluster-token",
            "tok",
        ];
        restore_live::etcdutl_restore(&judges::etcdutl(minor)?, &original.snapshot, &theirs, &flags)?;
        let options = RestoreOptions::default()
            .with_name(name)
            .with_initial_cluster(cluster)
            .with_initial_advertise_peer_urls(urls.split(','))
            .with_initial_cluster_token("tok")
            .with_data_dir(&ours);
        restored(&original.snapshot, &options)?;
        same_log(&ours, &theirs)?;
        same_database(&ours.join("member/snap/db"), &theirs.join("member/snap/db"))?;
    }
    Ok(())
}

fn same_log(ours: &Path, theirs: &Path) -> anyhow::Result<()> {
    let log = "member/wal/0000000000000000-0000000000000000.wal";
    ensure!(fs::read(ours.join(log))? == fs::read(theirs.join(log))?, "the logs differ");
    let snaps = |dir: &Path| -> anyhow::Result<Vec<_>> {
        let names = fs::read_dir(dir.join("member/snap"))?.map(|entry| Ok(entry?.file_name()));
        let mut names = names.collect::<anyhow::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    };
    ensure!(snaps(ours)? == snaps(theirs)?, "the files beside the database differ");
    Ok(())
}

fn same_database(ours: &Path, theirs: &Path) -> anyhow::Result<()> {
    for bucket in
        ["alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta"]
    {
        let (mut ours, mut theirs) = (items(ours, bucket)?, items(theirs, bucket)?);
        // etcdutl leaves the voters of the old cluster there.
        for items in [&mut ours, &mut theirs] {
            items.remove(b"confState".as_slice());
        }
        ensure!(ours == theirs, "the bucket {bucket} differs");
    }
    Ok(())
}

fn items(path: &Path, bucket: &str) -> anyhow::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let file = fs::File::open(path)?;
    let mut cursor = Cursor::new(file.metadata()?.len(), bucket.as_bytes());
    let mut window = ReadWindow::new(&file);
    let mut items = BTreeMap::new();
    loop {
        let request = match cursor.step()? {
            Step::Read(request) => request,
            Step::Item(entry) => {
                items.insert(entry.key.to_vec(), entry.value.to_vec());
                continue;
            }
            Step::Done => return Ok(items),
        };
        cursor.feed(window.fetch(request)?)?;
    }
}

fn log_elsewhere() -> anyhow::Result<()> {
    let original = restore_live::original(Minor::V3_6)?;
    let dir = tempfile::tempdir()?;
    let (mut server, options) = one(Minor::V3_6, dir.path())?;
    let wal = dir.path().join("wal");
    restored(&original.snapshot, &options.with_wal_dir(&wal))?;
    server.add_args(["--wal-dir".to_owned(), wal.display().to_string()]);
    server.restart()?;
    is_the_original(&server, original)?;
    lives_on(&mut server, original)
}

/// Runs `change` on a fresh cluster and answers with its snapshot.
fn changed(dir: &Path, change: impl FnOnce(&EtcdServer) -> anyhow::Result<()>) -> anyhow::Result<std::path::PathBuf> {
    let server = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).start()?;
    restore_live::put(&server, "/registry/a", "1", 0)?;
    let snapshot = dir.join("snapshot.db");
    change(&server)?;
    save_as_root(&server, &snapshot)?;
    Ok(snapshot)
}

fn save_as_root(server: &EtcdServer, to: &Path) -> anyhow::Result<()> {
    let (url, to) = (server.client_url(), to.display().to_string());
    let plain = judges::etcdctl()?.run(["--endpoints", &url, "snapshot", "save", &to])?;
    if plain.status.success() {
        return Ok(());
    }
    judges::etcdctl()?.run(["--endpoints", &url, "--user", "root:secret", "snapshot", "save", &to])?.success().map(drop)
}

fn nospace_is_dropped() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let snapshot = changed(dir.path(), |server| {
        let member = server.call("/v3/maintenance/status", &json!({}))?["header"]["member_id"].clone();
        server
            .call("/v3/maintenance/alarm", &json!({"action": "ACTIVATE", "memberID": member, "alarm": "NOSPACE"}))
            .map(drop)
    })?;
    let (mut server, options) = one(Minor::V3_6, dir.path())?;
    let changes = restored(&snapshot, &options)?;
    ensure!(changes.dropped_alarms.len() == 1, "{changes:?}");
    server.restart()?;
    restore_live::put(&server, "/registry/b", "2", 0)
}

fn auth_is_disabled() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let snapshot = changed(dir.path(), |server| {
        server.call("/v3/auth/user/add", &json!({"name": "root", "password": "secret"}))?;
        server.call("/v3/auth/role/add", &json!({"name": "root"}))?;
        server.call("/v3/auth/user/grant", &json!({"user": "root", "role": "root"}))?;
        server.call("/v3/auth/enable", &json!({})).map(drop)
    })?;
    let (mut server, options) = one(Minor::V3_6, dir.path())?;
    let changes = restored(&snapshot, &options.with_disable_auth(true))?;
    ensure!(changes.auth_enabled && changes.auth_disabled, "{changes:?}");
    server.restart()?;
    restore_live::put(&server, "/registry/b", "2", 0)?;
    ensure!(restore_live::get(&server, "/registry/a")?.is_some(), "the data is lost");
    Ok(())
}
