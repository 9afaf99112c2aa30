//! One walk over a whole database: every structural check, every hash, every figure.
//!
//! ```
//! # fn example(path: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! use etcd_format::survey::Survey;
//!
//! let file = std::fs::File::open(path)?;
//! let mut survey = Survey::new(file.metadata()?.len());
//! etcd_format::drive(&mut survey, &file, |finding| println!("{finding}"))?;
//! let summary = survey.finish()?;
//! println!("{:08x} at revision {}", summary.status.hash, summary.status.revision);
//! # Ok(())
//! # }
//! ```
//!
//! # What is checked
//!
//! Everything that bbolt's `Tx.Check` wants (bbolt v1.4.3 `tx_check.go`), which `etcdutl snapshot status` runs: every page is
//! used once, keys ascend within pages and across them and stay inside what the parent says, only branches and leaves are
//! reachable, and, when a freelist is stored, every page is either used or free. Beside that: page ids, element
//! bounds, overlaps, key lengths, the freelist's own shape, inline buckets, and that the records of etcd's `key`
//! bucket and the items of its small buckets can be read. [`FindingKind`] lists the rules.
//!
//! # Memory
//!
//! Independent of the file's size but for three parts, which [`Survey::memory`] adds up: two bits a page; at most 64 bytes
//! and a separator key for each leaf that the window has room for ([`SurveyOptions::window_leaves`]); and, for the keys that changed since
//! the last finished compaction, at most 40 bytes each, or 80 while a compaction is in progress. When nothing was ever
//! compacted that last part is nothing. The caller's buffer comes on top; no read is longer than
//! [`SurveyOptions::max_run_len`].

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod buckets;
mod changed;
mod contents;
mod finding;
mod freelist;
mod joined;
mod leaf;
mod nodes;
mod options;
mod pages;
mod records;
mod report;
mod stage;
mod summary;
mod walk;

pub use finding::{Finding, FindingKind, Severity};
pub use options::SurveyOptions;
pub use summary::{Alarm, AlarmKind, Auth, Compaction, NoHashKv, Status, Summary};

use self::stage::{Stage, Work};
use crate::crc::Crc;
use crate::mvcc::HashKv;
use crate::{ErrorKind, FormatError, ReadRequest, Step};

/// Checks a whole database and learns what it holds, in one walk.
///
/// Items are [`Finding`]s, as they are met; it does not stop at the first. At the end [`Survey::finish`] gives the [`Summary`].
///
/// Pages of one window are asked for in the order of the file, so that a disk or an object store is read nearly
/// sequentially. Free pages, and what stands behind the high-water mark, are not read.
#[derive(Debug)]
pub struct Survey {
    work: Work,
    pending: Option<ReadRequest>,
}

impl Survey {
    /// A survey of a file of this many bytes, with default settings.
    #[must_use]
    pub fn new(file_len: u64) -> Self {
        Self::with_options(file_len, SurveyOptions::default())
    }

    /// A survey of a file of this many bytes.
    #[must_use]
    pub fn with_options(file_len: u64, options: SurveyOptions) -> Self {
        Self { work: Work::new(file_len, options), pending: None }
    }

    /// The next thing to do.
    ///
    /// # Errors
    ///
    /// [`NotBolt`](ErrorKind::NotBolt) and the like when there is no valid meta, [`Truncated`](ErrorKind::Truncated) when the file
    /// is shorter than the meta says. Everything else is a finding.
    pub fn step(&mut self) -> Result<Step<Finding>, FormatError> {
        loop {
            if let Some(finding) = self.work.report.pop() {
                return Ok(Step::Item(finding));
            }
            if matches!(self.work.stage, Stage::Done) {
                return Ok(Step::Done);
            }
            if self.pending.is_none() {
                self.pending = self.work.request()?;
                continue;
            }
            if let Some(request) = self.pending {
                return Ok(Step::Read(request));
            }
        }
    }

    /// Takes the bytes of the last read.
    ///
    /// # Errors
    ///
    /// [`Misuse`](ErrorKind::Misuse) when none was asked for, or another length.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        if self.pending.is_none_or(|request| request.len != bytes.len()) {
            return Err(crate::step::misfed(bytes.len()));
        }
        self.pending = None;
        self.work.feed(bytes)
    }

    /// How far the survey is: pages looked at, and pages that may be looked at in all. For progress bars; free pages are never
    /// looked at, so the first number may end below the second.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let all = self.work.meta.map_or(0, |meta| meta.high_water);
        (self.work.pages.used_count(), all)
    }

    /// Bytes of state that the survey holds now and that depend on the file, without the caller's read buffer.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.work.memory()
    }

    /// The summary.
    ///
    /// # Errors
    ///
    /// [`Misuse`](ErrorKind::Misuse) when the survey was not stepped to [`Step::Done`].
    pub fn finish(self) -> Result<Summary, FormatError> {
        let work = self.work;
        let (Stage::Done, Some(meta)) = (&work.stage, work.meta) else {
            return Err(FormatError::new(ErrorKind::Misuse, "a survey that was stepped to its end"));
        };
        let revision = current_revision(&work);
        let hash_kv = hash_kv(&work.figures, revision, work.asked_revision());
        let contents = work.contents;
        Ok(Summary {
            status: Status {
                hash: work.buckets.iter().fold(Crc::default(), |crc, b| crc.append(&b.name).join(b.crc)).value,
                revision: work.figures.last_revision,
                total_key: work.figures.living,
                total_key_35: work.buckets.iter().map(|bucket| bucket.items).fold(0, u64::saturating_add),
                total_size: meta.file_len_wanted(),
                version: contents.storage_version,
            },
            hash_kv,
            revision,
            compaction: contents.compaction,
            damage: work.report.damage(),
            notices: work.report.notices(),
            page_size: meta.page_size,
            txid: meta.txid,
            database_len: meta.file_len_wanted(),
            consistent_index: contents.consistent_index,
            term: contents.term,
            cluster_version: contents.cluster_version,
            downgrade_target: contents.downgrade_target,
            members: contents.members,
            members_removed: contents.members_removed,
            leases: contents.leases,
            alarms: contents.alarms,
            auth: contents.auth,
        })
    }
}

/// The revision that etcd starts with (etcd v3.6.15 `server/storage/mvcc/kvstore.go`, `restore`): an empty store is at 1.
fn current_revision(work: &Work) -> i64 {
    work.figures.last_revision.max(work.contents.compaction.revision()).max(1)
}

fn hash_kv(figures: &stage::Figures, revision: i64, asked: Option<i64>) -> Result<HashKv, NoHashKv> {
    if asked.is_some_and(|asked| asked > revision) {
        return Err(NoHashKv::Future { revision });
    }
    if let Some(refusal) = figures.refusal {
        return Err(refusal);
    }
    let at = asked.unwrap_or(revision);
    if figures.compact_revision > at {
        return Err(NoHashKv::CompactedAboveRevision { revision: at });
    }
    let hash = Crc::of(b"key").join(figures.counted).value;
    Ok(HashKv { hash, revision: at, compact_revision: figures.compact_revision })
}

impl crate::Machine for Survey {
    type Item<'a> = Finding;

    fn step(&mut self) -> Result<Step<Finding>, FormatError> {
        Self::step(self)
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        Self::feed(self, bytes)
    }
}
