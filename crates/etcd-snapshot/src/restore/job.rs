//! One restore, from its checks to its report.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver as SumsReceiver;

use etcd_format::restored::{self, restore_edits};
use etcd_format::{snap, wal};
use objstore_core::disk::DiskFile;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::cluster::{self, NewCluster};
use super::copy::{self, Piece, Sums};
use super::edit;
use super::files::Files;
use super::integrity::Expected;
use super::look::Look;
use super::marker::{self, RestoreMarker};
use super::options::RestoreOptions;
use super::report::{Changes, Outcome, RestorePlan, Restored};
use super::site::{Log, Site};
use super::target::{self, Paths, Place};
use crate::hex::Hex64;
use crate::home::TOOL;
use crate::host::Host;
use crate::progress::Stage;
use crate::receive::to_hex;
use crate::source::{SnapshotSource, blocking};
use crate::{Advice, Error, ErrorKind, Result};

/// What etcd's own files take beside the database, in bytes, rounded up.
const SMALL_FILES: u64 = 1024 * 1024;

/// A restore that was checked as far as it can be without writing.
#[derive(Clone, Debug)]
pub(super) struct Job {
    files: Files,
    paths: Paths,
    options: RestoreOptions,
    cluster: NewCluster,
    log: Log,
    expected: Expected,
    look: Look,
    source_len: u64,
    source_name: String,
    snapshot_id: Option<String>,
    run: String,
}

impl Job {
    /// Checks the options, the target's log directory, and the parts of the snapshot that a restore changes.
    pub(super) async fn prepare(
        source: &SnapshotSource,
        options: &RestoreOptions,
        files: Files,
        paths: Paths,
        host: &dyn Host,
    ) -> Result<Self> {
        check_bump(options)?;
        let cluster = NewCluster::resolve(options, host)?;
        let expected = Expected::of(source, options.skip_hash_check);
        let data_len = copy::data_len(source.len(), expected.has_trailer);
        let look = Look::at_source(source, data_len).await?;
        expected.require(source)?;
        let job = Self {
            log: Log { name: wal::file_name(0, 0), content: wal::initial_log(&cluster.members, cluster.local.id()) },
            source_len: source.len(),
            source_name: source.to_string(),
            snapshot_id: source.id().map(ToString::to_string),
            run: cluster::random_hex::<8>(host)?,
            options: options.clone(),
            files,
            paths,
            cluster,
            expected,
            look,
        };
        job.edits(&job.look)?;
        job.check_wal_dir().await?;
        Ok(job)
    }

    /// Refuses a log directory that holds something, before anything is written.
    async fn check_wal_dir(&self) -> Result<()> {
        let Some(dir) = self.paths.wal_dir.clone() else { return Ok(()) };
        let (files, paths) = (self.files.clone(), self.paths.clone());
        blocking(move || {
            let stopped = match Place::inspect(&files, &paths)? {
                Place::Stopped(claim) => claim,
                _ => None,
            };
            target::check_wal_dir(&files, &dir, stopped.as_ref())
        })
        .await
    }

    /// What is to be changed in a database that was looked at, by the rules that the options set.
    fn edits(&self, look: &Look) -> Result<restored::Restored> {
        if let Some(target) = self.options.target_version {
            target.check(look.versions())?;
        }
        check_raised(look.state.revision(), self.options.bump_revision)?;
        let wanted = restored::RestoreOptions::new(&self.cluster.members)
            .with_bump_revision(self.options.bump_revision)
            .with_drop_nospace(!self.options.keep_nospace_alarms)
            .with_disable_auth(self.options.disable_auth);
        let mut restored = restore_edits(&wanted, &look.state)
            .map_err(|e| Error::usage("the snapshot cannot be restored with these options").with_source(e))?;
        if !restored.corrupt.is_empty() && !self.options.clear_corrupt_alarms {
            return Err(Error::refused(format!(
                "the snapshot was taken under a CORRUPT alarm of member {}: its data is in doubt, and etcd would refuse writes to it; \
                 restore an older snapshot, or, once the data was checked, have the alarm cleared",
                restored.corrupt.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            ))
            .with_advice(Advice::ClearCorruptAlarms));
        }
        for key in &look.corrupt_alarms {
            restored.edits.bucket("alarm").remove(key.as_slice());
        }
        Ok(restored)
    }

    fn data_len(&self) -> u64 {
        copy::data_len(self.source_len, self.expected.has_trailer)
    }

    fn needed_bytes(&self) -> u64 {
        let log = if self.paths.wal_dir.is_none() { wal::PREALLOCATED_SIZE } else { 0 };
        self.data_len().saturating_add(log).saturating_add(SMALL_FILES)
    }

    /// Refuses to begin what the disk has no room for.
    pub(super) fn check_space(&self) -> Result<()> {
        check_room(&self.files, &self.paths.data_dir, self.needed_bytes())?;
        match &self.paths.wal_dir {
            Some(dir) => check_room(&self.files, dir, wal::PREALLOCATED_SIZE),
            None => Ok(()),
        }
    }

    pub(super) fn plan(&self) -> Result<RestorePlan> {
        Ok(RestorePlan {
            outcome: Outcome::Restored,
            data_dir: self.paths.data_dir.clone(),
            identity: Some(self.cluster.identity()),
            changes: Some(self.changes(&self.look, &self.edits(&self.look)?, None)),
            needed_bytes: self.needed_bytes(),
            free_bytes: self.files.free_space(&self.paths.data_dir)?,
        })
    }

    /// Reads the source and writes the member.
    pub(super) async fn run(self, source: &SnapshotSource) -> Result<Restored> {
        let stream = source.stream().await?;
        let (to_hasher, hasher_queue) = copy::queue();
        let (to_writer, writer_queue) = copy::queue();
        let (len, has_trailer) = (self.source_len, self.expected.has_trailer);
        let (sums_out, sums) = std::sync::mpsc::channel();
        let _hasher = spawn_blocking(move || sums_out.send(copy::hash(hasher_queue, len, has_trailer)));
        let abandoned = Abandoned::default();
        let watched = Arc::clone(&abandoned.0);
        let worker = spawn_blocking(move || self.work(writer_queue, &sums, &watched));
        let fed = copy::feed(stream, len, to_hasher, to_writer).await;
        let worked = worker.await.unwrap_or_else(|e| {
            Err(Error::new(ErrorKind::Cancelled, "the restore was stopped before it was done").with_source(e))
        });
        abandoned.disarm();
        // A source that fails makes the worker give up, so its own error says less.
        match (fed, worked) {
            (Err(source), _) => Err(source),
            (Ok(()), worked) => worked,
        }
    }

    /// Everything that blocks: claims the directory, fills it, and takes all of it back on a failure.
    fn work(
        self,
        queue: mpsc::Receiver<Piece>,
        sums: &SumsReceiver<Option<Sums>>,
        abandoned: &AtomicBool,
    ) -> Result<Restored> {
        let site = Site::claim(self.files.clone(), self.paths.clone(), self.run.clone(), &self.log)?;
        let filled = self.copy(&site, queue, sums).and_then(|copied| self.found(&site, copied, abandoned));
        if filled.is_err() {
            site.abandon();
        }
        filled
    }

    /// Copies the database, and checks what came.
    fn copy(&self, site: &Site, queue: mpsc::Receiver<Piece>, sums: &SumsReceiver<Option<Sums>>) -> Result<Copied> {
        let progress = &*self.options.progress;
        let file = site.create_db()?;
        progress.begin(Stage::Transfer, Some(self.data_len()));
        copy::write(queue, &*file, &site.db_path().display().to_string(), self.data_len(), progress)?;
        progress.begin(Stage::Finish, None);
        let sums = sums.recv().ok().flatten().ok_or_else(copy::given_up)?;
        self.expected.check(&sums, &self.source_name)?;
        if !self.expected.checked() {
            edit::check_structure(&*file, self.data_len())?;
        }
        Ok(Copied { file, sums })
    }

    /// Makes the copy the database of the new cluster, and puts the member in place.
    fn found(&self, site: &Site, copied: Copied, abandoned: &AtomicBool) -> Result<Restored> {
        let Copied { file, sums } = copied;
        let look = Look::at_file(&*file, self.data_len())?;
        let restored = self.edits(&look)?;
        let changes = self.changes(&look, &restored, Some(&sums));
        edit::apply(&self.files, &site.db_path(), file, self.data_len(), restored.edits)?;
        if abandoned.load(Ordering::Acquire) {
            return Err(copy::given_up());
        }
        let snap_name = snap::file_name(wal::INITIAL_TERM, self.cluster.members.last_index());
        let snap_bytes = snap::initial_snap(&self.cluster.members);
        let marker = self.marker(&sums, changes.revision);
        site.complete((&snap_name, &snap_bytes), &self.log, (marker::NAME, &marker.to_bytes()))?;
        Ok(Restored {
            outcome: Outcome::Restored,
            data_dir: self.paths.data_dir.clone(),
            identity: Some(self.cluster.identity()),
            changes: Some(changes),
        })
    }

    fn marker(&self, sums: &Sums, revision: i64) -> RestoreMarker {
        let identity = self.cluster.identity();
        RestoreMarker {
            format: RestoreMarker::FORMAT,
            snapshot_id: self.snapshot_id.clone(),
            snapshot_sha256: to_hex(&sums.data),
            name: identity.name,
            member_id: identity.member_id,
            cluster_id: identity.cluster_id,
            token: identity.token,
            initial_cluster: identity.initial_cluster,
            revision,
            tool: TOOL.to_owned(),
        }
    }

    fn changes(&self, look: &Look, restored: &restored::Restored, sums: Option<&Sums>) -> Changes {
        let named = |kind: &'static str| move |id: &etcd_format::membership::MemberId| format!("{kind} {id}");
        let nospace = restored.nospace.iter().map(named("NOSPACE"));
        let corrupt = restored.corrupt.iter().map(named("CORRUPT"));
        let (mut dropped_alarms, mut kept_alarms) = (Vec::new(), Vec::new());
        if self.options.keep_nospace_alarms { &mut kept_alarms } else { &mut dropped_alarms }.extend(nospace);
        dropped_alarms.extend(corrupt);
        Changes {
            snapshot_revision: restored.source_revision,
            revision: restored.revision,
            storage_version: look.storage_version(),
            cluster_version: look.cluster_version(),
            dropped_members: restored.old_members.iter().map(|(id, _)| Hex64(id.get())).collect(),
            dropped_alarms,
            kept_alarms,
            auth_enabled: restored.auth_was_enabled,
            auth_disabled: restored.auth_was_enabled && self.options.disable_auth,
            database_bytes: self.data_len(),
            snapshot_sha256: sums.map(|sums| to_hex(&sums.data)),
            hash_checked: sums.is_some() && self.expected.checked(),
        }
    }
}

fn check_bump(options: &RestoreOptions) -> Result<()> {
    match (options.bump_revision > 0, options.mark_compacted) {
        (true, false) => Err(Error::usage(
            "a raised revision must be marked as compacted: else watchers would wait for revisions that never were",
        )
        .with_advice(Advice::MarkCompacted)),
        (false, true) => Err(Error::usage("to mark as compacted, raise the revision by a number above 0")
            .with_advice(Advice::BumpRevision)),
        _ => Ok(()),
    }
}

/// A cluster at the highest revision could not be written to.
fn check_raised(revision: i64, by: u64) -> Result<()> {
    match revision.checked_add_unsigned(by) {
        Some(raised) if raised < i64::MAX => Ok(()),
        _ => Err(Error::usage(format!(
            "revision {revision} cannot be raised by {by}, which is beyond the highest, {}: raise it by less",
            i64::MAX - 1
        ))
        .with_advice(Advice::BumpRevision)),
    }
}

fn check_room(files: &Files, path: &Path, needed: u64) -> Result<()> {
    let free = files.free_space(path)?;
    if free >= needed {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NoSpace,
        format!(
            "{} has room for {free} bytes, and the restore needs {needed} (the database, and {} bytes of log): free some, or restore elsewhere",
            path.display(),
            wal::PREALLOCATED_SIZE
        ),
    ))
}

/// The database as it was in the snapshot. It is not durable yet.
struct Copied {
    file: Arc<dyn DiskFile>,
    sums: Sums,
}

/// Set when the future of a restore is dropped before its end.
#[derive(Debug, Default)]
struct Abandoned(Arc<AtomicBool>);

impl Abandoned {
    fn disarm(self) {
        // Nobody looks any more: the worker has ended.
        drop(self);
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
