//! Whether a snapshot is what was saved.

use crate::receive::{TRAILER, to_hex};
use crate::source::SnapshotSource;
use crate::{Advice, Error, Result};

use super::copy::Sums;

/// A file ends in a SHA-256 of all before it if its length is this modulo [`SECTOR`]: bolt files consist of whole pages,
/// the smallest of which are larger (etcd `etcdutl/snapshot/v3_snapshot.go`, 3.6).
const SECTOR: u64 = 512;

/// What the content of a source is compared with.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) has_trailer: bool,
    /// SHA-256 of the whole file, from a manifest.
    whole: Option<String>,
    skip: bool,
}

impl Expected {
    /// What there is to compare `source` with.
    pub(super) fn of(source: &SnapshotSource, skip: bool) -> Self {
        let whole = source.manifest().map(|manifest| manifest.payload.sha256.clone());
        Self { has_trailer: source.len() % SECTOR == TRAILER, whole, skip }
    }

    /// Refuses a source that nothing vouches for, unless nothing is to be compared.
    ///
    /// # Errors
    ///
    /// `Damaged` for a file that was cut off in its trailer, `Refused` for one without.
    pub(super) fn require(&self, source: &SnapshotSource) -> Result<()> {
        if self.skip || self.has_trailer || self.whole.is_some() {
            return Ok(());
        }
        let beyond = source.len() % SECTOR;
        Err(if beyond != 0 {
            Error::damaged(format!(
                "{source} was cut off or added to: it has {} bytes, which is neither whole pages nor whole pages and a SHA-256; \
                 fetch it again, or use another",
                source.len()
            ))
        } else {
            Error::refused(format!(
                "{source} does not end in a SHA-256, so nothing can tell whether it is intact: if it is a copy of a `member/snap/db`, \
                 restore it without the check; if it came from a snapshot, it was cut off: fetch it again"
            ))
            .with_advice(Advice::SkipHashCheck)
        })
    }

    /// Whether anything vouches for the content.
    pub(super) fn checked(&self) -> bool {
        !self.skip && (self.has_trailer || self.whole.is_some())
    }

    /// Compares.
    ///
    /// # Errors
    ///
    /// `Damaged`, with both digests.
    pub(super) fn check(&self, sums: &Sums, source: &str) -> Result<()> {
        if self.skip {
            return Ok(());
        }
        if let Some(expected) = &self.whole
            && *expected != to_hex(&sums.whole)
        {
            return Err(Error::damaged(format!(
                "{source} has the SHA-256 {}, its manifest says {expected}: it was damaged in the store or on its way; restore another snapshot",
                to_hex(&sums.whole)
            )));
        }
        match &sums.trailer {
            Some(trailer) if *trailer != sums.data => Err(Error::damaged(format!(
                "the SHA-256 at the end of {source} is {}, the data before it has {}: it is damaged; restore another snapshot, \
                 or take the risk and restore it without the check",
                to_hex(trailer),
                to_hex(&sums.data)
            ))
            .with_advice(Advice::SkipHashCheck)),
            _ => Ok(()),
        }
    }
}
