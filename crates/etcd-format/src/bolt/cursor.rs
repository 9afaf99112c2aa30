//! In-order iteration over one bucket.

use super::{Meta, layout};
use crate::{FormatError, Step};

/// Walks the entries of one top-level bucket, or the list of top-level buckets, in key order.
///
/// Memory: the page runs on the way from the root to the current leaf; a leaf run is as large as its values.
#[derive(Debug)]
pub struct Cursor {
    meta: Option<Meta>,
}

/// One entry of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value. For a bucket: its header and, if it is inline, its page. See [`BucketView`](super::BucketView).
    pub value: &'a [u8],
    /// Whether the value is a bucket.
    pub is_bucket: bool,
}

impl Cursor {
    /// Over the entries of the top-level bucket with this name. A file without that bucket has no entries: see
    /// [`Cursor::bucket_exists`].
    #[must_use]
    pub fn new(file_len: u64, bucket: &[u8]) -> Self {
        let _ = (file_len, bucket, layout::MAGIC);
        Self { meta: None }
    }

    /// Over the list of top-level buckets: each entry is a bucket.
    #[must_use]
    pub fn buckets(file_len: u64) -> Self {
        let _ = file_len;
        Self { meta: None }
    }

    /// Skips to the first entry whose key is not below `key`. May be called at any time, and moves in both directions.
    pub fn seek(&mut self, key: &[u8]) {
        let _ = key;
    }

    /// The meta in force, once it was read.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    /// Whether the file has the bucket, once that is known: from the first item or the end on.
    #[must_use]
    pub fn bucket_exists(&self) -> Option<bool> {
        None
    }

    /// The next thing to do. Items are entries, in ascending key order.
    ///
    /// # Errors
    ///
    /// [`NotBolt`](crate::ErrorKind::NotBolt), [`Truncated`](crate::ErrorKind::Truncated) or [`Damaged`](crate::ErrorKind::Damaged)
    /// on the first page that cannot be followed. Keys out of order are damage too.
    pub fn step(&mut self) -> Result<Step<Entry<'_>>, FormatError> {
        Ok(Step::Done)
    }

    /// Takes the bytes of the last read.
    ///
    /// # Errors
    ///
    /// [`Misuse`](crate::ErrorKind::Misuse) when none was asked for, or another length.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        Err(crate::step::misfed(bytes.len()))
    }
}

impl crate::Machine for Cursor {
    type Item<'a> = Entry<'a>;

    fn step(&mut self) -> Result<Step<Entry<'_>>, FormatError> {
        Self::step(self)
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        Self::feed(self, bytes)
    }
}
