//! `save --raw`: what `etcdctl snapshot save` writes, into a local file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use objstore_core::disk::{Disk, DiskFile, FileKind};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::stream::{self, Sink};
use super::{SaveOptions, choose_member, same_member, within};
use crate::live::Live;
use crate::receive::Block;
use crate::source::blocking;
use crate::{Error, ErrorKind, Hex64, Result};

/// Blocks of 256 KiB that wait for the disk.
const WAITING: usize = 16;
/// After so many bytes the disk is told to begin with them, so that the last sync finds little left to do.
const WRITEBACK: u64 = 8 * 1024 * 1024;

/// A snapshot that was saved into a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawSaved {
    /// The file.
    pub path: PathBuf,
    /// Its length, trailer included.
    pub bytes: u64,
    /// SHA-256 of all of it.
    pub sha256: String,
    /// The endpoint that sent it.
    pub endpoint: String,
    /// The member that sent it.
    pub member_id: Hex64,
    /// The cluster it is of.
    pub cluster_id: Hex64,
    /// The version of that member.
    pub server_version: String,
}

/// Saves a snapshot of `live` as the file `path`, byte for byte what `etcdctl snapshot save` writes, with its trailer
/// checked while it flows.
///
/// The bytes go to `path` with `.part` appended, mode 0600; that file is synced and takes the place of `path`, whether or
/// not one was there, and the folder is synced. `disk` is [`OsDisk`](objstore_core::disk::OsDisk), or a test's.
///
/// Memory: 8 MiB.
///
/// # Errors
/// As [`save`](super::save()), without those of a store. On any error `path` is as it was, and the `.part` file is gone.
///
/// # Cancel safety
/// Dropping it leaves `path` as it was; the `.part` file may stay, and the next save replaces it.
pub async fn save_raw(live: &dyn Live, path: &Path, options: &SaveOptions, disk: Arc<dyn Disk>) -> Result<RawSaved> {
    within(options.timeout, Box::pin(run(live, path, options, disk))).await
}

async fn run(live: &dyn Live, path: &Path, options: &SaveOptions, disk: Arc<dyn Disk>) -> Result<RawSaved> {
    let target = Target::new(path)?;
    blocking({
        let (target, disk) = (target.clone(), Arc::clone(&disk));
        move || target.require_place(disk.as_ref())
    })
    .await?;
    let chosen = choose_member(live, options).await?;
    let messages = live.snapshot(&chosen.endpoint).await?;
    let mut writer = Writer::start(target.clone(), Arc::clone(&disk)).await?;
    let received = async {
        let received = stream::pump(messages, options.stall_timeout, options.progress.as_ref(), &mut writer).await?;
        same_member(live, &chosen).await?;
        Ok(received)
    };
    let received = received.await;
    let finished = writer.finish(received.is_ok()).await;
    finished?; // The disk's own error first: the stream's would only say that nobody took its blocks.
    let digests = received?.digests;
    Ok(RawSaved {
        path: target.path,
        bytes: digests.bytes,
        sha256: digests.sha256,
        endpoint: chosen.endpoint,
        member_id: chosen.status.member_id,
        cluster_id: chosen.status.cluster_id,
        server_version: chosen.status.version,
    })
}

/// The file, the one it is written as, and their folder.
#[derive(Clone, Debug)]
struct Target {
    path: PathBuf,
    part: PathBuf,
    folder: PathBuf,
}

impl Target {
    fn new(path: &Path) -> Result<Self> {
        let name =
            path.file_name().ok_or_else(|| Error::usage(format!("{} is not the name of a file", path.display())))?;
        let mut part = name.to_owned();
        part.push(".part");
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { path: path.to_owned(), part: folder.join(part), folder })
    }

    /// Refuses what cannot become the file before anything is sent.
    fn require_place(&self, disk: &dyn Disk) -> Result<()> {
        if disk.metadata(&self.path).is_ok_and(|there| there.kind == FileKind::Dir) {
            return Err(Error::usage(format!("{} is a folder: name a file in it", self.path.display())));
        }
        let folder = disk.metadata(&self.folder);
        folder
            .map(drop)
            .map_err(|e| Error::io(format!("{} cannot be written to: make it first", self.folder.display()), e))
    }
}

/// Writes blocks on a thread of its own.
struct Writer {
    blocks: Option<mpsc::Sender<Block>>,
    thread: JoinHandle<Result<()>>,
    target: Target,
    disk: Arc<dyn Disk>,
}

impl Writer {
    async fn start(target: Target, disk: Arc<dyn Disk>) -> Result<Self> {
        let file = blocking({
            let (target, disk) = (target.clone(), Arc::clone(&disk));
            move || create_part(&target, disk.as_ref())
        });
        let file = file.await?;
        let (blocks, receiver) = mpsc::channel(WAITING);
        let part = target.part.clone();
        let thread = tokio::task::spawn_blocking(move || write_blocks(&part, file.as_ref(), receiver));
        Ok(Self { blocks: Some(blocks), thread, target, disk })
    }

    /// Puts the file in its place, or takes away what was written.
    async fn finish(mut self, good: bool) -> Result<()> {
        drop(self.blocks.take());
        let written = self
            .thread
            .await
            .unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "the writer was stopped").with_source(e)));
        let (target, disk) = (self.target, self.disk);
        blocking(move || {
            let placed = match good {
                true => written.and_then(|()| place(&target, disk.as_ref())),
                false => written,
            };
            if !good || placed.is_err() {
                let _ = disk.remove_file(&target.part);
            }
            placed
        })
        .await
    }
}

#[async_trait]
impl Sink for Writer {
    async fn write(&mut self, block: Block) -> Result<()> {
        let Some(blocks) = &self.blocks else { return Ok(()) };
        if blocks.send(block).await.is_ok() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Storage, "the file cannot be written"))
    }
}

/// Makes the `.part` file anew; one that an earlier save left behind is replaced.
fn create_part(target: &Target, disk: &dyn Disk) -> Result<Arc<dyn DiskFile>> {
    let create = || disk.create_new(&target.part, 0o600);
    let created = create().or_else(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => disk.remove_file(&target.part).and_then(|()| create()),
        _ => Err(e),
    });
    created.map_err(|e| Error::io(format!("cannot create {}", target.part.display()), e))
}

fn write_blocks(part: &Path, file: &dyn DiskFile, mut blocks: mpsc::Receiver<Block>) -> Result<()> {
    let failed = |e| Error::io(format!("cannot write {}", part.display()), e);
    let (mut offset, mut begun) = (0_u64, 0_u64);
    while let Some(block) = blocks.blocking_recv() {
        for blob in &block {
            file.write_at(blob, offset).map_err(failed)?;
            offset += blob.len() as u64;
        }
        if offset - begun >= WRITEBACK {
            file.start_writeback(begun, offset - begun);
            begun = offset;
        }
    }
    file.sync().map_err(failed)
}

fn place(target: &Target, disk: &dyn Disk) -> Result<()> {
    let renamed = disk.rename(&target.part, &target.path).and_then(|()| disk.sync_dir(&target.folder));
    renamed.map_err(|e| Error::io(format!("cannot put {} in its place", target.path.display()), e))
}
