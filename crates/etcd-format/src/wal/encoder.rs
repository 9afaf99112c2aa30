//! Records to frames.

use super::Kind;
use crate::protobuf;

/// Writes frames and keeps the running checksum.
///
/// Memory: the bytes written so far.
#[derive(Debug, Clone)]
pub struct Encoder {
    crc: u32,
    bytes: Vec<u8>,
}

impl Encoder {
    /// Begins a file with the checksum record. `previous` is the checksum at the end of the file before it, 0 for the first.
    #[must_use]
    pub fn new(previous: u32) -> Self {
        let mut encoder = Self { crc: previous, bytes: Vec::new() };
        encoder.frame(Kind::Crc, None);
        encoder
    }

    /// Appends a record with this data. One of the kind [`Kind::Crc`] has none: it states the checksum again.
    pub fn record(&mut self, kind: Kind, data: &[u8]) {
        if kind == Kind::Crc {
            return self.frame(kind, None);
        }
        self.crc = crc32c::crc32c_append(self.crc, data);
        self.frame(kind, Some(data));
    }

    /// The file so far. Everything behind it is to be zero.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn frame(&mut self, kind: Kind, data: Option<&[u8]>) {
        let mut record = Vec::new();
        protobuf::push_number(&mut record, 1, u64::from(kind.number()));
        protobuf::push_number(&mut record, 2, u64::from(self.crc));
        if let Some(data) = data {
            protobuf::push_bytes(&mut record, 3, data);
        }
        let len = record.len() as u64;
        let padding = len.next_multiple_of(8) - len;
        let flag = if padding == 0 { 0 } else { 0x80 | padding };
        self.bytes.extend_from_slice(&(len | flag << 56).to_le_bytes());
        self.bytes.append(&mut record);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}
