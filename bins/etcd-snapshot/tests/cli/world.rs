//! What most cases share: a live etcd, a store with two snapshots of it, and a file.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow};
use judges::{EtcdServer, Minor, base64};
use serde_json::json;
use tempfile::TempDir;

use crate::program;

/// Made by the first case that asks, and gone with the last.
#[derive(Default)]
pub(crate) struct World(OnceLock<Result<Made, String>>);

/// A live etcd, and what was saved of it. Cases only read these.
pub(crate) struct Made {
    pub(crate) server: EtcdServer,
    /// The URL of a store with two snapshots.
    pub(crate) store: String,
    /// The ids of both, the newest first.
    pub(crate) ids: [String; 2],
    /// What `save --raw` wrote.
    pub(crate) file: PathBuf,
    dir: TempDir,
}

impl World {
    pub(crate) fn made(&self) -> anyhow::Result<&Made> {
        self.0.get_or_init(|| Made::new().map_err(|e| format!("{e:?}"))).as_ref().map_err(|e| anyhow!("{e}"))
    }
}

impl Made {
    fn new() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let server = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).start()?;
        let store = url(&dir.path().join("store"));
        let file = dir.path().join("etcd.db");
        for key in 0..20 {
            put(&server, &format!("key{key}"), "value")?;
        }
        let older = save(&server, &store)?;
        put(&server, "large", &"L".repeat(300_000))?;
        let newer = save(&server, &store)?;
        program::text(&["save", "--endpoints", &server.client_url(), "--raw", &file.display().to_string()])?;
        Ok(Self { server, store, ids: [newer, older], file, dir })
    }

    pub(crate) fn file(&self) -> String {
        self.file.display().to_string()
    }

    /// The folder of the store.
    pub(crate) fn store_dir(&self) -> PathBuf {
        self.dir.path().join("store")
    }
}

/// Saves, and gives the id.
pub(crate) fn save(server: &EtcdServer, store: &str) -> anyhow::Result<String> {
    let saved = program::json(&["save", "--endpoints", &server.client_url(), "--to", store])?;
    Ok(saved["id"].as_str().context("save tells the id")?.to_owned())
}

pub(crate) fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Writes a key.
pub(crate) fn put(server: &EtcdServer, key: &str, value: &str) -> anyhow::Result<()> {
    let request = json!({"key": base64(key.as_bytes()), "value": base64(value.as_bytes())});
    server.call("/v3/kv/put", &request).map(drop)
}

/// Every file below a folder with its content, to show that nothing was changed.
pub(crate) fn content(dir: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut all = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            match path.is_dir() {
                true => {
                    all.push((path.clone(), Vec::new()));
                    folders.push(path);
                }
                false => all.push((path.clone(), std::fs::read(&path)?)),
            }
        }
    }
    all.sort();
    Ok(all)
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for (path, bytes) in content(from)? {
        let target = to.join(path.strip_prefix(from)?);
        match path.is_dir() {
            true => std::fs::create_dir_all(target)?,
            false => {
                std::fs::create_dir_all(target.parent().context("a file has a folder")?)?;
                std::fs::write(target, bytes)?;
            }
        }
    }
    Ok(())
}
