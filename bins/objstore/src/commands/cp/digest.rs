//! The digest of all bytes, and whoever else knows it.

use bytes::Bytes;
use objstore_core::{Checksums, Hasher};

use crate::exit::Ended;

/// Counts and hashes what passes by.
#[derive(Debug)]
pub(super) struct Counter {
    hasher: Hasher,
    bytes: u64,
}

impl Default for Counter {
    fn default() -> Self {
        Self { hasher: Hasher::new().with_sha256(), bytes: 0 }
    }
}

impl Counter {
    pub(super) fn update(&mut self, chunk: &Bytes) {
        self.hasher.update(chunk);
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
    }

    pub(super) fn finish(self) -> Counted {
        Counted { bytes: self.bytes, checksums: self.hasher.finish() }
    }
}

/// What has passed by.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) bytes: u64,
    pub(super) checksums: Checksums,
}

impl Counted {
    /// Compares with what an end knows; says whether it knew a digest of all bytes.
    pub(super) fn check(&self, size: Option<u64>, known: &Checksums, end: &super::End) -> anyhow::Result<bool> {
        if let Some(size) = size
            && size != self.bytes
        {
            return Err(Ended::damaged(format!("{end} has {size} bytes, and {} were copied", self.bytes)));
        }
        match self.checksums.mismatch(known) {
            Some(digest) => Err(Ended::damaged(format!("{end} has another {digest} than what was copied"))),
            None => Ok(self.shares(known)),
        }
    }

    fn shares(&self, known: &Checksums) -> bool {
        known.scope == self.checksums.scope && (known.crc32c.is_some() || known.sha256.is_some())
    }

    pub(super) fn sha256(&self) -> [u8; 32] {
        self.checksums.sha256.unwrap_or_default()
    }
}
