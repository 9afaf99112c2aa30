//! Revisions, and the record keys that they make.

use crate::{ErrorKind, FormatError};

/// A place in the history of the key space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[expect(clippy::exhaustive_structs, reason = "a revision has these two parts")]
pub struct Revision {
    /// The transaction.
    pub main: i64,
    /// The operation within the transaction, from 0.
    pub sub: i64,
}

impl Revision {
    /// Bytes of a revision as etcd stores it, also in the `meta` bucket.
    pub const LEN: usize = 17;

    /// The revision `main.sub`.
    #[must_use]
    pub const fn new(main: i64, sub: i64) -> Self {
        Self { main, sub }
    }
}

/// The key of a record: a revision, and whether the record is a tombstone.
///
/// | bytes | content |
/// |---|---|
/// | 0..8 | main, big-endian, not negative |
/// | 8 | `_` |
/// | 9..17 | sub, big-endian, not negative |
/// | 17 | `t`, only for a tombstone |
///
/// Source: etcd v3.6.15 `server/storage/mvcc/revision.go`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a record key has these parts")]
pub struct RevisionKey {
    /// The revision that wrote the record.
    pub revision: Revision,
    /// Whether the record says that the key was deleted.
    pub tombstone: bool,
}

impl RevisionKey {
    /// Bytes of the longest form.
    pub const MAX_LEN: usize = 18;

    /// Parses 17 or 18 bytes. Of 18 bytes the last must be `t`: etcd writes no other.
    ///
    /// ```
    /// use etcd_format::mvcc::{Revision, RevisionKey};
    ///
    /// let key = RevisionKey::parse(b"\0\0\0\0\0\0\0\x07_\0\0\0\0\0\0\0\x01t").unwrap();
    /// assert_eq!(key.revision, Revision::new(7, 1));
    /// assert!(key.tombstone);
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] when the bytes are of another shape.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::from_bytes(bytes).ok_or_else(|| malformed(bytes))
    }

    #[inline]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (revision, mark) = bytes.split_first_chunk::<{ Revision::LEN }>()?;
        let [m0, m1, m2, m3, m4, m5, m6, m7, b'_', s0, s1, s2, s3, s4, s5, s6, s7] = *revision else { return None };
        let main = i64::from_be_bytes([m0, m1, m2, m3, m4, m5, m6, m7]);
        let sub = i64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        let tombstone = match mark {
            [] => false,
            [b't'] => true,
            _ => return None,
        };
        (main >= 0 && sub >= 0).then_some(Self { revision: Revision { main, sub }, tombstone })
    }

    /// The bytes of the key: 17, or 18 for a tombstone.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::MAX_LEN);
        bytes.extend_from_slice(&self.revision.main.to_be_bytes());
        bytes.push(b'_');
        bytes.extend_from_slice(&self.revision.sub.to_be_bytes());
        if self.tombstone {
            bytes.push(b't');
        }
        bytes
    }
}

#[cold]
fn malformed(bytes: &[u8]) -> FormatError {
    let shown: String = bytes.iter().take(RevisionKey::MAX_LEN).map(|byte| format!("{byte:02x}")).collect();
    FormatError::new(ErrorKind::Damaged, "a record key of 17 bytes, or 18 for a tombstone")
        .found(format!("{} bytes {shown}", bytes.len()))
}
