//! Which pages are in use and which are free: one bit each.

use super::FindingKind;
use super::report::Report;

#[derive(Debug, Default)]
struct Bitmap(Vec<u64>);

impl Bitmap {
    fn new(bits: u64) -> Self {
        Self(vec![0; usize::try_from(bits.div_ceil(64)).unwrap_or(usize::MAX)])
    }

    /// Sets the bit. Says whether it was set before.
    fn set(&mut self, bit: u64) -> bool {
        let word = usize::try_from(bit / 64).ok().and_then(|at| self.0.get_mut(at));
        let mask = 1 << (bit % 64);
        word.is_some_and(|word| {
            let was = *word & mask != 0;
            *word |= mask;
            was
        })
    }

    fn has(&self, bit: u64) -> bool {
        let word = usize::try_from(bit / 64).ok().and_then(|at| self.0.get(at));
        word.is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }
}

/// The pages of a file below its high-water mark.
#[derive(Debug)]
pub(super) struct Pages {
    high_water: u64,
    used: Bitmap,
    used_count: u64,
    free: Option<Bitmap>,
}

impl Pages {
    /// No page is in use but the two metas, and no freelist is known.
    pub(super) fn new(high_water: u64) -> Self {
        let mut pages = Self { high_water, used: Bitmap::new(high_water), used_count: 0, free: None };
        pages.use_run(0, 2);
        pages
    }

    /// The high-water mark: the first page behind the file's.
    pub(super) fn end(&self) -> u64 {
        self.high_water
    }

    pub(super) fn used_count(&self) -> u64 {
        self.used_count
    }

    pub(super) fn memory(&self) -> usize {
        let free = self.free.as_ref().map_or(0, |free| free.0.capacity());
        self.used.0.capacity().saturating_add(free).saturating_mul(8)
    }

    /// Whether a tree may point at this page.
    pub(super) fn is_in_range(&self, page: u64) -> bool {
        (2..self.high_water).contains(&page)
    }

    /// Whether the run ends below the high-water mark.
    pub(super) fn run_fits(&self, page: u64, count: u64) -> bool {
        page.saturating_add(count) <= self.high_water
    }

    pub(super) fn is_used(&self, page: u64) -> bool {
        self.used.has(page)
    }

    /// Marks a run as used. Says how many of its pages were used before.
    fn use_run(&mut self, page: u64, count: u64) -> u64 {
        let twice = (page..page.saturating_add(count)).filter(|&page| self.used.set(page)).count() as u64;
        self.used_count = self.used_count.saturating_add(count.saturating_sub(twice));
        twice
    }

    /// Marks a run as used, and reports pages that were used before or are in the freelist.
    pub(super) fn claim_run(&mut self, page: u64, count: u64, report: &mut Report) {
        if self.use_run(page, count) > 0 {
            report.add(FindingKind::PageShared, "the page run covers a page that is used elsewhere");
        }
        let Some(free) = &self.free else { return };
        if let Some(free_page) = (page..page.saturating_add(count)).find(|&page| free.has(page)) {
            report.add(FindingKind::PageFree, format!("page {free_page} is used, and the freelist has it"));
        }
    }

    /// From now on pages that are neither used nor free are lost.
    pub(super) fn begin_freelist(&mut self) {
        self.free = Some(Bitmap::new(self.high_water));
    }

    /// Marks a page as free. Says whether it was free before.
    pub(super) fn free_page(&mut self, page: u64) -> bool {
        self.free.as_mut().is_some_and(|free| free.set(page))
    }

    /// The first page at or above `from` that is neither used nor in the freelist, if one is stored.
    pub(super) fn lost_from(&self, from: u64) -> Option<u64> {
        let free = self.free.as_ref()?;
        (from..self.high_water).find(|&page| !self.used.has(page) && !free.has(page))
    }
}
