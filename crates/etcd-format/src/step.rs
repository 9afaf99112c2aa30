//! What a sans-I/O machine says when it is stepped, and the small driver for readers that block.

/// What a machine wants next.
///
/// Every machine of this crate is used the same way: call `step`; on [`Step::Read`] fetch exactly that range and hand it
/// to `feed`; on [`Step::Item`] take the item; on [`Step::Done`] stop. A step that asks for a read and is stepped again
/// without being fed asks for the same read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "callers must handle every case; a new one would be a breaking change of the protocol"
)]
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
}

impl ReadRequest {
    /// A request for `len` bytes from `offset` on.
    #[must_use]
    pub const fn new(offset: u64, len: usize) -> Self {
        Self { offset, len }
    }

    /// The first byte behind the range.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.len as u64)
    }
}
