//! What went wrong, and what to do about it.

use std::error::Error as StdError;
use std::fmt;

use crate::advice::Advice;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync + 'static>;

/// Why an operation did not do what was asked.
///
/// `Display` says this level only, and what to do next; the cause is in [`source`](StdError::source). Neither shows a
/// password, a token or a signed URL. Where an option would change it, [`advice`](Self::advice) says which.
/// To read on, go along the sources and downcast: those of this crate are of this type.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    advice: Option<Advice>,
    retryable: Option<bool>,
    source: Option<Source>,
}

/// What a caller can do about an [`Error`]. Each kind is one exit code of the program `etcd-snapshot`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A caller gave something that cannot be: fix the argument or the configuration.
    Usage,
    /// The snapshot, the store or the file that was named is not there.
    NotFound,
    /// Data is not what it should be: use another snapshot.
    Damaged,
    /// A rule of safety forbids it, and nothing was changed. The message says which, and how to insist where one may.
    Refused,
    /// A member or a store did not answer, or not in time: try again, or name another endpoint.
    Unreachable,
    /// The other side knows who asks, or does not, and says no: fix the user, the role, the certificate or the policy.
    NotAllowed,
    /// The snapshot is stored, but a check that was asked for did not succeed. It has no manifest, so it is not a backup.
    /// The [`source`](StdError::source) is the [`Error`] that says which; its kind is [`Damaged`](Self::Damaged) where the
    /// data is in doubt, and [`Error::is_retryable`] says whether to save again.
    Unverified,
    /// There is no room left where something is to be written: free some and run it again.
    NoSpace,
    /// The disk or the store failed in another way; the source says how.
    Storage,
    /// It was stopped before it was done: by its caller, or by the end of the process.
    Cancelled,
}

impl Error {
    /// An error of `kind`, with a message that says what to do.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), advice: None, retryable: None, source: None }))
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the option that would change it.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.0.advice = Some(advice);
        self
    }

    /// The option that would change it, if there is one: this error's, else that of the nearest cause which has one.
    #[must_use]
    pub fn advice(&self) -> Option<Advice> {
        self.0.advice.or_else(|| self.cause()?.advice())
    }

    /// Whether the same call may succeed later without anything being changed.
    ///
    /// For an error of a store, the store says; for [`Unverified`](ErrorKind::Unverified), the cause: true where another
    /// member was behind or silent, or the store failed while it was read back; false where data is in doubt, or what was
    /// required cannot come true. Else it follows from the [`kind`](Self::kind).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        let by_kind = || match self.kind() {
            ErrorKind::Unverified => self.cause().is_some_and(Self::is_retryable),
            kind => matches!(kind, ErrorKind::Unreachable | ErrorKind::Storage | ErrorKind::Cancelled),
        };
        self.0.retryable.unwrap_or_else(by_kind)
    }

    /// The nearest cause that is an error of this crate.
    fn cause(&self) -> Option<&Self> {
        let mut next = self.source();
        while let Some(cause) = next {
            if let Some(ours) = cause.downcast_ref() {
                return Some(ours);
            }
            next = cause.source();
        }
        None
    }

    /// Says whether it may pass by itself, where that does not follow from its kind.
    pub(crate) fn retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Says something more.
    pub(crate) fn and(mut self, more: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(more);
        self
    }

    /// Says what it is about, unless it does.
    pub(crate) fn about(mut self, what: &str) -> Self {
        if !self.0.message.contains(what) {
            self.0.message = format!("{what}: {}", self.0.message);
        }
        self
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    pub(crate) fn damaged(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Damaged, message)
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreachable, message)
    }

    pub(crate) fn unverified(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unverified, message)
    }

    /// An error of the local file system: full disks and missing permissions are told apart.
    pub(crate) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match source.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::NotAllowed,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::NoSpace,
            _ => ErrorKind::Storage,
        };
        Self::new(kind, message).with_source(source)
    }
}

impl ErrorKind {
    /// Its name, as it stands in JSON and suits a condition's reason: `not_found`, `refused`, …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Damaged => "damaged",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::NotAllowed => "not_allowed",
            Self::Unverified => "unverified",
            Self::NoSpace => "no_space",
            Self::Storage => "failed",
            Self::Cancelled => "stopped",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(advice) = &self.0.advice {
            out.field("advice", advice);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
