//! Members that are not there, do not answer, or must not be saved from.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use etcd_snapshot::client::{ClientOptions, EtcdCluster};
use etcd_snapshot::{ErrorKind, LiveCheck, SaveOptions, SnapshotSource, progress::Silent, save, save_raw, verify};
use futures::TryStreamExt as _;
use judges::{EtcdServer, Minor, Relay};
use objstore_core::disk::OsDisk;
use objstore_core::{ObjectStoreExt as _, Prefix};
use serde_json::json;

use crate::support::{self, expect, save_from};

const SHORT: Duration = Duration::from_secs(1);
/// Longer than all of the short limits together, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

pub(crate) fn nobody() -> anyhow::Result<()> {
    // A port that was free a moment ago, and that nobody listens on.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    support::run(async {
        let url = format!("http://127.0.0.1:{port}");
        expect(save_from(support::options([&url])).await, ErrorKind::Unreachable, &[&url, "is it up"])?;
        let name = "http://does-not-exist.invalid:2379";
        expect(save_from(support::options([name])).await, ErrorKind::Unreachable, &[name])
    })
}

pub(crate) fn silent() -> anyhow::Result<()> {
    // Nobody takes a connection out of the queue; the system answers that it is open.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let server = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).start()?;
    support::run(async {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://127.0.0.1:{port}");
            let began = Instant::now();
            expect(save_from(impatient([&url])).await, ErrorKind::Unreachable, &[&url, "did not answer within"])?;
            ensure!(began.elapsed() < SOON, "{scheme}: it took {:?}", began.elapsed());
        }
        // Beside a member that answers, a silent one costs its timeout and no more.
        let saved = save_from(impatient([format!("http://127.0.0.1:{port}"), server.client_url()])).await?;
        ensure!(saved.endpoint == server.client_url(), "{}", saved.endpoint);
        Ok(())
    })
}

fn impatient<S: Into<String>>(urls: impl IntoIterator<Item = S>) -> ClientOptions {
    ClientOptions::new(urls).with_connect_timeout(SHORT).with_request_timeout(SHORT)
}

pub(crate) fn stalls() -> anyhow::Result<()> {
    let server = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).start()?;
    for index in 0..8 {
        crate::restore_live::put(&server, &format!("/large/{index}"), &"x".repeat(1_000_000), 0)?;
    }
    let relay = || Relay::start(&server.client_url(), 2_000_000);
    support::run(async {
        let (first, second) = (relay()?, relay()?);
        let stall = SaveOptions::default().with_stall_timeout(SHORT);
        stopped(&first, &stall, "has sent nothing for 1s").await?;
        let whole = SaveOptions::default().with_timeout(Duration::from_secs(3));
        stopped(&second, &whole, "give it more time").await
    })
}

async fn stopped(relay: &Relay, options: &SaveOptions, says: &str) -> anyhow::Result<()> {
    let (home, began) = (support::home(), Instant::now());
    let saved = save(&support::cluster([relay.url()])?, &home, options).await;
    expect(saved, ErrorKind::Unreachable, &[says])?;
    ensure!(relay.is_silent(), "the stream did not come so far");
    ensure!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
    home.store().close().await?;
    let inventory = home.inventory().await?;
    ensure!(inventory.snapshots.is_empty() && inventory.incomplete.is_empty(), "{inventory:?}");
    Ok(())
}

pub(crate) fn two_clusters() -> anyhow::Result<()> {
    let etcd = judges::etcd(Minor::V3_6)?;
    let one = EtcdServer::builder(&etcd).start()?;
    let other = EtcdServer::builder(&etcd).args(["--initial-cluster-token", "another"]).start()?;
    support::run(async {
        let both = support::options([one.client_url(), other.client_url()]);
        refused(both, &["is of cluster", "name the endpoints of one cluster"]).await?;
        a_stranger_proves_nothing(&one, &other).await
    })
}

/// Two clusters at the same revision have different hashes, which says nothing about a file of one of them.
async fn a_stranger_proves_nothing(one: &EtcdServer, other: &EtcdServer) -> anyhow::Result<()> {
    crate::restore_live::put(one, "/key", "mine", 0)?;
    crate::restore_live::put(other, "/key", "another's", 0)?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("one.db");
    let (one, other) = (support::cluster([one.client_url()])?, support::cluster([other.client_url()])?);
    save_raw(&one, &file, &SaveOptions::default(), Arc::new(OsDisk::new())).await?;
    let source = SnapshotSource::file(&file)?;
    let own = verify(&source, Some(&one), &Silent).await?.live_check;
    ensure!(matches!(own, LiveCheck::Matched { .. }), "{own}");
    let strangers = verify(&source, Some(&other), &Silent).await?.live_check;
    ensure!(strangers.to_string().contains("of another cluster"), "{strangers}");
    Ok(())
}

/// A member that dies while it sends.
pub(crate) fn dies() -> anyhow::Result<()> {
    let mut server = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).start()?;
    for index in 0..8 {
        crate::restore_live::put(&server, &format!("/large/{index}"), &"x".repeat(1_000_000), 0)?;
    }
    support::run(async {
        let (home, relay) = (support::home(), Relay::start(&server.client_url(), 2_000_000)?);
        let cluster = support::cluster([relay.url()])?;
        let saving = tokio::spawn({
            let home = home.clone();
            async move { save(&cluster, &home, &SaveOptions::default()).await }
        });
        let silent = async {
            while !relay.is_silent() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, silent).await?;
        server.kill9()?;
        drop(relay);
        let saved = tokio::time::timeout(SOON, saving).await??;
        expect(saved, ErrorKind::Unreachable, &["broke off in the middle", "nothing was saved"])?;
        home.store().close().await?;
        let inventory = home.inventory().await?;
        ensure!(inventory.snapshots.is_empty() && inventory.incomplete.is_empty(), "{inventory:?}");
        Ok(())
    })
}

pub(crate) fn corrupt() -> anyhow::Result<()> {
    let server = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).start()?;
    support::fill(&server, 3)?;
    let member = server.call("/v3/maintenance/status", &json!({}))?["header"]["member_id"].clone();
    let raise = json!({"action": "ACTIVATE", "memberID": member, "alarm": "CORRUPT"});
    server.call("/v3/maintenance/alarm", &raise)?;
    support::run(refused(support::options([server.client_url()]), &["alarm CORRUPT", "nothing was saved"]))
}

/// Refused, and nothing was written.
async fn refused(options: ClientOptions, says: &[&str]) -> anyhow::Result<()> {
    let home = support::home();
    expect(save(&EtcdCluster::new(options)?, &home, &SaveOptions::default()).await, ErrorKind::Refused, says)?;
    let left: Vec<_> = home.store().list(&Prefix::root()).try_collect().await?;
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}
