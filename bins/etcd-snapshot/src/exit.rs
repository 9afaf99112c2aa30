//! Exit codes. They are part of the interface: monitoring and scripts depend on them.

use std::process::ExitCode;

use etcd_snapshot::{Error, ErrorKind};

/// The table in `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    the disk or the store failed
  2    usage: an argument or a configuration cannot be
  3    not found: no such snapshot, store or file
  4    damaged: the data is not what it should be
  5    refused: a rule of safety forbids it; nothing was changed
  6    unreachable: a member or a store did not answer, or not in time
  7    not allowed: user, role, certificate or policy
  8    stored, but not verified: it is no backup
  9    list --max-age: the newest snapshot is too old, or there is none
  10   no space left
  130  stopped by a signal";

/// What `--help` of one command ends with: examples, and the codes in short.
pub(crate) fn help(examples: &str) -> String {
    format!(
        "{examples}\n\n\
        Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 damaged, 5 refused, 6 unreachable,\n\
        7 not allowed, 8 stored but not verified, 9 too old, 10 no space, 130 stopped.\n\
        `etcd-snapshot --help` explains them."
    )
}

/// The code of `list --max-age`.
pub(crate) const TOO_OLD: u8 = 9;

/// The code of a signal.
pub(crate) const STOPPED: u8 = 130;

/// A way to end that is no error of the library.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: u8,
    pub(crate) name: &'static str,
    pub(crate) message: String,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Ended {}

/// The name and the code of an error.
pub(crate) fn classify(error: &anyhow::Error) -> (&'static str, u8) {
    if let Some(ended) = error.downcast_ref::<Ended>() {
        return (ended.name, ended.code);
    }
    error.chain().find_map(|cause| cause.downcast_ref::<Error>()).map_or(("failed", 1), |error| of_kind(error.kind()))
}

fn of_kind(kind: ErrorKind) -> (&'static str, u8) {
    match kind {
        ErrorKind::Usage => ("usage", 2),
        ErrorKind::NotFound => ("not_found", 3),
        ErrorKind::Damaged => ("damaged", 4),
        ErrorKind::Refused => ("refused", 5),
        ErrorKind::Unreachable => ("unreachable", 6),
        ErrorKind::NotAllowed => ("not_allowed", 7),
        ErrorKind::Unverified => ("unverified", 8),
        ErrorKind::NoSpace => ("no_space", 10),
        ErrorKind::Cancelled => ("stopped", STOPPED),
        _ => ("failed", 1),
    }
}

/// The code as the system takes it.
pub(crate) fn code(number: u8) -> ExitCode {
    ExitCode::from(number)
}
