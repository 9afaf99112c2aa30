//! Which etcd may open which data.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A minor version of etcd, such as 3.6. The patch number never decides whether data can be opened.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct TargetVersion {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
}

impl TargetVersion {
    /// Version `major.minor`.
    #[must_use]
    pub fn new(major: u64, minor: u64) -> Self {
        Self { major, minor }
    }

    /// Refuses data that was last written by a newer minor than this one.
    ///
    /// etcd itself is no help: 3.4 panics on such data, 3.5 opens that of 3.6 and 3.7 without a word, 3.6 refuses that of
    /// 3.7. `written_by` holds the versions that the data names: the storage version (3.6 and later) and the cluster
    /// version, the lowest minor that all members spoke.
    pub(crate) fn check(self, written_by: impl IntoIterator<Item = Self>) -> Result<()> {
        match written_by.into_iter().max() {
            Some(data) if data > self => Err(Error::refused(format!(
                "the snapshot was written by etcd {data} and etcd {self} cannot be trusted with it: restore it for etcd {data} or newer"
            ))),
            _ => Ok(()),
        }
    }
}

impl FromStr for TargetVersion {
    type Err = Error;

    /// Reads `3.6` or `3.6.15`, with or without a `v` before it.
    fn from_str(text: &str) -> Result<Self> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).split(['.', '-', '+']).map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self { major, minor }),
            _ => Err(Error::usage(format!("{text:?} is not a version of etcd: write it like 3.6"))),
        }
    }
}

impl fmt::Display for TargetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
