#![doc = include_str!("../README.md")]

mod crc;
mod drive;
mod error;
mod protobuf;
mod redacted;
mod step;

pub mod bolt;
#[doc(hidden)]
pub mod fuzz;
pub mod membership;
pub mod mvcc;
pub mod restored;
pub mod snap;
pub mod survey;
pub mod wal;

pub use drive::{DriveError, Machine, ReadAt, ReadWindow, drive};
pub use error::{ErrorKind, FormatError};
pub use step::{MAX_AHEAD, ReadRequest, Step};
