//! A real etcd with data worth restoring, and what can be asked of one that was restored.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, ensure};
use etcd_format::survey::Survey;
use etcd_format::{ReadWindow, Step};
use judges::{EtcdServer, Judge, Minor, base64};
use serde_json::{Value, json};

/// What a cluster held when its snapshot was taken.
#[derive(Debug)]
pub struct Original {
    _dir: tempfile::TempDir,
    /// What `etcdctl snapshot save` wrote.
    pub snapshot: PathBuf,
    /// Every key with its value, revisions, version and lease, as the gateway prints them.
    pub keys: Vec<Value>,
    /// Hash, compact revision and revision of the data.
    pub hash: HashAt,
}

/// An answer of `Maintenance.HashKV` at a revision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HashAt {
    pub hash: u64,
    pub compact_revision: i64,
    pub revision: i64,
}

/// The cluster of this minor that all cases share.
pub fn original(minor: Minor) -> anyhow::Result<&'static Original> {
    static MADE: OnceLock<std::sync::Mutex<BTreeMap<String, &'static Original>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Default::default).lock().expect("no case panicked in here");
    let name = format!("{minor:?}");
    if let Some(original) = made.get(&name) {
        return Ok(original);
    }
    let original: &'static Original = Box::leak(Box::new(make(minor)?));
    made.insert(name, original);
    Ok(original)
}

fn make(minor: Minor) -> anyhow::Result<Original> {
    let server = EtcdServer::builder(&judges::etcd(minor)?).start()?;
    fill(&server)?;
    let dir = tempfile::tempdir()?;
    let snapshot = dir.path().join("snapshot.db");
    let revision = revision(&server)?;
    let original = Original { keys: keys(&server)?, hash: hash_kv(&server, revision)?, snapshot, _dir: dir };
    save(&server, &original.snapshot)?;
    Ok(original)
}

/// Objects like those of Kubernetes: many keys, overwrites, deletions, a range deletion, transactions, a lease, a large
/// value, text that is not ASCII, and a compaction in the middle.
fn fill(server: &EtcdServer) -> anyhow::Result<()> {
    let lease = server.call("/v3/lease/grant", &json!({"TTL": "36000", "ID": "7777"}))?;
    ensure!(lease["ID"] == "7777", "{lease}");
    for round in 0..4 {
        for batch in 0..5 {
            let puts: Vec<Value> = (0..40)
                .map(|index| {
                    let key = format!("/registry/pods/default/pod-{batch}-{index}");
                    json!({"requestPut": {"key": base64(key.as_bytes()), "value": base64(format!("{round}{}", "x".repeat(300)).as_bytes())}})
                })
                .collect();
            server.call("/v3/kv/txn", &json!({ "success": puts }))?;
        }
        if round == 2 {
            let at = revision(server)? - 3;
            server.call("/v3/kv/compaction", &json!({"revision": at.to_string(), "physical": true}))?;
        }
    }
    put(server, "/registry/leases/a", "held", 7777)?;
    put(server, "/registry/configmaps/größe", "Ünïcödé ✓", 0)?;
    put(server, "/registry/secrets/large", &"L".repeat(1_000_000), 0)?;
    delete(server, "/registry/pods/default/pod-0-1", None)?;
    delete(server, "/registry/pods/default/pod-1-", Some("/registry/pods/default/pod-1."))?;
    put(server, "/registry/last", "written last", 0)
}

pub fn put(server: &EtcdServer, key: &str, value: &str, lease: u64) -> anyhow::Result<()> {
    let request = json!({"key": base64(key.as_bytes()), "value": base64(value.as_bytes()), "lease": lease.to_string()});
    server.call("/v3/kv/put", &request).map(drop)
}

fn delete(server: &EtcdServer, key: &str, end: Option<&str>) -> anyhow::Result<()> {
    let mut request = json!({"key": base64(key.as_bytes())});
    if let Some(end) = end {
        request["range_end"] = base64(end.as_bytes()).into();
    }
    server.call("/v3/kv/deleterange", &request).map(drop)
}

/// One key's value.
pub fn get(server: &EtcdServer, key: &str) -> anyhow::Result<Option<Value>> {
    let answer = server.call("/v3/kv/range", &json!({"key": base64(key.as_bytes())}))?;
    Ok(answer["kvs"].as_array().and_then(|kvs| kvs.first()).map(|kv| kv["value"].clone()))
}

/// Every key.
pub fn keys(server: &EtcdServer) -> anyhow::Result<Vec<Value>> {
    let answer = server.call("/v3/kv/range", &json!({"key": "AA==", "range_end": "AA=="}))?;
    Ok(answer["kvs"].as_array().cloned().unwrap_or_default())
}

pub fn revision(server: &EtcdServer) -> anyhow::Result<i64> {
    let answer = server.call("/v3/kv/range", &json!({"key": base64(b"no such key")}))?;
    answer["header"]["revision"].as_str().context("an answer has a revision")?.parse().context("it is a number")
}

/// HashKV at a revision that is named; 0 for the current one. The gateway of 3.4 has no path for it, gRPC has.
pub fn hash_kv(server: &EtcdServer, revision: i64) -> anyhow::Result<HashAt> {
    let rev = format!("--rev={revision}");
    let out = etcdctl(server, &["endpoint", "hashkv", &rev, "-w", "json"])?;
    let answer: Value = serde_json::from_str(out.trim())?;
    let answer = &answer[0]["HashKV"];
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let at = if revision == 0 { number(&answer["header"]["revision"]) } else { revision };
    Ok(HashAt {
        hash: answer["hash"].as_u64().context("an answer has a hash")?,
        compact_revision: number(&answer["compact_revision"]),
        revision: at,
    })
}

pub fn save(server: &EtcdServer, to: &Path) -> anyhow::Result<()> {
    etcdctl(server, &["snapshot", "save", &to.display().to_string()]).map(drop)
}

fn etcdctl(server: &EtcdServer, args: &[&str]) -> anyhow::Result<String> {
    let url = server.client_url();
    let all = ["--endpoints", &url].into_iter().chain(args.iter().copied());
    Ok(judges::etcdctl()?.run(all)?.success()?.stdout)
}

/// That a watch from this revision is told that the past is gone.
pub fn watch_is_compacted(server: &EtcdServer, from: i64) -> anyhow::Result<()> {
    let url = server.client_url();
    let rev = format!("--rev={from}");
    let done = judges::etcdctl()?.run(["--endpoints", &url, "watch", &rev, "--prefix", "/registry"])?;
    let said = format!("{}{}", done.stdout, done.stderr);
    ensure!(said.contains("compacted"), "a watch from {from} ended with {}: {said}", done.status);
    Ok(())
}

/// The hash over the history in a database file.
pub fn hash_of_file(path: &Path) -> anyhow::Result<HashAt> {
    let file = Arc::new(std::fs::File::open(path)?);
    let mut survey = Survey::new(file.metadata()?.len());
    let mut window = ReadWindow::new(&*file);
    loop {
        match survey.step()? {
            Step::Read(request) => survey.feed(window.fetch(request)?)?,
            Step::Item(finding) => anyhow::bail!("{}: {finding}", path.display()),
            Step::Done => break,
        }
    }
    let hash = survey.finish()?.hash_kv?;
    Ok(HashAt { hash: u64::from(hash.hash), compact_revision: hash.compact_revision, revision: hash.revision })
}

/// `etcdutl snapshot restore` with these flags.
pub fn etcdutl_restore(etcdutl: &Judge, snapshot: &Path, data_dir: &Path, flags: &[&str]) -> anyhow::Result<()> {
    let (snapshot, data_dir) = (snapshot.display().to_string(), data_dir.display().to_string());
    let args = ["snapshot", "restore", &snapshot, "--data-dir", &data_dir].into_iter().chain(flags.iter().copied());
    etcdutl.run(args)?.success().map(drop)
}
