//! From a member's stream to a sink, hashed on the way.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;

use crate::live::Message;
use crate::progress::{Progress, Stage};
use crate::receive::{Block, Digester, Digests, Receiver};
use crate::source::blocking;
use crate::{Error, Result};

/// Blocks of 256 KiB that wait between the network and the hash, and between the hash and the sink. Together with the block
/// that is gathered and the two that are worked on, less than 3 MiB; small enough to be in the processor's caches still when
/// they are hashed and written.
const WAITING: usize = 4;

/// Where the bytes go.
#[async_trait]
pub(crate) trait Sink: Send {
    async fn write(&mut self, block: Block) -> Result<()>;
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
    sink: &mut dyn Sink,
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
    let (to_sink, mut sink_in) = mpsc::channel(WAITING);
    let hashing = blocking(move || hash(total, hash_in, &to_sink));
    let reading = read(messages, stall, &mut receiver, first_block, to_hash);
    let writing = async {
        while let Some(block) = sink_in.recv().await {
            let len = block.iter().map(|blob| blob.len() as u64).sum();
            sink.write(block).await?;
            progress.advance(len);
        }
        Ok(())
    };
    // The reader's error comes first: a stream that ends early also has no trailer.
    let (read, wrote, hashed) = tokio::join!(reading, writing, hashing);
    wrote.and(read)?;
    Ok(Received { digests: hashed?, storage_version: receiver.version().map(str::to_owned) })
}

async fn next(messages: &mut BoxStream<'static, Result<Message>>, stall: Duration) -> Result<Option<Message>> {
    match tokio::time::timeout(stall, messages.next()).await {
        Ok(message) => message.transpose(),
        Err(_) => Err(Error::unreachable(format!(
            "the member has sent nothing for {stall:?}: nothing was saved; try another with --endpoints, or a longer --stall-timeout"
        ))),
    }
}

async fn read(
    mut messages: BoxStream<'static, Result<Message>>,
    stall: Duration,
    receiver: &mut Receiver,
    first_block: Option<Block>,
    to_hash: mpsc::Sender<Block>,
) -> Result<()> {
    let mut block = first_block;
    loop {
        if let Some(block) = block.take()
            && to_hash.send(block).await.is_err()
        {
            return Ok(()); // The sink gave up, and says why.
        }
        match next(&mut messages, stall).await? {
            Some(message) => block = receiver.push(&message)?,
            None => break,
        }
    }
    let last = receiver.finish()?;
    let _ = to_hash.send(last).await;
    Ok(())
}

/// Hashes each block and hands it on.
fn hash(total: u64, mut blocks: mpsc::Receiver<Block>, to_sink: &mpsc::Sender<Block>) -> Result<Digests> {
    let mut digester = Digester::new(total);
    while let Some(block) = blocks.blocking_recv() {
        block.iter().for_each(|blob| digester.update(blob));
        if to_sink.blocking_send(block).is_err() {
            break;
        }
    }
    digester.finish()
}
