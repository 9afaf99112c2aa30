//! The file that keeps every etcd out of a data directory while a restore is at work in it.
//!
//! etcd keeps its data in the folder `member`. Where `member` is a regular file, etcd 3.4, 3.5, 3.6 and 3.7 all exit at
//! start (`server/embed/etcd.go` and `server/etcdserver/server.go`, 3.5 and later; `etcdserver/server.go`, 3.4: the member
//! folder cannot be made). So the file is the first thing that a restore creates, and the last thing that it takes away.

use serde::{Deserialize, Serialize};

/// How a claim begins. Whatever begins like this was written by a restore.
const HEAD: &str = "etcd-snapshot: a restore is at work here, or was stopped.\n";

const ADVICE: &str =
    "No etcd starts while this file is here. If no restore is running, run it again: it cleans up and begins anew.\n";

/// A claim is never longer; a longer file is somebody else's and is not read.
pub(super) const MAX_LEN: u64 = 16 * 1024;

const FORMAT: u32 = 1;

/// What begins the name of everything that a restore keeps only for a while.
pub(super) const TEMPORARY: &str = ".etcd-restore-";

/// What a restore notes before it touches anything, so that a later one can clean up behind it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Claim {
    format: u32,
    /// What sets the names of this run apart, 16 hex digits.
    pub(super) run: String,
    /// The data directory and its parents, as far as this run or the one it took over from made them; deepest first.
    pub(super) created: Vec<String>,
    /// The log that it puts outside of the data directory.
    pub(super) wal: Option<WalClaim>,
}

/// A log outside of the data directory.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct WalClaim {
    /// The folder, as an absolute path.
    pub(super) dir: String,
    /// The folder and its parents, as far as the restore made them; deepest first.
    pub(super) created: Vec<String>,
    /// The name of its file.
    pub(super) name: String,
    /// How the log begins, as hex: it holds the ids, which are unlike any other's.
    pub(super) head: String,
}

/// What a regular file named `member` turned out to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// A claim whose writing finished.
    Whole(Claim),
    /// The beginning of a claim, or nothing: the restore was stopped while writing it, and has made nothing else.
    Torn,
    /// Not ours.
    Foreign,
}

impl Claim {
    pub(super) fn new(run: String, created: Vec<String>, wal: Option<WalClaim>) -> Self {
        Self { format: FORMAT, run, created, wal }
    }

    /// The name under which this run stages what becomes `member`.
    pub(super) fn staging_name(&self) -> String {
        format!("{TEMPORARY}{}", self.run)
    }

    /// The claim as a file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{HEAD}{ADVICE}{json}\n").into_bytes()
    }

    /// What `bytes`, a whole file, are.
    pub(super) fn parse(bytes: &[u8]) -> Found {
        let head = HEAD.as_bytes();
        // Where the length of a file reached the disk before its content, it reads as zeros.
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let bytes = bytes.get(..end).unwrap_or(bytes);
        if head.starts_with(bytes) {
            return Found::Torn;
        }
        if !bytes.starts_with(head) {
            return Found::Foreign;
        }
        let json = bytes.split(|&byte| byte == b'\n').nth(2).unwrap_or_default();
        match serde_json::from_slice::<Self>(json) {
            Ok(claim) if claim.format != FORMAT || !is_run(&claim.run) => Found::Foreign,
            Ok(claim) => Found::Whole(claim),
            Err(_) => Found::Torn,
        }
    }
}

/// Whether `name`, in a data directory or beside a log, was made by a restore.
pub(super) fn is_temporary(name: &str) -> bool {
    name.strip_prefix(TEMPORARY).is_some_and(|rest| is_run(rest.split('.').next().unwrap_or(rest)))
}

fn is_run(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        let wal = WalClaim {
            dir: "/wal".to_owned(),
            name: "0.wal".to_owned(),
            created: vec!["/wal".to_owned()],
            head: "0011".to_owned(),
        };
        Claim::new("0123456789abcdef".to_owned(), Vec::new(), Some(wal))
    }

    #[test]
    fn every_beginning_of_a_claim_is_recognised() {
        let bytes = claim().to_bytes();
        assert_eq!(Claim::parse(&bytes), Found::Whole(claim()));
        for len in 0..bytes.len() - 1 {
            let found = Claim::parse(&bytes[..len]);
            assert!(found == Found::Torn || found == Found::Whole(claim()), "{len} bytes: {found:?}");
            let mut zeroed = bytes.clone();
            zeroed[len..].fill(0);
            assert_ne!(Claim::parse(&zeroed), Found::Foreign, "{len} bytes, then zeros");
        }
    }

    #[test]
    fn other_files_are_foreign() {
        for bytes in [b"data".as_slice(), b"{}", b"etcd-snapshot!", b"\0\0x"] {
            assert_eq!(Claim::parse(bytes), Found::Foreign, "{bytes:?}");
        }
    }

    #[test]
    fn only_our_own_names_are_temporary() {
        assert!(is_temporary(".etcd-restore-0123456789abcdef"));
        assert!(is_temporary(".etcd-restore-0123456789abcdef.claim"));
        for name in ["member", ".etcd-restore-", ".etcd-restore-0123", ".etcd-restore-0123456789ABCDEF", "lost+found"] {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
