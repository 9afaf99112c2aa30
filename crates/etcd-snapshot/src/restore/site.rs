//! The order in which a restore writes, so that a crash at any point leaves nothing that an etcd would boot wrongly.
//!
//! 1. The file `member` (the [claim](super::claim)) is made durable. From here on no etcd starts on this directory.
//! 2. What becomes `member` is staged beside it, *inside* the data directory: that is often a mount point, onto which
//!    nothing can be renamed and from beside which nothing can be renamed into it. The log goes to its own directory first,
//!    if it has one.
//! 3. All of it is made durable: files first, then the folders that name them.
//! 4. `member` and the staged folder exchange names in one call, and that is made durable.
//! 5. The claim, now under the staged name, is removed.
//!
//! Two plain renames have no safe order: with the log in place first, etcd 3.4 to 3.6 would start empty; with `member`
//! first, 3.6 and 3.7 would start without their log.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use objstore_core::disk::{DiskFile, DiskLock, FileKind};

use super::claim::{Claim, Found, WalClaim};
use super::files::Files;
use super::target::{self, Paths, Place};
use crate::{Error, ErrorKind, Result};

/// How much of the log a claim notes. The ids stand in the first 56 bytes.
const LOG_HEAD: usize = 256;

/// A data directory that this run has claimed.
#[derive(Debug)]
pub(super) struct Site {
    files: Files,
    paths: Paths,
    claim: Claim,
    /// Keeps other restores out while this one lives. A disk without locks has none.
    _lock: Option<Box<dyn DiskLock>>,
}

/// The log of the member.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

impl Site {
    /// Makes the data directory and claims it. `run` is 16 hex digits that no other run has.
    ///
    /// # Errors
    ///
    /// `Refused` if something has come there that is not ours to remove; then nothing was changed.
    pub(super) fn claim(files: Files, paths: Paths, run: String, log: &Log) -> Result<Self> {
        let made = files.missing(&paths.data_dir)?;
        let site = match files.mkdirs(&made).and_then(|()| Self::take_over(&files, &paths, run, log, &made)) {
            Ok((claim, lock)) => Self { files, paths, claim, _lock: lock },
            Err(e) => {
                // Only what is still empty goes: what a stopped run left stays behind its claim.
                let _ = files.remove_dirs(&made);
                return Err(e);
            }
        };
        match write_claim(&site.files, &site.paths, &site.claim) {
            Ok(()) => Ok(site),
            Err(e) => {
                site.abandon();
                Err(e)
            }
        }
    }

    /// Locks the directory, looks again at what is there, and removes what a stopped run staged, but not its claim.
    fn take_over(
        files: &Files,
        paths: &Paths,
        run: String,
        log: &Log,
        made: &[PathBuf],
    ) -> Result<(Claim, Option<Box<dyn DiskLock>>)> {
        let lock = lock(files, &paths.data_dir)?;
        let stopped = match Place::inspect(files, paths)? {
            Place::Vacant => None,
            Place::Stopped(claim) => Some(claim),
            Place::Populated(_) | Place::Restored { .. } => {
                return Err(Error::refused(format!(
                    "{} was filled by somebody else just now: look at what is there",
                    paths.data_dir.display()
                )));
            }
        };
        let old = stopped.as_ref().and_then(Option::as_ref);
        if let Some(dir) = &paths.wal_dir {
            target::check_wal_dir(files, dir, old)?;
        }
        if stopped.is_some() {
            sweep(files, paths, old)?;
        }
        let mut created: Vec<PathBuf> = made.to_vec();
        created.extend(old.into_iter().flat_map(|claim| claim.created.iter().map(PathBuf::from)));
        let wal = paths.wal_dir.as_deref().map(|dir| wal_claim(files, dir, log)).transpose()?;
        Ok((Claim::new(run, texts(&created), wal), lock))
    }

    /// Begins to stage: makes the folders, and the empty file that becomes `member/snap/db`.
    pub(super) fn create_db(&self) -> Result<Arc<dyn DiskFile>> {
        let staging = self.staging();
        self.files.mkdir(&staging)?;
        self.files.mkdir(&staging.join("snap"))?;
        self.files.create(&staging.join("snap").join("db"))
    }

    /// Where `member/snap/db` is staged, for messages.
    pub(super) fn db_path(&self) -> PathBuf {
        self.staging().join("snap").join("db")
    }

    /// Stages everything else, and puts the member in place. The database must be durable already.
    pub(super) fn complete(&self, snap: (&str, &[u8]), log: &Log, marker: (&str, &[u8])) -> Result<()> {
        let staging = self.staging();
        let snap_dir = staging.join("snap");
        self.files.write_new(&snap_dir.join(snap.0), snap.1)?;
        self.files.sync_dir(&snap_dir)?;
        match &self.claim.wal {
            None => self.stage_log(&staging, log)?,
            Some(wal) => self.place_log(Path::new(&wal.dir), wal, log)?,
        }
        self.files.write_new(&staging.join(marker.0), marker.1)?;
        self.files.sync_dir(&staging)?;
        self.files.sync_dir(&self.paths.data_dir)?;
        self.put_in_place()?;
        self.clean_up_after_success();
        Ok(())
    }

    fn stage_log(&self, staging: &Path, log: &Log) -> Result<()> {
        let dir = staging.join("wal");
        self.files.mkdir(&dir)?;
        self.write_log(&dir.join(&log.name), log)?;
        self.files.sync_dir(&dir)
    }

    fn place_log(&self, dir: &Path, wal: &WalClaim, log: &Log) -> Result<()> {
        self.files.mkdirs(&paths_of(&wal.created))?;
        let staged = dir.join(format!("{}.tmp", self.claim.staging_name()));
        self.write_log(&staged, log)?;
        self.files.rename(&staged, &dir.join(&log.name))?;
        self.files.sync_dir(dir)
    }

    fn write_log(&self, path: &Path, log: &Log) -> Result<()> {
        let file = self.files.create(path)?;
        let write = || {
            match file.allocate(0, etcd_format::wal::PREALLOCATED_SIZE) {
                // etcd boots from a log that ends behind its last record, too.
                Err(e) if e.kind() == io::ErrorKind::Unsupported => {}
                other => other?,
            }
            file.write_at(&log.content, 0)?;
            file.sync()
        };
        write().map_err(|e| Error::io(format!("cannot write {}", path.display()), e))
    }

    /// Gives the staged folder the name `member`, durably.
    fn put_in_place(&self) -> Result<()> {
        let (member, staging) = (self.paths.member(), self.staging());
        match self.files.disk().rename_exchange(&member, &staging) {
            Ok(()) => self.files.sync_dir(&self.paths.data_dir),
            Err(e) if e.kind() == io::ErrorKind::Unsupported => self.put_in_place_by_steps(&member, &staging),
            Err(e) => Err(Error::io(format!("cannot exchange {} and {}", member.display(), staging.display()), e)),
        }
    }

    /// For file systems that cannot exchange: a second guard covers the moment in which there is no `member`.
    fn put_in_place_by_steps(&self, member: &Path, staging: &Path) -> Result<()> {
        let dir = &self.paths.data_dir;
        self.files.write_new(&self.paths.proxy(), &self.claim.to_bytes())?;
        self.files.sync_dir(dir)?;
        self.files.remove_tree(member)?;
        self.files.rename(staging, member)?;
        self.files.sync_dir(dir)?;
        self.files.remove_tree(&self.paths.proxy())?;
        self.files.sync_dir(dir)
    }

    /// What is left now stops no etcd: a failure is no failure of the restore.
    fn clean_up_after_success(&self) {
        let cleaned = self.files.remove_tree(&self.staging()).and_then(|()| self.files.sync_dir(&self.paths.data_dir));
        if let Err(e) = cleaned {
            tracing::warn!(error = %e, "the restore is complete, but a small file of it could not be removed");
        }
    }

    /// Takes away all that this run has made, after a failure. What cannot be removed stays behind the claim, where no etcd
    /// starts, and the next restore removes it.
    pub(super) fn abandon(self) {
        if let Err(e) = self.try_abandon() {
            tracing::warn!(error = %e, data_dir = %self.paths.data_dir.display(), "cannot clean up after a failed restore; the next one will");
        }
    }

    fn try_abandon(&self) -> Result<()> {
        let member = self.paths.member();
        let member_kind = self.files.kind(&member)?;
        if member_kind == Some(FileKind::Dir) {
            // The exchange succeeded and only its durability is in doubt: this is the restored member.
            return Ok(());
        }
        sweep(&self.files, &self.paths, Some(&self.claim))?;
        let proxy = self.paths.proxy();
        for guard in [&member, &proxy] {
            if self.files.kind(guard)? == Some(FileKind::File)
                && target::read_claim(&self.files, guard)? != Found::Foreign
            {
                self.files.remove_tree(guard)?;
            }
        }
        self.files.sync_dir(&self.paths.data_dir)?;
        self.files.remove_dirs(&paths_of(&self.claim.created))
    }

    fn staging(&self) -> PathBuf {
        self.paths.staging(&self.claim)
    }
}

/// Removes what a restore that was stopped after its exchange left behind. Answers nothing: it is litter.
pub(super) fn finish_stopped(files: &Files, paths: &Paths) -> Result<()> {
    let _lock = lock(files, &paths.data_dir)?;
    // The exchange may not have been made durable.
    files.sync_dir(&paths.data_dir)?;
    for litter in target::temporaries(files, &paths.data_dir)? {
        files.remove_tree(&litter)?;
    }
    if files.kind(&paths.proxy())?.is_some() && target::read_claim(files, &paths.proxy())? != Found::Foreign {
        files.remove_tree(&paths.proxy())?;
    }
    files.sync_dir(&paths.data_dir)
}

/// Removes what a stopped run staged, but not its claim, which guards the directory meanwhile.
fn sweep(files: &Files, paths: &Paths, claim: Option<&Claim>) -> Result<()> {
    for staged in target::temporaries(files, &paths.data_dir)? {
        files.remove_tree(&staged)?;
    }
    files.sync_dir(&paths.data_dir)?;
    let Some(wal) = claim.and_then(|claim| claim.wal.as_ref()) else { return Ok(()) };
    let dir = Path::new(&wal.dir);
    if files.kind(dir)? == Some(FileKind::Dir) {
        sweep_log(files, dir, wal)?;
    }
    files.remove_dirs(&paths_of(&wal.created))
}

fn sweep_log(files: &Files, dir: &Path, wal: &WalClaim) -> Result<()> {
    for staged in target::temporaries(files, dir)? {
        files.remove_tree(&staged)?;
    }
    let log = dir.join(&wal.name);
    if target::holds_head(files, &log, &wal.head)? {
        files.remove_tree(&log)?;
    }
    files.sync_dir(dir)
}

fn wal_claim(files: &Files, dir: &Path, log: &Log) -> Result<WalClaim> {
    let head = log.content.get(..LOG_HEAD).unwrap_or(&log.content);
    Ok(WalClaim {
        dir: text(dir),
        created: texts(&files.missing(dir)?),
        name: log.name.clone(),
        head: crate::receive::to_hex(head),
    })
}

/// Puts the claim in place, whether or not an older one stands there. Whoever looks sees either.
fn write_claim(files: &Files, paths: &Paths, claim: &Claim) -> Result<()> {
    let member = paths.member();
    if files.kind(&member)?.is_none() {
        files.write_new(&member, &claim.to_bytes())?;
    } else {
        let fresh = paths.data_dir.join(format!("{}.claim", claim.staging_name()));
        files.write_new(&fresh, &claim.to_bytes())?;
        files.rename(&fresh, &member)?;
    }
    files.sync_dir(&paths.data_dir)?;
    if files.kind(&paths.proxy())?.is_some() {
        files.remove_tree(&paths.proxy())?;
        files.sync_dir(&paths.data_dir)?;
    }
    Ok(())
}

/// Waits until no other restore works on this directory.
fn lock(files: &Files, dir: &Path) -> Result<Option<Box<dyn DiskLock>>> {
    loop {
        let lock = match files.disk().lock(dir) {
            Ok(lock) => lock,
            Err(e) if e.kind() == io::ErrorKind::Unsupported => return Ok(None),
            Err(e) => return Err(Error::io(format!("cannot lock {}", dir.display()), e)),
        };
        // The other restore may have failed and removed the folder that was waited for.
        let same = |files: &Files| -> io::Result<bool> {
            let (held, named) = (lock.metadata()?, files.disk().metadata(dir)?);
            Ok(held.inode == named.inode && held.device == named.device)
        };
        match same(files) {
            Ok(true) => return Ok(Some(lock)),
            Ok(false) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Error::new(
                    ErrorKind::Storage,
                    format!("{} was removed by another restore, which failed: run this one again", dir.display()),
                ));
            }
            Err(e) => return Err(Error::io(format!("cannot look at {}", dir.display()), e)),
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| text(path)).collect()
}

fn paths_of(texts: &[String]) -> Vec<PathBuf> {
    texts.iter().map(PathBuf::from).collect()
}
