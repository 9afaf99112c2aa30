//! File system calls that name the path when they fail, and give what they make to its owner.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use objstore_core::disk::{Access, Disk, DiskFile, FileKind};

use super::options::Owner;
use crate::{Error, Result};

/// Permission bits of every folder that a restore makes, as etcd has them (`client/pkg/fileutil`, 3.6).
const DIR_MODE: u32 = 0o700;
/// Permission bits of every file.
const FILE_MODE: u32 = 0o600;

/// A disk, and who owns what is made on it.
#[derive(Clone, Debug)]
pub(super) struct Files {
    disk: Arc<dyn Disk>,
    owner: Option<Owner>,
}

impl Files {
    pub(super) fn new(disk: Arc<dyn Disk>, owner: Option<Owner>) -> Self {
        Self { disk, owner }
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// What stands at `path`, if anything does. A missing parent means that nothing does.
    pub(super) fn kind(&self, path: &Path) -> Result<Option<FileKind>> {
        match self.disk.metadata(path) {
            Ok(metadata) => Ok(Some(metadata.kind)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(format!("cannot look at {}", path.display()), e)),
        }
    }

    /// The content of a file of at most `max` bytes; of a longer one nothing.
    pub(super) fn read_small(&self, path: &Path, max: u64) -> Result<Option<Vec<u8>>> {
        let read = || {
            let file = self.disk.open(path, Access::Read)?;
            let len = file.metadata()?.len;
            if len > max {
                return Ok(None);
            }
            let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
            let filled = read_full(&*file, &mut bytes, 0)?;
            bytes.truncate(filled);
            Ok(Some(bytes))
        };
        read().map_err(|e| Error::io(format!("cannot read {}", path.display()), e))
    }

    /// The first `len` bytes of a file, or all of a shorter one.
    pub(super) fn read_head(&self, path: &Path, len: usize) -> Result<Vec<u8>> {
        let read = || {
            let file = self.disk.open(path, Access::Read)?;
            let mut bytes = vec![0; len];
            let filled = read_full(&*file, &mut bytes, 0)?;
            bytes.truncate(filled);
            Ok(bytes)
        };
        read().map_err(|e| Error::io(format!("cannot read {}", path.display()), e))
    }

    /// The names in a folder, sorted, and what they are. A name that is no text is given as nearly as text can.
    pub(super) fn entries(&self, dir: &Path) -> Result<Vec<(String, FileKind)>> {
        let entries = self.disk.read_dir(dir).map_err(|e| Error::io(format!("cannot list {}", dir.display()), e))?;
        let mut entries: Vec<_> =
            entries.into_iter().map(|entry| (entry.name.to_string_lossy().into_owned(), entry.kind)).collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    /// Makes one folder.
    pub(super) fn mkdir(&self, path: &Path) -> Result<()> {
        let make = || {
            self.disk.mkdir(path, DIR_MODE)?;
            self.owner.map_or(Ok(()), |owner| self.disk.chown(path, owner.uid, owner.gid))
        };
        make().map_err(|e| Error::io(format!("cannot make the folder {}", path.display()), e))
    }

    /// Makes folders, the deepest of which stands first, durably.
    pub(super) fn mkdirs(&self, deepest_first: &[PathBuf]) -> Result<()> {
        for dir in deepest_first.iter().rev() {
            self.mkdir(dir)?;
            self.sync_dir(parent(dir))?;
        }
        Ok(())
    }

    /// Removes folders, the deepest of which stands first, up to the first that holds something.
    pub(super) fn remove_dirs(&self, deepest_first: &[PathBuf]) -> Result<()> {
        for dir in deepest_first {
            match self.disk.remove_dir(dir) {
                Ok(()) => self.sync_dir(parent(dir))?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => break,
                Err(e) => return Err(Error::io(format!("cannot remove the folder {}", dir.display()), e)),
            }
        }
        Ok(())
    }

    /// `path` and its ancestors, as far up as they do not exist; deepest first.
    pub(super) fn missing(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let mut missing = Vec::new();
        for dir in path.ancestors().filter(|dir| !dir.as_os_str().is_empty()) {
            match self.disk.metadata(dir) {
                Ok(_) => break,
                Err(e) if e.kind() == io::ErrorKind::NotFound => missing.push(dir.to_path_buf()),
                Err(e) => return Err(Error::io(format!("cannot look at {}", dir.display()), e)),
            }
        }
        Ok(missing)
    }

    /// Room for files at `path`, which need not exist yet, in bytes.
    pub(super) fn free_space(&self, path: &Path) -> Result<u64> {
        let existing = self.missing(path)?.last().map_or(path, |top| parent(top)).to_path_buf();
        self.disk
            .free_space(&existing)
            .map_err(|e| Error::io(format!("cannot learn how full {} is", existing.display()), e))
    }

    /// Creates a file that must not exist.
    pub(super) fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>> {
        let make = || {
            let file = self.disk.create_new(path, FILE_MODE)?;
            if let Some(owner) = self.owner {
                file.chown(owner.uid, owner.gid)?;
            }
            Ok(file)
        };
        make().map_err(|e| Error::io(format!("cannot create {}", path.display()), e))
    }

    /// Creates a file with this content, and makes the content durable.
    pub(super) fn write_new(&self, path: &Path, content: &[u8]) -> Result<()> {
        let file = self.create(path)?;
        file.write_at(content, 0)
            .and_then(|()| file.sync())
            .map_err(|e| Error::io(format!("cannot write {}", path.display()), e))
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let renamed = self.disk.rename(from, to);
        renamed.map_err(|e| Error::io(format!("cannot rename {} to {}", from.display(), to.display()), e))
    }

    pub(super) fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.disk.sync_dir(dir).map_err(|e| Error::io(format!("cannot make the names in {} durable", dir.display()), e))
    }

    /// Removes a file, a link or a folder with all that it holds. What is not there is removed already.
    pub(super) fn remove_tree(&self, path: &Path) -> Result<()> {
        self.remove(path).map_err(|e| Error::io(format!("cannot remove {}", path.display()), e))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let kind = match self.disk.metadata(path) {
            Ok(metadata) => metadata.kind,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        if kind != FileKind::Dir {
            return self.disk.remove_file(path);
        }
        let mut entries = self.disk.read_dir(path)?;
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for entry in entries {
            self.remove(&path.join(entry.name))?;
        }
        self.disk.remove_dir(path)
    }
}

/// Reads until `buf` is full or the file ends.
pub(super) fn read_full(file: &dyn DiskFile, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// The folder that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}
