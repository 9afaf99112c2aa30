//! `save --raw`: what `etcdctl snapshot save` writes, into a local file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use objstore_core::disk::{Disk, DiskFile, FileKind};

use super::choose::Chosen;
use super::stop::Stop;
use super::stream::{self, Received, Sink, Write};
use super::{SaveOptions, choose_member, same_member};
use crate::live::Live;
use crate::source::blocking;
use crate::{Error, Hex64, Host, Result};

/// After so many bytes the disk is told to begin with them, so that the last sync finds little left to do.
const WRITEBACK: u64 = 8 * 1024 * 1024;

/// So much of the file's end stays in the system's cache. What is older has reached the disk by then, is not read again, and
/// its pages take the next bytes: writing into pages that were just freed is faster than into ones nobody has touched yet.
const CACHED: u64 = 4 * WRITEBACK;

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
/// The bytes go to a file beside it, `path` with a drawn number and `.part` appended, mode 0600; that file is synced and
/// takes the place of `path`, whether or not one was there, and the folder is synced. `disk` is [`OsDisk`](objstore_core::disk::OsDisk), or a test's.
///
/// Memory: 8 MiB, of which 4 are the connection's.
///
/// # Errors
/// As [`save`](super::save()), without those of a store. On any error `path` is as it was, and the `.part` file is gone.
///
/// # Cancel safety
/// [`SaveOptions::with_cancel`] and [`SaveOptions::with_timeout`] end it as any error does. Dropping it leaves `path` as it
/// was too; the `.part` file may stay then.
pub async fn save_raw(live: &dyn Live, path: &Path, options: &SaveOptions, disk: Arc<dyn Disk>) -> Result<RawSaved> {
    let (target, stop) = (Target::new(path, options.host.as_ref())?, Stop::new(options));
    blocking({
        let (target, disk) = (target.clone(), Arc::clone(&disk));
        move || target.require_place(disk.as_ref())
    })
    .await?;
    let chosen = stop.bound(choose_member(live, options)).await??;
    let file = blocking({
        let (target, disk) = (target.clone(), Arc::clone(&disk));
        move || create_part(&target, disk.as_ref())
    });
    let file = file.await?;
    let sink = Sink::Blocking(writer(target.part.clone(), Arc::clone(&file)));
    let received = stop.bound(Box::pin(receive(live, &chosen, options, sink))).await.and_then(|received| received);
    let placed = finish(target.clone(), disk, file, received.is_ok()).await;
    let digests = received?.digests;
    placed?;
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

async fn receive(live: &dyn Live, chosen: &Chosen, options: &SaveOptions, sink: Sink<'_>) -> Result<Received> {
    let messages = live.snapshot(&chosen.endpoint).await?;
    let received = stream::pump(messages, options.stall_timeout, options.progress.as_ref(), sink).await?;
    same_member(live, chosen).await?;
    Ok(received)
}

/// The file, the one it is written as, and their folder.
#[derive(Clone, Debug)]
struct Target {
    path: PathBuf,
    part: PathBuf,
    folder: PathBuf,
}

impl Target {
    /// The name of the part is drawn: two saves to one path write two files, and the later one takes its place whole.
    fn new(path: &Path, host: &dyn Host) -> Result<Self> {
        let name =
            path.file_name().ok_or_else(|| Error::usage(format!("{} is not the name of a file", path.display())))?;
        let mut random = [0; 4];
        host.random(&mut random)?;
        let mut part = name.to_owned();
        part.push(format!(".{:08x}.part", u32::from_be_bytes(random)));
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { path: path.to_owned(), part: folder.join(part), folder })
    }

    /// Refuses what cannot become the file before anything is sent.
    fn require_place(&self, disk: &dyn Disk) -> Result<()> {
        let wrong = match disk.metadata(&self.path).map(|there| there.kind) {
            Err(_) | Ok(FileKind::File) => None,
            Ok(FileKind::Dir) => Some("is a folder: name a file in it"),
            Ok(FileKind::Symlink) => Some("is a symbolic link, which would be replaced: name the file itself"),
            Ok(_) => Some("is no regular file: name another"),
        };
        if let Some(wrong) = wrong {
            return Err(Error::usage(format!("{} {wrong}", self.path.display())));
        }
        let folder = disk.metadata(&self.folder);
        folder
            .map(drop)
            .map_err(|e| Error::io(format!("{} cannot be written to: make it first", self.folder.display()), e))
    }
}

/// Puts the file in its place, or takes away what was written.
async fn finish(target: Target, disk: Arc<dyn Disk>, file: Arc<dyn DiskFile>, good: bool) -> Result<()> {
    blocking(move || {
        let placed = match good {
            true => place(&target, disk.as_ref(), file.as_ref()),
            false => Ok(()),
        };
        if !good || placed.is_err() {
            let _ = disk.remove_file(&target.part);
        }
        placed
    })
    .await
}

fn create_part(target: &Target, disk: &dyn Disk) -> Result<Arc<dyn DiskFile>> {
    let created = disk.create_new(&target.part, 0o600);
    created.map_err(|e| Error::io(format!("cannot create {}", target.part.display()), e))
}

/// Appends blocks to the file.
fn writer(part: PathBuf, file: Arc<dyn DiskFile>) -> Write {
    let (mut offset, mut begun) = (0_u64, 0_u64);
    Box::new(move |block| {
        for blob in block {
            file.write_at(blob, offset).map_err(|e| Error::io(format!("cannot write {}", part.display()), e))?;
            offset += blob.len() as u64;
        }
        if offset - begun >= WRITEBACK {
            let from = offset.saturating_sub(CACHED);
            file.start_writeback(from, offset - from);
            begun = offset;
        }
        Ok(())
    })
}

fn place(target: &Target, disk: &dyn Disk, file: &dyn DiskFile) -> Result<()> {
    file.sync().map_err(|e| Error::io(format!("cannot write {}", target.part.display()), e))?;
    let renamed = disk.rename(&target.part, &target.path).and_then(|()| disk.sync_dir(&target.folder));
    renamed.map_err(|e| Error::io(format!("cannot put {} in its place", target.path.display()), e))
}
