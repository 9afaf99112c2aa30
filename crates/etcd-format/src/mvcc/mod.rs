//! Records of the `key` bucket: their keys, their values, and the hash over them.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod hash;
mod key_value;
mod revision;

pub use hash::{HashKv, HashRule, KvHasher};
pub use key_value::KeyValueView;
pub use revision::{Revision, RevisionKey};
