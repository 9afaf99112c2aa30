//! One page run as a checked view: header, branch elements, leaf elements.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use super::layout::{
    BRANCH_ELEMENT_SIZE, BRANCH_FLAG, BUCKET_ELEMENT_FLAG, FREELIST_FLAG, LEAF_ELEMENT_SIZE, LEAF_FLAG, META_FLAG,
    PAGE_HEADER_SIZE, u16_at, u32_at, u64_at,
};
use crate::redacted::{Key, Length};
use crate::{ErrorKind, FormatError};

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "format version 2 has these four")]
pub enum PageKind {
    /// Separator keys and child pages.
    Branch,
    /// Keys and values.
    Leaf,
    /// One of the two roots of the file.
    Meta,
    /// Ids of free pages.
    Freelist,
}

impl PageKind {
    /// The kind that these flags name: exactly one of the four must be set.
    #[must_use]
    pub const fn from_flags(flags: u16) -> Option<Self> {
        match flags {
            BRANCH_FLAG => Some(Self::Branch),
            LEAF_FLAG => Some(Self::Leaf),
            META_FLAG => Some(Self::Meta),
            FREELIST_FLAG => Some(Self::Freelist),
            _ => None,
        }
    }
}

/// The first 16 bytes of every page run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "format version 2 has these fields")]
pub struct PageHeader {
    /// The page's own id: its offset divided by the page size. 0 for the image of an inline bucket.
    pub id: u64,
    /// Raw flags. See [`PageKind::from_flags`].
    pub flags: u16,
    /// Number of elements.
    pub count: u16,
    /// Number of further pages that belong to this run. They have no header.
    pub overflow: u32,
}

impl PageHeader {
    /// The header at the start of these bytes, if they hold one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            id: u64_at(bytes, 0)?,
            flags: u16_at(bytes, 8)?,
            count: u16_at(bytes, 10)?,
            overflow: u32_at(bytes, 12)?,
        })
    }

    /// What the page holds, if its flags are valid.
    #[must_use]
    pub fn kind(&self) -> Option<PageKind> {
        PageKind::from_flags(self.flags)
    }
}

/// The bytes of one page run (the page and its overflow), or of the image inside an inline bucket.
///
/// Nothing is checked up front but the header; each accessor checks what it touches, and none panics.
#[derive(Clone, Copy)]
pub struct PageView<'a> {
    bytes: &'a [u8],
    offset: u64,
    header: PageHeader,
}

/// One element of a branch page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BranchElement<'a> {
    /// The lowest key that may stand below the child.
    pub key: &'a [u8],
    /// The child's page id.
    pub child: u64,
}

/// One element of a leaf page.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeafElement<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value. For a bucket: its 16-byte header and, if it is inline, the image of its one page.
    pub value: &'a [u8],
    /// Whether the value is a bucket.
    pub is_bucket: bool,
    /// Where the key starts, in bytes from the start of the view. The value follows it.
    pub position: usize,
}

/// Shows its length, not what stands on it.
impl fmt::Debug for PageView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageView")
            .field("bytes", &Length(self.bytes))
            .field("offset", &self.offset)
            .field("header", &self.header)
            .finish()
    }
}

/// Shows the length of the value, not the value.
impl fmt::Debug for LeafElement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeafElement")
            .field("key", &Key(self.key))
            .field("value", &Length(self.value))
            .field("is_bucket", &self.is_bucket)
            .field("position", &self.position)
            .finish()
    }
}

impl<'a> PageView<'a> {
    /// A view of these bytes, which stand at `offset` in the file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] when there are fewer bytes than a header has.
    pub fn new(bytes: &'a [u8], offset: u64) -> Result<Self, FormatError> {
        let header = PageHeader::parse(bytes).ok_or_else(|| {
            FormatError::new(ErrorKind::Truncated, "a page header of 16 bytes")
                .found(format!("{} bytes", bytes.len()))
                .at(offset)
        })?;
        Ok(Self { bytes, offset, header })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> PageHeader {
        self.header
    }

    /// Where the view stands in the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// All bytes of the view.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What the page holds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] when not exactly one of the four flags is set.
    pub fn kind(&self) -> Result<PageKind, FormatError> {
        self.header.kind().ok_or_else(|| {
            FormatError::new(ErrorKind::Damaged, "a page of one known kind")
                .found(format!("flags {:#x}", self.header.flags))
                .at(self.offset)
        })
    }

    /// The branch element with this index.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] when the page has no such element, or when the element or its key leaves the run.
    pub fn branch_element(&self, index: usize) -> Result<BranchElement<'a>, FormatError> {
        let at = self.element_at(index, BRANCH_ELEMENT_SIZE)?;
        self.branch_parts(at).ok_or_else(|| self.out_of_run(index, at))
    }

    /// The leaf element with this index.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] when the page has no such element, or when the element, its key or its value leaves the run.
    pub fn leaf_element(&self, index: usize) -> Result<LeafElement<'a>, FormatError> {
        let at = self.element_at(index, LEAF_ELEMENT_SIZE)?;
        self.leaf_parts(at).ok_or_else(|| self.out_of_run(index, at))
    }

    /// All branch elements in order. See [`PageView::branch_element`].
    pub fn branch_elements(&self) -> impl Iterator<Item = Result<BranchElement<'a>, FormatError>> + use<'a> {
        let view = *self;
        (0..usize::from(view.header.count)).map(move |index| view.branch_element(index))
    }

    /// All leaf elements in order. See [`PageView::leaf_element`].
    pub fn leaf_elements(&self) -> impl Iterator<Item = Result<LeafElement<'a>, FormatError>> + use<'a> {
        let view = *self;
        (0..usize::from(view.header.count)).map(move |index| view.leaf_element(index))
    }

    /// The index of the first element whose key is not below `key`, by binary search; the count if there is none. Elements that
    /// cannot be read count as below.
    #[must_use]
    pub fn lower_bound(&self, key: &[u8]) -> usize {
        let is_branch = self.header.kind() == Some(PageKind::Branch);
        let key_at = |index| {
            if is_branch { self.branch_element(index).map(|e| e.key) } else { self.leaf_element(index).map(|e| e.key) }
        };
        let (mut low, mut high) = (0, usize::from(self.header.count));
        while low < high {
            let middle = low.midpoint(high);
            if key_at(middle).is_ok_and(|found| found >= key) { high = middle } else { low = middle.saturating_add(1) }
        }
        low
    }

    fn element_at(&self, index: usize, size: usize) -> Result<usize, FormatError> {
        if index >= usize::from(self.header.count) {
            return Err(FormatError::new(ErrorKind::Damaged, format!("element {index}"))
                .found(format!("{} elements", self.header.count))
                .at(self.offset));
        }
        Ok(index.saturating_mul(size).saturating_add(PAGE_HEADER_SIZE))
    }

    #[inline]
    fn branch_parts(&self, at: usize) -> Option<BranchElement<'a>> {
        let element: &[u8; BRANCH_ELEMENT_SIZE] = self.bytes.get(at..)?.first_chunk()?;
        let position = to_usize(u32_at(element, 0)?)?.checked_add(at)?;
        let key = self.bytes.get(position..)?.get(..to_usize(u32_at(element, 4)?)?)?;
        Some(BranchElement { key, child: u64_at(element, 8)? })
    }

    #[inline]
    fn leaf_parts(&self, at: usize) -> Option<LeafElement<'a>> {
        let element: &[u8; LEAF_ELEMENT_SIZE] = self.bytes.get(at..)?.first_chunk()?;
        let position = to_usize(u32_at(element, 4)?)?.checked_add(at)?;
        let (key_len, value_len) = (to_usize(u32_at(element, 8)?)?, to_usize(u32_at(element, 12)?)?);
        let rest = self.bytes.get(position..)?;
        let (key, rest) = rest.split_at_checked(key_len)?;
        let value = rest.get(..value_len)?;
        Some(LeafElement { key, value, is_bucket: u32_at(element, 0)? & BUCKET_ELEMENT_FLAG != 0, position })
    }

    #[cold]
    fn out_of_run(&self, index: usize, at: usize) -> FormatError {
        FormatError::new(
            ErrorKind::Damaged,
            format!("element {index} inside its page run of {} bytes", self.bytes.len()),
        )
        .at(self.offset.saturating_add(at as u64))
    }
}

fn to_usize(value: u32) -> Option<usize> {
    usize::try_from(value).ok()
}

/// A bucket as its parent holds it: the value of a leaf element that is flagged as a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketView<'a> {
    /// The root page; 0 for an inline bucket.
    pub root: u64,
    /// The bucket's counter. 0 for every bucket of etcd.
    pub sequence: u64,
    /// The image of the one page of an inline bucket, with its header. Empty otherwise.
    pub inline: &'a [u8],
}

impl<'a> BucketView<'a> {
    /// The bucket in this value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] when the value is shorter than a bucket header.
    pub fn parse(value: &'a [u8], offset: u64) -> Result<Self, FormatError> {
        let parts = || Some((u64_at(value, 0)?, u64_at(value, 8)?, value.get(super::layout::BUCKET_HEADER_SIZE..)?));
        let (root, sequence, rest) = parts().ok_or_else(|| {
            FormatError::new(ErrorKind::Damaged, "a bucket header of 16 bytes")
                .found(format!("{} bytes", value.len()))
                .at(offset)
        })?;
        Ok(Self { root, sequence, inline: if root == 0 { rest } else { &[] } })
    }
}
