//! `etcd-snapshot save`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use etcd_snapshot::client::EtcdCluster;
use etcd_snapshot::{CancelToken, Checks, Error, ErrorKind, RawSaved, SaveOptions, Saved, save, save_raw};
use objstore_core::disk::OsDisk;
use serde_json::{Value, json};

use super::live;
use super::signal::cancelled_by_signal;
use crate::output::Output;
use crate::{args, progress, target};

/// What a second signal leaves of a save into a file, which the first one has told to take away what it wrote.
const PART: &str = "the file is as it was, and a .part file beside it may be left: remove it";

/// What a second signal leaves of a save into a store, which the first one has told to take away what it wrote.
const PERHAPS: &str = "a payload without manifest may be left: `list --incomplete` shows it";

pub(crate) async fn run(args: args::Save, output: &Output) -> anyhow::Result<ExitCode> {
    let mut options =
        SaveOptions::default().with_stall_timeout(args.stall_timeout).with_progress(progress::watch(output.is_json()));
    if args.no_live_check {
        options = options.without_live_check();
    }
    if !args.require.is_empty() {
        options = options.with_required(required(&args.require)?);
    }
    if args.new_incarnation {
        options = options.with_new_incarnation();
    }
    if let Some(timeout) = args.timeout {
        options = options.with_timeout(timeout);
    }
    let cluster = live::cluster(args.live)?;
    match (args.to, args.raw) {
        (Some(store), _) => into_store(&cluster, &store, &options, output).await,
        (None, Some(path)) => into_file(&cluster, &path, &options, output).await,
        (None, None) => unreachable!("clap requires one of the two"),
    }
}

/// The checks that `--require` names.
fn required(names: &[String]) -> etcd_snapshot::Result<Checks> {
    names.iter().try_fold(Checks::NONE, |all, name| Ok(all | name.parse()?))
}

async fn into_store(
    cluster: &EtcdCluster,
    store: &str,
    options: &SaveOptions,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    if store.starts_with("memory:") {
        let message = format!("{store} is gone when this program ends, so it keeps no backup: name a store that stays");
        return Err(Error::new(ErrorKind::Usage, message).into());
    }
    let home = target::open_home(store, output).await?;
    let token = CancelToken::new();
    let options = options.clone().with_cancel(token.clone());
    let saved = cancelled_by_signal(&token, PERHAPS, save(cluster, &home, &options)).await;
    // Whatever happened, an upload that was given up is aborted before the program ends.
    let closed = home.store().close().await;
    let saved = saved?;
    closed?;
    output.result(&saved_json(&saved), &saved_text(&saved, store)).with_context(|| {
        format!("the backup {store}#{} is complete, and only this answer could not be written", saved.id)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn into_file(
    cluster: &EtcdCluster,
    path: &Path,
    options: &SaveOptions,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let token = CancelToken::new();
    let options = options.clone().with_cancel(token.clone());
    let saved = cancelled_by_signal(&token, PART, save_raw(cluster, path, &options, Arc::new(OsDisk::new()))).await?;
    output
        .result(&raw_json(&saved), &raw_text(&saved))
        .with_context(|| format!("{} is complete, and only this answer could not be written", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn saved_json(saved: &Saved) -> Value {
    let content = &saved.manifest.content;
    json!({
        "id": saved.id.to_string(),
        "incarnation": saved.manifest.incarnation,
        "revision": content.revision,
        "compact_revision": content.compact_revision,
        "hash_kv": content.hash_kv,
        "bytes": saved.manifest.payload.bytes,
        "sha256": saved.manifest.payload.sha256,
        "cluster_id": saved.manifest.cluster_id,
        "member_id": saved.manifest.member_id,
        "endpoint": saved.endpoint,
        "chosen_because": saved.why,
        "checks": saved.checks.names().collect::<Vec<_>>(),
        "live_hash": saved.live_check.to_string(),
        "history": saved.history.to_string(),
    })
}

fn saved_text(saved: &Saved, store: &str) -> String {
    let content = &saved.manifest.content;
    format!(
        "saved {} as {store}#{}\n  revision {}, {} keys, {} bytes, HashKV {}\n  verified: {}\n  live hash: {}\n  history: {}\n",
        saved.endpoint,
        saved.id,
        content.revision,
        content.total_key,
        saved.manifest.payload.bytes,
        content.hash_kv,
        saved.checks,
        saved.live_check,
        saved.history
    )
}

fn raw_json(saved: &RawSaved) -> Value {
    json!({
        "file": saved.path,
        "bytes": saved.bytes,
        "sha256": saved.sha256,
        "cluster_id": saved.cluster_id,
        "member_id": saved.member_id,
        "endpoint": saved.endpoint,
        "server_version": saved.server_version,
        "checks": ["trailer"],
    })
}

fn raw_text(saved: &RawSaved) -> String {
    format!(
        "saved {} as {} ({} bytes)\n  verified: trailer; `etcd-snapshot verify` checks the rest\n",
        saved.endpoint,
        saved.path.display(),
        saved.bytes
    )
}
