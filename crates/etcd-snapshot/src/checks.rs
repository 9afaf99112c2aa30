//! What was verified of a snapshot.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result};

/// A set of things that were verified of one snapshot, with success.
///
/// It is a set and not a ladder: a drill without a live hash and a live hash without a drill prove different things.
///
/// ```
/// use etcd_snapshot::Checks;
///
/// let checks = Checks::TRAILER | Checks::STRUCTURE;
/// assert!(checks.contains(Checks::TRAILER) && !checks.contains(Checks::LIVE_HASH));
/// assert_eq!(checks.to_string(), "trailer, structure");
/// ```
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct Checks(u8);

/// Flag, name, and what it means, in the order in which they are said.
const TABLE: [(Checks, char, &str); 6] = [
    (Checks::TRAILER, 't', "trailer"),
    (Checks::STRUCTURE, 's', "structure"),
    (Checks::READ_BACK, 'r', "read-back"),
    (Checks::SENDER_HASH, 'm', "sender-hash"),
    (Checks::LIVE_HASH, 'l', "live-hash"),
    (Checks::DRILL, 'd', "drill"),
];

impl Checks {
    /// Nothing was verified.
    pub const NONE: Self = Self(0);
    /// The SHA-256 trailer that etcd sends after the data matched the data.
    pub const TRAILER: Self = Self(1);
    /// Every page of the file was walked and found in order.
    pub const STRUCTURE: Self = Self(2);
    /// The stored object has the size and the checksum of what was sent.
    pub const READ_BACK: Self = Self(4);
    /// HashKV of the file equals that of the member that sent it: the only one the cluster has.
    pub const SENDER_HASH: Self = Self(8);
    /// HashKV of the file equals that of a member that did not send it.
    pub const LIVE_HASH: Self = Self(16);
    /// It was restored, and an etcd booted from it answered with the same hash.
    pub const DRILL: Self = Self(32);

    /// Whether everything in `other` is in `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of what was verified, in a fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        TABLE.into_iter().filter(move |(check, ..)| self.contains(*check)).map(|(_, _, name)| name)
    }

    /// One letter for each, as it stands in keys; `0` for none.
    pub(crate) fn flags(self) -> String {
        let flags: String =
            TABLE.iter().filter(|(check, ..)| self.contains(*check)).map(|(_, flag, _)| *flag).collect();
        if flags.is_empty() { "0".to_owned() } else { flags }
    }

    /// The reverse of [`flags`](Self::flags). Letters of later versions are passed over: they take nothing away.
    pub(crate) fn from_flags(flags: &str) -> Option<Self> {
        let plausible = !flags.is_empty() && flags.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'0');
        plausible.then(|| {
            let known = flags.chars().filter_map(|flag| TABLE.iter().find(|(_, known, _)| *known == flag));
            known.fold(Self::NONE, |set, (check, ..)| set | *check)
        })
    }
}

/// A list of names, as in a manifest.
impl Serialize for Checks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

/// Names of later versions are passed over: they take nothing away.
impl<'de> Deserialize<'de> for Checks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).fold(Self::NONE, |all: Self, check: Self| all | check))
    }
}

impl FromStr for Checks {
    type Err = Error;

    /// One check, by its name.
    fn from_str(name: &str) -> Result<Self> {
        let found = TABLE.iter().find(|(_, _, known)| *known == name.trim()).map(|(check, ..)| *check);
        found.ok_or_else(|| {
            let known: Vec<_> = TABLE.iter().map(|(_, _, known)| *known).collect();
            Error::usage(format!("`{name}` is not a check: they are {}", known.join(", ")))
        })
    }
}

impl BitOr for Checks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Checks {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("nothing");
        }
        f.write_str(&self.names().collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checks({self})")
    }
}
