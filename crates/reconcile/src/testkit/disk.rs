//! A file system under the kit.

use std::{fmt, io, path::Path, sync::Arc, time::SystemTime};

use objstore_core::disk::{Access, DirEntry, Disk, DiskFile, DiskLock, Metadata};

use super::{
    call::{Call, Fault},
    faults::Faults,
};

const OPEN: Call = Call::read("open").local();
const CREATE: Call = Call::write("create").local();
const MKDIR: Call = Call::write("mkdir").local();
const RENAME: Call = Call::write("rename").local();
const EXCHANGE: Call = Call::write("rename_exchange").local();
const LINK: Call = Call::write("hard_link").local();
const REMOVE_FILE: Call = Call::write("remove_file").local();
const REMOVE_DIR: Call = Call::write("remove_dir").local();
const READ_DIR: Call = Call::read("read_dir").local();
const METADATA: Call = Call::read("metadata").local();
const SYNC_DIR: Call = Call::write("sync_dir").local();
const LOCK: Call = Call::read("lock").local();
const CHOWN: Call = Call::write("chown").local();
const FREE_SPACE: Call = Call::read("free_space").local();
const READ: Call = Call::read("read_at").local();
const WRITE: Call = Call::write("write_at").local();
const SET_LEN: Call = Call::write("set_len").local();
const ALLOCATE: Call = Call::write("allocate").local();
const SYNC: Call = Call::write("sync").local();
const SET_MODIFIED: Call = Call::write("set_modified").local();

/// A layer that puts every call of a [`Disk`] through a pass's [`Faults`], for code below `spawn_blocking`.
///
/// It stands in the world, around the disk that survives; each pass takes its own with [`under`](Self::under). A fault
/// is an I/O error, with the effect or without it. A crash is one of the process: every later call of the pass is an
/// error and has no effect, and what was written is there, synced or not. (What a power failure takes away,
/// `objstore_core::disk::ModelDisk` knows.)
///
/// Use it with [`Kit::with_threads`](super::Kit::with_threads). Calls that several threads make at the same time are
/// counted in the order in which they come: keep it to one thread, or a plan may hit another call the next time.
#[derive(Clone)]
pub struct FaultyDisk {
    disk: Arc<dyn Disk>,
    faults: Option<Faults>,
}

impl FaultyDisk {
    /// A disk that survives crashes. Calls go through as they are, until a pass takes it.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, faults: None }
    }

    /// The disk as one pass has it.
    #[must_use]
    pub fn under(&self, faults: &Faults) -> Arc<dyn Disk> {
        Arc::new(Self { disk: Arc::clone(&self.disk), faults: Some(faults.clone()) })
    }

    /// The disk below.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    fn run<T>(&self, call: Call, effect: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        run(self.faults.as_ref(), call, effect)
    }

    fn file(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { file, faults: self.faults.clone() })
    }
}

fn run<T>(faults: Option<&Faults>, call: Call, effect: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    match faults {
        None => effect(),
        Some(faults) => faults.call_sync(call, |_straight| effect()).unwrap_or_else(|fault| Err(error(fault))),
    }
}

fn error(fault: Fault) -> io::Error {
    io::Error::other(fault)
}

#[deny(clippy::missing_trait_methods)]
impl Disk for FaultyDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        self.run(OPEN, || self.disk.open(path, access)).map(|file| self.file(file))
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<Arc<dyn DiskFile>> {
        self.run(CREATE, || self.disk.create_new(path, mode)).map(|file| self.file(file))
    }

    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.run(MKDIR, || self.disk.mkdir(path, mode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(RENAME, || self.disk.rename(from, to))
    }

    fn rename_exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        self.run(EXCHANGE, || self.disk.rename_exchange(a, b))
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        self.run(LINK, || self.disk.hard_link(original, link))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.run(REMOVE_FILE, || self.disk.remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.run(REMOVE_DIR, || self.disk.remove_dir(path))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.run(READ_DIR, || self.disk.read_dir(path))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.run(METADATA, || self.disk.metadata(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.run(SYNC_DIR, || self.disk.sync_dir(path))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.run(LOCK, || self.disk.lock(path))
    }

    fn chown(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        self.run(CHOWN, || self.disk.chown(path, uid, gid))
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.run(FREE_SPACE, || self.disk.free_space(path))
    }

    fn now(&self) -> SystemTime {
        self.disk.now()
    }
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyDisk").field("disk", &self.disk).finish_non_exhaustive()
    }
}

/// An open file, each call of which can fail.
struct FaultyFile {
    file: Arc<dyn DiskFile>,
    faults: Option<Faults>,
}

impl FaultyFile {
    fn run<T>(&self, call: Call, effect: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        run(self.faults.as_ref(), call, effect)
    }
}

#[deny(clippy::missing_trait_methods)]
impl DiskFile for FaultyFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.run(READ, || self.file.read_at(buf, offset))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.run(WRITE, || self.file.write_at(buf, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.run(SET_LEN, || self.file.set_len(len))
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.run(ALLOCATE, || self.file.allocate(offset, len))
    }

    /// Promises nothing, so there is nothing to break.
    fn start_writeback(&self, offset: u64, len: u64) {
        self.file.start_writeback(offset, len);
    }

    fn sync(&self) -> io::Result<()> {
        self.run(SYNC, || self.file.sync())
    }

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.run(SET_MODIFIED, || self.file.set_modified(time))
    }

    fn chown(&self, uid: u32, gid: u32) -> io::Result<()> {
        self.run(CHOWN, || self.file.chown(uid, gid))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.run(METADATA, || self.file.metadata())
    }
}

impl fmt::Debug for FaultyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}
