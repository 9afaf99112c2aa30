//! A file system whose every call goes through the kit, which refuses it, loses its answer, or crashes the process there.

#![allow(unreachable_pub, reason = "the test binary uses this module as its own")]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use objstore_core::disk::{Access, DirEntry, Disk, DiskFile, DiskLock, Metadata, ModelDisk};
use reconcile::testkit::{Call, Fault, Faults};

/// A process's view of the disk, for one pass.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    pub disk: ModelDisk,
    pub faults: Faults,
}

/// Makes a call of the file system, if the kit lets it happen.
fn call<T>(faults: &Faults, call: Call, effect: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    faults.call_sync(call, |_straight| effect()).map_err(broken)?
}

fn broken(fault: Fault) -> io::Error {
    io::Error::other(fault)
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        call(&self.faults, Call::read("open"), || self.disk.open(path, access)).map(|file| self.faulty(file))
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<Arc<dyn DiskFile>> {
        call(&self.faults, Call::write("create"), || self.disk.create_new(path, mode)).map(|file| self.faulty(file))
    }

    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()> {
        call(&self.faults, Call::write("mkdir"), || self.disk.mkdir(path, mode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        call(&self.faults, Call::write("rename"), || self.disk.rename(from, to))
    }

    fn rename_exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        call(&self.faults, Call::write("exchange"), || self.disk.rename_exchange(a, b))
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        call(&self.faults, Call::write("link"), || self.disk.hard_link(original, link))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        call(&self.faults, Call::write("unlink"), || self.disk.remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        call(&self.faults, Call::write("rmdir"), || self.disk.remove_dir(path))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        call(&self.faults, Call::read("readdir"), || self.disk.read_dir(path))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        call(&self.faults, Call::read("stat"), || self.disk.metadata(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        call(&self.faults, Call::write("fsync folder"), || self.disk.sync_dir(path))
    }

    /// Not a call of its own: the lock of a process that crashed goes with it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.disk.lock(path)
    }

    fn chown(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        call(&self.faults, Call::write("chown"), || self.disk.chown(path, uid, gid))
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        call(&self.faults, Call::read("statfs"), || self.disk.free_space(path))
    }

    fn now(&self) -> SystemTime {
        self.disk.now()
    }
}

impl FaultyDisk {
    fn faulty(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { file, faults: self.faults.clone() })
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn DiskFile>,
    faults: Faults,
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        call(&self.faults, Call::read("read"), || self.file.read_at(buf, offset))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        call(&self.faults, Call::write("write"), || self.file.write_at(buf, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        call(&self.faults, Call::write("truncate"), || self.file.set_len(len))
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        call(&self.faults, Call::write("fallocate"), || self.file.allocate(offset, len))
    }

    fn start_writeback(&self, _: u64, _: u64) {}

    fn sync(&self) -> io::Result<()> {
        call(&self.faults, Call::write("fsync"), || self.file.sync())
    }

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        call(&self.faults, Call::write("utimens"), || self.file.set_modified(time))
    }

    fn chown(&self, uid: u32, gid: u32) -> io::Result<()> {
        call(&self.faults, Call::write("fchown"), || self.file.chown(uid, gid))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        call(&self.faults, Call::read("fstat"), || self.file.metadata())
    }
}
