//! Changing the copied database.

use std::io;
use std::path::Path;
use std::sync::Arc;

use etcd_format::bolt::patch::{Edits, Patch, Rewrite};
use etcd_format::bolt::writer::{Layout, Write};
use etcd_format::survey::{Severity, Survey};
use etcd_format::{ErrorKind as FormatKind, FormatError, ReadAt, ReadWindow, Step};
use objstore_core::disk::DiskFile;

use super::files::{Files, parent, read_full};
use super::look::damaged;
use crate::{Error, Result};

/// A file of the disk as the formats read it.
struct OnDisk<'a>(&'a dyn DiskFile);

impl ReadAt for OnDisk<'_> {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let filled = read_full(self.0, buffer, offset)?;
        if filled == buffer.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Walks the whole file: the only judge of one that no digest vouches for.
///
/// # Errors
///
/// `Damaged`, with the first finding.
pub(super) fn check_structure(file: &dyn DiskFile, len: u64) -> Result<()> {
    let input = OnDisk(file);
    let mut window = ReadWindow::new(&input);
    let mut survey = Survey::new(len);
    loop {
        match survey.step().map_err(damaged)? {
            Step::Read(request) => survey.feed(window.fetch(request).map_err(unreadable)?).map_err(damaged)?,
            Step::Item(finding) if finding.kind.severity() == Severity::Damage => {
                return Err(Error::damaged(format!("the snapshot is damaged: {finding}; use another")));
            }
            Step::Item(_) => {}
            Step::Done => return Ok(()),
        }
    }
}

/// Applies the edits to the database of `len` bytes in `file`, and makes it durable.
///
/// # Errors
///
/// `Damaged` if a page that is changed is not what it should be; what the disk says.
pub(super) fn apply(files: &Files, path: &Path, file: Arc<dyn DiskFile>, len: u64, edits: Edits) -> Result<()> {
    match patch(&*file, len, edits.clone()) {
        Ok(()) => file.sync().map_err(|e| cannot_write(path, e)),
        Err(Failure::TooLarge) => rewrite(files, path, &file, len, edits),
        Err(Failure::Other(e)) => Err(e),
    }
}

enum Failure {
    /// A bucket is larger than a patch reads.
    TooLarge,
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

fn patch(file: &dyn DiskFile, len: u64, edits: Edits) -> Result<(), Failure> {
    let mut patch = Patch::new(len, edits);
    // Read at once: what is read here may have been changed by a write just before.
    let mut buffer = Vec::new();
    loop {
        let step = patch.step().map_err(|e| match e.kind() {
            FormatKind::Unsupported => Failure::TooLarge,
            _ => Failure::Other(unfit(e)),
        })?;
        match step {
            Step::Read(request) => {
                buffer.resize(request.len, 0);
                OnDisk(file)
                    .read_exact_at(&mut buffer, request.offset)
                    .map_err(|e| Error::io("cannot read back what was restored", e))?;
                patch.feed(&buffer).map_err(unfit)?;
            }
            Step::Item(write) => put(file, &write)?,
            Step::Done => break,
        }
    }
    cut(file, patch.file_len()).map_err(Failure::Other)
}

/// Writes an edited copy beside the file, and gives it the file's name.
fn rewrite(files: &Files, path: &Path, file: &Arc<dyn DiskFile>, len: u64, edits: Edits) -> Result<()> {
    let copy_path = path.with_extension("rewritten");
    let copy = files.create(&copy_path)?;
    let input = OnDisk(&**file);
    let mut window = ReadWindow::new(&input);
    let mut rewrite = Rewrite::new(len, edits, Layout::default()).map_err(unfit)?;
    loop {
        match rewrite.step().map_err(unfit)? {
            Step::Read(request) => rewrite.feed(window.fetch(request).map_err(unreadable)?).map_err(unfit)?,
            Step::Item(write) => put(&*copy, &write)?,
            Step::Done => break,
        }
    }
    cut(&*copy, rewrite.file_len())?;
    copy.sync().map_err(|e| cannot_write(&copy_path, e))?;
    files.rename(&copy_path, path)?;
    files.sync_dir(parent(path))
}

fn put(file: &dyn DiskFile, write: &Write) -> Result<()> {
    file.write_at(&write.bytes, write.offset)
        .map_err(|e| Error::io("cannot write the changed pages of the database", e))
}

fn cut(file: &dyn DiskFile, len: Option<u64>) -> Result<()> {
    match len {
        Some(len) => file.set_len(len).map_err(|e| Error::io("cannot set the length of the database", e)),
        None => Ok(()),
    }
}

fn cannot_write(path: &Path, e: io::Error) -> Error {
    Error::io(format!("cannot make {} durable", path.display()), e)
}

fn unreadable(e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(crate::ErrorKind::Storage, "cannot read back what was restored").with_source(e)
}

/// What an error of the writing side means.
fn unfit(error: FormatError) -> Error {
    match error.kind() {
        FormatKind::InvalidInput => {
            Error::usage("the snapshot cannot be restored with these options").with_source(error)
        }
        _ => damaged(error),
    }
}
