//! One pass over the snapshot: hashed on one thread, written on another.
//!
//! At most [`QUEUE`] blocks wait for each, so that less than 16 MiB are held in memory however slow the disk is. What was
//! written is on its way to the disk meanwhile, because a single sync at the end would take as long as everything before it.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use objstore_core::disk::DiskFile;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::progress::Progress;
use crate::{Error, ErrorKind, Result};

/// Blocks of up to 1 MiB that wait for the hash, and for the disk.
const QUEUE: usize = 4;

/// How many bytes are written before the system is asked to begin to put them on the disk.
const WRITEBACK_EVERY: u64 = 8 * 1024 * 1024;

/// What goes through the queues.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Block(Bytes),
    /// Everything was sent. A queue that closes without it was given up.
    End,
}

/// The digests of what was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Sums {
    /// SHA-256 of the data, without the trailer.
    pub(super) data: [u8; 32],
    /// The last 32 bytes, when the file has a trailer.
    pub(super) trailer: Option<Vec<u8>>,
    /// SHA-256 of all bytes.
    pub(super) whole: [u8; 32],
}

/// The two ends of a queue.
pub(super) fn queue() -> (mpsc::Sender<Piece>, mpsc::Receiver<Piece>) {
    mpsc::channel(QUEUE)
}

/// Feeds both queues from the stream, which must have exactly `len` bytes.
pub(super) async fn feed(
    mut stream: BoxStream<'static, Result<Bytes>>,
    len: u64,
    hasher: mpsc::Sender<Piece>,
    writer: mpsc::Sender<Piece>,
) -> Result<()> {
    let mut read = 0_u64;
    while let Some(block) = stream.next().await {
        let block = block?;
        read = read.saturating_add(block.len() as u64);
        if read > len {
            return Err(Error::damaged(format!(
                "the snapshot has more than the {len} bytes that were announced: read it again"
            )));
        }
        // A closed queue means that the worker has failed; it says why.
        if hasher.send(Piece::Block(block.clone())).await.is_err() || writer.send(Piece::Block(block)).await.is_err() {
            return Ok(());
        }
    }
    if read < len {
        return Err(Error::damaged(format!(
            "the snapshot ended after {read} of {len} bytes: read it again, or use another"
        )));
    }
    let _ = hasher.send(Piece::End).await;
    let _ = writer.send(Piece::End).await;
    Ok(())
}

/// Hashes what comes, the last `trailer` bytes of `len` apart. Nothing if the queue was given up.
pub(super) fn hash(mut queue: mpsc::Receiver<Piece>, len: u64, has_trailer: bool) -> Option<Sums> {
    let mut data = Sha256::new();
    let mut left = data_len(len, has_trailer);
    let mut trailer = Vec::new();
    loop {
        match queue.blocking_recv()? {
            Piece::End => break,
            Piece::Block(block) => {
                let (body, rest) = block.split_at(clamp(left, block.len()));
                left = left.saturating_sub(body.len() as u64);
                data.update(body);
                trailer.extend_from_slice(rest);
            }
        }
    }
    let whole = data.clone().chain_update(&trailer).finalize().into();
    Some(Sums { data: data.finalize().into(), trailer: has_trailer.then_some(trailer), whole })
}

/// Writes what comes, without the trailer. The data is not durable when it returns.
///
/// # Errors
///
/// `Cancelled` if the queue was given up; what the disk says, `NoSpace` among it.
pub(super) fn write(
    mut queue: mpsc::Receiver<Piece>,
    file: &dyn DiskFile,
    path: &str,
    data_len: u64,
    progress: &dyn Progress,
) -> Result<()> {
    let failed = |e| Error::io(format!("cannot write {path}"), e);
    let (mut offset, mut on_its_way) = (0_u64, 0_u64);
    while let Some(piece) = queue.blocking_recv() {
        let Piece::Block(block) = piece else { return Ok(()) };
        let (body, _) = block.split_at(clamp(data_len.saturating_sub(offset), block.len()));
        file.write_at(body, offset).map_err(failed)?;
        offset = offset.saturating_add(body.len() as u64);
        progress.advance(body.len() as u64);
        let waiting = offset.saturating_sub(on_its_way);
        if waiting >= WRITEBACK_EVERY {
            file.start_writeback(on_its_way, waiting);
            on_its_way = offset;
        }
    }
    Err(given_up())
}

pub(super) fn given_up() -> Error {
    Error::new(ErrorKind::Cancelled, "the restore was stopped before it was done; what it had written was removed")
}

/// The length without the trailer.
pub(super) fn data_len(len: u64, has_trailer: bool) -> u64 {
    if has_trailer { len.saturating_sub(crate::receive::TRAILER) } else { len }
}

fn clamp(left: u64, len: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(len)
}
