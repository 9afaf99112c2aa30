//! A journal in a folder.

use std::{
    fs::{self, OpenOptions},
    future::ready,
    io::{self, ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Journal, JournalError, JournalErrorKind, Payload, RecordName, Revision, Stored,
    folder::{Folder, sync_parent},
    token::{frame, unframe},
};
use crate::{BoxFuture, OsRandom, Random};

/// A journal in a folder, one file for each record, for programs that have a disk and nothing else.
///
/// **The records are plain text**, secrets included: files are made with mode 0600 and the folder with 0700 (one that is
/// there keeps its mode), so whoever can be the user, or read the disk or its backups, can read them. Wrap it in
/// `Encrypted` (feature `encrypt`) where that is too little.
///
/// A change is written beside the record, synced, moved into its place, and the folder is synced: after a crash the record
/// is the old one or the new one. Writers of several processes take turns by a lock on the folder (`flock`), which must be
/// on a file system that locks folders: NFS does not, and is refused.
///
/// The folder that is there when the journal is opened is the journal. If another is found in its place later (a volume was
/// unmounted, a folder moved away), or a record is a link to nothing, that is an error and never absence. So mount the
/// volume before the program starts: an empty mount point that is opened is an empty journal.
///
/// Calls block their thread for as long as the disk takes (a change syncs twice), and are done when they return: their
/// futures never wait, so a step's timeout cannot end them. A change also waits for its turn: another process that is
/// *stopped* (`SIGSTOP`, a debugger) in the middle of a change holds everybody up until it goes on or dies. Where that can
/// happen, run passes on a thread that may block.
#[derive(Debug, Clone)]
pub struct FileJournal {
    folder: Folder,
    random: Arc<dyn Random>,
}

impl FileJournal {
    /// Opens the journal in this folder, which is made if its parent exists. Removes what a crash left.
    ///
    /// # Errors
    /// [`Denied`](JournalErrorKind::Denied) or [`Unavailable`](JournalErrorKind::Unavailable), with the cause.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let folder = Folder::open(folder.into()).map_err(|source| failed(None, source))?;
        let journal = Self { folder, random: Arc::new(OsRandom) };
        journal.sweep().map_err(|source| failed(None, source))?;
        Ok(journal)
    }

    /// Marks its writes with this randomness.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Removes what a crash left: files of our own temporary names, and nothing else.
    fn sweep(&self) -> io::Result<()> {
        let _turn = self.folder.lock()?;
        for entry in fs::read_dir(self.folder.path())? {
            let entry = entry?;
            let ours = entry.file_name().to_str().is_some_and(is_temporary);
            if ours && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn read(&self, name: &RecordName) -> Result<Option<Stored>, JournalError> {
        let path = self.path(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => zeroize::Zeroizing::new(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.absent(&path, error).map_err(|source| failed(Some(name), source));
            }
            Err(error) => return Err(failed(Some(name), error)),
        };
        let (revision, payload) = unframe(name, &bytes)?;
        Ok(Some(Stored::new(payload, revision)))
    }

    /// Nothing was found: absent only if the folder is the journal's, and holds nothing of this name, not even a link.
    fn absent(&self, path: &Path, error: io::Error) -> io::Result<Option<Stored>> {
        self.folder.check()?;
        match fs::symlink_metadata(path) {
            Err(gone) if gone.kind() == ErrorKind::NotFound => Ok(None),
            Err(other) => Err(other),
            Ok(_) => Err(error),
        }
    }

    /// Runs a change while nobody else changes the journal, if the record is at `at` (absent for `None`).
    fn change<O>(
        &self,
        name: &RecordName,
        at: Option<&Revision>,
        change: impl FnOnce(&Path) -> io::Result<O>,
    ) -> Result<O, JournalError> {
        let _turn = self.folder.lock().map_err(|source| failed(Some(name), source))?;
        let now = self.read(name)?;
        if now.as_ref().map(Stored::revision) != at {
            let kind = if at.is_none() { JournalErrorKind::Exists } else { JournalErrorKind::Changed };
            return Err(JournalError::new(kind).with_name(name));
        }
        change(&self.path(name)).map_err(|source| failed(Some(name), source))
    }

    fn put(&self, name: &RecordName, at: Option<&Revision>, payload: &Payload) -> Result<Revision, JournalError> {
        let framed = frame(name, payload.as_bytes(), &*self.random)?;
        let beside = self.folder.path().join(temporary(name));
        self.change(name, at, |path| publish(path, &beside, &framed.bytes))?;
        Ok(framed.revision)
    }

    fn remove(&self, name: &RecordName, at: &Revision) -> Result<(), JournalError> {
        self.change(name, Some(at), |path| {
            point()?;
            fs::remove_file(path)?;
            point()?;
            sync_parent(path)
        })
    }

    fn path(&self, name: &RecordName) -> PathBuf {
        self.folder.path().join(format!("{name}.record"))
    }
}

/// The name of a record's new content before it takes its place: no record's file has such a name.
fn temporary(name: &RecordName) -> String {
    format!(".{name}.record.new")
}

fn is_temporary(file: &str) -> bool {
    let name = file.strip_prefix('.').and_then(|rest| rest.strip_suffix(".record.new"));
    name.is_some_and(|name| RecordName::new(name).is_ok())
}

/// Writes beside, syncs, moves into place, syncs the folder.
fn publish(path: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    point()?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    point()?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all(first)?;
    point()?;
    file.write_all(second)?;
    point()?;
    file.sync_all()?;
    point()?;
    fs::rename(beside, path)?;
    point()?;
    sync_parent(path)
}

fn failed(name: Option<&RecordName>, source: io::Error) -> JournalError {
    let kind = match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => JournalErrorKind::Denied,
        ErrorKind::Unsupported => JournalErrorKind::Unsupported,
        _ => JournalErrorKind::Unavailable,
    };
    let error = JournalError::new(kind).with_source(source);
    match name {
        Some(name) => error.with_name(name),
        None => error,
    }
}

impl Journal for FileJournal {
    fn get<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Option<Stored>, JournalError>> {
        Box::pin(ready(self.read(name)))
    }

    fn create<'a>(
        &'a self,
        name: &'a RecordName,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(async move { self.put(name, None, payload) })
    }

    fn replace<'a>(
        &'a self,
        name: &'a RecordName,
        at: &'a Revision,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(async move { self.put(name, Some(at), payload) })
    }

    fn delete<'a>(&'a self, name: &'a RecordName, at: &'a Revision) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move { self.remove(name, at) })
    }
}

/// Where a test can stop a change, as a crash would.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "in tests it fails")]
const fn point() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use tests::point;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::executor::block_on;

    use super::*;

    thread_local! {
        /// How many points are passed before the crash.
        static LEFT: Cell<u32> = const { Cell::new(u32::MAX) };
    }

    pub(super) fn point() -> io::Result<()> {
        let left = LEFT.get();
        LEFT.set(left.saturating_sub(1));
        if left == 0 { Err(io::Error::other("crashed here")) } else { Ok(()) }
    }

    /// Runs a change that stops after `n` points; whether it came to its end.
    fn crashed_after<O>(n: u32, change: impl Future<Output = Result<O, JournalError>>) -> bool {
        LEFT.set(n);
        let result = block_on(change);
        LEFT.set(u32::MAX);
        result.is_ok()
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_record_is_the_old_one_or_the_new_one_wherever_a_change_stops() {
        let name = RecordName::new("key").unwrap();
        let mut ended = [false; 3];
        for n in 0..10 {
            for (change, ended) in ended.iter_mut().enumerate() {
                let folder = tempfile::tempdir().unwrap();
                let journal = FileJournal::open(folder.path()).unwrap();
                let old = (change > 0).then(|| block_on(journal.create(&name, &Payload::plain(*b"old"))).unwrap());
                let new = Payload::plain(*b"new");
                *ended |= match (change, &old) {
                    (1, Some(old)) => crashed_after(n, journal.replace(&name, old, &new)),
                    (2, Some(old)) => crashed_after(n, journal.delete(&name, old)),
                    _ => crashed_after(n, journal.create(&name, &new)),
                };

                // The next process: nothing is left over, and it can go on from what it sees.
                let journal = FileJournal::open(folder.path()).unwrap();
                let seen = block_on(journal.get(&name)).unwrap();
                let text = seen.as_ref().map(|seen| seen.as_bytes().to_vec());
                let allowed: &[Option<&[u8]>] = match change {
                    0 => &[None, Some(b"new")],
                    1 => &[Some(b"old"), Some(b"new")],
                    _ => &[Some(b"old"), None],
                };
                assert!(allowed.contains(&text.as_deref()), "change {change} stopped after {n}: {text:?}");
                let last = match &seen {
                    Some(seen) => block_on(journal.replace(&name, seen.revision(), &Payload::plain(*b"last"))),
                    None => block_on(journal.create(&name, &Payload::plain(*b"last"))),
                };
                assert!(last.is_ok(), "change {change} stopped after {n}: {last:?}");
                assert_eq!(names(folder.path()), ["key.record"], "change {change} stopped after {n}");
            }
        }
        assert_eq!(ended, [true; 3], "no change came to its end: raise the number of points");
    }
}
