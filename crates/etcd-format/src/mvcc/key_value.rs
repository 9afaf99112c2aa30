//! The value of a record, without copying it.

use std::fmt;

use crate::{
    ErrorKind, FormatError,
    redacted::{Key, Length},
};

/// A decoded `mvccpb.KeyValue`: the version of a key that a record carries.
///
/// A tombstone's value has only the key. The placeholder that `etcdutl snapshot restore --bump-revision` writes is empty: all
/// fields are zero. Source: etcd v3.6.15 `api/mvccpb/kv.proto`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct KeyValueView<'a> {
    /// The user's key.
    pub key: &'a [u8],
    /// The revision that created the key.
    pub create_revision: i64,
    /// The revision that wrote this version.
    pub mod_revision: i64,
    /// 1 for the creation, one more for each change; a deletion starts anew.
    pub version: i64,
    /// The user's value.
    pub value: &'a [u8],
    /// The lease that the key hangs on; 0 for none.
    pub lease: i64,
}

/// Shows the length of the value, not the value.
impl fmt::Debug for KeyValueView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValueView")
            .field("key", &Key(self.key))
            .field("create_revision", &self.create_revision)
            .field("mod_revision", &self.mod_revision)
            .field("version", &self.version)
            .field("value", &Length(self.value))
            .field("lease", &self.lease)
            .finish()
    }
}

impl<'a> KeyValueView<'a> {
    /// Decodes the message. Unknown fields are skipped; of a field that comes twice the last counts, as in protobuf.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] when it is not a well-formed message, or a known field has another wire type.
    #[inline]
    pub fn decode(message: &'a [u8]) -> Result<Self, FormatError> {
        Self::fields(message).ok_or_else(undecodable)
    }

    #[inline]
    fn fields(mut rest: &'a [u8]) -> Option<Self> {
        let mut decoded = Self::default();
        while !rest.is_empty() {
            let (tag, tail) = varint(rest)?;
            rest = match tag {
                0x0A => bytes_field(tail, &mut decoded.key)?,
                0x10 => number_field(tail, &mut decoded.create_revision)?,
                0x18 => number_field(tail, &mut decoded.mod_revision)?,
                0x20 => number_field(tail, &mut decoded.version)?,
                0x2A => bytes_field(tail, &mut decoded.value)?,
                0x30 => number_field(tail, &mut decoded.lease)?,
                _ => skip_unknown(tag, tail)?,
            };
        }
        Some(decoded)
    }
}

#[inline]
fn bytes_field<'a>(rest: &'a [u8], into: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = varint(rest)?;
    let (bytes, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    *into = bytes;
    Some(rest)
}

#[inline]
fn number_field<'a>(rest: &'a [u8], into: &mut i64) -> Option<&'a [u8]> {
    let (number, rest) = varint(rest)?;
    *into = number.cast_signed();
    Some(rest)
}

/// Steps over a field that the message of today does not have. A known field with another wire type is refused, and so are
/// groups, which proto3 does not have.
#[cold]
fn skip_unknown(tag: u64, rest: &[u8]) -> Option<&[u8]> {
    let field = tag >> 3;
    if field <= 6 || field > 0x1FFF_FFFF {
        return None;
    }
    match tag & 7 {
        0 => varint(rest).map(|(_, rest)| rest),
        1 => rest.get(8..),
        2 => bytes_field(rest, &mut &[][..]),
        5 => rest.get(4..),
        _ => None,
    }
}

#[inline]
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((u64::from(first), rest));
    }
    long_varint(u64::from(first & 0x7f), rest)
}

fn long_varint(mut value: u64, bytes: &[u8]) -> Option<(u64, &[u8])> {
    for (index, &byte) in bytes.iter().enumerate().take(9) {
        let shift = u32::try_from(index).ok()?.checked_mul(7)?.checked_add(7)?;
        if shift == 63 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value, bytes.get(index.checked_add(1)?..)?));
        }
    }
    None
}

#[cold]
fn undecodable() -> FormatError {
    FormatError::new(ErrorKind::Damaged, "a well-formed mvccpb.KeyValue")
}
