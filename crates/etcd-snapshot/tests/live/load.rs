//! Snapshots of a cluster that is busy: with writes, and with a compaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, ensure};
use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};
use etcd_snapshot::home::Home;
use etcd_snapshot::restore::{RestoreOptions, restore};
use etcd_snapshot::{Checks, SaveOptions, Saved, SnapshotSource, SystemHost, inspect, progress::Silent, save, verify};
use judges::{EtcdCluster, EtcdServer, Minor};
use objstore_core::disk::OsDisk;

use crate::restore_live;
use crate::support;

/// More than the saves take; a bound, should they never end.
const WRITES_MAX: usize = 100_000;
const COMPACT_EVERY: usize = 100;
const SAVES: usize = 4;

pub(crate) fn under_writes(minor: Minor) -> anyhow::Result<()> {
    let server = EtcdServer::builder(&judges::etcd(minor)?).start()?;
    support::run(async {
        let home = support::home();
        save_under_writes(&[server.client_url()], &home).await?;
        let source = SnapshotSource::newest(&home).await?;
        verify(&source, None, &Silent).await?;
        boots(minor, &source).await
    })
}

/// As long as all three agree, no save may find that they differ, whatever is written and compacted meanwhile.
pub(crate) fn three_under_writes(minor: Minor) -> anyhow::Result<()> {
    let members = EtcdCluster::start_three(&judges::etcd(minor)?)?;
    support::run(async {
        let (home, urls) = (support::home(), members.client_urls());
        save_under_writes(&urls, &home).await?;
        // When it is quiet again, they can be compared.
        let saved = save(&support::cluster(&urls)?, &home, &SaveOptions::default()).await?;
        ensure!(saved.checks.contains(Checks::LIVE_HASH), "{}", saved.live_check);
        Ok(())
    })
}

async fn save_under_writes(urls: &[String], home: &Home) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn(write(urls.to_vec(), Arc::clone(&stop)));
    let cluster = support::cluster(urls)?;
    let mut revisions = Vec::new();
    for _ in 0..SAVES {
        let saved = save(&cluster, home, &SaveOptions::default()).await?;
        revisions.push(saved.manifest.content.revision);
    }
    stop.store(true, Ordering::Release);
    let written = writing.await??;
    ensure!(revisions.is_sorted() && revisions.first() < revisions.last(), "no writes between: {revisions:?}");
    ensure!(written < WRITES_MAX, "the writes ended before the saves");
    Ok(())
}

/// Puts, deletions, transactions of several operations and compactions, until it is told to stop.
async fn write(urls: Vec<String>, stop: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let mut client = Client::connect(urls, None).await?;
    for write in 0..WRITES_MAX {
        if stop.load(Ordering::Acquire) {
            return Ok(write);
        }
        if write % COMPACT_EVERY == COMPACT_EVERY - 1 {
            let revision = client.get("/busy", None).await?.header().context("an answer has a header")?.revision();
            client.compact(revision - 20, None).await?;
        }
        let key = format!("/busy/{}", write % 500);
        match write % 4 {
            0 | 1 => drop(client.put(key, format!("{write}").repeat(50), None).await?),
            2 => drop(client.delete(key, None).await?),
            _ => {
                let ops = (0..5).map(|op| TxnOp::put(format!("{key}/{op}"), format!("{write}"), None));
                let when = Compare::version(key.clone(), CompareOp::Greater, -1);
                drop(client.txn(Txn::new().when([when]).and_then(ops.collect::<Vec<_>>())).await?);
            }
        }
    }
    Ok(WRITES_MAX)
}

/// The server compacts 50 records at a time and rests in between, so that a compaction takes seconds.
pub(crate) fn in_mid_compaction(minor: Minor) -> anyhow::Result<()> {
    let slow = ["--experimental-compaction-batch-limit=50", "--experimental-compaction-sleep-interval=200ms"];
    let server = EtcdServer::builder(&judges::etcd(minor)?).args(slow).start()?;
    support::run(async {
        let mut client = Client::connect([server.client_url()], None).await?;
        let revision = many_revisions(&mut client).await?;
        let home = support::home();
        let cluster = support::cluster([server.client_url()])?;
        client.compact(revision - 10, None).await?;
        let mut caught = None;
        for _ in 0..SAVES {
            let saved = save(&cluster, &home, &SaveOptions::default()).await?;
            ensure!(saved.checks.contains(Checks::SENDER_HASH), "{}", saved.live_check);
            let source = SnapshotSource::stored(&home, &saved.id).await?;
            if inspect(&source, &Silent).await?.summary.compaction.is_in_progress() {
                caught = Some(saved);
            }
        }
        boots_mid_compaction(minor, &home, &caught.context("no snapshot was taken in mid-compaction")?).await
    })
}

async fn many_revisions(client: &mut Client) -> anyhow::Result<i64> {
    let mut revision = 0;
    for round in 0..60 {
        let puts = (0..100).map(|key| TxnOp::put(format!("/old/{key}"), format!("{round}"), None));
        let done = client.txn(Txn::new().and_then(puts.collect::<Vec<_>>())).await?;
        revision = done.header().context("an answer has a header")?.revision();
    }
    Ok(revision)
}

async fn boots_mid_compaction(minor: Minor, home: &Home, saved: &Saved) -> anyhow::Result<()> {
    let source = SnapshotSource::stored(home, &saved.id).await?;
    verify(&source, None, &Silent).await?;
    boots(minor, &source).await
}

/// A restored member has the hash that the manifest tells, at the same revision and compaction.
async fn boots(minor: Minor, source: &SnapshotSource) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let data_dir = dir.path().join("data");
    let mut server = EtcdServer::builder(&judges::etcd(minor)?).data_dir(&data_dir).reserve()?;
    let options = RestoreOptions::default()
        .with_initial_cluster(format!("default={}", server.peer_url()))
        .with_data_dir(&data_dir);
    restore(source, &options, Arc::new(OsDisk::new()), &SystemHost).await?;
    server.restart()?;
    let content = &source.manifest().context("it is stored")?.content;
    let hash = restore_live::hash_kv(&server, content.revision)?;
    let compacted = content.compact_revision.unwrap_or(-1);
    ensure!(
        hash.hash == u64::from(content.hash_kv) && hash.compact_revision == compacted,
        "saved {content:?}, restored {hash:?}"
    );
    Ok(())
}
