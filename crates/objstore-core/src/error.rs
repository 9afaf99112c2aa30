//! What went wrong, whether anything was changed, and what to do next.

use std::{error::Error as StdError, fmt, time::Duration};

use crate::{InvalidKey, ObjectKey, Revision};

/// What every operation of a store returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// An operation that failed, or whose outcome is not known.
///
/// Decide on [`kind`](Self::kind), [`effect`](Self::effect) and [`retry`](Self::retry). The message names this level
/// only; the cause is in [`source`](StdError::source). Credentials and signed URLs are never part of it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    effect: Effect,
    retry: Retry,
    op: Option<Op>,
    store: Option<String>,
    key: Option<String>,
    detail: Option<String>,
    http_status: Option<u16>,
    service_code: Option<String>,
    request_id: Option<String>,
    attempts: u32,
    source: Option<Source>,
}

/// What went wrong. Each kind says what the caller should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No object has this key (or the version, or the upload asked for). *Go on as if it were absent.*
    NotFound,
    /// The bucket or the folder that should hold the objects does not exist. *Fix the configuration, or create it.*
    StoreNotFound,
    /// The key is taken, and the write was to create it. *Read what is there; do not overwrite.*
    AlreadyExists,
    /// The object is not, or no longer, at the revision named. *Read it again and decide anew.*
    PreconditionFailed,
    /// Another writer was at work at the same moment; nothing was written. *Try again, as [`Error::retry`] says.*
    Conflict,
    /// The object is still at the revision that the reader has. *Use what you have.*
    NotModified,
    /// The credentials are known, and may not do this. *Ask for the permission.*
    PermissionDenied,
    /// There are no credentials, or they are wrong or expired. *Fix or renew them.*
    Unauthenticated,
    /// A retention period or a legal hold protects the object. *Leave it, or wait for its end.*
    Locked,
    /// The object lies in cold storage, and cannot be read from there. *Have it restored, which takes hours, and read
    /// again.*
    Archived,
    /// The store asks for fewer requests. *Wait as [`Error::retry`] says.*
    RateLimited,
    /// The time allowed was over. *Look at [`Error::effect`]; try again with more time.*
    Timeout,
    /// The connection could not be made or broke. *Try again.*
    Transport,
    /// The store is ill (5xx). *Try again later.*
    Unavailable,
    /// Bytes differ from their digest or length. *Do not use them; read or write again, and find out why.*
    Integrity,
    /// The range asked for begins at or after the end. *Ask for the size first.*
    RangeNotSatisfiable,
    /// The body, or the limit given for it, is exceeded. *Use an upload, a larger limit, or larger parts.*
    TooLarge,
    /// The store has no room left. *Free some, or enlarge it.*
    StorageFull,
    /// The call makes no sense, or this store cannot keep such a key. *Fix the caller.*
    InvalidInput,
    /// A URL or a setting is wrong. *Fix the configuration.*
    InvalidConfig,
    /// The store cannot do this, and said so before changing anything. *Use another way, or another store.*
    Unsupported,
    /// The operation was given up because the process is ending. *Look at [`Error::effect`].*
    Cancelled,
    /// Anything else. *Show it to a person.*
    Other,
}

/// Whether the store was changed by an operation that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a change was made, or was not, or nobody knows")]
pub enum Effect {
    /// Nothing was changed.
    NotApplied,
    /// The change was made, although the operation reports an error; with the revision it made, where known.
    Applied(Option<Revision>),
    /// Not known, and looking did not tell.
    Unknown,
}

/// Whether the same operation may succeed if it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers decide on every one of them")]
pub enum Retry {
    /// Not without a change.
    Never,
    /// Yes, after at least this long.
    After(Duration),
    /// Yes, but from its beginning: the bytes sent so far are gone.
    FromStart,
}

/// Which operation it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// [`ObjectStore::put`](crate::ObjectStore::put)
    Put,
    /// [`ObjectStore::start_upload`](crate::ObjectStore::start_upload)
    StartUpload,
    /// [`Upload::write`](crate::Upload::write)
    Write,
    /// [`Upload::finish`](crate::Upload::finish)
    Finish,
    /// [`Upload::abort`](crate::Upload::abort)
    Abort,
    /// [`ObjectStore::head`](crate::ObjectStore::head)
    Head,
    /// [`ObjectStore::get`](crate::ObjectStore::get)
    Get,
    /// Reading the body of a [`Get`](crate::Get)
    Read,
    /// [`ObjectStore::delete`](crate::ObjectStore::delete)
    Delete,
    /// [`ObjectStore::list_page`](crate::ObjectStore::list_page)
    List,
    /// [`ObjectStore::copy`](crate::ObjectStore::copy)
    Copy,
    /// [`ObjectStore::presign`](crate::ObjectStore::presign)
    Presign,
    /// [`ObjectStore::uploads_page`](crate::ObjectStore::uploads_page)
    ListUploads,
    /// [`ObjectStore::abort_upload`](crate::ObjectStore::abort_upload)
    AbortUpload,
    /// [`ObjectStore::close`](crate::ObjectStore::close)
    Close,
    /// Opening a store from a URL
    Open,
}

impl Error {
    /// An error of this kind, not applied, to be retried as the kind usually is (see [`ErrorKind::default_retry`]).
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            effect: Effect::NotApplied,
            retry: kind.default_retry(),
            op: None,
            store: None,
            key: None,
            detail: None,
            http_status: None,
            service_code: None,
            request_id: None,
            attempts: 1,
            source: None,
        }))
    }

    /// Sets whether the store was changed.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.0.effect = effect;
        self
    }

    /// Sets whether trying again may help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Sets the operation.
    #[must_use]
    pub fn with_op(mut self, op: Op) -> Self {
        self.0.op = Some(op);
        self
    }

    /// Sets the store, as its `Display` shows it.
    #[must_use]
    pub fn with_store(mut self, store: impl fmt::Display) -> Self {
        self.0.store = Some(store.to_string());
        self
    }

    /// Sets the key.
    #[must_use]
    pub fn with_key(mut self, key: &ObjectKey) -> Self {
        self.0.key = Some(key.to_string());
        self
    }

    /// Sets what to say beyond the kind: lower case, no period, what to do next where a person reads it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Sets the HTTP status of the last answer.
    #[must_use]
    pub fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// Sets the service's own code (S3: `SlowDown`, GCS: `conditionNotMet`).
    #[must_use]
    pub fn with_service_code(mut self, code: impl Into<String>) -> Self {
        self.0.service_code = Some(code.into());
        self
    }

    /// Sets the id under which the service knows the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Sets how often it was tried.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the store was changed nevertheless.
    #[must_use]
    pub fn effect(&self) -> &Effect {
        &self.0.effect
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Which operation it was.
    #[must_use]
    pub fn op(&self) -> Option<Op> {
        self.0.op
    }

    /// Which store, as its `Display` shows it.
    #[must_use]
    pub fn store(&self) -> Option<&str> {
        self.0.store.as_deref()
    }

    /// Which key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// What is said beyond the kind.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The HTTP status of the last answer.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The service's own code.
    #[must_use]
    pub fn service_code(&self) -> Option<&str> {
        self.0.service_code.as_deref()
    }

    /// The id under which the service knows the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How often it was tried, at least 1.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether this says that the object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Whether a condition on a write did not hold: the key was taken, or at another revision.
    #[must_use]
    pub fn is_condition_failed(&self) -> bool {
        matches!(self.kind(), ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed)
    }
}

impl ErrorKind {
    /// What the kind says, in a few words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "object not found",
            Self::StoreNotFound => "store not found",
            Self::AlreadyExists => "object already exists",
            Self::PreconditionFailed => "object is not at the expected revision",
            Self::Conflict => "another writer was at work",
            Self::NotModified => "object was not modified",
            Self::PermissionDenied => "permission denied",
            Self::Unauthenticated => "not authenticated",
            Self::Locked => "object is locked",
            Self::Archived => "object is in cold storage",
            Self::RateLimited => "rate limited",
            Self::Timeout => "timed out",
            Self::Transport => "connection failed",
            Self::Unavailable => "store unavailable",
            Self::Integrity => "data is damaged",
            Self::RangeNotSatisfiable => "range begins after the end of the object",
            Self::TooLarge => "too large",
            Self::StorageFull => "no space left in the store",
            Self::InvalidInput => "invalid input",
            Self::InvalidConfig => "invalid configuration",
            Self::Unsupported => "not supported by the store",
            Self::Cancelled => "cancelled",
            Self::Other => "operation failed",
        }
    }

    /// What [`Error::retry`] is unless the store knows better.
    #[must_use]
    pub fn default_retry(self) -> Retry {
        match self {
            Self::Conflict | Self::Transport | Self::Timeout => Retry::After(Duration::ZERO),
            Self::RateLimited | Self::Unavailable => Retry::After(Duration::from_secs(1)),
            _ => Retry::Never,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Op {
    /// The operation in one lower-case word, as in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::StartUpload => "start_upload",
            Self::Write => "write",
            Self::Finish => "finish",
            Self::Abort => "abort",
            Self::Head => "head",
            Self::Get => "get",
            Self::Read => "read",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Copy => "copy",
            Self::Presign => "presign",
            Self::ListUploads => "list_uploads",
            Self::AbortUpload => "abort_upload",
            Self::Close => "close",
            Self::Open => "open",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, effect, op, store, key, detail, http_status, service_code, request_id, attempts, .. } =
            &*self.0;
        f.write_str(kind.as_str())?;
        if let Some(detail) = detail {
            write!(f, ": {detail}")?;
        }
        match effect {
            Effect::NotApplied => {}
            Effect::Applied(_) => f.write_str(" (the change was made)")?,
            Effect::Unknown => f.write_str(" (whether the change was made is not known)")?,
        }
        field(f, "op", op.as_ref())?;
        field(f, "store", store.as_ref())?;
        field(f, "key", key.as_ref())?;
        field(f, "status", http_status.as_ref())?;
        field(f, "code", service_code.as_ref())?;
        field(f, "request_id", request_id.as_ref())?;
        field(f, "attempts", (*attempts > 1).then_some(attempts))
    }
}

fn field(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {name}={value}"))
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("effect", &inner.effect)
            .field("retry", &inner.retry)
            .field("message", &self.to_string())
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<InvalidKey> for Error {
    fn from(invalid: InvalidKey) -> Self {
        Self::new(ErrorKind::InvalidInput).with_detail(invalid.to_string())
    }
}
