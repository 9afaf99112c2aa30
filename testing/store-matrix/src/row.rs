//! The rows of `promises.toml`.

use std::collections::BTreeMap;

use judges::Part;
use objstore_core::{Promise, Verdict, probe::ProbeReport};
use serde::Deserialize;

/// A server with a bucket of one kind, and what is expected of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Row {
    /// Its name in test names.
    pub id: String,
    /// Its name in the table of the README; rows without one are not in it.
    pub title: Option<String>,
    /// What serves it.
    pub server: ServerKind,
    /// The kind of its bucket.
    #[serde(default)]
    pub bucket: BucketKind,
    /// What our own server does otherwise than S3 does.
    pub quirk: Option<String>,
    /// The id of the row whose expectations hold where this one has none.
    like: Option<String>,
    /// What the probe is expected to say.
    #[serde(default)]
    pub promises: BTreeMap<Promise, Allowed>,
    /// At least so many cases of the conformance suite run; without a number the suite is not run.
    pub conformance: Option<usize>,
    /// Cases of the suite that the server is known to fail, and why.
    #[serde(default)]
    pub without: BTreeMap<String, String>,
}

/// What serves a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ServerKind {
    /// The loopback server of `objstore-testkit`.
    Own,
    /// MinIO.
    Minio,
    /// versitygw on a folder.
    Versitygw,
    /// moto.
    Moto,
    /// `rclone serve s3`.
    Rclone,
}

impl ServerKind {
    /// The judge that it is; our own server needs none.
    #[must_use]
    pub fn part(self) -> Option<Part> {
        match self {
            Self::Own => None,
            Self::Minio => Some(Part::MinIo),
            Self::Versitygw => Some(Part::VersityGw),
            Self::Moto => Some(Part::Moto),
            Self::Rclone => Some(Part::Rclone),
        }
    }
}

/// How a bucket is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BucketKind {
    /// As it is made.
    #[default]
    Plain,
    /// It keeps versions.
    Versioned,
    /// It keeps versions, and its objects can be locked.
    Locked,
}

/// One verdict, or several where it depends on timing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Allowed {
    /// This one.
    One(Verdict),
    /// Any of these.
    AnyOf(Vec<Verdict>),
}

impl Allowed {
    /// All verdicts that may be seen.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        match self {
            Self::One(verdict) => std::slice::from_ref(verdict),
            Self::AnyOf(verdicts) => verdicts,
        }
    }
}

impl Row {
    /// What may be seen of a promise.
    #[must_use]
    pub fn allowed(&self, promise: Promise) -> &[Verdict] {
        self.promises.get(&promise).map_or(&[], Allowed::verdicts)
    }

    /// Whether the promise is expected to hold.
    #[must_use]
    pub fn holds(&self, promise: Promise) -> bool {
        self.allowed(promise) == [Verdict::Verified]
    }

    /// Compares with what was seen.
    ///
    /// # Errors
    /// With the lines that would be right in `promises.toml`, and the evidence.
    pub fn compare(&self, report: &ProbeReport) -> anyhow::Result<()> {
        let differs = |promise: &&Promise| !self.allowed(**promise).contains(&report.verdict(**promise));
        let wrong: Vec<_> = Promise::ALL.iter().filter(differs).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let lines = wrong.iter().map(|promise| {
            let expected =
                self.allowed(**promise).iter().map(|verdict| verdict.as_str()).collect::<Vec<_>>().join(" or ");
            format!("{promise} = \"{}\" # and not {expected}\n", report.verdict(**promise))
        });
        anyhow::bail!("the row {} of promises.toml should have\n{}{report}", self.id, lines.collect::<String>())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    store: Vec<Row>,
}

/// All rows, each with a verdict for every promise.
///
/// # Panics
/// If `promises.toml` is not as it must be.
#[must_use]
pub fn rows() -> Vec<Row> {
    let read: Result<Rows, _> = toml::from_str(include_str!("../promises.toml"));
    let rows = read.unwrap_or_else(|error| panic!("promises.toml: {error}")).store;
    let mut whole: Vec<Row> = Vec::new();
    for mut row in rows {
        if let Some(like) = &row.like {
            let base = whole.iter().find(|base| base.id == *like);
            let base = base.unwrap_or_else(|| panic!("promises.toml: no row {like:?} stands before {:?}", row.id));
            for (promise, allowed) in &base.promises {
                row.promises.entry(*promise).or_insert_with(|| allowed.clone());
            }
        }
        for promise in Promise::ALL {
            assert!(!row.allowed(*promise).is_empty(), "promises.toml: {:?} has no {promise}", row.id);
        }
        assert!(whole.iter().all(|other| other.id != row.id), "promises.toml has two rows {:?}", row.id);
        whole.push(row);
    }
    whole
}
