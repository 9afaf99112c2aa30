//! The two sets of data, made once through a real etcd and kept in the cache folder.

use std::{fs, path::PathBuf, process::Command};

use anyhow::Context as _;
use clap::ValueEnum;
use judges::{EtcdServer, Settings};

use crate::workspace::check;

use super::Tools;

/// A set of data, named by its keys and the length of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DataSet {
    /// 10,000 keys of 100,000 bytes
    Large,
    /// 1,500,000 keys of 64 bytes
    Small,
}

impl DataSet {
    pub(super) fn keys(self) -> u64 {
        match self {
            Self::Large => 10_000,
            Self::Small => 1_500_000,
        }
    }

    pub(super) fn value_bytes(self) -> u64 {
        match self {
            Self::Large => 100_000,
            Self::Small => 64,
        }
    }

    /// Starts an etcd that holds the data. It is filled on first use, and its folder is used again.
    pub(super) fn serve(self, tools: &Tools, divide: u64) -> anyhow::Result<EtcdServer> {
        let folder = self.folder(tools, divide);
        if !folder.exists() {
            self.fill(tools, divide).context("cannot make the data")?;
        }
        server(tools, folder)
    }

    fn fill(self, tools: &Tools, divide: u64) -> anyhow::Result<()> {
        let folder = self.folder(tools, divide);
        let making = folder.with_extension("making");
        if making.exists() {
            fs::remove_dir_all(&making)?;
        }
        fs::create_dir_all(&making)?;
        let mut server = server(tools, making.clone())?;
        let keys = (self.keys() / divide).to_string();
        let bytes = self.value_bytes().to_string();
        check(Command::new(&tools.limits).args([
            "fill",
            &server.client_url(),
            "--keys",
            &keys,
            "--value-bytes",
            &bytes,
        ]))?;
        server.stop()?;
        Ok(fs::rename(making, folder)?)
    }

    fn folder(self, tools: &Tools, divide: u64) -> PathBuf {
        let version = tools.etcd.version().replace('.', "-");
        let name = format!("{}x{}-etcd-{version}", self.keys() / divide, self.value_bytes());
        Settings::from_env().cache.join("bench").join(name)
    }
}

fn server(tools: &Tools, folder: PathBuf) -> anyhow::Result<EtcdServer> {
    let quota = 8_u64 << 30;
    EtcdServer::builder(&tools.etcd)
        .data_dir(folder)
        .args(["--quota-backend-bytes", &quota.to_string()])
        // Nothing here is worth an fsync, and the servers' own writes would disturb the measured ones.
        .arg("--unsafe-no-fsync")
        .start()
}
