//! Names and ids.

use std::fmt;
use std::sync::Arc;

/// A name that is cheap to copy.
pub type Name = Arc<str>;

/// The id of anything in a cluster. Two clusters never give the same one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Uuid {
    pub(crate) cluster: u8,
    pub(crate) number: u32,
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-0000-4000-8000-{:012x}", self.cluster, self.number)
    }
}
