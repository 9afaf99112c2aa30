//! One walk over a whole database: every structural check, every hash, every figure.

mod finding;
mod options;
mod summary;

pub use finding::{Finding, FindingKind, Severity};
pub use options::SurveyOptions;
pub use summary::{Alarm, AlarmKind, Auth, Compaction, NoHashKv, Status, Summary};

use crate::{ErrorKind, FormatError, Step};

/// Checks a whole database and learns what it holds, in one walk.
///
/// Items are [`Finding`]s, as they are met; it does not stop at the first. At the end [`Survey::finish`] gives the [`Summary`].
///
/// Pages of one window are asked for in the order of the file, so that a disk or an object store is read nearly
/// sequentially.
#[derive(Debug)]
pub struct Survey {
    file_len: u64,
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
        let _ = options;
        Self { file_len }
    }

    /// The next thing to do.
    ///
    /// # Errors
    ///
    /// [`NotBolt`](ErrorKind::NotBolt) when there is no valid meta, [`Truncated`](ErrorKind::Truncated) when the file is
    /// shorter than the meta says. Everything else is a finding.
    pub fn step(&mut self) -> Result<Step<Finding>, FormatError> {
        Ok(Step::Done)
    }

    /// Takes the bytes of the last read.
    ///
    /// # Errors
    ///
    /// [`Misuse`](ErrorKind::Misuse) when none was asked for, or another length.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        Err(crate::step::misfed(bytes.len()))
    }

    /// How far the survey is: pages looked at, and pages that may be looked at in all. For progress bars; free pages are never
    /// looked at, so the first number may end below the second.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (0, self.file_len)
    }

    /// Bytes of state that the survey holds now, without the caller's read buffer.
    #[must_use]
    pub fn memory(&self) -> usize {
        0
    }

    /// The summary.
    ///
    /// # Errors
    ///
    /// [`Misuse`](ErrorKind::Misuse) when the survey was not stepped to [`Step::Done`].
    pub fn finish(self) -> Result<Summary, FormatError> {
        Err(FormatError::new(ErrorKind::Misuse, "a survey stepped to its end"))
    }
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
