//! The folders of a file store, and what every operation needs of them. Everything here blocks.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use tokio::sync::watch;

use super::{
    errors::{failed, is_no_object},
    layout::object_path,
};
use crate::{
    Error, ErrorKind, ObjectKey, ObjectMeta, Result, Revision,
    disk::{Disk, DiskLock, FileKind, Metadata},
    rules::invalid,
};

/// Permission bits of files and folders: the owner's only.
pub(super) const FILE_MODE: u32 = 0o600;
pub(super) const DIR_MODE: u32 = 0o700;

/// How often an operation begins again because another one removed an emptied folder under it.
pub(super) const ATTEMPTS: u32 = 1000;

/// What the clones of a store share.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) root: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
    /// Set once the root exists and is durable. Nobody of us removes it.
    root_ready: OnceLock<()>,
    /// Set once hard links were seen to work.
    pub(super) links_work: OnceLock<()>,
    /// How many dropped uploads are still being given up.
    pub(super) ending: watch::Sender<usize>,
    /// How many could not be.
    pub(super) left_behind: AtomicU64,
}

impl Files {
    pub(super) fn new(root: PathBuf, disk: Arc<dyn Disk>) -> Self {
        Self {
            root,
            disk,
            root_ready: OnceLock::new(),
            links_work: OnceLock::new(),
            ending: watch::Sender::new(0),
            left_behind: AtomicU64::new(0),
        }
    }

    pub(super) fn take_left_behind(&self) -> u64 {
        self.left_behind.swap(0, Ordering::Relaxed)
    }

    /// What stands at an object's name, if it is one. Links are not followed, neither as the name nor on the way.
    pub(super) fn find(&self, key: &ObjectKey) -> Result<Option<Metadata>> {
        let path = object_path(&self.root, key)?;
        if !self.has_real_parents(&path)? {
            return Ok(None);
        }
        match self.disk.metadata(&path) {
            Ok(metadata) if metadata.kind == FileKind::File => Ok(Some(metadata)),
            Ok(_) => Ok(None),
            Err(error) if is_no_object(&error) => Ok(None),
            Err(error) => Err(failed("look at", &path, error)),
        }
    }

    /// Whether all folders between the root and a path are folders, and no links.
    pub(super) fn has_real_parents(&self, path: &Path) -> Result<bool> {
        for dir in self.parents(path).into_iter().rev().skip(1) {
            match self.disk.metadata(dir) {
                Ok(metadata) if metadata.kind == FileKind::Dir => {}
                Ok(_) => return Ok(false),
                Err(error) if is_no_object(&error) => return Ok(false),
                Err(error) => return Err(failed("look at", dir, error)),
            }
        }
        Ok(true)
    }

    /// The folders that hold a path, the nearest first, the root last.
    pub(super) fn parents<'p>(&self, path: &'p Path) -> Vec<&'p Path> {
        let depth = path.components().count().saturating_sub(self.root.components().count());
        path.ancestors().skip(1).take(depth).collect()
    }

    /// Makes the folders that are to hold a path.
    pub(super) fn make_parents(&self, path: &Path) -> Result<()> {
        self.make_root()?;
        for dir in self.parents(path).into_iter().rev().skip(1) {
            self.make_dir(dir)?;
        }
        Ok(())
    }

    fn make_dir(&self, dir: &Path) -> Result<()> {
        let kind = match self.disk.metadata(dir) {
            Ok(metadata) => metadata.kind,
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.disk.mkdir(dir, DIR_MODE) {
                Ok(()) => return Ok(()),
                // Another writer was faster, or removed the folder above: whoever called looks again.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(failed("make the folder", dir, error)),
            },
            Err(error) => return Err(failed("look at", dir, error)),
        };
        match kind {
            FileKind::Dir => Ok(()),
            FileKind::File => Err(beside_folder(dir)),
            _ => Err(in_the_way(dir)),
        }
    }

    /// Makes the root, durably, unless it is there. The root itself may be a link to a folder.
    fn make_root(&self) -> Result<()> {
        if self.root_ready.get().is_some() {
            return Ok(());
        }
        let mut missing = Vec::new();
        for dir in self.root.ancestors() {
            match self.disk.metadata(&dir.join(".")) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(dir),
                Err(error) => return Err(failed("open the store's folder", dir, error)),
            }
        }
        for dir in missing.iter().rev() {
            match self.disk.mkdir(dir, DIR_MODE) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed("make the store's folder", dir, error));
                }
                _ => {}
            }
        }
        self.sync_above_root()?;
        let _first = self.root_ready.set(());
        Ok(())
    }

    /// Makes the root's own name durable. All folders above, because another process may have made them a moment ago.
    fn sync_above_root(&self) -> Result<()> {
        for dir in self.root.ancestors().skip(1) {
            match self.disk.sync_dir(dir) {
                // A folder that we may not read is not one that we made.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                other => other.map_err(|error| failed("sync the folder", dir, error))?,
            }
        }
        Ok(())
    }

    /// Makes a name durable, and the names of the folders that hold it: any of them may be new.
    pub(super) fn sync_parents(&self, path: &Path) -> Result<()> {
        for dir in self.parents(path) {
            match self.disk.sync_dir(dir) {
                // Removed since, because it was empty: then so was the name.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other.map_err(|error| failed("sync the folder", dir, error))?,
            }
        }
        Ok(())
    }

    /// Removes the folders that held a path and are empty now. None is missed by anybody: folders are no objects.
    pub(super) fn prune_parents(&self, path: &Path) {
        let parents = self.parents(path);
        for dir in parents.iter().take(parents.len().saturating_sub(1)) {
            if self.disk.remove_dir(dir).is_err() {
                break;
            }
        }
    }

    /// Locks the folder of a path against other writers: `None` if the folder is not, or no longer, there.
    pub(super) fn lock_parent(&self, path: &Path) -> Result<Option<Box<dyn DiskLock>>> {
        let dir = path.parent().unwrap_or(&self.root);
        let same = |lock: &dyn DiskLock| -> io::Result<bool> {
            let (held, named) = (lock.metadata()?, self.disk.metadata(&dir.join("."))?);
            Ok((held.inode, held.device) == (named.inode, named.device))
        };
        let locked = self.disk.lock(&dir.join(".")).and_then(|lock| Ok(same(&*lock)?.then_some(lock)));
        match locked {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map_err(|error| failed("lock the folder", dir, error)),
        }
    }

    /// What a listing or a look tells about an object.
    pub(super) fn meta(key: ObjectKey, metadata: &Metadata) -> ObjectMeta {
        ObjectMeta::new(key, metadata.len, revision(metadata)).with_last_modified(metadata.modified)
    }
}

/// The revision of the file that stands at a key.
///
/// A file is never written in place: each write makes a new file, with a time stamp that is later than that of the
/// file it replaces. So no two states of a key have the same time and the same inode.
pub(super) fn revision(metadata: &Metadata) -> Revision {
    let (sign, nanos) = match metadata.modified.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => ("", after.as_nanos()),
        Err(before) => ("-", before.duration().as_nanos()),
    };
    Revision::new(format!("{sign}{nanos:x}-{:x}-{:x}", metadata.inode, metadata.len))
}

/// An object stands where a folder is needed, or the reverse.
pub(super) fn beside_folder(path: &Path) -> Error {
    let detail = format!(
        "a file store cannot keep an object beside others that lie below its key, and {} is in the way: choose another key",
        path.display()
    );
    Error::new(ErrorKind::InvalidInput).with_detail(detail)
}

/// A link or a device stands where an object or a folder is to be.
pub(super) fn in_the_way(path: &Path) -> Error {
    invalid(&format!("{} is neither file nor folder, and the store follows no links: remove it", path.display()))
}
