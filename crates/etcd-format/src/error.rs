//! The one error type of the crate.

use std::borrow::Cow;
use std::fmt;

/// Bytes that are not what the format says, or a request that the format cannot carry.
///
/// It names what was expected and what was found, and where in the input when there is a place.
///
/// ```
/// use etcd_format::{ErrorKind, FormatError};
///
/// let error = FormatError::new(ErrorKind::Damaged, "a leaf page").found("flags 0x4").at(8192);
/// assert_eq!(error.to_string(), "damaged data: expected a leaf page, found flags 0x4, at byte 8192");
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
pub struct FormatError(Box<Detail>);

#[derive(Clone, PartialEq, Eq)]
struct Detail {
    kind: ErrorKind,
    offset: Option<u64>,
    expected: Cow<'static, str>,
    actual: Option<Cow<'static, str>>,
}

/// What went wrong, by what the caller would do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is not such a file at all: neither of its meta pages is valid. Look at the path.
    NotBolt,
    /// The input ends before what it announces. Fetch it again.
    Truncated,
    /// The input breaks a rule of the format. Use another copy.
    Damaged,
    /// The input is well formed but beyond a documented limit of this crate.
    Unsupported,
    /// What the caller asked to be written or read is not allowed. Mend the request.
    InvalidInput,
    /// The protocol of a sans-I/O machine was broken, for example fed bytes that it had not asked for. A bug in the caller.
    Misuse,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBolt => "not a bolt file",
            Self::Truncated => "truncated data",
            Self::Damaged => "damaged data",
            Self::Unsupported => "unsupported data",
            Self::InvalidInput => "invalid input",
            Self::Misuse => "misuse",
        })
    }
}

impl FormatError {
    /// An error that says what was expected.
    #[must_use]
    pub fn new(kind: ErrorKind, expected: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Detail { kind, offset: None, expected: expected.into(), actual: None }))
    }

    /// The same error with what was found instead.
    #[must_use]
    pub fn found(mut self, actual: impl Into<Cow<'static, str>>) -> Self {
        self.0.actual = Some(actual.into());
        self
    }

    /// The same error with the place in the input, in bytes from its start.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where in the input, in bytes from its start, when there is one place.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// What the format wanted.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.0.expected
    }

    /// What was there instead.
    #[must_use]
    pub fn actual(&self) -> Option<&str> {
        self.0.actual.as_deref()
    }

    fn describe(&self) -> String {
        let Detail { kind, offset, expected, actual } = &*self.0;
        let mut text = format!("{kind}: expected {expected}");
        if let Some(actual) = actual {
            text.push_str(", found ");
            text.push_str(actual);
        }
        if let Some(offset) = offset {
            text.push_str(&format!(", at byte {offset}"));
        }
        text
    }
}

impl fmt::Debug for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormatError({})", self.describe())
    }
}
