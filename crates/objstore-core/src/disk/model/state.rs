//! Files and folders, as a process sees them and as a crash would leave them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    io,
    path::{Component, Path},
    time::{Duration, SystemTime},
};

use super::{
    Call, FileKind, Metadata,
    faults::{Faults, Gate, Survival, stopped},
};
use crate::disk::DirEntry;

pub(super) type Inode = u64;

const ROOT: Inode = 1;

/// What a crash keeps or loses as one, in bytes of a file.
const PAGE_BYTES: usize = 4096;

/// Contents and attributes of a file, or attributes of a folder.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    mode: u32,
    uid: u32,
    gid: u32,
    modified: SystemTime,
}

#[derive(Debug, Clone)]
struct Node {
    kind: FileKind,
    now: Content,
    synced: Content,
    /// Names in a folder: as processes see them, and as they are on the disk.
    names: BTreeMap<OsString, Inode>,
    synced_names: BTreeMap<OsString, Inode>,
}

/// A change of names that survives as a whole or not at all.
#[derive(Debug, Clone)]
struct NameChange {
    parts: Vec<(Inode, OsString, Option<Inode>)>,
    synced: bool,
}

#[derive(Debug)]
pub(super) struct State {
    nodes: BTreeMap<Inode, Node>,
    /// Changes of names that are not all in `synced_names`, in the order in which they were made.
    pending: Vec<NameChange>,
    locked: BTreeSet<Inode>,
    pub(super) capacity: u64,
    faults: Faults,
    log: Vec<String>,
    stopped: bool,
    clock: SystemTime,
    next: Inode,
}

impl State {
    pub(super) fn new() -> Self {
        let clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600); // 2026-01-01
        let root = Node::new(FileKind::Dir, 0o755, clock);
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            pending: Vec::new(),
            locked: BTreeSet::new(),
            capacity: u64::MAX,
            faults: Faults::none(),
            log: Vec::new(),
            stopped: false,
            clock,
            next: ROOT + 1,
        }
    }

    pub(super) fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
        self.log.clear();
    }

    pub(super) fn calls(&self) -> u64 {
        self.log.len() as u64
    }

    pub(super) fn log(&self) -> &[String] {
        &self.log
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.locked.clear();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Counts a call, and decides what becomes of it.
    pub(super) fn enter(&mut self, call: &Call<'_>) -> Gate {
        if self.stopped {
            return Gate::Fail(stopped());
        }
        self.log.push(format!("{} {}", call.name, call.path.display()));
        let number = self.calls();
        if self.faults.stops_before(number) {
            self.stop();
        }
        self.faults.gate(number, call)
    }

    /// A clock that goes on by a millisecond whenever somebody looks.
    pub(super) fn tick(&mut self) -> SystemTime {
        self.clock += Duration::from_millis(1);
        self.clock
    }

    // Looking.

    fn node(&self, inode: Inode) -> io::Result<&Node> {
        self.nodes.get(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn node_mut(&mut self, inode: Inode) -> io::Result<&mut Node> {
        self.nodes.get_mut(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<Inode> {
        let mut inode = ROOT;
        for component in path.components() {
            match component {
                Component::RootDir | Component::CurDir => {}
                Component::Normal(name) => inode = self.child(inode, name)?,
                _ => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "the model disk takes absolute paths without '..'",
                    ));
                }
            }
        }
        Ok(inode)
    }

    fn child(&self, dir: Inode, name: &OsStr) -> io::Result<Inode> {
        let node = self.node(dir)?;
        if node.kind != FileKind::Dir {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        node.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The folder that holds a name, and the name.
    fn place(&self, path: &Path) -> io::Result<(Inode, OsString)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let dir = self.find(path.parent().unwrap_or(path))?;
        if self.node(dir)?.kind != FileKind::Dir {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok((dir, name.to_owned()))
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<Inode> {
        let inode = self.find(path)?;
        match self.node(inode)?.kind {
            FileKind::Dir => Err(io::ErrorKind::IsADirectory.into()),
            _ => Ok(inode),
        }
    }

    pub(super) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.content(self.file(path)?)?.bytes.clone())
    }

    pub(super) fn content(&self, inode: Inode) -> io::Result<&Content> {
        Ok(&self.node(inode)?.now)
    }

    pub(super) fn entries(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let node = self.node(self.find(path)?)?;
        if node.kind != FileKind::Dir {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        node.names.iter().map(|(name, inode)| Ok(DirEntry::new(name.clone(), self.node(*inode)?.kind))).collect()
    }

    pub(super) fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.metadata_of(self.find(path)?)
    }

    pub(super) fn metadata_of(&self, inode: Inode) -> io::Result<Metadata> {
        let node = self.node(inode)?;
        let links = self.nodes.values().flat_map(|node| node.names.values()).filter(|named| **named == inode).count();
        let content = &node.now;
        Ok(Metadata {
            kind: node.kind,
            len: content.bytes.len() as u64,
            modified: content.modified,
            inode,
            device: 1,
            links: links as u64,
            mode: content.mode,
            uid: content.uid,
            gid: content.gid,
        })
    }

    /// Bytes of all files that have a name.
    fn used(&self) -> u64 {
        let named: BTreeSet<_> = self.nodes.values().flat_map(|node| node.names.values()).collect();
        named.into_iter().filter_map(|inode| self.nodes.get(inode)).map(|node| node.now.bytes.len() as u64).sum()
    }

    pub(super) fn free(&self) -> u64 {
        self.capacity.saturating_sub(self.used())
    }

    // Names.

    pub(super) fn create(&mut self, path: &Path, kind: FileKind, mode: u32) -> io::Result<Inode> {
        let (dir, name) = self.place(path)?;
        if self.child(dir, &name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.next;
        self.next += 1;
        let time = self.tick();
        self.nodes.insert(inode, Node::new(kind, mode, time));
        self.rename_all(vec![(dir, name, Some(inode))]);
        Ok(inode)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let ((from_dir, from_name), (to_dir, to_name)) = (self.place(from)?, self.place(to)?);
        let inode = self.child(from_dir, &from_name)?;
        if let Ok(other) = self.child(to_dir, &to_name) {
            self.check_replace(inode, other)?;
        }
        self.rename_all(vec![(from_dir, from_name, None), (to_dir, to_name, Some(inode))]);
        Ok(())
    }

    fn check_replace(&self, new: Inode, old: Inode) -> io::Result<()> {
        let (new, old) = (self.node(new)?, self.node(old)?);
        match (new.kind, old.kind) {
            (FileKind::Dir, FileKind::Dir) if old.names.is_empty() => Ok(()),
            (FileKind::Dir, FileKind::Dir) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
            (FileKind::Dir, _) => Err(io::ErrorKind::NotADirectory.into()),
            (_, FileKind::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn exchange(&mut self, a: &Path, b: &Path) -> io::Result<()> {
        let ((a_dir, a_name), (b_dir, b_name)) = (self.place(a)?, self.place(b)?);
        let (a_inode, b_inode) = (self.child(a_dir, &a_name)?, self.child(b_dir, &b_name)?);
        self.rename_all(vec![(a_dir, a_name, Some(b_inode)), (b_dir, b_name, Some(a_inode))]);
        Ok(())
    }

    pub(super) fn link(&mut self, original: &Path, link: &Path) -> io::Result<()> {
        let inode = self.file(original)?;
        let (dir, name) = self.place(link)?;
        if self.child(dir, &name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename_all(vec![(dir, name, Some(inode))]);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path, kind: FileKind) -> io::Result<()> {
        let (dir, name) = self.place(path)?;
        let node = self.node(self.child(dir, &name)?)?;
        match (kind, node.kind) {
            (FileKind::Dir, FileKind::Dir) if node.names.is_empty() => {}
            (FileKind::Dir, FileKind::Dir) => return Err(io::ErrorKind::DirectoryNotEmpty.into()),
            (FileKind::Dir, _) => return Err(io::ErrorKind::NotADirectory.into()),
            (_, FileKind::Dir) => return Err(io::ErrorKind::IsADirectory.into()),
            _ => {}
        }
        self.rename_all(vec![(dir, name, None)]);
        Ok(())
    }

    fn rename_all(&mut self, parts: Vec<(Inode, OsString, Option<Inode>)>) {
        for (dir, name, inode) in &parts {
            if let Some(node) = self.nodes.get_mut(dir) {
                put(&mut node.names, name, *inode);
            }
        }
        self.pending.push(NameChange { parts, synced: false });
    }

    pub(super) fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        let dir = self.find(path)?;
        if self.faults.deaf_to_dir_syncs {
            return Ok(());
        }
        for change in &mut self.pending {
            change.synced |= change.parts.iter().any(|(touched, ..)| *touched == dir);
        }
        self.settle();
        let node = self.node_mut(dir)?;
        node.synced = node.now.clone();
        Ok(())
    }

    /// Takes over the oldest changes, as far as all of them survive anyway.
    fn settle(&mut self) {
        let done = self.pending.iter().take_while(|change| change.synced).count();
        for change in self.pending.drain(..done) {
            apply(&mut self.nodes, &change);
        }
    }

    // Contents.

    pub(super) fn write(&mut self, inode: Inode, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (free, time) = (self.free(), self.tick());
        let content = &mut self.node_mut(inode)?.now;
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let room = usize::try_from(free).unwrap_or(usize::MAX).saturating_add(content.bytes.len());
        let end = start.saturating_add(bytes.len());
        let fits = end.min(room).saturating_sub(start);
        if content.bytes.len() < start.saturating_add(fits) {
            content.bytes.resize(start.saturating_add(fits), 0);
        }
        content.modified = time;
        if let Some(target) = content.bytes.get_mut(start..) {
            target.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        }
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn set_len(&mut self, inode: Inode, len: u64) -> io::Result<()> {
        let (free, time) = (self.free(), self.tick());
        let content = &mut self.node_mut(inode)?.now;
        let grows = len.saturating_sub(content.bytes.len() as u64);
        if grows > free {
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.bytes.resize(usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?, 0);
        content.modified = time;
        Ok(())
    }

    pub(super) fn sync_file(&mut self, inode: Inode) -> io::Result<()> {
        if self.faults.deaf_to_file_syncs {
            return Ok(());
        }
        let node = self.node_mut(inode)?;
        node.synced = node.now.clone();
        Ok(())
    }

    pub(super) fn set_modified(&mut self, inode: Inode, time: SystemTime) -> io::Result<()> {
        let step = self.faults.time_step.as_nanos().max(1);
        let nanos = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let kept = u64::try_from(nanos.saturating_sub(nanos.checked_rem(step).unwrap_or(0))).unwrap_or(u64::MAX);
        self.node_mut(inode)?.now.modified = SystemTime::UNIX_EPOCH + Duration::from_nanos(kept);
        Ok(())
    }

    pub(super) fn set_owner(&mut self, inode: Inode, uid: u32, gid: u32) -> io::Result<()> {
        let content = &mut self.node_mut(inode)?.now;
        (content.uid, content.gid) = (uid, gid);
        Ok(())
    }

    // Locks.

    pub(super) fn is_locked(&self, inode: Inode) -> bool {
        self.locked.contains(&inode)
    }

    pub(super) fn lock(&mut self, inode: Inode) {
        self.locked.insert(inode);
    }

    pub(super) fn unlock(&mut self, inode: Inode) {
        self.locked.remove(&inode);
    }

    // Crashes.

    pub(super) fn after_crash(&self, survival: Survival) -> Self {
        let mut coin = Coin::new(survival);
        let mut nodes = self.nodes.clone();
        for change in &self.pending {
            if change.synced || coin.throw() {
                apply(&mut nodes, change);
            }
        }
        for node in nodes.values_mut() {
            node.now = surviving(&node.synced, &node.now, &mut coin);
            node.synced = node.now.clone();
            node.names = node.synced_names.clone();
        }
        Self { nodes, clock: self.clock, next: self.next, capacity: self.capacity, ..Self::new() }
    }
}

impl Node {
    fn new(kind: FileKind, mode: u32, modified: SystemTime) -> Self {
        let content = Content { bytes: Vec::new(), mode, uid: 0, gid: 0, modified };
        Self { kind, now: content.clone(), synced: content, names: BTreeMap::new(), synced_names: BTreeMap::new() }
    }
}

fn put(names: &mut BTreeMap<OsString, Inode>, name: &OsStr, inode: Option<Inode>) {
    match inode {
        Some(inode) => drop(names.insert(name.to_owned(), inode)),
        None => drop(names.remove(name)),
    }
}

fn apply(nodes: &mut BTreeMap<Inode, Node>, change: &NameChange) {
    for (dir, name, inode) in &change.parts {
        if let Some(node) = nodes.get_mut(dir) {
            put(&mut node.synced_names, name, *inode);
        }
    }
}

/// What is found of a file: each page, and the length, old or new.
fn surviving(synced: &Content, now: &Content, coin: &mut Coin) -> Content {
    let mut found = if coin.throw() { now.clone() } else { synced.clone() };
    let len = found.bytes.len();
    found.bytes.clear();
    for start in (0..len).step_by(PAGE_BYTES) {
        let source = if coin.throw() { now } else { synced };
        let end = start.saturating_add(PAGE_BYTES).min(len);
        let page = source.bytes.get(start..).unwrap_or_default();
        found.bytes.extend_from_slice(page.get(..end - start).unwrap_or(page));
        found.bytes.resize(end, 0); // a page that was not written yet reads as zeros
    }
    found
}

/// Decides what survives.
struct Coin {
    survival: Survival,
    state: u64,
}

impl Coin {
    fn new(survival: Survival) -> Self {
        let seed = if let Survival::Some(seed) = survival { seed } else { 0 };
        Self { survival, state: seed }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn throw(&mut self) -> bool {
        match self.survival {
            Survival::Synced => false,
            Survival::Everything => true,
            Survival::Some(_) => {
                self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ (mixed >> 31)) & 1 == 1
            }
        }
    }
}
