//! etcdutl as the judge: what it writes for the same flags, and what it says of files that we wrote.

mod model;
mod restoring;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use etcd_format::membership::InitialCluster;
use etcd_format::restored::{RestoreOptions, SourceState, restore_edits};
use etcd_format::snap::{RaftSnapshot, initial_snap};
use etcd_format::wal::{PREALLOCATED_SIZE, file_name, initial_log};
use judges::{Case, EtcdServer, Minor, Part, etcd, etcdutl, harness};
use model::{Items, Model, status_hash, write};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use restoring::{Client, How, database, edited, etcdutl_status, fill, patched, source_state};

const ONE: &str = "default=http://localhost:2380";
const THREE: &str = "a=http://127.0.0.1:1,b=http://127.0.0.1:2,c=http://127.0.0.1:3,b=http://127.0.0.1:5";

fn main() -> ExitCode {
    let mut cases = Vec::new();
    for minor in [Minor::V3_5, Minor::V3_6] {
        let needs = [Part::Etcdutl(minor)];
        for (clusters, list) in [("one", ONE), ("three", THREE)] {
            cases.push(Case::new(format!("log_and_raft_snapshot_of_{clusters}_{minor}"), needs, move || {
                log_and_snap(minor, list)
            }));
        }
        cases.push(Case::new(format!("status_of_random_files_{minor}"), needs, move || random_files(minor)));
    }
    let needs = [Part::Etcd(Minor::V3_6), Part::Etcdctl(Minor::V3_6), Part::Etcdutl(Minor::V3_6)];
    for bump in [0, 1_000_000] {
        cases.push(Case::new(format!("restored_database_bump_{bump}"), needs, move || restored_database(bump)));
    }
    harness(8, cases)
}

/// A database that etcdutl restores: all buckets, one record.
fn small_database() -> anyhow::Result<Vec<u8>> {
    let mut model: Model = etcd_format::restored::BUCKETS.map(|name| (name.into(), Items::new())).into();
    let record = [&1_i64.to_be_bytes()[..], b"_", &0_i64.to_be_bytes()[..]].concat();
    model.entry(b"key".to_vec()).or_default().insert(record, b"\x0a\x01k\x10\x02\x18\x02\x20\x01".to_vec());
    Ok(write(&model, etcd_format::bolt::writer::Layout::default())?)
}

/// Runs `etcdutl snapshot restore` and returns the data directory.
fn etcdutl_restore(minor: Minor, db: &[u8], dir: &Path, name: &str, flags: &[&str]) -> anyhow::Result<PathBuf> {
    let (source, data_dir) = (dir.join("db"), dir.join("data"));
    fs::write(&source, db)?;
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path");
    let (source, target) = (text(&source)?, text(&data_dir)?);
    let args = ["snapshot", "restore", &source, "--skip-hash-check", "--data-dir", &target, "--name", name];
    etcdutl(minor)?.run(args.iter().chain(flags))?.success()?;
    Ok(data_dir)
}

/// The log of every member is etcdutl's byte for byte. So is the raft snapshot of a single member of 3.6; with several, 3.6
/// creates the members in random order, and 3.5 counts no failed read: the rest of it is equal.
fn log_and_snap(minor: Minor, list: &str) -> anyhow::Result<()> {
    let cluster = InitialCluster::parse(list, "a token")?;
    for member in cluster.members() {
        let dir = tempfile::tempdir()?;
        let advertised = member.peer_urls().join(",");
        let flags = ["--initial-cluster", list, "--initial-cluster-token", "a token"];
        let flags = [&flags[..], &["--initial-advertise-peer-urls", &advertised]].concat();
        let data_dir = etcdutl_restore(minor, &small_database()?, dir.path(), member.name(), &flags)?;

        let mut log = initial_log(&cluster, member.id());
        log.resize(PREALLOCATED_SIZE as usize, 0);
        ensure!(fs::read(data_dir.join("member/wal").join(file_name(0, 0)))? == log, "the log of {}", member.name());
        let name = etcd_format::snap::file_name(1, cluster.last_index());
        compare_snaps(minor, &cluster, &fs::read(data_dir.join("member/snap").join(name))?)?;
    }
    Ok(())
}

fn compare_snaps(minor: Minor, cluster: &InitialCluster, theirs: &[u8]) -> anyhow::Result<()> {
    let ours = initial_snap(cluster);
    if minor == Minor::V3_6 && cluster.members().len() == 1 {
        ensure!(ours == theirs, "the raft snapshot");
    }
    let (ours, theirs) = (RaftSnapshot::decode(&ours)?, RaftSnapshot::decode(theirs)?);
    ensure!((ours.index, ours.term, &ours.conf_state) == (theirs.index, theirs.term, &theirs.conf_state));
    let text = |store: &[u8]| -> anyhow::Result<String> {
        Ok(std::str::from_utf8(store)?.replace("\"getsFail\":0", "\"getsFail\":1"))
    };
    let (ours, theirs) = (text(&ours.v2_store)?, text(&theirs.v2_store)?);
    if minor == Minor::V3_5 {
        ensure!(ours == theirs, "the v2 store:\n{ours}\n{theirs}");
    }
    let members = |store: &str| -> anyhow::Result<Vec<String>> {
        let store: serde_json::Value = serde_json::from_str(store)?;
        let members = store["Root"]["Children"]["0"]["Children"]["members"]["Children"].clone();
        let members = members.as_object().context("members")?.clone();
        Ok(members.iter().map(|(id, node)| format!("{id} {}", node["Children"]["raftAttributes"]["Value"])).collect())
    };
    ensure!(members(&ours)? == members(&theirs)?, "the members of the v2 store");
    Ok(())
}

/// bbolt checks each file as a whole before etcdutl hashes it: as written, and after a patch.
fn random_files(minor: Minor) -> anyhow::Result<()> {
    let mut runner = TestRunner::deterministic();
    for turn in 0..24 {
        let (mut model, layout) =
            (model::model(), model::layout()).new_tree(&mut runner).map_err(anyhow::Error::msg)?.current();
        model.entry(b"meta".to_vec()).or_default(); // etcdutl 3.6 crashes without it
        let edits = model::edits(&model).new_tree(&mut runner).map_err(anyhow::Error::msg)?.current();
        let file = write(&model, layout.clone())?;
        for (file, model) in [(&patched(&file, edits.clone())?, &model::edited(&model, &edits)), (&file, &model)] {
            let status = etcdutl_status(minor, file).with_context(|| format!("file {turn}: {layout:?}"))?;
            ensure!(status["hash"] == status_hash(model), "file {turn}: {status}, {layout:?}");
            ensure!(status["totalSize"] == file.len(), "file {turn}: {status}, {layout:?}");
        }
    }
    Ok(())
}

/// Patched and rewritten, a database of a real server holds what etcdutl's restore leaves, but for the conf state.
fn restored_database(bump: u64) -> anyhow::Result<()> {
    let server = EtcdServer::builder(&etcd(Minor::V3_6)?).start()?;
    let client = Client::new(server.client_url())?;
    fill(&client)?;
    let db = database(client.snapshot()?);
    let source = source_state(&db)?;

    let dir = tempfile::tempdir()?;
    let amount = bump.to_string();
    let flags = ["--initial-cluster", ONE, "--initial-advertise-peer-urls", "http://localhost:2380"];
    let bumped = ["--bump-revision", &amount, "--mark-compacted"];
    let flags = if bump == 0 { flags.to_vec() } else { [&flags[..], &bumped].concat() };
    let data_dir = etcdutl_restore(Minor::V3_6, &db, dir.path(), "default", &flags)?;
    let theirs = model::read(&fs::read(data_dir.join("member/snap/db"))?)?;

    let cluster = InitialCluster::parse(ONE, "etcd-cluster")?;
    let restored = restore_edits(&RestoreOptions::new(&cluster).with_bump_revision(bump), &source)?;
    for how in [How::Patched, How::Rewritten] {
        let ours = edited(&db, restored.edits.clone(), how)?;
        compare_databases(&model::read(&ours)?, &theirs).with_context(|| format!("{how:?}"))?;
        let hash = status_hash(&model::read(&ours)?);
        ensure!(etcdutl_status(Minor::V3_6, &ours)?["hash"] == hash, "{how:?}");
    }
    check_report(&restored, &source)
}

fn compare_databases(ours: &Model, theirs: &Model) -> anyhow::Result<()> {
    ensure!(ours.keys().eq(theirs.keys()), "the buckets are {:?}, not {:?}", ours.keys(), theirs.keys());
    for (name, items) in ours {
        let (mut items, mut wanted) = (items.clone(), theirs[name].clone());
        if name == b"meta" {
            items.remove(&b"confState"[..]);
            wanted.remove(&b"confState"[..]);
        }
        ensure!(items == wanted, "bucket {}: {items:?}, not {wanted:?}", name.escape_ascii());
    }
    Ok(())
}

fn check_report(restored: &etcd_format::restored::Restored, source: &SourceState) -> anyhow::Result<()> {
    ensure!(restored.source_revision == source.revision());
    ensure!(restored.old_members.iter().map(|(_, name)| name.as_str()).eq(["default"]), "{:?}", restored.old_members);
    ensure!(!restored.auth_was_enabled && restored.nospace.is_empty() && restored.downgrade_target.is_none());
    Ok(())
}
