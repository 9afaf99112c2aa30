//! One home, one history: what a cluster does between two saves is let in, another cluster with the same id is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, ensure};
use etcd_client::{Client, CompactionOptions, PutOptions, Txn, TxnOp};
use etcd_snapshot::home::Home;
use etcd_snapshot::restore::{RestoreOptions, restore};
use etcd_snapshot::{ErrorKind, HistoryCheck, SaveOptions, Saved, SnapshotSource, SystemHost, save};
use judges::{EtcdServer, Minor};
use objstore_core::disk::OsDisk;

use crate::{restore_live, support};

/// More than a case takes; a bound, should it never end.
const WRITES_MAX: usize = 200_000;
const ROUNDS: usize = 8;

/// Saves under writes, with a compaction after each; then the same of what a bumped restore of it makes.
pub(crate) fn one_cluster(minor: Minor) -> anyhow::Result<()> {
    let server = EtcdServer::builder(&judges::etcd(minor)?).start()?;
    support::run(async {
        let home = support::home();
        save_while_it_is_compacted(&server.client_url(), &home).await?;
        compacted_past(&server.client_url(), &home).await?;
        let (bumped, _dir) = bumped(minor, &SnapshotSource::newest(&home).await?).await?;
        save_while_it_is_compacted(&bumped.client_url(), &support::home()).await
    })
}

async fn save_while_it_is_compacted(url: &str, home: &Home) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn(write(url.to_owned(), Arc::clone(&stop)));
    let mut client = Client::connect([url], None).await?;
    for round in 0..ROUNDS {
        let deleted = delete_and_revoke(&mut client, round).await?;
        let saved = save(&support::cluster([url])?, home, &SaveOptions::default()).await?;
        match (&saved.history, round) {
            (HistoryCheck::First, 0) | (HistoryCheck::Continues { .. }, 1..) => {}
            (other, _) => anyhow::bail!("round {round}: {other}"),
        }
        compact(&mut client, round, deleted, &saved).await?;
    }
    stop.store(true, Ordering::Release);
    ensure!(writing.await?? < WRITES_MAX, "the writes ended before the saves");
    Ok(())
}

/// As in Kubernetes, where every five minutes all but the last five are compacted.
async fn compacted_past(url: &str, home: &Home) -> anyhow::Result<()> {
    let mut client = Client::connect([url], None).await?;
    let cluster = support::cluster([url])?;
    client.put("/stays", "as it is", None).await?;
    save(&cluster, home, &SaveOptions::default()).await?;
    for write in 0..50 {
        client.put("/moves", format!("{write}"), None).await?;
    }
    let moved = client.put("/moves", "last", None).await?;
    let revision = moved.header().context("an answer has a header")?.revision();
    client.compact(revision, Some(CompactionOptions::new().with_physical())).await?;
    let saved = save(&cluster, home, &SaveOptions::default()).await?;
    ensure!(matches!(saved.history, HistoryCheck::SharesRecords { records: 1.., .. }), "{}", saved.history);
    Ok(())
}

/// Up to what was saved at the most: onto a deletion, right before one, onto the end of the snapshot, or not at all.
async fn compact(client: &mut Client, round: usize, deleted: i64, saved: &Saved) -> anyhow::Result<()> {
    let at = match round % 4 {
        0 => deleted,
        1 => deleted - 1,
        2 => saved.manifest.content.revision,
        _ => return Ok(()),
    };
    // Half of them are done before the next save, the others perhaps not.
    let options = if round < 4 { CompactionOptions::new().with_physical() } else { CompactionOptions::new() };
    client.compact(at, Some(options)).await.map(drop).with_context(|| format!("round {round}, at {at}"))
}

/// Deletes one key, and another with its lease. The revision of the first deletion.
async fn delete_and_revoke(client: &mut Client, round: usize) -> anyhow::Result<i64> {
    let lease = client.lease_grant(3600, None).await?.id();
    client.put(format!("/leased/{round}"), "held", Some(PutOptions::new().with_lease(lease))).await?;
    client.put("/mark", "here", None).await?;
    let deleted = client.delete("/mark", None).await?;
    client.lease_revoke(lease).await?;
    Ok(deleted.header().context("an answer has a header")?.revision())
}

/// Puts, deletions and transactions of several operations, until it is told to stop.
async fn write(url: String, stop: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let mut client = Client::connect([url], None).await?;
    for write in 0..WRITES_MAX {
        if stop.load(Ordering::Acquire) {
            return Ok(write);
        }
        let key = format!("/busy/{}", write % 300);
        match write % 4 {
            0 | 1 => drop(client.put(key, format!("{write}").repeat(50), None).await?),
            2 => drop(client.delete(key, None).await?),
            _ => {
                let ops = (0..5).map(|op| TxnOp::put(format!("{key}/{op}"), format!("{write}"), None));
                drop(client.txn(Txn::new().and_then(ops.collect::<Vec<_>>())).await?);
            }
        }
    }
    Ok(WRITES_MAX)
}

/// A server on what was restored with a raised revision, everything before which is compacted.
async fn bumped(minor: Minor, source: &SnapshotSource) -> anyhow::Result<(EtcdServer, tempfile::TempDir)> {
    let dir = tempfile::tempdir()?;
    let data_dir = dir.path().join("data");
    let mut server = EtcdServer::builder(&judges::etcd(minor)?).data_dir(&data_dir).reserve()?;
    let options = RestoreOptions::default()
        .with_initial_cluster(format!("default={}", server.peer_url()))
        .with_data_dir(&data_dir)
        .with_bump_revision(1_000_000)
        .with_mark_compacted(true);
    restore(source, &options, Arc::new(OsDisk::new()), &SystemHost).await?;
    server.restart()?;
    Ok((server, dir))
}

/// A server with the name, the peer URL and the token that etcd has when it is told nothing.
fn with_defaults() -> anyhow::Result<EtcdServer> {
    let peer = ["--initial-advertise-peer-urls", "http://localhost:2380"];
    let cluster = ["--initial-cluster", "default=http://localhost:2380"];
    let builder = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).initial_cluster_by_caller();
    builder.args(peer).args(cluster).start()
}

pub(crate) fn strangers_with_one_id() -> anyhow::Result<()> {
    let (ours, theirs) = (with_defaults()?, with_defaults()?);
    support::fill(&ours, 20)?;
    (0..60).try_for_each(|index| restore_live::put(&theirs, &format!("/theirs/{index}"), "value", 0))?;
    support::run(async {
        let home = support::home();
        let (ours, theirs) = (support::cluster([ours.client_url()])?, support::cluster([theirs.client_url()])?);
        let first = save(&ours, &home, &SaveOptions::default()).await?;
        ensure!(first.manifest.cluster_id.to_string() == "cdf818194e3a8c32", "{}", first.manifest.cluster_id);
        let refused = save(&theirs, &home, &SaveOptions::default()).await;
        support::expect(refused, ErrorKind::Refused, &["another cluster", "up to revision 21"])?;
        let left = home.inventory().await?;
        ensure!(left.snapshots.len() == 1 && left.incomplete.is_empty(), "{left:?}");

        let declared = save(&theirs, &home, &SaveOptions::default().with_new_incarnation()).await?;
        ensure!(declared.manifest.incarnation == 2 && declared.manifest.cluster_id == first.manifest.cluster_id);
        let again = save(&theirs, &home, &SaveOptions::default().with_new_incarnation()).await?;
        ensure!(again.manifest.incarnation == 2, "an incarnation is declared once");
        let back = save(&ours, &home, &SaveOptions::default()).await;
        support::expect(back, ErrorKind::Refused, &["revision"])
    })
}
