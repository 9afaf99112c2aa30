//! A file system in memory that stops on demand, and forgets what was not synced.

mod faults;
mod state;

use std::{
    ffi::OsString,
    fmt, fs, io,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

pub use self::faults::{Ability, Faults, Survival};
use self::{
    faults::Gate,
    state::{Content, Inode, State},
};
use super::{Access, DirEntry, Disk, DiskFile, DiskLock, FileKind, Metadata};

/// A file system in memory, for tests of what a crash, a full disk or a missing ability leaves behind.
///
/// It keeps two states: what a process sees, and what would be found after the power failed. File contents get from the
/// first to the second by [`DiskFile::sync`], names by [`Disk::sync_dir`]. A rename, an exchange or a link is atomic: it
/// survives as a whole or not at all, and a sync of any folder that it touches makes it survive.
///
/// Calls that change something are counted (syncs and locks included, reads not); [`Faults`] says at which one to stop.
/// Clones are the same disk.
///
/// ```
/// use std::path::Path;
/// use objstore_core::disk::{Disk, Faults, ModelDisk, Survival};
/// let disk = ModelDisk::new();
/// let file = disk.create_new(Path::new("/a"), 0o600)?;
/// file.write_at(b"hello", 0)?;
/// file.sync()?; // the contents, not the name
/// assert!(disk.after_crash(Survival::Synced).read(Path::new("/a")).is_err());
/// disk.sync_dir(Path::new("/"))?;
/// assert_eq!(disk.after_crash(Survival::Synced).read(Path::new("/a"))?, b"hello");
///
/// disk.set_faults(Faults::none().stop_before(1));
/// assert!(disk.remove_file(Path::new("/a")).is_err());
/// assert!(disk.is_stopped());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ModelDisk(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    unlocked: Condvar,
}

impl ModelDisk {
    /// A disk that holds `/` and nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::of(State::new())
    }

    fn of(state: State) -> Self {
        Self(Arc::new(Shared { state: Mutex::new(state), unlocked: Condvar::new() }))
    }

    /// Sets what goes wrong from here on, and begins to count calls anew.
    pub fn set_faults(&self, faults: Faults) {
        self.state().set_faults(faults);
    }

    /// Limits the bytes that all files together may have.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// How many calls that change something were made since [`set_faults`](Self::set_faults).
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls()
    }

    /// Those calls, one text each, for messages of tests that fail.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.state().log().to_vec()
    }

    /// Stops the disk: every further call fails.
    pub fn stop(&self) {
        self.state().stop();
        self.0.unlocked.notify_all();
    }

    /// Whether the disk was stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.state().is_stopped()
    }

    /// Another disk: this one as it is found when the machine is up again. No faults are set on it.
    #[must_use]
    pub fn after_crash(&self, survival: Survival) -> Self {
        Self::of(self.state().after_crash(survival))
    }

    /// A whole file, as a process sees it.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.state().read(path)
    }

    /// Copies a folder, as a process sees it, into a real one that exists: contents and permissions, not owners or times.
    ///
    /// # Errors
    /// `NotFound` for either; whatever the system says.
    pub fn write_to(&self, from: &Path, to: &Path) -> io::Result<()> {
        for entry in self.entries(from)? {
            let (source, target) = (from.join(&entry.name), to.join(&entry.name));
            match entry.kind {
                FileKind::Dir => {
                    fs::create_dir(&target)?;
                    self.write_to(&source, &target)?;
                }
                _ => fs::write(&target, self.read(&source)?)?,
            }
            self.copy_mode(&source, &target)?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn copy_mode(&self, source: &Path, target: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(target, fs::Permissions::from_mode(self.state().metadata(source)?.mode))
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "only Unix has permission bits")]
    fn copy_mode(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn entries(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.state().entries(path)
    }

    /// A panic of a test's other thread must not hide what it was about.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one call that changes something, unless the disk stops at it.
    fn change<T>(&self, call: Call<'_>, make: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        let gate = state.enter(&call);
        let result = match gate {
            Gate::Fail(error) => Err(error),
            Gate::Pass => make(&mut state),
            Gate::PassAndStop => {
                let _made = make(&mut state);
                state.stop();
                Err(faults::stopped())
            }
        };
        if state.is_stopped() {
            self.0.unlocked.notify_all();
        }
        result
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> io::Result<T>) -> io::Result<T> {
        let state = self.state();
        if state.is_stopped() { Err(faults::stopped()) } else { look(&state) }
    }

    fn file(&self, inode: Inode, path: &Path) -> Arc<dyn DiskFile> {
        Arc::new(ModelFile { disk: self.clone(), inode, name: path.as_os_str().to_owned() })
    }
}

/// A call that changes something, as faults see it.
struct Call<'c> {
    name: &'static str,
    path: &'c Path,
    /// Whether a full disk refuses it.
    takes_room: bool,
    needs: Option<Ability>,
}

impl<'c> Call<'c> {
    fn new(name: &'static str, path: &'c Path) -> Self {
        Self { name, path, takes_room: false, needs: None }
    }

    fn takes_room(mut self) -> Self {
        self.takes_room = true;
        self
    }

    fn needs(mut self, ability: Ability) -> Self {
        self.needs = Some(ability);
        self
    }
}

impl Default for ModelDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ModelDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelDisk").field("calls", &self.calls()).finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Disk for ModelDisk {
    fn open(&self, path: &Path, _: Access) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.look(|state| state.file(path))?;
        Ok(self.file(inode, path))
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<Arc<dyn DiskFile>> {
        let inode =
            self.change(Call::new("create_new", path).takes_room(), |state| state.create(path, FileKind::File, mode))?;
        Ok(self.file(inode, path))
    }

    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.change(Call::new("mkdir", path).takes_room(), |state| state.create(path, FileKind::Dir, mode)).map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::new("rename", to).takes_room(), |state| state.rename(from, to))
    }

    fn rename_exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        self.change(Call::new("rename_exchange", b).needs(Ability::Exchange), |state| state.exchange(a, b))
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        let call = Call::new("hard_link", link).takes_room().needs(Ability::HardLinks);
        self.change(call, |state| state.link(original, link))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.change(Call::new("remove_file", path), |state| state.remove(path, FileKind::File))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::new("remove_dir", path), |state| state.remove(path, FileKind::Dir))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.look(|state| state.entries(path))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.look(|state| state.metadata(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::new("sync_dir", path), |state| state.sync_dir(path))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let inode = self.change(Call::new("lock", path).needs(Ability::Locks), |state| state.find(path))?;
        let state = self.state();
        let busy = |state: &mut State| !state.is_stopped() && state.is_locked(inode);
        let mut state = self.0.unlocked.wait_while(state, busy).unwrap_or_else(PoisonError::into_inner);
        if state.is_stopped() {
            return Err(faults::stopped());
        }
        state.lock(inode);
        drop(state);
        Ok(Box::new(ModelLock { disk: self.clone(), inode }))
    }

    fn chown(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        self.change(Call::new("chown", path), |state| {
            let inode = state.find(path)?;
            state.set_owner(inode, uid, gid)
        })
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.look(|state| state.find(path).map(|_| state.free()))
    }

    fn now(&self) -> SystemTime {
        self.state().tick()
    }
}

#[derive(Debug)]
struct ModelFile {
    disk: ModelDisk,
    inode: Inode,
    name: OsString,
}

impl ModelFile {
    fn call(&self, name: &'static str) -> Call<'_> {
        Call::new(name, Path::new(&self.name))
    }

    fn content<T>(&self, look: impl FnOnce(&Content) -> T) -> io::Result<T> {
        self.disk.look(|state| state.content(self.inode).map(look))
    }
}

#[deny(clippy::missing_trait_methods)]
impl DiskFile for ModelFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.content(|content| {
            let rest = usize::try_from(offset).ok().and_then(|start| content.bytes.get(start..)).unwrap_or_default();
            let len = rest.len().min(buf.len());
            buf.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            len
        })
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.disk.change(self.call("write_at").takes_room(), |state| state.write(self.inode, buf, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.change(self.call("set_len").takes_room(), |state| state.set_len(self.inode, len))
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let call = self.call("allocate").takes_room().needs(Ability::Allocate);
        let end = offset.saturating_add(len);
        self.disk.change(call, |state| {
            let now = state.content(self.inode)?.bytes.len() as u64;
            state.set_len(self.inode, end.max(now))
        })
    }

    fn start_writeback(&self, _: u64, _: u64) {}

    fn sync(&self) -> io::Result<()> {
        self.disk.change(self.call("sync").takes_room(), |state| state.sync_file(self.inode))
    }

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.disk.change(self.call("set_modified"), |state| state.set_modified(self.inode, time))
    }

    fn chown(&self, uid: u32, gid: u32) -> io::Result<()> {
        self.disk.change(self.call("chown"), |state| state.set_owner(self.inode, uid, gid))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.disk.look(|state| state.metadata_of(self.inode))
    }
}

#[derive(Debug)]
struct ModelLock {
    disk: ModelDisk,
    inode: Inode,
}

impl DiskLock for ModelLock {
    fn metadata(&self) -> io::Result<Metadata> {
        self.disk.look(|state| state.metadata_of(self.inode))
    }
}

impl Drop for ModelLock {
    fn drop(&mut self) {
        self.disk.state().unlock(self.inode);
        self.disk.0.unlocked.notify_all();
    }
}
