//! What a journal answers when it cannot do what it was asked.

use std::{error::Error, fmt};

use super::RecordName;
use crate::{Class, StepError};

type Source = Box<dyn Error + Send + Sync>;

/// A journal did not do what it was asked. Its message names the record, never what it holds.
#[derive(Debug)]
pub struct JournalError {
    kind: JournalErrorKind,
    name: Option<RecordName>,
    source: Option<Source>,
}

/// What is wrong. Each kind says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JournalErrorKind {
    /// There is a record of this name already; nothing was changed. *Read it.*
    Exists,
    /// The record is at another revision, or absent; nothing was changed. *Read it again and decide anew.*
    Changed,
    /// The record belongs to another flow; nothing was changed. *Give the flows different names or journals.*
    OtherFlow,
    /// The record has a newer format than this program knows; nothing was changed. *Use the newer program.*
    NewerFormat,
    /// The record cannot be read. *Look at it, and restore or remove it by hand.*
    Damaged,
    /// The record is secret, and this journal would show it; nothing was changed. *Wrap it in `Encrypted`.*
    NeedsEncryption,
    /// The record is encrypted, and this is not its key, its name or its context; or it was altered. *Use the right key.*
    WrongKey,
    /// The name is not the name of a record. *Use 1 to 100 of letters, digits, `.`, `_`, `-`.*
    InvalidName,
    /// The credentials may not do this. *Ask for the permission.*
    Denied,
    /// The place does not do what a journal needs, such as conditions. *Use another.*
    Unsupported,
    /// The call failed. If it was to change something, it may have. *Look again.*
    Unavailable,
}

impl JournalErrorKind {
    /// Which kind it is, as the code of a step's error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Exists => "journal-exists",
            Self::Changed => "journal-changed",
            Self::OtherFlow => "journal-other-flow",
            Self::NewerFormat => "journal-newer-format",
            Self::Damaged => "journal-damaged",
            Self::NeedsEncryption => "journal-needs-encryption",
            Self::WrongKey => "journal-wrong-key",
            Self::InvalidName => "journal-invalid-name",
            Self::Denied => "journal-denied",
            Self::Unsupported => "journal-unsupported",
            Self::Unavailable => "journal-unavailable",
        }
    }

    const fn class(self) -> Class {
        match self {
            Self::Exists | Self::Changed => Class::Conflict,
            Self::OtherFlow | Self::NewerFormat | Self::NeedsEncryption | Self::InvalidName | Self::Unsupported => {
                Class::Config
            }
            Self::Damaged | Self::WrongKey | Self::Denied => Class::NeedsHuman,
            Self::Unavailable => Class::Transient,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Exists => "a record of this name exists already",
            Self::Changed => "the record is no longer at the revision that was read",
            Self::OtherFlow => "the record belongs to another flow: give each flow names or a journal of its own",
            Self::NewerFormat => "the record has a newer format: use the program that wrote it, or a newer one",
            Self::Damaged => "the record cannot be read: restore it or remove it by hand",
            Self::NeedsEncryption => "this journal would show a secret: wrap it in `Encrypted`, with a key",
            Self::WrongKey => {
                "the record is encrypted and does not open: use its key, and the name and the context that it was written under"
            }
            Self::InvalidName => {
                "not the name of a record: use 1 to 100 letters, digits, '.', '_' or '-', no dot first"
            }
            Self::Denied => "the journal denies access",
            Self::Unsupported => "the place cannot keep a journal",
            Self::Unavailable => "the journal did not answer, and may have changed",
        }
    }
}

impl JournalError {
    /// An error of this kind.
    #[must_use]
    pub const fn new(kind: JournalErrorKind) -> Self {
        Self { kind, name: None, source: None }
    }

    /// Names the record.
    #[must_use]
    pub fn with_name(mut self, name: &RecordName) -> Self {
        self.name = Some(name.clone());
        self
    }

    /// Adds the cause. It must not hold what the record holds.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> JournalErrorKind {
        self.kind
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.message())?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " record={name}"))
    }
}

impl Error for JournalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// The message stays behind; the class and the code go on.
impl From<JournalError> for StepError {
    fn from(error: JournalError) -> Self {
        Self::new(error.kind.class(), error.kind.code())
    }
}
