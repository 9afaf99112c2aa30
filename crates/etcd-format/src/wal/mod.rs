//! The write-ahead log of a member: what a fresh one begins with, and a checked reader.
//!
//! A log file is a row of frames. All integers of a frame are little-endian.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | length word | 8 | low 56 bits: length of the record; if it is no multiple of 8, the top byte is 0x80 + the number of padding bytes |
//! | record | as said | protobuf `walpb.Record`: type = 1, crc = 2, data = 3 |
//! | padding | 0 to 7 | zeros up to a multiple of 8 |
//!
//! A length word of zero ends the log; what follows is preallocated space. The crc of a record is the CRC-32C over the
//! data of all records so far; a record of type [`Kind::Crc`] states the value to go on from.
//!
//! Source: etcd v3.6.15 `server/storage/wal/{encoder,decoder,wal}.go`; v3.4.45 and v3.5.34 write the same frames.

mod encoder;
mod initial;
mod reader;

pub use encoder::Encoder;
pub(crate) use initial::conf_state;
pub use initial::{INITIAL_TERM, initial_log};
pub use reader::{HardState, Kind, Metadata, Record, Records, SnapshotMark};

/// The size to which etcd preallocates a log file: 64 million bytes, not 64 MiB (`wal.SegmentSizeBytes`).
///
/// Preallocation may be left out: every etcd from 3.4 to 3.7 boots from a log that ends behind its last record.
pub const PREALLOCATED_SIZE: u64 = 64_000_000;

/// The name of a log file: its number among the log's files, and the index of the first entry that it may hold.
///
/// ```
/// assert_eq!(etcd_format::wal::file_name(0, 0), "0000000000000000-0000000000000000.wal");
/// ```
#[must_use]
pub fn file_name(sequence: u64, first_index: u64) -> String {
    format!("{sequence:016x}-{first_index:016x}.wal")
}
