//! What a form of a promise came to.

use crate::{Error, ErrorKind, Result, Verdict};

/// Why a form did not hold.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) note: String,
}

/// A form held, or why it did not.
pub(super) type Held<T = ()> = Result<T, Finding>;

impl Finding {
    pub(super) fn ignored(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ignored, note: note.into() }
    }

    pub(super) fn racy(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Racy, note: note.into() }
    }

    pub(super) fn rejected(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Rejected, note: note.into() }
    }

    pub(super) fn unknown(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, note: note.into() }
    }
}

/// An error where success was promised.
impl From<Error> for Finding {
    fn from(error: Error) -> Self {
        if says_nothing(&error) { Self::unknown(error.to_string()) } else { Self::rejected(error.to_string()) }
    }
}

/// Whether an error says nothing about a promise: the store was busy, ill or far away, or the credentials do not allow
/// to look.
pub(super) fn says_nothing(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(
        error.kind(),
        K::RateLimited
            | K::Unavailable
            | K::Timeout
            | K::Transport
            | K::Unauthenticated
            | K::PermissionDenied
            | K::StoreNotFound
            | K::StorageFull
            | K::InvalidConfig
            | K::Integrity
            | K::Locked
            | K::Cancelled
    )
}

/// Whether an error is the refusal that a condition is there for. A missing object is one too: some stores answer 404
/// to `If-Match` on a key that is absent. So is a conflict: nothing was done.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.is_condition_failed() || error.is_not_found() || error.kind() == ErrorKind::Conflict
}

/// Expects the refusal of a condition that does not hold.
pub(super) fn refused<T>(result: Result<T>, taken: &str) -> Held {
    match result {
        Ok(_) => Err(Finding::ignored(taken)),
        Err(error) if is_refusal(&error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How bad a verdict is, when one must be chosen of several.
pub(super) fn badness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Verified => 0,
        Verdict::Unknown => 1,
        Verdict::Rejected => 2,
        Verdict::Racy => 3,
        Verdict::Ignored => 4,
    }
}
