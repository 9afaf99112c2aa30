//! The snapshot stream, checked while it flows.
//!
//! The stream (etcd `server/etcdserver/api/v3rpc/maintenance.go`, 3.4 to 3.7) has neither a revision nor a digest in its
//! messages: it announces a size in the first one, and its last 32 bytes are the SHA-256 of all before them. etcdctl
//! checks neither, only that the size is 32 modulo 512.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::live::Message;
use crate::{Error, Result};

/// Length of the SHA-256 trailer.
pub(crate) const TRAILER: u64 = 32;

/// Messages without bytes in a row after which a stream counts as endless: a member that fails to read its file sends
/// them for ever (etcd issue 22125), a healthy one never sends any.
const EMPTY_MESSAGES_MAX: u32 = 8;

/// How many bytes are gathered before they go on: a message has 32 KiB, too little for a hand-over between threads.
pub(crate) const BLOCK: u64 = 256 * 1024;

/// And how many blobs, so that a member which sends few bytes at a time costs no more memory.
const BLOBS_MAX: usize = 1024;

/// Blobs in order, as they came: gathering them copies nothing.
pub(crate) type Block = Vec<Bytes>;

/// Gathers the messages of one stream into blocks, and refuses what no healthy member sends.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    announced: Option<u64>,
    received: u64,
    empty: u32,
    block: Block,
    gathered: u64,
    version: Option<String>,
}

impl Receiver {
    /// The whole length, trailer included, as announced by the first message.
    pub(crate) fn total(&self) -> Option<u64> {
        self.announced.map(|data| data.saturating_add(TRAILER))
    }

    /// The storage version that the messages carried.
    pub(crate) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Takes one message in; gives a block when one is full.
    pub(crate) fn push(&mut self, message: &Message) -> Result<Option<Block>> {
        let len = message.blob.len() as u64;
        self.count_empty(len)?;
        let announced = match self.announced {
            Some(announced) => announced,
            None => self.announce(message)?,
        };
        self.received = self.received.saturating_add(len);
        if self.received > announced.saturating_add(TRAILER) {
            return Err(Error::damaged(format!(
                "the member announced {announced} bytes and a trailer, and sends more: take the snapshot again, from another member"
            )));
        }
        if message.remaining_bytes != announced.saturating_sub(self.received) {
            return Err(Error::damaged(format!(
                "the member announced {announced} bytes, and after {} says that {} remain: take the snapshot again, from another member",
                self.received, message.remaining_bytes
            )));
        }
        self.block.push(message.blob.clone());
        self.gathered = self.gathered.saturating_add(len);
        if self.gathered < BLOCK && self.block.len() < BLOBS_MAX {
            return Ok(None);
        }
        self.gathered = 0;
        Ok(Some(std::mem::take(&mut self.block)))
    }

    fn count_empty(&mut self, len: u64) -> Result<()> {
        self.empty = if len == 0 { self.empty.saturating_add(1) } else { 0 };
        if self.empty < EMPTY_MESSAGES_MAX {
            return Ok(());
        }
        Err(Error::damaged(format!(
            "the member sends empty messages and no data after {} bytes (etcd issue 22125: it cannot read its own file): look at its log, and save from another member",
            self.received
        )))
    }

    fn announce(&mut self, message: &Message) -> Result<u64> {
        let announced = message.remaining_bytes.saturating_add(message.blob.len() as u64);
        if !message.version.is_empty() {
            self.version = Some(message.version.clone());
        }
        if announced == 0 {
            return Err(Error::damaged("the member announced an empty snapshot: take it from another member"));
        }
        self.announced = Some(announced);
        Ok(announced)
    }

    /// The stream has ended: gives what was gathered last.
    pub(crate) fn finish(&mut self) -> Result<Block> {
        let Some(total) = self.total() else {
            return Err(Error::damaged(
                "the member closed the stream before it sent anything: try again, or another member",
            ));
        };
        if self.received == total - TRAILER {
            return Err(Error::damaged(
                "the stream ended without its SHA-256 trailer: take the snapshot again, from another member",
            ));
        }
        if self.received != total {
            return Err(Error::damaged(format!(
                "the stream ended early, after {} of {total} bytes: take the snapshot again",
                self.received
            )));
        }
        Ok(std::mem::take(&mut self.block))
    }
}

/// Digests of one file with a trailer, computed while its bytes pass.
#[derive(Clone, Debug)]
pub(crate) struct Digester {
    data: Sha256,
    data_left: u64,
    tail: Vec<u8>,
    crc32c: u32,
    bytes: u64,
}

/// What a [`Digester`] computed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Digests {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) crc32c: u32,
}

impl Digester {
    /// For a file of `total` bytes, the last 32 of which are its trailer.
    pub(crate) fn new(total: u64) -> Self {
        Self {
            data: Sha256::new(),
            data_left: total.saturating_sub(TRAILER),
            tail: Vec::with_capacity(TRAILER as usize),
            crc32c: 0,
            bytes: 0,
        }
    }

    pub(crate) fn update(&mut self, block: &[u8]) {
        self.bytes = self.bytes.saturating_add(block.len() as u64);
        self.crc32c = crc32c::crc32c_append(self.crc32c, block);
        let data = usize::try_from(self.data_left).unwrap_or(usize::MAX).min(block.len());
        let (data, tail) = block.split_at(data);
        self.data.update(data);
        self.data_left -= data.len() as u64;
        self.tail.extend_from_slice(tail);
    }

    /// Compares the trailer with the data before it.
    pub(crate) fn finish(self) -> Result<Digests> {
        let computed = self.data.clone().finalize();
        if computed.as_slice() != self.tail.as_slice() {
            return Err(Error::damaged(format!(
                "the SHA-256 trailer says {}, the data before it has {}: it was damaged on its way or at its source; use another snapshot, or take it again",
                to_hex(&self.tail),
                to_hex(&computed)
            )));
        }
        let whole = self.data.chain_update(&self.tail).finalize();
        Ok(Digests { bytes: self.bytes, sha256: to_hex(&whole), crc32c: self.crc32c })
    }
}

/// Lower-case hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
