//! The two ids.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha1::{Digest, Sha1};

use super::PeerUrls;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// `Display` is lower-case hexadecimal without padding, as etcd prints it; [`padded`](Self::padded) has all 16
        /// digits. With serde it is such a string too, because a JSON number loses digits beyond 2^53 in many readers.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The id with this number.
            #[must_use]
            pub const fn new(id: u64) -> Self {
                Self(id)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// All 16 hexadecimal digits, as in file names and in etcd's `%016x`.
            #[must_use]
            pub fn padded(self) -> String {
                format!("{:016x}", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:x})", stringify!($name), self.0)
            }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }

        /// Reads hexadecimal digits, padded or not.
        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                u64::from_str_radix(text, 16).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

id_type! {
    /// The id of one member of a cluster.
    MemberId
}

id_type! {
    /// The id of a cluster. Not an identity: every default single-member etcd has the same one.
    ClusterId
}

/// The id that etcd gives a member of a new cluster: the first 8 bytes, big-endian, of SHA-1 over the sorted peer URLs,
/// without separator, and the token.
#[must_use]
pub fn member_id(urls: &PeerUrls, token: &str) -> MemberId {
    let mut hash = Sha1::new();
    for url in urls.iter() {
        hash.update(url);
    }
    hash.update(token);
    MemberId(first_eight(hash))
}

/// The id of the cluster with these members, in any order: the first 8 bytes, big-endian, of SHA-1 over the ascending
/// member ids, 8 bytes big-endian each.
#[must_use]
pub fn cluster_id(members: impl IntoIterator<Item = MemberId>) -> ClusterId {
    let mut ids: Vec<MemberId> = members.into_iter().collect();
    ids.sort_unstable();
    let mut hash = Sha1::new();
    for id in ids {
        hash.update(id.0.to_be_bytes());
    }
    ClusterId(first_eight(hash))
}

fn first_eight(hash: Sha1) -> u64 {
    hash.finalize().iter().take(8).fold(0, |id, byte| (id << 8) | u64::from(*byte))
}
