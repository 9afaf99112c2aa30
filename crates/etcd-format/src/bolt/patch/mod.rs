//! Editing a bolt file: by appended pages ([`Patch`]), or by writing it anew ([`Rewrite`]).

mod edits;

pub use edits::{BucketEdits, Edits};

use crate::bolt::writer::{Layout, Write};
use crate::{FormatError, Step};

/// Edits a bolt file in place, by appending pages and replacing the older meta.
///
/// The data pages stay as they are. The writes come in the order in which they are to be applied, the meta last, so a
/// crash before it leaves the old content. The pages that are no longer reached count as free.
///
/// Memory: the edited buckets and one path of pages.
#[derive(Debug)]
pub struct Patch {
    _private: (),
}

impl Patch {
    /// A patch of a file of `file_len` bytes (without the trailer of a snapshot).
    #[must_use]
    pub fn new(file_len: u64, edits: Edits) -> Self {
        let _ = (file_len, edits);
        unimplemented!()
    }

    /// What it wants next, or the next piece to write.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if an edited bucket or the root is larger than a patch may read:
    /// use [`Rewrite`] with the same edits. [`NotBolt`](crate::ErrorKind::NotBolt), [`Truncated`](crate::ErrorKind::Truncated) and
    /// [`Damaged`](crate::ErrorKind::Damaged) for a bad file. [`InvalidInput`](crate::ErrorKind::InvalidInput) if a record to
    /// append is not above the last one. Nothing has been written if it fails.
    pub fn step(&mut self) -> Result<Step<Write>, FormatError> {
        unimplemented!()
    }

    /// Hands it the bytes of the last [`Step::Read`].
    ///
    /// # Errors
    ///
    /// [`Misuse`](crate::ErrorKind::Misuse) if they were not asked for or are not that many.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        let _ = bytes;
        unimplemented!()
    }

    /// The length that the file has afterwards, in bytes. Known once the first write was returned: set the file to this
    /// length, because bytes behind it are no part of the database.
    #[must_use]
    pub fn file_len(&self) -> Option<u64> {
        None
    }
}

/// Writes an edited copy of a bolt file, compact and in order.
///
/// Memory: that of a [`Cursor`](crate::bolt::cursor) and of a [`BoltWriter`](crate::bolt::writer::BoltWriter), and the edits.
#[derive(Debug)]
pub struct Rewrite {
    _private: (),
}

impl Rewrite {
    /// A copy of a file of `file_len` bytes (without the trailer of a snapshot), laid out anew.
    ///
    /// # Errors
    ///
    /// As [`BoltWriter::new`](crate::bolt::writer::BoltWriter::new).
    pub fn new(file_len: u64, edits: Edits, layout: Layout) -> Result<Self, FormatError> {
        let _ = (file_len, edits, layout);
        unimplemented!()
    }

    /// What it wants next, or the next piece of the copy.
    ///
    /// # Errors
    ///
    /// As [`Patch::step`], but never [`Unsupported`](crate::ErrorKind::Unsupported) for the size of a bucket.
    pub fn step(&mut self) -> Result<Step<Write>, FormatError> {
        unimplemented!()
    }

    /// Hands it the bytes of the last [`Step::Read`].
    ///
    /// # Errors
    ///
    /// [`Misuse`](crate::ErrorKind::Misuse) if they were not asked for or are not that many.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        let _ = bytes;
        unimplemented!()
    }

    /// The length of the copy in bytes. Known once the step was [`Step::Done`].
    #[must_use]
    pub fn file_len(&self) -> Option<u64> {
        None
    }
}
