//! What the tests of restore share: a small snapshot made by hand, and a look at what a restore left.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcd_format::bolt::writer::{BoltWriter, Layout};
use etcd_snapshot::restore::{RestoreOptions, Restored, restore};
use etcd_snapshot::{Error, Host, Result, SnapshotSource, SystemHost};
use objstore_core::disk::{Disk, OsDisk};
use sha2::{Digest as _, Sha256};

/// Buckets and their items, in the order in which a file has them.
pub type Buckets = BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>>;

/// A cluster of one member of etcd 3.6 with `records` keys of `value_len` bytes, at revision `records + 1`.
pub fn sample_buckets(records: usize, value_len: usize) -> Buckets {
    let names =
        ["alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta"];
    let mut buckets: Buckets = names.iter().map(|name| (name.as_bytes().to_vec(), BTreeMap::new())).collect();
    let mut put = |bucket: &str, key: &[u8], value: &[u8]| {
        buckets.entry(bucket.as_bytes().to_vec()).or_default().insert(key.to_vec(), value.to_vec());
    };
    put("cluster", b"clusterVersion", b"3.6.0");
    put(
        "members",
        b"8e9e05c52164694d",
        br#"{"id":10276657743932975437,"peerURLs":["http://localhost:2380"],"name":"default"}"#,
    );
    put("meta", b"consistent_index", &4242_u64.to_be_bytes());
    put("meta", b"term", &7_u64.to_be_bytes());
    put("meta", b"confState", br#"{"voters":[10276657743932975437],"auto_leave":false}"#);
    put("meta", b"storageVersion", b"3.6.0");
    for index in 0..records {
        let revision = index as i64 + 2;
        let value: Vec<u8> = (0..value_len).map(|at| (at as u8).wrapping_mul(31).wrapping_add(index as u8)).collect();
        put(
            "key",
            &record_key(revision),
            &key_value(format!("/registry/pods/{index:06}").as_bytes(), revision, &value),
        );
    }
    buckets
}

/// The key of a record.
pub fn record_key(revision: i64) -> Vec<u8> {
    let mut key = revision.to_be_bytes().to_vec();
    key.push(b'_');
    key.extend_from_slice(&0_i64.to_be_bytes());
    key
}

/// `mvccpb.KeyValue` of a key that was written once.
fn key_value(key: &[u8], revision: i64, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number = |bytes: &mut Vec<u8>, mut value: u64| {
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
    };
    bytes.push(0x0a);
    number(&mut bytes, key.len() as u64);
    bytes.extend_from_slice(key);
    for (tag, value) in [(0x10, revision as u64), (0x18, revision as u64), (0x20, 1)] {
        bytes.push(tag);
        number(&mut bytes, value);
    }
    bytes.push(0x2a);
    number(&mut bytes, value.len() as u64);
    bytes.extend_from_slice(value);
    bytes
}

/// The buckets as a bolt file.
pub fn bolt_file(buckets: &Buckets) -> Vec<u8> {
    let mut writer = BoltWriter::new(Layout::default()).expect("the default layout is valid");
    for (name, items) in buckets {
        writer.begin_bucket(name).expect("names ascend");
        for (key, value) in items {
            writer.put(key, value).expect("keys ascend");
        }
    }
    let len = writer.finish().expect("the file is complete");
    let mut file = vec![0; len as usize];
    while let Some(write) = writer.next_write() {
        let at = write.offset as usize;
        file[at..at + write.bytes.len()].copy_from_slice(&write.bytes);
    }
    file
}

/// The file with its SHA-256 behind it, as a snapshot is.
pub fn with_trailer(mut file: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&file);
    file.extend_from_slice(&digest);
    file
}

/// A snapshot of [`sample_buckets`].
pub fn sample(records: usize, value_len: usize) -> Vec<u8> {
    with_trailer(bolt_file(&sample_buckets(records, value_len)))
}

/// A folder with a snapshot in it.
#[derive(Debug)]
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub snapshot: PathBuf,
}

impl Bench {
    pub fn new(snapshot: &[u8]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("snapshot.db");
        fs::write(&path, snapshot).expect("the folder can be written");
        Self { snapshot: path, dir }
    }

    /// Where tests restore to. It does not exist yet.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn options(&self) -> RestoreOptions {
        RestoreOptions::default().with_data_dir(self.data_dir())
    }

    pub fn restore(&self, options: &RestoreOptions) -> Result<Restored> {
        self.restore_on(options, Arc::new(OsDisk::new()))
    }

    pub fn restore_on(&self, options: &RestoreOptions, disk: Arc<dyn Disk>) -> Result<Restored> {
        wait(async { restore(&SnapshotSource::file(&self.snapshot)?, options, disk, &SystemHost).await })
    }

    /// That a restore fails, and leaves nothing at all. Returns the error.
    #[track_caller]
    pub fn fails_cleanly(&self, options: &RestoreOptions) -> Error {
        let error = self.restore(options).expect_err("the restore must fail");
        assert!(!self.data_dir().exists(), "something is left after: {error}");
        error
    }
}

/// Runs a future to its end, and then all that it left running.
pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// An error with all its causes, as a user reads it.
pub fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Every file below a folder with its content, every folder with nothing.
pub fn tree(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            let name = path.strip_prefix(root).expect("it is below the root").to_path_buf();
            if path.is_dir() {
                found.insert(name, None);
                waiting.push(path);
            } else {
                found.insert(name, Some(fs::read(&path).expect("the file can be read")));
            }
        }
    }
    found
}

/// A host whose random bytes are always the same.
#[derive(Debug)]
pub struct FixedHost;

impl Host for FixedHost {
    fn now(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH
    }

    fn random(&self, buffer: &mut [u8]) -> Result<()> {
        buffer.fill(0xab);
        Ok(())
    }
}
