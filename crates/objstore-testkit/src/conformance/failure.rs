//! How a case says what went wrong.

use std::{fmt, panic::Location};

use objstore_core::Error;

/// What a case found: a message, and the line of the case that found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    place: String,
    /// Something was missing, so that nothing can be said.
    pub(super) ignored: bool,
}

/// What a case returns.
pub(super) type Found = Result<(), Failure>;

impl Failure {
    #[track_caller]
    pub(super) fn new(message: impl Into<String>) -> Self {
        let place = Location::caller();
        Self { message: message.into(), place: format!("{}:{}", place.file(), place.line()), ignored: false }
    }

    #[track_caller]
    pub(super) fn ignored(message: impl Into<String>) -> Self {
        Self { ignored: true, ..Self::new(message) }
    }

    /// What was found.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.place)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::new(message)
    }
}

impl From<objstore_core::InvalidKey> for Failure {
    #[track_caller]
    fn from(error: objstore_core::InvalidKey) -> Self {
        Self::new(error.to_string())
    }
}

/// The error of what had to fail.
#[track_caller]
pub(super) fn refused<T>(result: objstore_core::Result<T>) -> Result<Error, Failure> {
    match result {
        Err(error) => Ok(error),
        Ok(_) => Err(Failure::new("it succeeded, and had to be refused")),
    }
}

/// Fails unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::failure::Failure::new(format!($($message)+)));
        }
    };
}
pub(super) use ensure;

/// Fails unless two values are equal.
macro_rules! same {
    ($left:expr, $right:expr $(,)?) => {
        same!($left, $right, stringify!($left))
    };
    ($left:expr, $right:expr, $($context:tt)+) => {
        match (&$left, &$right) {
            (left, right) => {
                if *left != *right {
                    let context = format!("{}", format_args!($($context)+));
                    let message = format!("{context}: found {left:?}, wanted {right:?}");
                    return Err($crate::conformance::failure::Failure::new(message));
                }
            }
        }
    };
}
pub(super) use same;
