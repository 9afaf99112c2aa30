//! The pages that a patch has read so far.

use std::collections::BTreeMap;

use crate::bolt::{Meta, PageHeader, PageView};
use crate::{ErrorKind, FormatError, ReadRequest};

/// What a patch reads at most, and what one bucket may hold, in bytes.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// Why a plan cannot be made yet, or at all.
#[derive(Debug)]
pub(super) enum Stop {
    /// These bytes are needed first.
    Read(ReadRequest),
    /// It cannot be made.
    Failed(FormatError),
}

impl From<FormatError> for Stop {
    fn from(error: FormatError) -> Self {
        Self::Failed(error)
    }
}

/// Page runs by their page number, as far as they were read.
#[derive(Debug)]
pub(super) struct PageCache {
    meta: Meta,
    runs: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl PageCache {
    pub(super) fn new(meta: Meta) -> Self {
        Self { meta, runs: BTreeMap::new(), bytes: 0 }
    }

    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    fn offset(&self, page: u64) -> u64 {
        page.saturating_mul(self.meta.page_size.into())
    }

    /// The run that begins with this page: asks for the page first, and for all of the run if it has overflow pages.
    pub(super) fn run(&self, page: u64) -> Result<PageView<'_>, Stop> {
        let bytes = self.runs.get(&page).map_or(&[][..], Vec::as_slice);
        let overflow = PageHeader::parse(bytes).map_or(0, |header| header.overflow);
        let last = page.checked_add(overflow.into()).filter(|last| page >= 2 && *last < self.meta.high_water);
        if last.is_none() {
            let expected = format!("a page run from 2 up to {}", self.meta.high_water);
            return Err(self.damaged(page, expected, format!("page {page} with {overflow} overflow pages")).into());
        }
        let len = (u64::from(overflow).saturating_add(1)).saturating_mul(self.meta.page_size.into());
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if bytes.len() < len {
            return Err(self.request(page, len));
        }
        let view = PageView::new(bytes, self.offset(page))?;
        if view.header().id != page {
            return Err(self.damaged(page, format!("page {page}"), format!("page {}", view.header().id)).into());
        }
        Ok(view)
    }

    fn request(&self, page: u64, len: usize) -> Stop {
        if self.bytes.saturating_add(len) > MAX_BYTES {
            return Stop::Failed(too_large());
        }
        Stop::Read(ReadRequest::new(self.offset(page), len))
    }

    /// Takes the bytes of a request that [`run`](Self::run) made.
    pub(super) fn insert(&mut self, request: ReadRequest, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        let page = request.offset.checked_div(self.meta.page_size.into()).unwrap_or(0);
        self.runs.insert(page, bytes.to_vec());
    }

    fn damaged(&self, page: u64, expected: String, found: String) -> FormatError {
        FormatError::new(ErrorKind::Damaged, expected).found(found).at(self.offset(page))
    }
}

/// What says that a rewrite is needed.
pub(super) fn too_large() -> FormatError {
    FormatError::new(ErrorKind::Unsupported, "buckets to patch of at most 16 MiB in 4,096 page runs")
        .found("more: rewrite the file")
}
