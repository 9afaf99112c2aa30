//! From a member's stream to a sink, hashed on the way.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use objstore_core::Upload;
use tokio::sync::mpsc;

use crate::live::Message;
use crate::progress::{Progress, Stage};
use crate::receive::{Block, Digester, Digests, Receiver};
use crate::source::blocking;
use crate::store::store_error;
use crate::{Advice, Error, ErrorKind, Result};

/// Blocks of 256 KiB that wait between the network and the hash, and between the hash and the sink. Together with the block
/// that is gathered and the two that are worked on, less than 3 MiB; small enough to be in the processor's caches still when
/// they are hashed and written.
const WAITING: usize = 4;

/// Writes one block after another.
pub(crate) type Write = Box<dyn FnMut(&Block) -> Result<()> + Send>;

/// Where the bytes go.
pub(crate) enum Sink<'a> {
    /// Written on the thread that hashes, while a block is still in the caches.
    Blocking(Write),
    /// Written by this task.
    Upload(&'a mut dyn Upload),
}

/// What came through.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) digests: Digests,
    pub(crate) storage_version: Option<String>,
}

/// Moves a whole stream into `sink`, at the pace of the slower of the two. Size and trailer are checked: when this returns
/// `Ok`, what went into `sink` is what the member meant to send.
pub(crate) async fn pump(
    mut messages: BoxStream<'static, Result<Message>>,
    stall: Duration,
    progress: &dyn Progress,
    sink: Sink<'_>,
) -> Result<Received> {
    let mut receiver = Receiver::default();
    let first = next(&mut messages, stall).await?;
    let first_block = match first {
        Some(first) => receiver.push(&first)?,
        None => return Err(receiver.finish().err().unwrap_or_else(|| Error::damaged("the stream is empty"))),
    };
    let total = receiver.total().unwrap_or_default();
    progress.begin(Stage::Transfer, Some(total));

    let (to_hash, hash_in) = mpsc::channel(WAITING);
    let reading = read(messages, stall, progress, &mut receiver, first_block, to_hash);
    let digests = match sink {
        Sink::Blocking(write) => {
            let hashing = blocking(move || hash(total, hash_in, write));
            let (read, hashed) = tokio::join!(reading, hashing);
            // A disk that fails ends the reading without an error; a stream that ends early has no trailer either.
            read.and(hashed)?
        }
        Sink::Upload(upload) => {
            let (to_sink, mut sink_in) = mpsc::channel::<Block>(WAITING);
            let hand_on = move |block: &Block| to_sink.blocking_send(block.clone()).map_err(|_| given_up());
            let hashing = blocking(move || hash(total, hash_in, hand_on));
            // It takes the channel with it when it gives up: else the hash would wait for room for ever.
            let writing = async move {
                while let Some(block) = sink_in.recv().await {
                    write_to(upload, block).await?;
                }
                Ok(())
            };
            let (read, wrote, hashed) = tokio::join!(reading, writing, hashing);
            wrote.and(read).and(hashed)?
        }
    };
    Ok(Received { digests, storage_version: receiver.version().map(str::to_owned) })
}

async fn write_to(upload: &mut dyn Upload, block: Block) -> Result<()> {
    for blob in block {
        upload.write(blob).await.map_err(|e| store_error("cannot write the payload", e))?;
    }
    Ok(())
}

/// Never seen: whoever gave up says why.
fn given_up() -> Error {
    Error::new(ErrorKind::Cancelled, "the upload was given up")
}

async fn next(messages: &mut BoxStream<'static, Result<Message>>, stall: Duration) -> Result<Option<Message>> {
    match tokio::time::timeout(stall, messages.next()).await {
        Ok(message) => message.transpose(),
        Err(_) => Err(Error::unreachable(format!(
            "the member has sent nothing for {stall:?}: nothing was saved; name another endpoint, or allow it more time"
        ))
        .with_advice(Advice::StallTimeout)),
    }
}

async fn read(
    mut messages: BoxStream<'static, Result<Message>>,
    stall: Duration,
    progress: &dyn Progress,
    receiver: &mut Receiver,
    first_block: Option<Block>,
    to_hash: mpsc::Sender<Block>,
) -> Result<()> {
    let mut block = first_block;
    loop {
        if let Some(block) = block.take() {
            let len = length(&block);
            if to_hash.send(block).await.is_err() {
                return Ok(()); // The sink gave up, and says why.
            }
            progress.advance(len);
        }
        match next(&mut messages, stall).await? {
            Some(message) => block = receiver.push(&message)?,
            None => break,
        }
    }
    let last = receiver.finish()?;
    let len = length(&last);
    if to_hash.send(last).await.is_ok() {
        progress.advance(len);
    }
    Ok(())
}

fn length(block: &Block) -> u64 {
    block.iter().map(|blob| blob.len() as u64).sum()
}

/// Hashes each block and hands it on.
fn hash(
    total: u64,
    mut blocks: mpsc::Receiver<Block>,
    mut hand_on: impl FnMut(&Block) -> Result<()>,
) -> Result<Digests> {
    let mut digester = Digester::new(total);
    while let Some(block) = blocks.blocking_recv() {
        block.iter().for_each(|blob| digester.update(blob));
        hand_on(&block)?;
    }
    digester.finish()
}
