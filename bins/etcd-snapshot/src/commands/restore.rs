//! `etcd-snapshot restore`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use etcd_snapshot::restore::{
    Changes, Identity, InitContainer, Outcome, RestoreOptions, Restored, plan, restore, settled,
};
use etcd_snapshot::{Result, SystemHost};
use objstore_core::disk::{Disk, OsDisk};

use super::signal::until_signal;
use crate::output::Output;
use crate::{args, progress, target};

/// What a signal leaves: it may come when the last step is done.
const LEFT: &str = "what was written is taken away, or the restore was complete already: run it again, and it says which, without touching what is complete; in between, no etcd starts on it";

pub(crate) async fn run(args: args::Restore, output: &Output) -> anyhow::Result<ExitCode> {
    let options = options(&args)?.with_progress(progress::watch(output.is_json()));
    let disk: Arc<dyn Disk> = Arc::new(OsDisk::new());
    if let Some(restored) = settled(&options, Arc::clone(&disk)).await?.filter(|_| !args.dry_run) {
        return tell(&restored, output);
    }
    let source = target::open_source(&args.target, output).await?;
    if args.dry_run {
        let planned = plan(&source, &options, disk, &SystemHost).await?;
        let mut text = said(
            "would restore",
            planned.outcome,
            &planned.data_dir,
            planned.identity.as_ref(),
            planned.changes.as_ref(),
        );
        let _ = writeln!(text, "  space: {} bytes needed, {} free", planned.needed_bytes, planned.free_bytes);
        output.result(&serde_json::to_value(&planned)?, &text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let restored = until_signal(LEFT, async { Ok(restore(&source, &options, disk, &SystemHost).await?) }).await?;
    tell(&restored, output)
}

fn tell(restored: &Restored, output: &Output) -> anyhow::Result<ExitCode> {
    let dir = &restored.data_dir;
    let text = said("restored", restored.outcome, dir, restored.identity.as_ref(), restored.changes.as_ref());
    output.result(&serde_json::to_value(restored)?, &text)?;
    Ok(ExitCode::SUCCESS)
}

fn options(args: &args::Restore) -> Result<RestoreOptions> {
    let mut options = RestoreOptions::default()
        .with_name(&args.name)
        .with_skip_hash_check(args.skip_hash_check)
        .with_bump_revision(args.bump_revision)
        .with_mark_compacted(args.mark_compacted)
        .with_keep_nospace_alarms(args.keep_nospace_alarms)
        .with_clear_corrupt_alarms(args.clear_corrupt_alarms)
        .with_disable_auth(args.disable_auth);
    // What is given as nothing counts as not given, as it does for etcdutl.
    options.data_dir = folder(args.data_dir.as_deref());
    options.wal_dir = folder(args.wal_dir.as_deref());
    options.initial_cluster = args.initial_cluster.clone().filter(|members| !members.is_empty());
    options.initial_cluster_token = args.initial_cluster_token.clone().filter(|token| !token.is_empty());
    if !args.initial_advertise_peer_urls.is_empty() {
        options = options.with_initial_advertise_peer_urls(args.initial_advertise_peer_urls.iter().cloned());
    }
    options.target_version = args.target_version;
    options.owner = args.owner;
    options.pinned_id =
        args.target.split_once('#').filter(|_| args.target.contains("://")).map(|(_, id)| id.to_owned());
    if args.init_container {
        options = options.with_init_container(match args.ordinal {
            Some(ordinal) => InitContainer::new(ordinal),
            None => InitContainer::from_host_name(&rustix::system::uname().nodename().to_string_lossy())?,
        });
    }
    Ok(options)
}

/// A folder that was named; a symbolic link is followed once, here.
fn folder(named: Option<&Path>) -> Option<PathBuf> {
    let named = named.filter(|path| !path.as_os_str().is_empty())?;
    let followed = if named.is_symlink() { named.canonicalize().ok() } else { None };
    Some(followed.unwrap_or_else(|| named.to_owned()))
}

fn said(verb: &str, outcome: Outcome, dir: &Path, identity: Option<&Identity>, changes: Option<&Changes>) -> String {
    let dir = dir.display();
    let mut text = match outcome {
        Outcome::AlreadyRestored => format!("{dir} was restored before; nothing to do\n"),
        Outcome::AlreadyPopulated => format!("{dir} holds data already, which is left alone; nothing to do\n"),
        Outcome::NotThisOrdinal => "this ordinal has nothing to restore\n".to_owned(),
        _ => format!("{verb} {dir}\n"),
    };
    if let Some(identity) = identity {
        let _ =
            writeln!(text, "  member {} ({}) of cluster {}", identity.member_id, identity.name, identity.cluster_id);
        let _ = writeln!(text, "  token {}, initial cluster {}", identity.token, identity.initial_cluster);
    }
    if let Some(changes) = changes {
        say_changes(&mut text, changes);
    }
    text
}

fn say_changes(text: &mut String, changes: &Changes) {
    let bumped = changes.revision != changes.snapshot_revision;
    let from = if bumped { format!(" (raised from {})", changes.snapshot_revision) } else { String::new() };
    let _ = writeln!(text, "  revision {}{from}, {} bytes", changes.revision, changes.database_bytes);
    if !changes.dropped_members.is_empty() {
        let ids: Vec<String> = changes.dropped_members.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  members of the old cluster dropped: {}", ids.join(", "));
    }
    for alarm in &changes.dropped_alarms {
        let _ = writeln!(text, "  alarm dropped: {alarm}");
    }
    for alarm in &changes.kept_alarms {
        let _ = writeln!(text, "  alarm kept: {alarm}");
    }
    match (changes.auth_enabled, changes.auth_disabled) {
        (_, true) => text.push_str("  authentication switched off; users and roles are kept\n"),
        (true, false) => text.push_str("  authentication is on: the passwords of the snapshot's time hold\n"),
        (false, false) => {}
    }
    if !changes.hash_checked {
        text.push_str("  the content was not compared with a digest\n");
    }
}
