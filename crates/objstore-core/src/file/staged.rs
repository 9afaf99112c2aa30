//! A body on its way to becoming an object: a file that no listing shows.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use super::{
    errors::failed,
    files::{FILE_MODE, Files},
    layout::{new_upload_id, object_path, staged_path},
};
use crate::{
    Checksums, Condition, Error, ErrorKind, Hasher, ObjectKey, Result, UploadId, WriteOptions,
    disk::{DiskFile, Metadata},
    rules::{check_digest, hasher_for, unsupported},
};

/// After so many bytes the system is asked to begin writing them to the disk.
const WRITEBACK_BYTES: u64 = 8 << 20;

/// A file that is written from its start to its end and then published. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) files: Arc<Files>,
    pub(super) key: ObjectKey,
    pub(super) id: UploadId,
    pub(super) path: PathBuf,
    pub(super) target: PathBuf,
    pub(super) condition: Option<Condition>,
    pub(super) file: Arc<dyn DiskFile>,
    expect: Checksums,
    hasher: Hasher,
    len: u64,
    /// Up to where the system was asked to write to the disk.
    flushing: u64,
    /// Whether `path` is a name that is to be removed.
    pub(super) named: bool,
}

impl Staged {
    /// Begins a body, if the store can do what is asked with it.
    pub(super) fn create(
        files: Arc<Files>,
        key: &ObjectKey,
        options: &WriteOptions,
        hint: Option<u64>,
    ) -> Result<Self> {
        files.check_start(key, options)?;
        let target = object_path(&files.root, key)?;
        let hasher = hasher_for(options)?;
        let id = new_upload_id()?;
        let path = staged_path(&files.root, key, &id)?;
        files.make_parents(&path)?;
        files.check_room(hint)?;
        let file = files.disk.create_new(&path, FILE_MODE).map_err(|error| failed("create", &path, error))?;
        let staged = Self {
            key: key.clone(),
            id,
            path,
            target,
            condition: options.condition.clone(),
            file,
            expect: options.expect,
            hasher,
            len: 0,
            flushing: 0,
            named: true,
            files,
        };
        staged.check_abilities()?;
        Ok(staged)
    }

    /// Writes the next bytes.
    pub(super) fn write(&mut self, chunks: &[Bytes]) -> Result<()> {
        for chunk in chunks {
            self.hasher.update(chunk);
            self.file.write_at(chunk, self.len).map_err(|error| failed("write", &self.path, error))?;
            self.len = self.len.saturating_add(chunk.len() as u64);
        }
        let waiting = self.len.saturating_sub(self.flushing);
        if waiting >= WRITEBACK_BYTES {
            self.file.start_writeback(self.flushing, waiting);
            self.flushing = self.len;
        }
        Ok(())
    }

    /// Ends the body: compares it with what was announced, and makes it durable, under its name here.
    pub(super) fn seal(&mut self) -> Result<(Checksums, Metadata)> {
        let checksums = std::mem::take(&mut self.hasher).finish();
        check_digest(&checksums, &self.expect)?;
        let metadata = self.stamp(self.files.disk.now())?;
        if metadata.len != self.len {
            let detail = format!("{} bytes were written and the file has {}", self.len, metadata.len);
            return Err(Error::new(ErrorKind::Integrity).with_detail(detail));
        }
        Ok((checksums, metadata))
    }

    /// Makes sure that the file's time stamp is later than `other`, as the file system keeps it.
    pub(super) fn outdate(&mut self, own: Metadata, other: SystemTime) -> Result<Metadata> {
        const STEPS: [Duration; 5] = [
            Duration::from_nanos(1),
            Duration::from_micros(1),
            Duration::from_millis(10),
            Duration::from_secs(1),
            Duration::from_secs(2),
        ];
        let mut own = own;
        let mut steps = STEPS.iter();
        while own.modified <= other {
            let later = steps.next().and_then(|step| other.checked_add(*step));
            let later = later.ok_or_else(|| unsupported("the file system does not keep time stamps"))?;
            own = self.stamp(later)?;
        }
        Ok(own)
    }

    fn stamp(&self, time: SystemTime) -> Result<Metadata> {
        let stamp = || {
            self.file.set_modified(time)?;
            self.file.sync()?;
            self.file.metadata()
        };
        stamp().map_err(|error| failed("sync", &self.path, error))
    }

    /// Finds out, while the file is still empty, whether its condition can be kept.
    fn check_abilities(&self) -> Result<()> {
        match &self.condition {
            None => Ok(()),
            Some(Condition::Absent) => self.check_links(),
            Some(Condition::Matches(_)) => self.check_locks(),
        }
    }

    fn check_links(&self) -> Result<()> {
        if self.files.links_work.get().is_some() {
            return Ok(());
        }
        let disk = &self.files.disk;
        let second = staged_path(&self.files.root, &self.key, &new_upload_id()?)?;
        self.files.make_parents(&second)?;
        let tried = disk.hard_link(&self.path, &second).and_then(|()| disk.remove_file(&second));
        self.files.remove_staging_parents(&second);
        tried.map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported => {
                unsupported("the file system has no hard links, without which nothing can be created atomically")
                    .with_source(error)
            }
            _ => failed("try a hard link to", &self.path, error),
        })?;
        let _first = self.files.links_work.set(());
        Ok(())
    }

    fn check_locks(&self) -> Result<()> {
        self.files.lock_parent(&self.path).map(drop).map_err(|error| match error.kind() {
            ErrorKind::Unsupported => {
                unsupported("the file system cannot lock folders, without which nothing can be replaced conditionally")
                    .with_source(error)
            }
            _ => error,
        })
    }

    /// Removes the file now, and tells if that failed.
    pub(super) fn discard(mut self) -> Result<()> {
        self.named = false;
        self.files.remove_staged(&self.path)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.named && self.files.remove_staged(&self.path).is_err() {
            self.files.left_behind.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Files {
    /// Removes a staged file; that it is gone is no error.
    pub(super) fn remove_staged(&self, path: &std::path::Path) -> Result<()> {
        let removed = match self.disk.remove_file(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
            other => other.map_err(|error| failed("remove", path, error)),
        };
        self.remove_staging_parents(path);
        removed
    }

    /// Removes the folders that a long name needed.
    pub(super) fn remove_staging_parents(&self, path: &std::path::Path) {
        let is_part = |dir: &&std::path::Path| dir.to_string_lossy().ends_with('+');
        for dir in path.ancestors().skip(1).take_while(is_part) {
            if self.disk.remove_dir(dir).is_err() {
                break;
            }
        }
    }

    /// Refuses early what would be refused at the end: it saves writing the body.
    pub(super) fn check_start(&self, key: &ObjectKey, options: &WriteOptions) -> Result<()> {
        if !options.headers.metadata.is_empty() {
            return Err(unsupported("a file store keeps no user metadata"));
        }
        object_path(&self.root, key)?;
        hasher_for(options)?;
        match options.condition.as_ref() {
            Some(condition) => {
                let current = self.find(key)?.map(|metadata| super::files::revision(&metadata));
                crate::rules::check_change(Some(condition), current.as_ref())
            }
            None => Ok(()),
        }
    }

    fn check_room(&self, hint: Option<u64>) -> Result<()> {
        let Some(wanted) = hint else { return Ok(()) };
        let free =
            self.disk.free_space(&self.root).map_err(|error| failed("ask for the free space of", &self.root, error))?;
        if wanted > free {
            let detail = format!("about {wanted} bytes are to be written, and {free} are free: make room first");
            return Err(Error::new(ErrorKind::StorageFull).with_detail(detail));
        }
        Ok(())
    }
}
