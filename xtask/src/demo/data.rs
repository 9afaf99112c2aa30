//! What the demo writes, and how it is compared.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use judges::EtcdServer;
use serde_json::{Value, json};

/// The key that is written after the snapshot was taken.
pub(super) const AFTER: &str = "/demo/after-the-snapshot";

/// Reading and writing keys through etcd's JSON gateway.
pub(super) trait KeyValues {
    /// Writes a key; answers with the revision.
    fn put(&self, key: &str, value: &[u8]) -> anyhow::Result<i64>;
    /// Reads a key.
    fn get(&self, key: &str) -> anyhow::Result<Option<Vec<u8>>>;
}

impl KeyValues for EtcdServer {
    fn put(&self, key: &str, value: &[u8]) -> anyhow::Result<i64> {
        let answer = self.call("/v3/kv/put", &put_request(key, value, None))?;
        revision(&answer)
    }

    fn get(&self, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let answer = self.call("/v3/kv/range", &json!({ "key": BASE64.encode(key) }))?;
        let Some(found) = answer["kvs"].get(0) else { return Ok(None) };
        // An empty value is left out of the answer.
        Ok(Some(BASE64.decode(found["value"].as_str().unwrap_or_default())?))
    }
}

/// What must be found again.
#[derive(Debug, Default)]
pub(super) struct Written {
    live: BTreeMap<String, Vec<u8>>,
    deleted: Vec<String>,
    revision: i64,
    compacted: i64,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} keys (a value of 1 MB, UTF-8, a lease, a transaction of 20), {} deleted, revision {}, compacted at {}",
            self.live.len(),
            self.deleted.len(),
            self.revision,
            self.compacted
        )
    }
}

impl Written {
    fn put(&mut self, etcd: &EtcdServer, key: String, value: Vec<u8>) -> anyhow::Result<()> {
        self.revision = etcd.put(&key, &value)?;
        self.live.insert(key, value);
        Ok(())
    }

    fn delete(&mut self, etcd: &EtcdServer, key: String) -> anyhow::Result<()> {
        self.revision = revision(&etcd.call("/v3/kv/deleterange", &json!({ "key": BASE64.encode(&key) }))?)?;
        self.live.remove(&key);
        self.deleted.push(key);
        Ok(())
    }

    /// Reads every key back; answers with how many there were.
    pub(super) fn compare(&self, etcd: &EtcdServer) -> anyhow::Result<usize> {
        for (key, value) in &self.live {
            let found = etcd.get(key)?.with_context(|| format!("key {key} is gone"))?;
            ensure!(found == *value, "key {key} has another value");
        }
        for key in &self.deleted {
            ensure!(etcd.get(key)?.is_none(), "key {key} was deleted and is back");
        }
        Ok(self.live.len())
    }
}

/// Writes what a small Kubernetes cluster has, and then some.
pub(super) fn write(etcd: &EtcdServer) -> anyhow::Result<Written> {
    let mut written = Written::default();
    for number in 0..120 {
        written.put(etcd, format!("/registry/pods/default/web-{number:03}"), pod(number, "Pending"))?;
    }
    for number in (0..120).step_by(3) {
        written.put(etcd, format!("/registry/pods/default/web-{number:03}"), pod(number, "Running"))?;
    }
    written.put(
        etcd,
        "/registry/configmaps/default/über-größe/配置".to_owned(),
        "Grüße, 世界 🚢".as_bytes().to_vec(),
    )?;
    written.put(etcd, "/registry/secrets/default/one-megabyte".to_owned(), noise(1_000_000))?;
    written.put(etcd, "/registry/empty".to_owned(), Vec::new())?;
    lease(etcd, &mut written)?;
    transaction(etcd, &mut written)?;
    for number in (0..120).step_by(10) {
        written.delete(etcd, format!("/registry/pods/default/web-{number:03}"))?;
    }
    written.compacted = written.revision - 20;
    etcd.call("/v3/kv/compaction", &json!({ "revision": written.compacted.to_string(), "physical": true }))?;
    Ok(written)
}

/// One more key, which the snapshot must not have.
pub(super) fn write_after_the_snapshot(etcd: &EtcdServer) -> anyhow::Result<()> {
    etcd.put(AFTER, b"too late").map(drop)
}

fn lease(etcd: &EtcdServer, written: &mut Written) -> anyhow::Result<()> {
    let granted = etcd.call("/v3/lease/grant", &json!({ "TTL": "3600" }))?;
    let lease = granted["ID"].as_str().context("no lease was granted")?;
    let (key, value) = ("/registry/leases/kube-node-lease/node-1", b"renewed".to_vec());
    written.revision = revision(&etcd.call("/v3/kv/put", &put_request(key, &value, Some(lease)))?)?;
    written.live.insert(key.to_owned(), value);
    Ok(())
}

/// Twenty keys in one revision.
fn transaction(etcd: &EtcdServer, written: &mut Written) -> anyhow::Result<()> {
    let keys: Vec<(String, Vec<u8>)> =
        (0..20).map(|number| (format!("/registry/events/default/event-{number}"), pod(number, "Event"))).collect();
    let puts: Vec<Value> =
        keys.iter().map(|(key, value)| json!({ "requestPut": put_request(key, value, None) })).collect();
    written.revision = revision(&etcd.call("/v3/kv/txn", &json!({ "success": puts }))?)?;
    written.live.extend(keys);
    Ok(())
}

fn put_request(key: &str, value: &[u8], lease: Option<&str>) -> Value {
    json!({ "key": BASE64.encode(key), "value": BASE64.encode(value), "lease": lease.unwrap_or("0") })
}

fn revision(answer: &Value) -> anyhow::Result<i64> {
    let revision = answer["header"]["revision"].as_str().context("the answer has no revision")?;
    Ok(revision.parse()?)
}

fn pod(number: u32, phase: &str) -> Vec<u8> {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": format!("web-{number:03}") }, "status": { "phase": phase } })
        .to_string()
        .into_bytes()
}

/// Bytes that do not compress, the same in each run.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(&mut next).take(len).collect()
}
