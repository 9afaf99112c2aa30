//! Driving a machine over something that can be read at any offset, on the calling thread.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io;

use crate::{FormatError, ReadRequest, Step};

/// A sans-I/O parser: it says what it needs, is fed, and yields items.
///
/// The inherent `step` and `feed` of each machine do the same; the trait is for code that drives any of them.
pub trait Machine {
    /// What it yields.
    type Item<'a>
    where
        Self: 'a;

    /// The next thing to do. See [`Step`].
    ///
    /// # Errors
    ///
    /// When the input is such that nothing more can be said about it. Every later step fails the same way.
    fn step(&mut self) -> Result<Step<Self::Item<'_>>, FormatError>;

    /// Hands over the bytes of the last [`Step::Read`], all of them.
    ///
    /// # Errors
    ///
    /// [`Misuse`](crate::ErrorKind::Misuse) when no read was asked for, or another length.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError>;
}

/// Something of a known length that can be read at any offset, without a position of its own.
pub trait ReadAt {
    /// Fills the whole buffer with the bytes from `offset` on.
    ///
    /// # Errors
    ///
    /// Whatever the medium says; [`io::ErrorKind::UnexpectedEof`] when it ends before the buffer is full.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for [u8] {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self
            .get(from..)
            .and_then(|rest| rest.get(..buffer.len()))
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_exact_at(buffer, offset)
    }
}

#[cfg(unix)]
impl ReadAt for std::fs::File {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_exact_at(buffer, offset)
    }
}

/// Why [`drive`] stopped early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError {
    /// The input could not be read.
    #[error("cannot read {len} bytes at byte {offset}")]
    Read {
        /// Where the read began.
        offset: u64,
        /// How many bytes were wanted.
        len: usize,
        /// What the medium said.
        source: io::Error,
    },
    /// The input is not what the machine parses.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// Steps the machine to its end, reading from `input` and passing every item to `on_item`.
///
/// Reads are coalesced: up to 1 MiB is fetched at once where the machine says that it will want it
/// ([`ReadRequest::ahead`]). Memory: that buffer, or the largest single request if it is larger.
///
/// # Errors
///
/// When a read fails, or when the machine does.
pub fn drive<M, R>(machine: &mut M, input: &R, mut on_item: impl for<'a> FnMut(M::Item<'a>)) -> Result<(), DriveError>
where
    M: Machine + 'static,
    R: ReadAt + ?Sized,
{
    let mut window = ReadWindow::new(input);
    loop {
        let request = match machine.step()? {
            Step::Read(request) => request,
            Step::Item(item) => {
                on_item(item);
                continue;
            }
            Step::Done => return Ok(()),
        };
        machine.feed(window.fetch(request)?)?;
    }
}

/// The largest read that [`ReadWindow`] makes of its own accord, in bytes.
const READ_AHEAD: u64 = 1 << 20;

/// A window over an input that answers a machine's requests, fetching ahead where it is told to.
#[derive(Debug)]
pub struct ReadWindow<'r, R: ?Sized> {
    input: &'r R,
    start: u64,
    /// Bytes of the buffer that were read; it is never shrunk, so that it is not filled with zeros again.
    len: usize,
    buffer: Vec<u8>,
}

impl<'r, R: ReadAt + ?Sized> ReadWindow<'r, R> {
    /// A window over `input`. It allocates on its first fetch.
    #[must_use]
    pub fn new(input: &'r R) -> Self {
        Self { input, start: 0, len: 0, buffer: Vec::new() }
    }

    /// The bytes that were asked for.
    ///
    /// # Errors
    ///
    /// [`DriveError::Read`] when the input could not be read.
    pub fn fetch(&mut self, request: ReadRequest) -> Result<&[u8], DriveError> {
        if self.held(request).is_none() {
            self.fill(request)?;
        }
        self.held(request).ok_or_else(|| DriveError::Read {
            offset: request.offset,
            len: request.len,
            source: io::ErrorKind::UnexpectedEof.into(),
        })
    }

    fn held(&self, request: ReadRequest) -> Option<&[u8]> {
        let from = usize::try_from(request.offset.checked_sub(self.start)?).ok()?;
        self.buffer.get(..self.len)?.get(from..)?.get(..request.len)
    }

    fn fill(&mut self, request: ReadRequest) -> Result<(), DriveError> {
        let ahead = request.ahead.saturating_sub(request.offset).min(READ_AHEAD);
        let len = request.len.max(usize::try_from(ahead).unwrap_or(0));
        (self.start, self.len) = (request.offset, 0);
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        let read = self.input.read_exact_at(self.buffer.get_mut(..len).unwrap_or_default(), request.offset);
        read.map_err(|source| DriveError::Read { offset: request.offset, len, source })?;
        self.len = len;
        Ok(())
    }
}
