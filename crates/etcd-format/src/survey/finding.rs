//! What a survey can find wrong.

use std::borrow::Cow;
use std::fmt;

/// One thing that is not as it must be.
///
/// It displays as one line: `page 17 (byte 69632), bucket key: key order: element 3 is not above element 2`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule is broken.
    pub kind: FindingKind,
    /// The page that it was seen on, if it is about one.
    pub page: Option<u64>,
    /// That page's place in the file, in bytes.
    pub offset: Option<u64>,
    /// The top-level bucket that the page belongs to, if any; lossily decoded.
    pub bucket: Option<String>,
    /// What exactly.
    pub detail: Cow<'static, str>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "either it can be lived with or not")]
pub enum Severity {
    /// etcd and bolt live with it; worth telling.
    Notice,
    /// The file does not hold what it should. Use another copy.
    Damage,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// One of the two metas is not valid. bolt goes on with the other. A notice.
    MetaInvalid,
    /// A page says another id than its place has.
    PageId,
    /// A page is not of the kind that its place needs, or not of exactly one kind.
    PageKind,
    /// A page id is 0, 1 or at or beyond the high-water mark.
    PageOutOfRange,
    /// A page run reaches beyond the high-water mark.
    RunOutOfRange,
    /// A page run is longer than the limit, so its content was not looked at.
    RunTooLong,
    /// A page is referenced twice.
    PageShared,
    /// A page is in use and in the freelist.
    PageFree,
    /// A page is neither in use nor in the stored freelist.
    PageLost,
    /// An element, its key or its value leaves the page run.
    ElementBounds,
    /// Two elements of a run overlap, or an element overlaps the elements' table.
    ElementOverlap,
    /// Keys do not ascend within a page.
    KeyOrder,
    /// A key is outside what the parent page says about its child.
    KeyOutsideParent,
    /// A key of no bytes, or longer than bolt allows.
    KeyLength,
    /// A branch page without elements.
    BranchEmpty,
    /// A branch page with more elements than a page can hold.
    BranchTooFull,
    /// Leaves are not all at the same depth, or too deep.
    Depth,
    /// The stored freelist is malformed: its count, its order, an id out of range or twice.
    Freelist,
    /// An inline bucket's image is malformed.
    InlineBucket,
    /// A bucket value is too short, or there are more buckets than the limit.
    Bucket,
    /// A plain key at the top level, where bolt has only buckets.
    NotABucket,
    /// A bucket inside a bucket: etcd has none. Its content was not looked at.
    NestedBucket,
    /// A key of the bucket `key` is not a revision.
    RecordKey,
    /// A value of the bucket `key` is not a `KeyValue`, or contradicts its record key.
    RecordValue,
    /// A value of another of etcd's buckets cannot be read.
    Content,
}

impl FindingKind {
    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::MetaInvalid => Severity::Notice,
            _ => Severity::Damage,
        }
    }

    /// The rule's name, as it is displayed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MetaInvalid => "invalid meta",
            Self::PageId => "page id",
            Self::PageKind => "page kind",
            Self::PageOutOfRange => "page out of range",
            Self::RunOutOfRange => "run out of range",
            Self::RunTooLong => "run too long",
            Self::PageShared => "shared page",
            Self::PageFree => "free page in use",
            Self::PageLost => "lost page",
            Self::ElementBounds => "element bounds",
            Self::ElementOverlap => "element overlap",
            Self::KeyOrder => "key order",
            Self::KeyOutsideParent => "key outside parent",
            Self::KeyLength => "key length",
            Self::BranchEmpty => "empty branch",
            Self::BranchTooFull => "branch too full",
            Self::Depth => "depth",
            Self::Freelist => "freelist",
            Self::InlineBucket => "inline bucket",
            Self::Bucket => "bucket",
            Self::NotABucket => "not a bucket",
            Self::NestedBucket => "nested bucket",
            Self::RecordKey => "record key",
            Self::RecordValue => "record value",
            Self::Content => "content",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(page) = self.page {
            write!(f, "page {page}")?;
            if let Some(offset) = self.offset {
                write!(f, " (byte {offset})")?;
            }
            f.write_str(if self.bucket.is_some() { ", " } else { ": " })?;
        }
        if let Some(bucket) = &self.bucket {
            write!(f, "bucket {bucket}: ")?;
        }
        write!(f, "{}: {}", self.kind, self.detail)
    }
}
