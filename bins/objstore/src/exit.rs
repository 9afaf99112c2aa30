//! Exit codes. They are part of the interface: monitoring and scripts depend on them.

use std::io;
use std::process::ExitCode;

use objstore_core::{Effect, Error, ErrorKind};

/// The table in `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    the disk or the store failed
  2    usage: an argument, a URL or a configuration cannot be
  3    not found: no such object, bucket or file
  4    damaged: the bytes are not what their digest or length says
  5    refused: a rule of safety, a lock or another writer forbids it; nothing was changed
  6    unreachable: the store did not answer, is ill or busy
  7    not allowed: credentials or policy
  8    not kept: the store cannot do this, or does not keep a promise that was asked for
  9    not known: the change may have been made or not, and looking did not tell
  10   no space left
  130  stopped by a signal";

/// What `--help` of one command ends with: examples, and the codes in short.
pub(crate) fn help(examples: &str) -> String {
    format!(
        "{examples}\n\n\
        Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 damaged, 5 refused, 6 unreachable,\n\
        7 not allowed, 8 not kept by the store, 9 not known, 10 no space, 130 stopped.\n\
        `objstore --help` explains them."
    )
}

/// A way to end that is no error of a store.
#[derive(Debug)]
pub(crate) struct Ended {
    code: u8,
    name: &'static str,
    message: String,
}

impl Ended {
    /// The call makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
        Self { code: 2, name: "usage", message: message.into() }.into()
    }

    /// What was read is not what it should be.
    pub(crate) fn damaged(message: impl Into<String>) -> anyhow::Error {
        Self { code: 4, name: "damaged", message: message.into() }.into()
    }

    /// A rule of safety forbids it.
    pub(crate) fn refused(message: impl Into<String>) -> anyhow::Error {
        Self { code: 5, name: "refused", message: message.into() }.into()
    }

    /// The store does not keep what was asked for.
    pub(crate) fn not_kept(message: impl Into<String>) -> anyhow::Error {
        Self { code: 8, name: "not_kept", message: message.into() }.into()
    }

    /// A signal came.
    pub(crate) fn stopped(message: impl Into<String>) -> anyhow::Error {
        Self { code: 130, name: "stopped", message: message.into() }.into()
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Ended {}

/// The name and the code of an error: of the first of its causes that has one.
pub(crate) fn classify(error: &anyhow::Error) -> (&'static str, u8) {
    let found = error.chain().find_map(|cause| {
        if let Some(ended) = cause.downcast_ref::<Ended>() {
            return Some((ended.name, ended.code));
        }
        if let Some(error) = cause.downcast_ref::<Error>() {
            return Some(of_store(error));
        }
        cause.downcast_ref::<io::Error>().map(|error| of_file(error.kind()))
    });
    found.unwrap_or(FAILED)
}

const FAILED: (&str, u8) = ("failed", 1);

fn of_store(error: &Error) -> (&'static str, u8) {
    if *error.effect() == Effect::Unknown {
        return ("not_known", 9);
    }
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::InvalidConfig | ErrorKind::RangeNotSatisfiable => ("usage", 2),
        ErrorKind::NotFound | ErrorKind::StoreNotFound => ("not_found", 3),
        ErrorKind::Integrity => ("damaged", 4),
        ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed | ErrorKind::Conflict | ErrorKind::Locked => {
            ("refused", 5)
        }
        ErrorKind::Transport | ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::RateLimited => {
            ("unreachable", 6)
        }
        ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => ("not_allowed", 7),
        ErrorKind::Unsupported | ErrorKind::TooLarge | ErrorKind::Archived => ("not_kept", 8),
        ErrorKind::StorageFull => ("no_space", 10),
        ErrorKind::Cancelled => ("stopped", 130),
        _ => FAILED,
    }
}

fn of_file(kind: io::ErrorKind) -> (&'static str, u8) {
    match kind {
        io::ErrorKind::NotFound => ("not_found", 3),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ("not_allowed", 7),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ("no_space", 10),
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => ("usage", 2),
        _ => FAILED,
    }
}

/// The code as the system takes it.
pub(crate) fn code(number: u8) -> ExitCode {
    ExitCode::from(number)
}
