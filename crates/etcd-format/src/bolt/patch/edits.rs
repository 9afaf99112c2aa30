//! What is to be different.

use std::collections::BTreeMap;

/// Changes to the top-level buckets of a bolt file. Every bucket that is named here exists afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    buckets: BTreeMap<Vec<u8>, BucketEdits>,
    appended: BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
}

impl Edits {
    /// No change at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The changes to one bucket, none so far if it was not named before. For small buckets: each is read and written as
    /// a whole. The bucket is created if the file lacks it.
    pub fn bucket(&mut self, name: impl Into<Vec<u8>>) -> &mut BucketEdits {
        self.buckets.entry(name.into()).or_default()
    }

    /// Adds one record behind the last of a bucket of any size. Its key must be above all keys there. At most one for a
    /// bucket, and none for a bucket that [`bucket`](Self::bucket) changes.
    pub fn append(
        &mut self,
        bucket: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) {
        self.appended
            .insert(bucket.into(), (key.into(), value.into()));
    }

    /// The buckets with changes, in order.
    pub fn buckets(&self) -> impl Iterator<Item = (&[u8], &BucketEdits)> {
        self.buckets
            .iter()
            .map(|(name, edits)| (name.as_slice(), edits))
    }

    /// The records to append: bucket, key, value.
    pub fn appended(&self) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
        self.appended
            .iter()
            .map(|(bucket, (key, value))| (bucket.as_slice(), key.as_slice(), value.as_slice()))
    }
}

/// Changes to one bucket: first it is cleared if so wished, then single items change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketEdits {
    cleared: bool,
    items: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl BucketEdits {
    /// Drops everything that the file has in this bucket. Changes made here, before or after, stay.
    pub fn clear(&mut self) -> &mut Self {
        self.cleared = true;
        self
    }

    /// Sets an item.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.items.insert(key.into(), Some(value.into()));
        self
    }

    /// Drops an item if it is there.
    pub fn remove(&mut self, key: impl Into<Vec<u8>>) -> &mut Self {
        self.items.insert(key.into(), None);
        self
    }

    /// Whether everything in the file is dropped.
    #[must_use]
    pub fn is_cleared(&self) -> bool {
        self.cleared
    }

    /// The changed items in order of their keys; `None` for one that is dropped.
    pub fn items(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.items
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }
}
