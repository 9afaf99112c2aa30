//! The operating system's files.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::Arc,
    time::SystemTime,
};

use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, Uid},
    io::Errno,
};

use super::{Access, DirEntry, Disk, DiskFile, DiskLock, FileKind, Metadata};

/// The operating system's file systems.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct OsDisk;

impl OsDisk {
    /// The operating system's file systems.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Disk for OsDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let flags = match access {
            Access::Read => OFlags::RDONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        // Without NONBLOCK, opening a named pipe would wait for a peer.
        let fd = rustix::fs::open(path, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())?;
        let file = File::from(fd);
        match FileKind::from(file.metadata()?.file_type()) {
            FileKind::File => Ok(Arc::new(OsFile(file))),
            FileKind::Dir => Err(io::ErrorKind::IsADirectory.into()),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
        }
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<Arc<dyn DiskFile>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(path, flags, to_mode(mode))?);
        if lacks(&file.metadata()?, mode) {
            rustix::fs::fchmod(&file, to_mode(mode))?;
        }
        Ok(Arc::new(OsFile(file)))
    }

    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()> {
        rustix::fs::mkdir(path, to_mode(mode))?;
        if lacks(&fs::symlink_metadata(path)?, mode) {
            rustix::fs::chmod(path, to_mode(mode))?;
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        rename_exchange(a, b).map_err(unsupported_if(&[Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP]))
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        rustix::fs::linkat(CWD, original, CWD, link, AtFlags::empty()).map_err(unsupported_if(&[
            Errno::PERM,
            Errno::NOSYS,
            Errno::OPNOTSUPP,
        ]))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let kind = |entry: &fs::DirEntry| match entry.file_type() {
            Ok(kind) => Ok(Some(FileKind::from(kind))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None), // removed since
            Err(error) => Err(error),
        };
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            entries.extend(kind(&entry)?.map(|kind| DirEntry::new(entry.file_name(), kind)));
        }
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        Metadata::try_from(fs::symlink_metadata(path)?)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        match open_dir(path)?.sync_all() {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => Ok(()),
            other => other,
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let file = File::from(fd);
        let locked = loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match locked {
            Ok(()) => Ok(Box::new(OsLock(file))),
            Err(error) => match Errno::from_io_error(&error) {
                // NFS turns this lock into one that needs the file to be open for writing, which a folder cannot be.
                Some(Errno::BADF | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK) => {
                    Err(io::Error::new(io::ErrorKind::Unsupported, error))
                }
                _ => Err(error),
            },
        }
    }

    fn chown(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        Ok(rustix::fs::chownat(
            CWD,
            path,
            Some(Uid::from_raw(uid)),
            Some(Gid::from_raw(gid)),
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the component through which everything above takes the time"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[derive(Debug)]
struct OsFile(File);

impl DiskFile for OsFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buf, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        allocate(&self.0, offset, len)
    }

    fn start_writeback(&self, offset: u64, len: u64) {
        start_writeback(&self.0, offset, len);
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.0.set_modified(time)
    }

    fn chown(&self, uid: u32, gid: u32) -> io::Result<()> {
        Ok(rustix::fs::fchown(&self.0, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Metadata::try_from(self.0.metadata()?)
    }
}

/// The lock goes with the open file.
#[derive(Debug)]
struct OsLock(File);

impl DiskLock for OsLock {
    fn metadata(&self) -> io::Result<Metadata> {
        Metadata::try_from(self.0.metadata()?)
    }
}

impl TryFrom<fs::Metadata> for Metadata {
    type Error = io::Error;

    fn try_from(from: fs::Metadata) -> io::Result<Self> {
        Ok(Self {
            kind: from.file_type().into(),
            len: from.len(),
            modified: from.modified()?,
            inode: from.ino(),
            device: from.dev(),
            links: from.nlink(),
            mode: from.mode() & 0o7777,
            uid: from.uid(),
            gid: from.gid(),
        })
    }
}

impl From<fs::FileType> for FileKind {
    fn from(from: fs::FileType) -> Self {
        if from.is_file() {
            Self::File
        } else if from.is_dir() {
            Self::Dir
        } else if from.is_symlink() {
            Self::Symlink
        } else {
            Self::Other
        }
    }
}

/// Whether the process's umask took permissions away. Not whether there are more: some file systems show the same for
/// every file, and refuse to change it.
fn lacks(metadata: &fs::Metadata, mode: u32) -> bool {
    metadata.mode() & mode != mode
}

fn to_mode(bits: u32) -> Mode {
    Mode::from_raw_mode(bits as rustix::fs::RawMode)
}

fn open_dir(path: &Path) -> io::Result<File> {
    Ok(File::from(rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
}

fn unsupported_if(errnos: &'static [Errno]) -> impl Fn(Errno) -> io::Error {
    move |errno| match errnos.contains(&errno) {
        true => io::Error::new(io::ErrorKind::Unsupported, io::Error::from(errno)),
        false => errno.into(),
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_exchange(a: &Path, b: &Path) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_exchange(_: &Path, _: &Path) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), offset, len)
        .map_err(unsupported_if(&[Errno::NOSYS, Errno::OPNOTSUPP]))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn allocate(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Linux begins to write the dirty pages of a range that is declared not needed (mm/fadvise.c, `generic_fadvise`), and
/// drops only the pages that were clean already: those just written stay in the page cache.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn start_writeback(file: &File, offset: u64, len: u64) {
    if let Some(len) = std::num::NonZeroU64::new(len) {
        let _advice = rustix::fs::fadvise(file, offset, Some(len), rustix::fs::Advice::DontNeed);
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn start_writeback(_: &File, _: u64, _: u64) {}
