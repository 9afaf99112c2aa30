//! What etcdctl saves and etcdutl restores, and what we do, are one and the same.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use etcd_snapshot::{Checks, SaveOptions, SnapshotSource, progress::Silent, save_raw, verify};
use judges::{EtcdServer, Minor};
use objstore_core::disk::OsDisk;

use crate::restore_live;
use crate::support;

pub(crate) fn both_ways(minor: Minor) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let server = EtcdServer::builder(&judges::etcd(minor)?).start()?;
    support::fill(&server, 50)?;
    restore_live::put(&server, "/large", &"L".repeat(400_000), 0)?;
    support::run(async {
        etcdutl_restores_ours(minor, &server, dir.path()).await?;
        let theirs = dir.path().join("theirs.db");
        restore_live::save(&server, &theirs)?;
        let cluster = support::cluster([server.client_url()])?;
        let verified = verify(&SnapshotSource::file(&theirs)?, Some(&cluster), &Silent).await?;
        ensure!(
            verified.checks.contains(Checks::TRAILER | Checks::STRUCTURE | Checks::LIVE_HASH),
            "{}",
            verified.checks
        );
        Ok(())
    })
}

async fn etcdutl_restores_ours(minor: Minor, server: &EtcdServer, dir: &Path) -> anyhow::Result<()> {
    let (ours, data_dir) = (dir.join("ours.db"), dir.join("data"));
    let cluster = support::cluster([server.client_url()])?;
    save_raw(&cluster, &ours, &SaveOptions::default(), Arc::new(OsDisk::new())).await?;
    private(&ours)?;

    let mut restored = EtcdServer::builder(&judges::etcd(minor)?).data_dir(&data_dir).reserve()?;
    let members = format!("default={}", restored.peer_url());
    let peer = restored.peer_url();
    let flags = ["--initial-cluster", &members, "--initial-advertise-peer-urls", &peer];
    restore_live::etcdutl_restore(&judges::etcdutl(Minor::V3_6)?, &ours, &data_dir, &flags)?;
    restored.restart()?;
    let revision = restore_live::revision(server)?;
    let (before, after) = (restore_live::hash_kv(server, revision)?, restore_live::hash_kv(&restored, revision)?);
    ensure!(before == after, "saved {before:?}, restored {after:?}");
    ensure!(restore_live::keys(server)? == restore_live::keys(&restored)?, "the keys are not those of the source");
    Ok(())
}

/// Only its owner may read it: it holds every secret of the cluster.
fn private(file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).context("it was saved")?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "its mode is {mode:o}");
    Ok(())
}
