//! What is to be different.

use std::collections::BTreeMap;

/// Changes to the top-level buckets of a bolt file. Every bucket that is named here exists afterwards.
///
/// ```
/// use etcd_format::bolt::patch::Edits;
///
/// let mut edits = Edits::new();
/// edits.bucket("members").clear().put("8e9e05c52164694d", "{}");
/// edits.bucket("alarm");
/// assert_eq!(edits.buckets().count(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    buckets: BTreeMap<Vec<u8>, BucketEdits>,
}

impl Edits {
    /// No change at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The changes to one bucket, none so far if it was not named before. Naming it is enough to create it if the file
    /// lacks it.
    pub fn bucket(&mut self, name: impl Into<Vec<u8>>) -> &mut BucketEdits {
        self.buckets.entry(name.into()).or_default()
    }

    /// The buckets that were named, in order.
    pub fn buckets(&self) -> impl Iterator<Item = (&[u8], &BucketEdits)> {
        self.buckets.iter().map(|(name, edits)| (name.as_slice(), edits))
    }

    /// The changes to this bucket, if it was named.
    #[must_use]
    pub fn of(&self, name: &[u8]) -> Option<&BucketEdits> {
        self.buckets.get(name)
    }
}

/// Changes to one bucket: it is cleared if so wished, then single items change, then one record is appended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketEdits {
    cleared: bool,
    items: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    appended: Option<(Vec<u8>, Vec<u8>)>,
}

impl BucketEdits {
    /// Drops everything that the file has in this bucket. Changes made here, before or after, stay.
    pub fn clear(&mut self) -> &mut Self {
        self.cleared = true;
        self
    }

    /// Sets an item. For small buckets: a patch reads and writes such a bucket as a whole.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.items.insert(key.into(), Some(value.into()));
        self
    }

    /// Drops an item if it is there. For small buckets, as [`put`](Self::put).
    pub fn remove(&mut self, key: impl Into<Vec<u8>>) -> &mut Self {
        self.items.insert(key.into(), None);
        self
    }

    /// Adds one record behind the last, whose key must be below this one. For buckets of any size: a patch reads one page
    /// of each level. The last such wish counts.
    pub fn append(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.appended = Some((key.into(), value.into()));
        self
    }

    /// Whether everything in the file is dropped.
    #[must_use]
    pub fn is_cleared(&self) -> bool {
        self.cleared
    }

    /// The changed items in order of their keys; `None` for one that is dropped.
    pub fn items(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.items.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// The record to append.
    #[must_use]
    pub fn appended(&self) -> Option<(&[u8], &[u8])> {
        self.appended.as_ref().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// Whether the bucket is only named, so that it exists.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        !self.changes_items() && self.appended.is_none()
    }

    /// Whether the bucket has to be read as a whole.
    pub(super) fn changes_items(&self) -> bool {
        self.cleared || !self.items.is_empty()
    }
}
