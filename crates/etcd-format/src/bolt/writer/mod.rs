//! Writing a bolt file from records in order.

use crate::FormatError;

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

/// How a file is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layout {
    /// Bytes of a page: a power of two from 1,024 to 65,536. Default 4,096. It may differ from that of the host.
    pub page_size: u32,
    /// How full a page is made before the next is begun, in percent, from 10 to 100. Default 100.
    pub fill_percent: u8,
    /// The transaction id of the newer meta, at least 1. Default 2.
    pub txid: u64,
    /// Whether the free pages are stored. etcd on Linux never does.
    pub freelist: Freelist,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            page_size: 4096,
            fill_percent: 100,
            txid: 2,
            freelist: Freelist::Omitted,
        }
    }
}

/// Whether and which free pages a file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freelist {
    /// None: who opens the file finds the free pages by looking (bbolt `NoFreelistSync`).
    Omitted,
    /// A freelist page, with this many free pages behind the data.
    Stored {
        /// How many pages to leave free.
        spare_pages: u32,
    },
}

/// Writes a bolt file front to back, in constant memory.
#[derive(Debug)]
pub struct BoltWriter {
    _private: (),
}

impl BoltWriter {
    /// A writer of an empty file.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a number of the layout is out of its range.
    pub fn new(layout: Layout) -> Result<Self, FormatError> {
        let _ = layout;
        unimplemented!()
    }

    /// Begins a top-level bucket; ends the one before. Names ascend byte by byte.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the name is not above the last one, is empty or is too long.
    pub fn begin_bucket(&mut self, name: &[u8]) -> Result<(), FormatError> {
        let _ = name;
        unimplemented!()
    }

    /// Adds an item to the bucket that was begun last. Keys ascend byte by byte.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the key is not above the last one, is empty, or key or value
    /// are too long.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), FormatError> {
        let _ = (key, value);
        unimplemented!()
    }

    /// Takes the next piece that is complete, if there is one. Call it after every item, until it says `None`.
    pub fn next_write(&mut self) -> Option<Write> {
        unimplemented!()
    }

    /// Ends the file: the last pages and both metas become available from [`next_write`](Self::next_write). Returns the
    /// length of the file in bytes.
    ///
    /// # Errors
    ///
    /// [`Misuse`](crate::ErrorKind::Misuse) if it was finished before.
    pub fn finish(&mut self) -> Result<u64, FormatError> {
        unimplemented!()
    }
}
