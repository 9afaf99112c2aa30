//! What a sans-I/O machine says when it is stepped.

use crate::{ErrorKind, FormatError};

/// What a machine wants next.
///
/// Every machine of this crate is used the same way: call `step`; on [`Step::Read`] fetch exactly that range and hand it
/// to `feed`; on [`Step::Item`] take the item; on [`Step::Done`] stop. A machine that asked for a read and is stepped again
/// without being fed asks for the same read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case; a new one would break the protocol")]
pub enum Step<T> {
    /// Fetch exactly this range, pass it to `feed`, then step again.
    Read(ReadRequest),
    /// One result. Step again for the next.
    Item(T),
    /// Nothing is left. Every later step says the same.
    Done,
}

/// A range of the file that a machine needs before it can go on.
///
/// It never reaches beyond the file length that the machine was built with, and it is never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadRequest {
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Number of bytes.
    pub len: usize,
    /// A hint: most of the bytes up to here (from the start of the file) will be asked for next, in ascending order. It
    /// is never below the end of the range nor beyond the file, and at most [`MAX_AHEAD`] behind `offset` unless the
    /// range itself is longer.
    pub ahead: u64,
}

/// How far [`ReadRequest::ahead`] looks at most, in bytes from the start of the request.
pub const MAX_AHEAD: u64 = 8 << 20;

impl ReadRequest {
    /// A request for `len` bytes from `offset` on, without a hint.
    #[must_use]
    pub const fn new(offset: u64, len: usize) -> Self {
        Self { offset, len, ahead: offset.saturating_add(len as u64) }
    }

    /// The same request with the hint that bytes up to `ahead` will be wanted next.
    #[must_use]
    pub fn with_ahead(mut self, ahead: u64) -> Self {
        self.ahead = ahead.max(self.end());
        self
    }

    /// The first byte behind the range.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.len as u64)
    }
}

/// What a machine answers to bytes that it did not ask for.
#[cold]
pub(crate) fn misfed(len: usize) -> FormatError {
    FormatError::new(ErrorKind::Misuse, "exactly the bytes of the last read").found(format!("{len} bytes"))
}
