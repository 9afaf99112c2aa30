//! The stored list of free pages.

use super::FindingKind;
use super::pages::Pages;
use super::report::Report;
use crate::ReadRequest;
use crate::bolt::layout::{FREELIST_COUNT_OVERFLOW, PAGE_HEADER_SIZE, PAGE_ID_SIZE, u64_at};
use crate::bolt::{PageHeader, PageKind};

/// Bytes of the list that are read at once; a multiple of an id.
const CHUNK: u64 = 1 << 20;
/// Header and first id.
const HEAD: usize = PAGE_HEADER_SIZE + PAGE_ID_SIZE;

/// Reads a freelist run in chunks: a header, then page ids in ascending order.
///
/// With a count of 0xFFFF the first id is the real count (bbolt v1.4.3 `internal/freelist/shared.go` and `internal/common/page.go`).
#[derive(Debug)]
pub(super) struct FreelistReader {
    page: u64,
    start: u64,
    /// The rest of the list, in bytes of the file; `None` before the header was read.
    rest: Option<std::ops::Range<u64>>,
    page_size: u64,
    last: u64,
}

impl FreelistReader {
    pub(super) fn new(page: u64, page_size: u32) -> Self {
        let page_size = u64::from(page_size);
        Self { page, start: page.saturating_mul(page_size), rest: None, page_size, last: 0 }
    }

    /// What to read next; `None` at the end.
    pub(super) fn request(&self) -> Option<ReadRequest> {
        let Some(rest) = &self.rest else { return Some(ReadRequest::new(self.start, HEAD)) };
        let len = rest.end.saturating_sub(rest.start).min(CHUNK);
        let len = usize::try_from(len).ok().filter(|&len| len > 0)?;
        Some(ReadRequest::new(rest.start, len).with_ahead(rest.end.min(rest.start.saturating_add(crate::MAX_AHEAD))))
    }

    pub(super) fn feed(&mut self, bytes: &[u8], pages: &mut Pages, report: &mut Report) {
        report.at_page(Some(self.page));
        if let Some(rest) = &mut self.rest {
            rest.start = rest.start.saturating_add(bytes.len() as u64);
            self.ids(bytes, pages, report);
        } else {
            self.rest = Some(self.head(bytes, pages, report).unwrap_or(0..0));
        }
    }

    /// The range of the ids, or nothing when the page cannot be read as a freelist.
    fn head(&self, bytes: &[u8], pages: &mut Pages, report: &mut Report) -> Option<std::ops::Range<u64>> {
        let header = PageHeader::parse(bytes)?;
        if header.kind() != Some(PageKind::Freelist) {
            report.add(FindingKind::PageKind, format!("flags {:#x} where the freelist must be", header.flags));
            return None;
        }
        if header.id != self.page {
            report.add(FindingKind::PageId, format!("the page says {}", header.id));
        }
        let run = u64::from(header.overflow).saturating_add(1);
        if !pages.run_fits(self.page, run) {
            report.add(FindingKind::RunOutOfRange, format!("a freelist of {run} pages"));
            return None;
        }
        pages.claim_run(self.page, run, report);
        pages.begin_freelist();
        let (count, skip) = if header.count == FREELIST_COUNT_OVERFLOW {
            (u64_at(bytes, PAGE_HEADER_SIZE)?, HEAD as u64)
        } else {
            (u64::from(header.count), PAGE_HEADER_SIZE as u64)
        };
        let start = self.start.saturating_add(skip);
        let run_end = self.start.saturating_add(run.saturating_mul(self.page_size));
        let end = start.saturating_add(count.saturating_mul(PAGE_ID_SIZE as u64));
        if end > run_end {
            report.add(FindingKind::Freelist, format!("{count} ids do not fit into {run} pages"));
        }
        Some(start..end.min(run_end))
    }

    fn ids(&mut self, bytes: &[u8], pages: &mut Pages, report: &mut Report) {
        for id in bytes.chunks_exact(PAGE_ID_SIZE).filter_map(|id| u64_at(id, 0)) {
            if !pages.is_in_range(id) {
                report.add(FindingKind::Freelist, format!("id {id} is out of range"));
            } else if pages.free_page(id) {
                report.add(FindingKind::Freelist, format!("id {id} comes twice"));
            } else if id < self.last {
                report.add(FindingKind::Freelist, format!("id {id} comes after {}", self.last));
            } else if pages.is_used(id) {
                report.add(FindingKind::PageFree, format!("the freelist has its own page {id}"));
            }
            self.last = id;
        }
    }
}
