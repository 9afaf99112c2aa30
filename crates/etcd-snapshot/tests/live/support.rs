//! A runtime with a deadline, places to save into, and errors to be expected.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use etcd_snapshot::client::{ClientOptions, EtcdCluster};
use etcd_snapshot::home::Home;
use etcd_snapshot::{Error, ErrorKind, SaveOptions, Saved, save};
use judges::EtcdServer;
use objstore_core::{MemoryStore, Prefix};

use crate::restore_live;

const LIMIT: Duration = Duration::from_secs(150);

/// Runs a case; it fails when it has not ended after 150 s.
pub(crate) fn run(case: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, case).await });
    runtime.shutdown_timeout(Duration::from_secs(5));
    ended.context("the case has not ended in time")?
}

/// A fresh home in memory.
pub(crate) fn home() -> Home {
    Home::new(Arc::new(MemoryStore::new()), Prefix::root())
}

/// The members at these URLs, with short timeouts.
pub(crate) fn cluster<S: Into<String>>(urls: impl IntoIterator<Item = S>) -> anyhow::Result<EtcdCluster> {
    Ok(EtcdCluster::new(options(urls))?)
}

/// Waits at most 5 s for anything small.
pub(crate) fn options<S: Into<String>>(urls: impl IntoIterator<Item = S>) -> ClientOptions {
    ClientOptions::new(urls).with_request_timeout(Duration::from_secs(20))
}

/// Saves from the servers at these URLs into a fresh home.
pub(crate) async fn save_from(options: ClientOptions) -> Result<Saved, Error> {
    save(&EtcdCluster::new(options)?, &home(), &SaveOptions::default()).await
}

/// Writes so many keys.
pub(crate) fn fill(server: &EtcdServer, keys: usize) -> anyhow::Result<()> {
    (0..keys).try_for_each(|index| restore_live::put(server, &format!("/key/{index}"), "value", 0))
}

/// That `result` is an error of this kind, which says all of these.
pub(crate) fn expect<T: Debug>(result: Result<T, Error>, kind: ErrorKind, says: &[&str]) -> anyhow::Result<()> {
    let error = match result {
        Ok(done) => anyhow::bail!("it succeeded: {done:?}"),
        Err(error) => error,
    };
    ensure!(error.kind() == kind, "expected {kind:?}: {error:?}");
    let said = error.to_string();
    for part in says {
        ensure!(said.contains(part), "expected `{part}` in: {error:?}");
    }
    Ok(())
}
