//! Handing out page numbers, and collecting completed pages to larger writes.

use std::collections::VecDeque;
use std::mem;

use crate::bolt::layout::PAGE_HEADER_SIZE;

/// A piece of a file that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Write {
    /// Where it goes, in bytes from the start of the file; a multiple of the page size.
    pub offset: u64,
    /// What goes there: whole pages.
    pub bytes: Vec<u8>,
}

impl Write {
    /// A piece at `offset`.
    #[must_use]
    pub const fn new(offset: u64, bytes: Vec<u8>) -> Self {
        Self { offset, bytes }
    }
}

/// Completed pages are handed out in pieces of at least this many bytes, the last one excepted.
const PIECE_SIZE: usize = 256 * 1024;

/// The pages of a file from some page on, in order.
#[derive(Debug)]
pub(crate) struct Pages {
    page_size: usize,
    next: u64,
    pending: Vec<u8>,
    complete: VecDeque<Write>,
}

impl Pages {
    pub(crate) fn new(page_size: u32, first: u64) -> Self {
        Self { page_size: page_size as usize, next: first, pending: Vec::new(), complete: VecDeque::new() }
    }

    pub(crate) fn page_size(&self) -> usize {
        self.page_size
    }

    /// The number of the next page, which is also the high-water mark so far.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Writes a page run: `fill` appends its image, header first; the number and the overflow are set here.
    pub(crate) fn write(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let start = self.pending.len();
        fill(&mut self.pending);
        let len = (self.pending.len() - start).max(PAGE_HEADER_SIZE).next_multiple_of(self.page_size);
        self.pending.resize(start + len, 0);
        let count = len / self.page_size;
        let id = self.next;
        self.pending[start..start + 8].copy_from_slice(&id.to_le_bytes());
        self.pending[start + 12..start + 16].copy_from_slice(&((count - 1) as u32).to_le_bytes());
        self.next += count as u64;
        if self.pending.len() >= PIECE_SIZE {
            self.flush();
        }
        id
    }

    /// Passes over pages, which are left as they are.
    pub(crate) fn skip(&mut self, count: u64) {
        self.flush();
        self.next += count;
    }

    /// Writes pages at a place that was not handed out here.
    pub(crate) fn write_at(&mut self, page: u64, bytes: Vec<u8>) {
        self.flush();
        self.complete.push_back(Write::new(page * self.page_size as u64, bytes));
    }

    /// Makes what is pending a piece of its own.
    pub(crate) fn flush(&mut self) {
        if !self.pending.is_empty() {
            let first = self.next - (self.pending.len() / self.page_size) as u64;
            let capacity = self.pending.capacity();
            let bytes = mem::replace(&mut self.pending, Vec::with_capacity(capacity.min(2 * PIECE_SIZE)));
            self.complete.push_back(Write::new(first * self.page_size as u64, bytes));
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Write> {
        self.complete.pop_front()
    }
}
