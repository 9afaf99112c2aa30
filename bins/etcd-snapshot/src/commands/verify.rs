//! `etcd-snapshot verify`.

use std::fmt::Write as _;
use std::process::ExitCode;

use etcd_snapshot::{Error, ErrorKind, Live, LiveCheck, SnapshotSource, SystemHost, Verification, verify};
use serde_json::{Value, json};

use super::live;
use super::signal::until_signal;
use crate::output::Output;
use crate::{args, progress, target};

pub(crate) async fn run(args: args::Verify, output: &Output) -> anyhow::Result<ExitCode> {
    let left = if args.record { "the record of it may have been written" } else { "nothing was changed" };
    until_signal(left, work(args, output)).await
}

async fn work(args: args::Verify, output: &Output) -> anyhow::Result<ExitCode> {
    let source = target::open_source(&args.target, output).await?;
    let compare = !args.no_live_check && live::named(&args.live);
    let cluster = compare.then(|| live::cluster(args.live)).transpose()?;
    let watcher = progress::watch(output.is_json());
    let live = cluster.as_ref().map(|cluster| cluster as &dyn Live);
    let verification = verify(&source, live, watcher.as_ref()).await?;
    drop(watcher);
    if args.record {
        record(&args.target, &source, &verification).await?;
    }
    output.result(&as_json(&source, &verification), &as_text(&source, &verification))?;
    Ok(ExitCode::SUCCESS)
}

async fn record(target: &str, source: &SnapshotSource, verification: &Verification) -> anyhow::Result<()> {
    let Some(id) = source.id() else {
        let message = "--record writes beside a snapshot in a store, and this is a file: leave it out";
        return Err(Error::new(ErrorKind::Usage, message).into());
    };
    let home = target::open_store(target).await?.home;
    Ok(home.record_checks(id, verification.checks, &SystemHost).await?)
}

fn as_json(source: &SnapshotSource, verification: &Verification) -> Value {
    json!({
        "id": source.id().map(ToString::to_string),
        "bytes": source.len(),
        "revision": verification.inspection.summary.revision,
        "hash_kv": verification.inspection.hash_kv(),
        "checks": verification.checks.names().collect::<Vec<_>>(),
        "not_checked": verification.not_checked,
        "live_hash": verification.live_check.to_string(),
        "notices": verification.inspection.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn as_text(source: &SnapshotSource, verification: &Verification) -> String {
    let summary = &verification.inspection.summary;
    let mut text = format!(
        "{source} is sound: revision {}, {} keys, {} bytes\n  verified: {}\n",
        summary.revision,
        summary.status.total_key,
        source.len(),
        verification.checks
    );
    let _ = writeln!(text, "  live hash: {}", verification.live_check);
    for finding in &verification.inspection.findings {
        let _ = writeln!(text, "  notice: {finding}");
    }
    if verification.live_check == LiveCheck::NotAsked {
        text.push_str("  hint: --endpoints compares it with a live member\n");
    }
    for not in &verification.not_checked {
        let _ = writeln!(text, "  not checked: {not}");
    }
    text
}
