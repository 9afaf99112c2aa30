//! One stream, two clients: `save --raw` and `etcdctl snapshot save` write the same file.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use etcd_snapshot::client::{ClientOptions, EtcdCluster};
use etcd_snapshot::{SaveOptions, save_raw};
use judges::{Case, EtcdServer, Minor, Part};
use objstore_core::disk::OsDisk;
use replay::Recording;
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let case = |minor| {
        let needs = [Part::Etcd(minor), Part::Etcdctl(Minor::V3_6)];
        Case::new(format!("one stream of {minor}"), needs, move || one_stream(minor))
    };
    judges::harness(4, Minor::ALL.into_iter().map(case).collect())
}

fn one_stream(minor: Minor) -> anyhow::Result<()> {
    let server = EtcdServer::builder(&judges::etcd(minor)?).start()?;
    let value = "dmFs".repeat(50_000);
    for key in ["a2V5", "b3Ro", "dGhp"] {
        server.call("/v3/kv/put", &json!({ "key": key, "value": value }))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let compared = runtime.block_on(async { tokio::time::timeout(LIMIT, compare(&server.client_url())).await });
    runtime.shutdown_timeout(Duration::from_secs(5));
    compared.context("it has not ended in time")?
}

async fn compare(url: &str) -> anyhow::Result<()> {
    let recording = Recording::of(url).await?;
    let sent = recording.bytes();
    let replay = recording.serve()?;
    let dir = tempfile::tempdir()?;
    let (ours, theirs) = (dir.path().join("ours.db"), dir.path().join("theirs.db"));

    let live = EtcdCluster::new(ClientOptions::new([replay.url()]))?;
    save_raw(&live, &ours, &SaveOptions::default(), Arc::new(OsDisk::new())).await?;
    let args = [
        "--endpoints".to_owned(),
        replay.url(),
        "snapshot".to_owned(),
        "save".to_owned(),
        theirs.display().to_string(),
    ];
    let etcdctl = judges::etcdctl()?;
    tokio::task::spawn_blocking(move || etcdctl.run(args)?.success()).await??;

    let (ours, theirs) = (std::fs::read(ours)?, std::fs::read(theirs)?);
    ensure!(sent.len() > 100_000 && sent.len() % 512 == 32, "{} bytes were recorded", sent.len());
    ensure!(theirs == sent, "etcdctl wrote {} bytes, {} were sent", theirs.len(), sent.len());
    ensure!(ours == theirs, "the files differ: ours has {} bytes, etcdctl's {}", ours.len(), theirs.len());
    Ok(())
}
