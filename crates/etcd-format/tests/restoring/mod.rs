//! A restore in memory, for the tests: what `etcd-snapshot` does with files and care, in thirty lines.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use etcd_format::bolt::Cursor;
use etcd_format::bolt::patch::{Edits, Patch, Rewrite};
use etcd_format::bolt::writer::{Layout, Write};
use etcd_format::membership::InitialCluster;
use etcd_format::restored::{RestoreOptions, SourceState, restore_edits};
use etcd_format::{drive, snap, wal};
use judges::{Judge, Minor, Part, etcdctl, etcdutl};
use serde_json::Value;

/// How the database of a restored member is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Patched,
    Rewritten,
}

/// Puts a write where it belongs.
pub(crate) fn apply(file: &mut Vec<u8>, write: &Write) {
    let at = write.offset as usize;
    let end = at + write.bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(&write.bytes);
}

/// The database of a snapshot file: without the trailer, if it has one.
pub(crate) fn database(mut snapshot: Vec<u8>) -> Vec<u8> {
    if snapshot.len() % 512 == 32 {
        snapshot.truncate(snapshot.len() - 32);
    }
    snapshot
}

/// The state of the cluster that a database is from.
pub(crate) fn source_state(db: &Vec<u8>) -> anyhow::Result<SourceState> {
    let len = db.len() as u64;
    let mut names = Vec::new();
    drive(&mut Cursor::buckets(len), db, |entry| names.push(entry.key.to_vec()))?;
    let mut source = SourceState::new();
    for name in names {
        drive(&mut Cursor::new(len, &name), db, |entry| source.insert(&name, entry.key, entry.value))?;
    }
    Ok(source)
}

/// The edited database.
pub(crate) fn edited(db: &Vec<u8>, edits: Edits, how: How) -> anyhow::Result<Vec<u8>> {
    match how {
        How::Patched => patched(db, edits),
        How::Rewritten => rewritten(db, edits, Layout::default()),
    }
}

pub(crate) fn patched(db: &Vec<u8>, edits: Edits) -> anyhow::Result<Vec<u8>> {
    let mut patch = Patch::new(db.len() as u64, edits);
    let mut file = db.clone();
    drive(&mut patch, db, |write| apply(&mut file, &write))?;
    file.resize(patch.file_len().context("a length")? as usize, 0);
    Ok(file)
}

pub(crate) fn rewritten(db: &Vec<u8>, edits: Edits, layout: Layout) -> anyhow::Result<Vec<u8>> {
    let mut rewrite = Rewrite::new(db.len() as u64, edits, layout)?;
    let mut file = Vec::new();
    drive(&mut rewrite, db, |write| apply(&mut file, &write))?;
    file.resize(rewrite.file_len().context("a length")? as usize, 0);
    Ok(file)
}

/// Writes a data directory for the member `name`.
pub(crate) fn restore(
    db: &Vec<u8>,
    dir: &Path,
    options: &RestoreOptions<'_>,
    name: &str,
    how: How,
) -> anyhow::Result<()> {
    let cluster = options.cluster;
    let edits = restore_edits(options, &source_state(db)?)?.edits;
    let (snap_dir, wal_dir) = (dir.join("member/snap"), dir.join("member/wal"));
    fs::create_dir_all(&snap_dir)?;
    fs::create_dir_all(&wal_dir)?;
    fs::write(snap_dir.join("db"), edited(db, edits, how)?)?;
    let snap_name = snap::file_name(wal::INITIAL_TERM, cluster.last_index());
    fs::write(snap_dir.join(snap_name), snap::initial_snap(cluster))?;
    let log = fs::File::create(wal_dir.join(wal::file_name(0, 0)))?;
    std::io::Write::write_all(&mut &log, &wal::initial_log(cluster, cluster.member(name)?.id()))?;
    log.set_len(wal::PREALLOCATED_SIZE)?;
    Ok(())
}

/// The options of a restore into this cluster.
pub(crate) fn cluster(list: &str, token: &str) -> anyhow::Result<InitialCluster> {
    Ok(InitialCluster::parse(list, token)?)
}

/// What a real etcd needs to be judged with: the server, the client and the offline tool.
pub(crate) fn needs(minor: Minor) -> [Part; 3] {
    [Part::Etcd(minor), Part::Etcdctl(Minor::V3_6), Part::Etcdutl(Minor::V3_6)]
}

/// A client of one member.
pub(crate) struct Client {
    etcdctl: Judge,
    url: String,
}

impl Client {
    pub(crate) fn new(url: impl Into<String>) -> anyhow::Result<Self> {
        Ok(Self { etcdctl: etcdctl()?, url: url.into() })
    }

    pub(crate) fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        let args = ["--endpoints", &self.url].into_iter().chain(args.iter().copied());
        Ok(self.etcdctl.run(args)?.success()?.stdout)
    }

    pub(crate) fn put(&self, key: &str, value: &str) -> anyhow::Result<()> {
        self.run(&["put", key, value]).map(drop)
    }

    pub(crate) fn get(&self, key: &str) -> anyhow::Result<String> {
        Ok(self.run(&["get", "--print-value-only", key])?.trim_end().to_owned())
    }

    /// Hash and compact revision, at the current revision.
    pub(crate) fn hash_kv(&self) -> anyhow::Result<(u64, i64)> {
        let answer: Value = serde_json::from_str(&self.run(&["endpoint", "hashkv", "-w", "json"])?)?;
        let hash = &answer[0]["HashKV"];
        let compacted = hash["compact_revision"].as_i64().unwrap_or(0);
        Ok((hash["hash"].as_u64().context("a hash")?, compacted))
    }

    pub(crate) fn revision(&self) -> anyhow::Result<i64> {
        let answer: Value = serde_json::from_str(&self.run(&["get", "x", "-w", "json"])?)?;
        answer["header"]["revision"].as_i64().context("a revision")
    }

    /// A snapshot of this member, with its trailer.
    pub(crate) fn snapshot(&self) -> anyhow::Result<Vec<u8>> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("snapshot.db");
        self.run(&["snapshot", "save", file.to_str().context("a path")?])?;
        Ok(fs::read(file)?)
    }
}

/// Keys of several kinds: overwritten, deleted, large, in one transaction, under a lease; and a compaction in the middle.
pub(crate) fn fill(client: &Client) -> anyhow::Result<()> {
    for turn in 0..3 {
        for key in 0..10 {
            client.put(&format!("/registry/pods/{key}"), &format!("{turn}-{key}"))?;
        }
    }
    client.put("/large", &"x".repeat(70_000))?;
    client.run(&["del", "/registry/pods/3"])?;
    client.run(&["compact", &client.revision()?.to_string(), "--physical"])?;
    let lease = client.run(&["lease", "grant", "3600"])?;
    let lease = lease.split_whitespace().nth(1).context("a lease id")?;
    client.run(&["put", "--lease", lease, "/leased", "for an hour"])?;
    client.run(&["del", "--prefix", "/registry/pods/5"])?;
    client.put("/registry/pods/7", "last")
}

/// What `etcdutl snapshot status` says of a database.
pub(crate) fn etcdutl_status(minor: Minor, db: &[u8]) -> anyhow::Result<Value> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("db");
    fs::write(&file, db)?;
    let args = ["snapshot", "status", file.to_str().context("a path")?, "-w", "json"];
    Ok(serde_json::from_str(&etcdutl(minor)?.run(args)?.success()?.stdout)?)
}
