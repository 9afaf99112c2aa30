//! `etcd-snapshot status`: what a snapshot holds, with the names of `etcdutl snapshot status`.

use std::fmt::Write as _;
use std::process::ExitCode;

use etcd_snapshot::{Inspection, SnapshotSource, inspect};
use serde_json::{Value, json};

use super::signal::until_signal;
use crate::output::Output;
use crate::{args, progress, target};

pub(crate) async fn run(args: &args::Status, output: &Output) -> anyhow::Result<ExitCode> {
    until_signal("nothing was changed", work(args, output)).await
}

async fn work(args: &args::Status, output: &Output) -> anyhow::Result<ExitCode> {
    let source = target::open_source(&args.target, output).await?;
    let watcher = progress::watch(output.is_json());
    let inspection = inspect(&source, watcher.as_ref()).await?;
    drop(watcher);
    output.result(&as_json(&source, &inspection), &as_text(&source, &inspection))?;
    Ok(ExitCode::SUCCESS)
}

/// etcdutl's five names, its older count, and what it does not tell.
fn as_json(source: &SnapshotSource, inspection: &Inspection) -> Value {
    let summary = &inspection.summary;
    let status = &summary.status;
    json!({
        "hash": status.hash,
        "revision": status.revision,
        "totalKey": status.total_key,
        "totalKey35": status.total_key_35,
        "totalSize": status.total_size,
        "version": status.version.clone().unwrap_or_default(),
        "hashKV": inspection.hash_kv(),
        "compactRevision": Some(summary.compaction.revision()).filter(|revision| *revision >= 0),
        "compactionInProgress": summary.compaction.is_in_progress(),
        "clusterVersion": summary.cluster_version,
        "leases": summary.leases,
        "alarms": inspection.alarms(),
        "authEnabled": summary.auth.enabled,
        "members": summary.members.iter().map(|member| member.id().to_string()).collect::<Vec<_>>(),
        "pageSize": summary.page_size,
        "sound": inspection.is_sound(),
        "findings": inspection.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "trailer": trailer(source),
        "id": source.id().map(ToString::to_string),
    })
}

/// Status reads pages, not the trailer: `verify` compares it.
fn trailer(source: &SnapshotSource) -> &'static str {
    match (source.has_trailer(), source.has_whole_length()) {
        (true, _) => "not checked",
        (false, true) => "none, so not checked",
        (false, false) => "cut off, so not checked",
    }
}

fn as_text(source: &SnapshotSource, inspection: &Inspection) -> String {
    let summary = &inspection.summary;
    let status = &summary.status;
    let mut text = format!("{source}\n");
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<18} {value}");
    };
    line("hash", format!("{:x} ({0})", status.hash));
    line("revision", status.revision.to_string());
    line("total keys", format!("{} (etcdutl 3.5 counts {})", status.total_key, status.total_key_35));
    line("total size", format!("{} bytes", status.total_size));
    line("storage version", status.version.clone().unwrap_or_else(|| "none (before etcd 3.6)".to_owned()));
    line("HashKV", inspection.hash_kv().map_or_else(|| "none".to_owned(), |hash| hash.to_string()));
    match summary.compaction.revision() {
        -1 => line("compacted", "never".to_owned()),
        revision if summary.compaction.is_in_progress() => {
            line("compacted", format!("up to revision {revision}, not finished"))
        }
        revision => line("compacted", format!("up to revision {revision}")),
    }
    line("leases", summary.leases.to_string());
    line("authentication", if summary.auth.enabled { "on" } else { "off" }.to_owned());
    if !summary.alarms.is_empty() {
        line("alarms", inspection.alarms().join(", "));
    }
    line("trailer", trailer(source).to_owned());
    line(
        "structure",
        if inspection.is_sound() { "sound".to_owned() } else { format!("damaged in {} places", summary.damage) },
    );
    for finding in &inspection.findings {
        let _ = writeln!(text, "    {finding}");
    }
    text
}
