//! Which state of an object is meant.

use std::{fmt, sync::Arc};

/// One state of an object, as the store names it: an ETag, a generation, a counter.
///
/// Opaque: compare it, give it back in a [`Condition`](crate::Condition), write it into a manifest; do not read it.
/// Two states of one key have different revisions where [`Capabilities::revisions`](crate::Capabilities::revisions) says
/// [`Unique`](RevisionStrength::Unique); elsewhere equal contents may have equal revisions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(Arc<str>);

/// One stored version of an object in a bucket that keeps old ones: for reads and deletes, never for a condition.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(Arc<str>);

/// The name of an upload that was started and neither finished nor aborted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(Arc<str>);

/// Where a listing goes on. Valid for the same store, prefix and options only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageToken(Arc<str>);

/// A random text that a writer attaches to a write, to find out after a lost reply whether the write was its own.
///
/// Stores that keep user metadata keep it with the object and return it in [`ObjectMeta::token`](crate::ObjectMeta::token).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteToken(Arc<str>);

/// How much a store's [`Revision`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevisionStrength {
    /// Every write makes a new one (GCS generations, counters).
    Unique,
    /// Equal contents may have equal ones (S3 ETags): a condition does not notice A, B, A.
    Content,
}

macro_rules! opaque {
    ($type:ident, $what:literal) => {
        impl $type {
            #[doc = concat!("Wraps what the store calls ", $what, ".")]
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text, for storing and for the store that made it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({:?})"), &*self.0)
            }
        }
    };
}

opaque!(Revision, "this state of the object");
opaque!(VersionId, "this stored version");
opaque!(UploadId, "this upload");
opaque!(PageToken, "the place to go on from");
opaque!(WriteToken, "the writer's mark");
