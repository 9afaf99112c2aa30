//! The bytes of a bolt file, version 2: sizes, positions, flags. The same in bbolt 1.3.12 to 1.5.0.
//!
//! All integers are little-endian here. (bbolt writes host order; etcd's supported hosts are little-endian.)
//!
//! | structure | bytes | fields |
//! |---|---|---|
//! | page header | 16 | id u64 @0, flags u16 @8, count u16 @10, overflow u32 @12 |
//! | meta, behind the header of pages 0 and 1 | 64 | magic u32 @0, version u32 @4, page size u32 @8, flags u32 @12, root page u64 @16, root sequence u64 @24, freelist page u64 @32, high-water mark u64 @40, transaction id u64 @48, checksum u64 @56 |
//! | branch element | 16 | position u32 @0, key size u32 @4, child page u64 @8 |
//! | leaf element | 16 | flags u32 @0, position u32 @4, key size u32 @8, value size u32 @12 |
//! | bucket header, at the start of a bucket's value | 16 | root page u64 @0, sequence u64 @8 |
//!
//! Elements stand directly behind the page header; a position counts from the element itself; the value follows its key.
//!
//! Source: bbolt v1.4.3 `internal/common/{page,meta,inode,bucket}.go` and `internal/freelist/shared.go`.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// Bytes of a page header.
pub const PAGE_HEADER_SIZE: usize = 16;
/// Bytes of a meta, which follows the page header.
pub const META_SIZE: usize = 64;
/// Bytes of the meta that its checksum covers.
pub const META_CHECKED_SIZE: usize = 56;
/// Bytes of one branch element.
pub const BRANCH_ELEMENT_SIZE: usize = 16;
/// Bytes of one leaf element.
pub const LEAF_ELEMENT_SIZE: usize = 16;
/// Bytes of a bucket header.
pub const BUCKET_HEADER_SIZE: usize = 16;
/// Bytes of one page id in a freelist page.
pub const PAGE_ID_SIZE: usize = 8;

/// First word of a meta.
pub const MAGIC: u32 = 0xED0C_DAED;
/// The one format version there is.
pub const VERSION: u32 = 2;

/// Flag of a page that holds branch elements.
pub const BRANCH_FLAG: u16 = 0x01;
/// Flag of a page that holds leaf elements.
pub const LEAF_FLAG: u16 = 0x02;
/// Flag of pages 0 and 1.
pub const META_FLAG: u16 = 0x04;
/// Flag of the page that holds the free page ids.
pub const FREELIST_FLAG: u16 = 0x10;
/// Flag of a leaf element whose value is a bucket.
pub const BUCKET_ELEMENT_FLAG: u32 = 0x01;

/// The freelist page id that says: no freelist is stored. etcd on Linux always writes it (`NoFreelistSync`).
pub const NO_FREELIST: u64 = u64::MAX;
/// A freelist page with this count carries the real count in its first id.
pub const FREELIST_COUNT_OVERFLOW: u16 = 0xFFFF;
/// Most elements of a page that this crate writes or accepts: `count` is a u16, and bbolt splits below 0xFFFF.
pub const MAX_ELEMENTS: usize = 0xFFFF;

/// Longest key, in bytes (bbolt `MaxKeySize`). Keys of no bytes are illegal.
pub const MAX_KEY_SIZE: usize = 32_768;
/// Longest value, in bytes (bbolt `MaxValueSize`).
pub const MAX_VALUE_SIZE: usize = (1 << 31) - 2;

/// Smallest page size that bbolt looks for when the first meta is bad.
pub const MIN_PAGE_SIZE: u32 = 1024;
/// Largest page size that this crate accepts: that of the largest pages of a host that etcd runs on.
pub const MAX_PAGE_SIZE: u32 = 65_536;
/// What an inline bucket may take at most: this part of the page size (bbolt `bucket.go`, `maxInlineBucketSize`).
pub const INLINE_BUCKET_DIVISOR: usize = 4;

/// FNV-1a, 64 bit: the checksum of a meta, over its first [`META_CHECKED_SIZE`] bytes.
///
/// ```
/// assert_eq!(etcd_format::bolt::layout::fnv1a_64(b""), 0xcbf2_9ce4_8422_2325);
/// assert_eq!(etcd_format::bolt::layout::fnv1a_64(b"a"), 0xaf63_dc4c_8601_ec8c);
/// ```
#[must_use]
pub const fn fnv1a_64(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
        rest = tail;
    }
    hash
}

/// The u16 at `at`, if the bytes reach that far.
#[must_use]
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The u32 at `at`, if the bytes reach that far.
#[must_use]
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The u64 at `at`, if the bytes reach that far.
#[must_use]
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
