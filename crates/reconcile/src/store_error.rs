//! Errors of object stores as errors of steps.

use std::time::Duration;

use objstore_core::{Error, ErrorKind, Retry};

use crate::StepError;

/// The wait after a store asked for fewer requests and did not say for how long.
const UNTOLD: Duration = Duration::from_secs(60);

/// The class and a code of the kind: `store-unavailable`. Keys, causes and texts stay behind.
///
/// A `NotFound` is a conflict here: where absence is an answer, make it [`Observed::Absent`](crate::Observed::Absent) first.
impl From<&Error> for StepError {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::conflict("store-object-not-found"),
            ErrorKind::AlreadyExists => Self::conflict("store-already-exists"),
            ErrorKind::PreconditionFailed => Self::conflict("store-precondition-failed"),
            ErrorKind::Conflict => Self::conflict("store-conflict"),
            ErrorKind::NotModified => Self::conflict("store-not-modified"),
            ErrorKind::RateLimited => Self::rate_limited("store-rate-limited", wait(error)),
            ErrorKind::PermissionDenied => Self::needs_human("store-permission-denied"),
            ErrorKind::Unauthenticated => Self::needs_human("store-unauthenticated"),
            ErrorKind::Locked => Self::needs_human("store-locked"),
            ErrorKind::StorageFull => Self::needs_human("store-full"),
            ErrorKind::Integrity => Self::needs_human("store-integrity"),
            ErrorKind::StoreNotFound => Self::config("store-not-found"),
            ErrorKind::RangeNotSatisfiable | ErrorKind::InvalidInput => Self::config("store-invalid-input"),
            ErrorKind::TooLarge => Self::config("store-too-large"),
            ErrorKind::InvalidConfig => Self::config("store-invalid-config"),
            ErrorKind::Unsupported => Self::config("store-unsupported"),
            ErrorKind::Timeout => Self::transient("store-timeout"),
            ErrorKind::Transport => Self::transient("store-transport"),
            ErrorKind::Unavailable => Self::transient("store-unavailable"),
            ErrorKind::Cancelled => Self::transient("store-cancelled"),
            _ => Self::transient("store-other"),
        }
    }
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

fn wait(error: &Error) -> Duration {
    match error.retry() {
        Retry::After(time) if time > Duration::ZERO => time,
        _ => UNTOLD,
    }
}
