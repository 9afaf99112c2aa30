//! The seam under everything that writes files: each file system call, one method.
//!
//! This module is secondary: whoever keeps objects uses [`FileStore`](crate::FileStore). It is public because a program
//! that writes its own files with the same care (a restore, for one) needs the same seam, so that its tests can stop
//! before or after any call, drop what was not synced, and run out of space.
//!
//! - [`OsDisk`] is the operating system. One call is one system call, or nearly.
//! - `ModelDisk` (feature `testkit`) keeps files in memory, twice: as a process sees them, and as they would be found
//!   after the power failed.
//!
//! All methods block: call them from a thread that may (`tokio::task::spawn_blocking`).

use std::{ffi::OsString, fmt, io, path::Path, sync::Arc, time::SystemTime};

#[cfg(feature = "testkit")]
mod model;
#[cfg(unix)]
mod os;

#[cfg(feature = "testkit")]
pub use model::{Ability, Faults, ModelDisk, Survival};
#[cfg(unix)]
pub use os::OsDisk;

/// Access to a file system. Paths are used as given; the last component is never followed when it is a symbolic link.
///
/// # Durability
/// Nothing is durable before it was synced: file contents, length, owner and times by [`DiskFile::sync`], names by
/// [`Disk::sync_dir`] on the folder that holds them (and a new folder's own name by a sync of *its* parent).
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Opens an existing regular file.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory`; another error for a symbolic link or a device; whatever the system says.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates a file that must not exist, for reading and writing, with the permission bits `mode`
    /// whatever the process's umask.
    ///
    /// # Errors
    /// `AlreadyExists` also for a dangling symbolic link; `StorageFull`; whatever the system says.
    fn create_new(&self, path: &Path, mode: u32) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates one folder with the permission bits `mode` whatever the process's umask. Its parent must exist.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound` (no parent), `NotADirectory`; whatever the system says.
    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()>;

    /// Renames, replacing `to` atomically if it is a file (or an empty folder, when `from` is a folder).
    ///
    /// # Errors
    /// `CrossesDevices`, `IsADirectory`, `DirectoryNotEmpty`; whatever the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Exchanges two existing names, files or folders, atomically (Linux `renameat2(RENAME_EXCHANGE)`, macOS `RENAME_SWAP`).
    ///
    /// # Errors
    /// `Unsupported` where the system or the file system cannot; then nothing was changed.
    fn rename_exchange(&self, a: &Path, b: &Path) -> io::Result<()>;

    /// Gives a file a second name, which must not exist: the portable atomic "create if absent".
    ///
    /// # Errors
    /// `AlreadyExists`; `Unsupported` where the file system has no hard links; whatever the system says.
    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()>;

    /// Removes a file's name, or a symbolic link itself.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`; whatever the system says.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// `DirectoryNotEmpty`, `NotFound`, `NotADirectory`; whatever the system says.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// The entries of a folder, in no order, without `.` and `..`. The whole folder is held in memory.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`; whatever the system says.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    /// What stands at this name (of a symbolic link: the link itself).
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory` (a parent is a file); whatever the system says.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;

    /// Makes the names in a folder durable.
    ///
    /// File systems that cannot sync a folder (some FUSE ones answer `EINVAL`) are taken to need none.
    ///
    /// # Errors
    /// Whatever the system says; then the names may or may not survive.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Waits for the exclusive lock of a folder or file, held until the returned guard is dropped or the process ends.
    /// Locks are advisory, and hold between processes and between two calls of one process.
    ///
    /// # Errors
    /// `Unsupported` where the file system has no such locks (NFS for folders); `NotFound`.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;

    /// Gives a file, folder or link (itself, not its target) to another owner and group.
    ///
    /// # Errors
    /// `PermissionDenied` unless privileged; whatever the system says.
    fn chown(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()>;

    /// Bytes that an unprivileged process may still write on the file system that holds `path`.
    ///
    /// # Errors
    /// `NotFound`; whatever the system says.
    fn free_space(&self, path: &Path) -> io::Result<u64>;

    /// The time, for time stamps on files. A model may answer with its own.
    fn now(&self) -> SystemTime;
}

/// An open file. Positions are explicit, so that one file can serve several threads.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads up to `buf.len()` bytes at `offset`; 0 only at or after the end (or for an empty `buf`).
    ///
    /// # Errors
    /// Whatever the system says; `Interrupted` is retried inside.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `buf` at `offset`, growing the file as needed.
    ///
    /// # Errors
    /// `StorageFull`, `QuotaExceeded`; whatever the system says. A part may have been written.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts or grows (with zero bytes) the file.
    ///
    /// # Errors
    /// Whatever the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Reserves space for `len` bytes from `offset` and grows the file to hold them.
    ///
    /// # Errors
    /// `StorageFull`; `Unsupported` where the file system cannot reserve (then nothing was changed, and the caller
    /// goes on without).
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Asks the system to begin writing this range to the disk, and does not wait: what a long write calls now and
    /// then for the range just written, so that the last [`sync`](Self::sync) is short. Parts of the range that have
    /// reached the disk by now may leave the system's cache. Promises nothing, and swallows no error that `sync` would
    /// report.
    fn start_writeback(&self, offset: u64, len: u64);

    /// Makes contents, length, owner, permissions and times durable.
    ///
    /// # Errors
    /// `StorageFull` or an I/O error. The file must then be given up: a second sync may report success without the
    /// data having been written.
    fn sync(&self) -> io::Result<()>;

    /// Sets the time of last modification. The file system may keep it less precisely: read it back.
    ///
    /// # Errors
    /// Whatever the system says.
    fn set_modified(&self, time: SystemTime) -> io::Result<()>;

    /// Gives the file to another owner and group.
    ///
    /// # Errors
    /// `PermissionDenied` unless privileged; whatever the system says.
    fn chown(&self, uid: u32, gid: u32) -> io::Result<()>;

    /// What the file is now.
    ///
    /// # Errors
    /// Whatever the system says.
    fn metadata(&self) -> io::Result<Metadata>;
}

/// A lock that is held; dropping it releases.
pub trait DiskLock: fmt::Debug + Send {
    /// What is locked, as it was opened: to find out whether the name was given to something else meanwhile.
    ///
    /// # Errors
    /// Whatever the system says.
    fn metadata(&self) -> io::Result<Metadata>;
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a file that exists is opened in one of these two ways")]
pub enum Access {
    /// For reading only.
    Read,
    /// For reading and writing.
    ReadWrite,
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A device, socket, pipe, or what the system does not tell.
    Other,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirEntry {
    /// The name within the folder.
    pub name: OsString,
    /// What it is.
    pub kind: FileKind,
}

impl DirEntry {
    /// An entry.
    pub fn new(name: impl Into<OsString>, kind: FileKind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// What a file or folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Length in bytes; of a folder, without meaning.
    pub len: u64,
    /// Time of last modification.
    pub modified: SystemTime,
    /// Number within the file system; may be reused after the file is gone.
    pub inode: u64,
    /// Number of the file system.
    pub device: u64,
    /// How many names it has.
    pub links: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Metadata {
    /// A file or folder with this kind and length; everything else zero, and the epoch for its time.
    #[must_use]
    pub fn new(kind: FileKind, len: u64) -> Self {
        Self { kind, len, modified: SystemTime::UNIX_EPOCH, inode: 0, device: 0, links: 1, mode: 0, uid: 0, gid: 0 }
    }
}
