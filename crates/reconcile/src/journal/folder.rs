//! The folder of a journal, told from any other that came to be in its place.

use std::{
    fs::{DirBuilder, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// A folder that is kept open, so that nothing else can have its number.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    opened: Arc<File>,
}

impl Folder {
    /// Opens it; makes it if its parent is there.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => sync_parent(&path)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let opened = File::open(&path)?;
        if !opened.metadata()?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Self { path, opened: Arc::new(opened) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether what is at the path is what was opened; if so, a handle of it.
    pub(super) fn check(&self) -> io::Result<File> {
        let there = File::open(&self.path)?;
        let (now, then) = (there.metadata()?, self.opened.metadata()?);
        if (now.dev(), now.ino()) == (then.dev(), then.ino()) {
            return Ok(there);
        }
        Err(io::Error::other(
            "another folder is in the place of the journal's: mount it again, or open the journal anew",
        ))
    }

    /// Locks it until the handle is closed. A handle of its own for each turn: a lock belongs to the handle.
    pub(super) fn lock(&self) -> io::Result<File> {
        let there = self.check()?;
        there.lock()?;
        Ok(there)
    }
}

/// Syncs the folder that this path is in.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
