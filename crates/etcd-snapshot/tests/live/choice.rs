//! Which of several members sends, and which one is compared with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use etcd_snapshot::progress::{Progress, Silent, Stage};
use etcd_snapshot::{
    Checks, Hex64, Live as _, LiveCheck, LiveHash, NotComparable, SaveOptions, SnapshotSource, save, save_raw, verify,
};
use judges::{EtcdCluster, Minor};
use objstore_core::disk::OsDisk;

use crate::support;

pub(crate) fn of_three(minor: Minor) -> anyhow::Result<()> {
    let mut members = EtcdCluster::start_three(&judges::etcd(minor)?)?;
    support::fill(&members.members()[0], 30)?;
    support::run(async {
        let urls = members.client_urls();
        let all = support::cluster(&urls)?;
        let leader = leader(&all).await?;
        all_endpoints(&all, &leader).await?;
        after_compactions(&urls).await?;
        one_endpoint(&urls[0]).await?;
        the_same_one_twice(&urls[0]).await?;
        let dead = members.members_mut().iter_mut().find(|member| member.client_url() != leader);
        dead.context("two do not lead")?.kill9()?;
        one_is_dead(&urls).await
    })
}

async fn leader(cluster: &etcd_snapshot::client::EtcdCluster) -> anyhow::Result<String> {
    for endpoint in cluster.members().await {
        if endpoint.status?.is_leader() {
            return Ok(endpoint.url);
        }
    }
    anyhow::bail!("nobody leads")
}

async fn all_endpoints(all: &etcd_snapshot::client::EtcdCluster, leader: &str) -> anyhow::Result<()> {
    let home = support::home();
    let saved = save(all, &home, &SaveOptions::default()).await?;
    ensure!(saved.endpoint != leader, "the leader was asked: {}", saved.why);
    ensure!(saved.checks.contains(Checks::LIVE_HASH), "{}", saved.live_check);
    let compared = saved.manifest.verified.compared_with;
    ensure!(compared.is_some_and(|id| id != saved.manifest.member_id), "{:?}", saved.manifest);
    ensure!(saved.live_check.member_id() == compared, "{:?}", saved.live_check);

    let source = SnapshotSource::newest(&home).await?;
    let again = verify(&source, Some(all), &Silent).await?;
    ensure!(again.checks.contains(Checks::LIVE_HASH), "{}", again.live_check);
    ensure!(again.live_check.member_id() != Some(saved.manifest.member_id), "{}", again.live_check);
    Ok(())
}

/// A member that is asked for the hash at the revision that it compacted last answers with the compaction before that one.
async fn after_compactions(urls: &[String]) -> anyhow::Result<()> {
    let mut client = etcd_client::Client::connect(urls, None).await?;
    let revision = client.get("/", None).await?.header().context("an answer has a header")?.revision();
    for at in [revision - 15, revision] {
        client.compact(at, Some(etcd_client::CompactionOptions::new().with_physical())).await?;
    }
    let live = support::cluster(urls)?;
    for url in urls {
        tokio::time::timeout(Duration::from_secs(20), compacted(&live, url, revision)).await??;
    }
    let saved = support::save_from(support::options(urls)).await?;
    ensure!(saved.checks.contains(Checks::LIVE_HASH), "{}", saved.live_check);
    ensure!(saved.manifest.content.compact_revision == Some(revision), "{:?}", saved.manifest.content);
    Ok(())
}

/// Each member compacts when it comes to it.
async fn compacted(live: &etcd_snapshot::client::EtcdCluster, url: &str, revision: i64) -> anyhow::Result<()> {
    loop {
        match live.hash_kv(url, 0).await? {
            LiveHash::Hash { compact_revision, .. } if compact_revision == revision => return Ok(()),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The word of the member that sent it proves nothing about the data, and the cluster has others.
async fn one_endpoint(url: &str) -> anyhow::Result<()> {
    let saved = support::save_from(support::options([url])).await?;
    let LiveCheck::NotComparable { why, reason } = &saved.live_check else { anyhow::bail!("{}", saved.live_check) };
    ensure!(why.contains("only the member that sent it is among the endpoints"), "{why}");
    ensure!(*reason == NotComparable::OnlySender && !reason.may_pass(), "{reason:?}");
    ensure!(!saved.checks.contains(Checks::LIVE_HASH) && !saved.checks.contains(Checks::SENDER_HASH));
    Ok(())
}

async fn the_same_one_twice(url: &str) -> anyhow::Result<()> {
    let other = url.replace("127.0.0.1", "localhost");
    let saved = support::save_from(support::options([url, &other])).await?;
    ensure!(matches!(saved.live_check, LiveCheck::NotComparable { .. }), "{}", saved.live_check);
    Ok(())
}

async fn one_is_dead(urls: &[String]) -> anyhow::Result<()> {
    let saved = support::save_from(support::options(urls)).await?;
    ensure!(saved.checks.contains(Checks::LIVE_HASH), "{}", saved.live_check);
    Ok(())
}

/// What is left of a cluster that has lost its quorum has the data, and etcdctl gets it. Nobody can say how many members
/// there are, so that the survivor's own hash proves nothing.
pub(crate) fn survivor(minor: Minor) -> anyhow::Result<()> {
    let mut members = EtcdCluster::start_three(&judges::etcd(minor)?)?;
    support::fill(&members.members()[0], 30)?;
    let urls = members.client_urls();
    for member in members.members_mut().iter_mut().skip(1) {
        member.kill9()?;
    }
    support::run(async {
        let cluster = support::cluster(&urls)?;
        // It knows its leader until the next election.
        while cluster.member(&urls[0]).await?.leader != Hex64(0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let notes = Arc::new(Notes::default());
        let (home, options) = (support::home(), SaveOptions::default().with_progress(Arc::<Notes>::clone(&notes)));
        let saved = save(&cluster, &home, &options).await?;
        ensure!(saved.endpoint == urls[0], "{}", saved.endpoint);
        let LiveCheck::NotComparable { reason, why } = &saved.live_check else { anyhow::bail!("{}", saved.live_check) };
        ensure!(*reason == NotComparable::Unreachable && urls[1..].iter().all(|url| why.contains(url)), "{why}");
        let said = notes.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
        ensure!(said.contains("no quorum") && urls[1..].iter().all(|url| said.contains(url)), "{said}");
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("etcd.db");
        save_raw(&cluster, &file, &SaveOptions::default(), Arc::new(OsDisk::new())).await?;
        verify(&SnapshotSource::file(file)?, None, &Silent).await?;
        Ok(())
    })
}

/// What was noted.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn begin(&self, _: Stage, _: Option<u64>) {}

    fn advance(&self, _: u64) {}

    fn note(&self, message: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
    }
}
