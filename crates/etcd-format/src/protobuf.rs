//! The little of protobuf that etcd's files need: varints and length-delimited fields.
//!
//! Source: the encoding page of the Protocol Buffers documentation. etcd up to 3.6 writes with gogo/protobuf, which
//! always writes `required`-like scalars, also when they are zero; so do the callers of this module.

use crate::{ErrorKind, FormatError};

/// Appends a varint.
pub(crate) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a field that holds a number.
pub(crate) fn push_number(out: &mut Vec<u8>, field: u32, value: u64) {
    push_varint(out, u64::from(field) << 3);
    push_varint(out, value);
}

/// Appends a field that holds bytes, a text or a message.
pub(crate) fn push_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    push_varint(out, u64::from(field) << 3 | 2);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number, or 0 if it is something else: a wrong wire type is read as an absent field.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Number(number) => number,
            Self::Bytes(_) => 0,
        }
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Self::Number(_) => &[],
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The fields of a message, in the order in which they stand.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message, failed: false }
    }

    fn read(&mut self) -> Result<(u32, Value<'a>), FormatError> {
        let tag = self.varint()?;
        let field = u32::try_from(tag >> 3).ok().filter(|field| *field > 0);
        let field = field.ok_or_else(|| damaged("a protobuf field number"))?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Bytes(self.take(8)?),
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Bytes(self.take(4)?),
            _ => return Err(damaged("a protobuf wire type")),
        };
        Ok((field, value))
    }

    fn varint(&mut self) -> Result<u64, FormatError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or_else(|| damaged("the rest of a protobuf varint"))?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged("a protobuf varint of at most ten bytes"))
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], FormatError> {
        let split = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let (taken, rest) = split.ok_or_else(|| damaged("the rest of a protobuf field"))?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.failed {
            return None;
        }
        let field = self.read();
        self.failed = field.is_err();
        Some(field)
    }
}

/// The numbers of a packed list.
pub(crate) fn packed(bytes: &[u8]) -> Result<Vec<u64>, FormatError> {
    let mut fields = Fields::new(bytes);
    let mut numbers = Vec::new();
    while !fields.rest.is_empty() {
        numbers.push(fields.varint()?);
    }
    Ok(numbers)
}

fn damaged(expected: &'static str) -> FormatError {
    FormatError::new(ErrorKind::Damaged, expected)
}
