//! A walk over a snapshot: its structure, its hashes, its figures.

mod read;

use bytes::Bytes;
use etcd_format::survey::{AlarmKind, Finding, Severity, Summary, Survey, SurveyOptions};
use etcd_format::{ErrorKind as FormatKind, FormatError};
use futures::TryStreamExt as _;

use crate::home::Content;
use crate::progress::{Progress, Stage};
use crate::source::SnapshotSource;
use crate::{Error, Result};

/// Findings that are kept. A damaged file can have one for each of its pages; the count is complete all the same.
const FINDINGS_MAX: usize = 100;

/// What a walk over a snapshot found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Hashes and figures.
    pub summary: Summary,
    /// What is wrong with its pages: the first 100. [`Summary::damage`] has the count.
    pub findings: Vec<Finding>,
}

/// Walks over all pages of a snapshot, without changing it and without a copy of it.
///
/// A local file is read by position, a stored payload by ranges, both nearly in the order of the file.
///
/// Memory: a window of 1 MiB for a file, up to 8 MiB for a stored payload, and the state of a
/// [`Survey`](etcd_format::survey::Survey).
///
/// # Errors
/// [`Damaged`](crate::ErrorKind::Damaged) when it is not a bolt file, or shorter than it says. Other damage is in the findings.
///
/// # Cancel safety
/// It changes nothing.
pub async fn inspect(source: &SnapshotSource, progress: &dyn Progress) -> Result<Inspection> {
    progress.begin(Stage::Structure, Some(source.len()));
    walk(source, SurveyOptions::default(), progress).await
}

/// HashKV of the file at `revision`, as a member that is compacted at `compact_revision` computes it.
pub(crate) async fn hash_kv_at(source: &SnapshotSource, revision: i64, compact_revision: i64) -> Result<Option<u32>> {
    let options = SurveyOptions::default().with_revision(revision).with_compact_revision(compact_revision);
    let inspection = walk(source, options, &crate::progress::Silent).await?;
    Ok(inspection.summary.hash_kv.ok().map(|hash_kv| hash_kv.hash))
}

/// CRC-32C of everything that `source` gives.
pub(crate) async fn crc32c_of(source: &SnapshotSource, progress: &dyn Progress) -> Result<u32> {
    progress.begin(Stage::ReadBack, Some(source.len()));
    let blocks = source.stream().await?;
    let append = async |crc, block: Bytes| {
        progress.advance(block.len() as u64);
        Ok(crc32c::crc32c_append(crc, &block))
    };
    blocks.try_fold(0, append).await
}

async fn walk(source: &SnapshotSource, options: SurveyOptions, progress: &dyn Progress) -> Result<Inspection> {
    let survey = Survey::with_options(source.len(), options);
    let mut findings = Vec::new();
    let collect = |finding| {
        if findings.len() < FINDINGS_MAX {
            findings.push(finding);
        }
    };
    let survey = read::drive(source, survey, progress, collect).await?;
    let summary = survey.finish().map_err(|e| format_error(source, e))?;
    Ok(Inspection { summary, findings })
}

/// An error of the format, said of `source`.
pub(crate) fn format_error(source: &SnapshotSource, error: FormatError) -> Error {
    let message = match error.kind() {
        FormatKind::NotBolt => {
            format!("{source} is not an etcd snapshot: neither of its meta pages is one of bolt's; check the path")
        }
        FormatKind::Truncated => format!("{source} is cut short: fetch it again, or use another snapshot"),
        _ => format!("{source} is damaged: use another snapshot"),
    };
    Error::damaged(message).with_source(error)
}

impl Inspection {
    /// Whether every check of the structure passed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.summary.is_sound()
    }

    /// An error that names the first finding, unless there is none.
    pub(crate) fn require_sound(&self) -> Result<()> {
        if self.is_sound() {
            return Ok(());
        }
        let first = self.findings.iter().find(|finding| finding.kind.severity() == Severity::Damage);
        let first = first.map(ToString::to_string).unwrap_or_default();
        Err(Error::damaged(format!(
            "its pages are damaged in {} places, the first: {first}; use another snapshot",
            self.summary.damage
        )))
    }

    /// HashKV at the file's own revision and compaction.
    #[must_use]
    pub fn hash_kv(&self) -> Option<u32> {
        self.summary.hash_kv.as_ref().ok().map(|hash_kv| hash_kv.hash)
    }

    pub(crate) fn storage_version(&self) -> Option<String> {
        self.summary.status.version.clone()
    }

    /// Its alarms, in words.
    #[must_use]
    pub fn alarms(&self) -> Vec<String> {
        let name = |kind| match kind {
            AlarmKind::NoSpace => "NOSPACE".to_owned(),
            AlarmKind::Corrupt => "CORRUPT".to_owned(),
            AlarmKind::Other(number) => format!("ALARM-{number}"),
            _ => "ALARM".to_owned(),
        };
        self.summary.alarms.iter().map(|alarm| format!("{} {}", name(alarm.kind), alarm.member)).collect()
    }
}

impl From<&Inspection> for Content {
    fn from(inspection: &Inspection) -> Self {
        let summary = &inspection.summary;
        Self {
            revision: summary.revision,
            compact_revision: Some(summary.compaction.revision()).filter(|revision| *revision >= 0),
            hash_kv: inspection.hash_kv().unwrap_or_default(),
            hash: summary.status.hash,
            total_key: summary.status.total_key,
            total_key_35: summary.status.total_key_35,
            total_size: summary.status.total_size,
            leases: summary.leases,
            alarms: inspection.alarms(),
            auth_enabled: summary.auth.enabled,
        }
    }
}
