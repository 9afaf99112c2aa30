//! How contents of a database show in `Debug`: keys as text, values as their length. A value can be a Secret of Kubernetes,
//! or the hash of a password.

use std::fmt;

/// The length instead of the bytes.
pub(crate) struct Length<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Length<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A key, with what is not ASCII escaped.
pub(crate) struct Key<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
