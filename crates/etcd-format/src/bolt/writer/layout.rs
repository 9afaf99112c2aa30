//! The choices that the format leaves open.

use crate::bolt::layout::{MAX_PAGE_SIZE, MIN_PAGE_SIZE};
use crate::{ErrorKind, FormatError};

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
    /// Whether the free pages are stored. Default [`Freelist::Omitted`], as etcd on Linux does.
    pub freelist: Freelist,
}

impl Default for Layout {
    fn default() -> Self {
        Self { page_size: 4096, fill_percent: 100, txid: 2, freelist: Freelist::Omitted }
    }
}

impl Layout {
    /// The same layout with pages of this many bytes.
    #[must_use]
    pub fn with_page_size(mut self, page_size: u32) -> Self {
        self.page_size = page_size;
        self
    }

    /// The same layout with pages filled to this percentage.
    #[must_use]
    pub fn with_fill_percent(mut self, fill_percent: u8) -> Self {
        self.fill_percent = fill_percent;
        self
    }

    /// The same layout with this transaction id in the newer meta.
    #[must_use]
    pub fn with_txid(mut self, txid: u64) -> Self {
        self.txid = txid;
        self
    }

    /// The same layout with or without stored free pages.
    #[must_use]
    pub fn with_freelist(mut self, freelist: Freelist) -> Self {
        self.freelist = freelist;
        self
    }

    pub(super) fn check(&self) -> Result<(), FormatError> {
        let wrong = |expected: &'static str, found: u64| {
            Err(FormatError::new(ErrorKind::InvalidInput, expected).found(found.to_string()))
        };
        if !self.page_size.is_power_of_two() || !(MIN_PAGE_SIZE..=MAX_PAGE_SIZE).contains(&self.page_size) {
            return wrong("a page size that is a power of two from 1024 to 65536", self.page_size.into());
        }
        if !(10..=100).contains(&self.fill_percent) {
            return wrong("a fill percent from 10 to 100", self.fill_percent.into());
        }
        if self.txid == 0 {
            return wrong("a transaction id of at least 1", self.txid);
        }
        Ok(())
    }

    /// The size at which a page counts as full.
    pub(super) fn full(&self) -> usize {
        (u64::from(self.page_size) * u64::from(self.fill_percent) / 100) as usize
    }
}

/// Whether a file lists its free pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freelist {
    /// It does not: who opens the file finds them by looking (bbolt's `NoFreelistSync`).
    Omitted,
    /// It has a freelist page, and this many free pages at its end.
    Stored {
        /// How many pages to leave free. They are not written: the file is made longer.
        spare_pages: u32,
    },
}
