//! One tree, read nearly in the order of the file.
//!
//! The walk goes level by level in groups. A group is a stretch of one level, in key order; its pages are read in the order in which
//! they stand in the file; the children of a branch group, put back into key order, are the level below. A group of
//! branches is small enough for its children to fit the window, so no level ever holds more than a window of nodes.

use std::ops::Range;

use super::FindingKind;
use super::nodes::{Gathered, Nodes};
use super::pages::Pages;
use super::report::Report;
use crate::bolt::layout::{BRANCH_ELEMENT_SIZE, MAX_KEY_SIZE, PAGE_HEADER_SIZE};
use crate::bolt::{PageHeader, PageKind, PageView};
use crate::{MAX_AHEAD, ReadRequest};

/// Most levels of a tree. bbolt's trees stay below ten: a branch page of 4 KiB has about a hundred children.
const MAX_DEPTH: usize = 32;
/// Longest run of a branch page, in bytes. Branch pages overflow only for keys of several KiB.
const MAX_BRANCH_RUN: usize = 256 << 10;
/// Pages that stand at most this many bytes apart are worth reading in one go.
const GAP: u64 = 64 << 10;

/// The sizes that every walk of a survey shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) page_size: u32,
    pub(super) window_leaves: usize,
    pub(super) max_run_len: usize,
    /// The shortest key that the tree may hold.
    pub(super) min_key_len: usize,
}

impl Limits {
    fn page_len(self) -> usize {
        self.page_size as usize
    }

    /// The most children that a branch page can have.
    fn max_children(self) -> usize {
        let room = self.page_len().saturating_sub(PAGE_HEADER_SIZE);
        room.checked_div(self.min_key_len.saturating_add(BRANCH_ELEMENT_SIZE)).unwrap_or(0).max(2)
    }

    /// How many branch pages may be expanded at once.
    fn branch_group(self) -> usize {
        self.window_leaves.checked_div(self.max_children()).unwrap_or(1).max(1)
    }
}

/// The keys that a page may hold: from the lower bound on, below the upper bound.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds<'a> {
    pub(super) lower: Option<&'a [u8]>,
    pub(super) upper: Option<&'a [u8]>,
}

/// Takes the leaves of a walk.
pub(super) trait LeafSink {
    /// One leaf. `index` is its place among the leaves of the window in key order; leaves come in the order of the file.
    fn leaf(&mut self, index: usize, view: &PageView<'_>, bounds: Bounds<'_>, report: &mut Report);
    /// All leaves of the window have come. Later windows have higher keys.
    fn end_window(&mut self);
}

#[derive(Debug)]
struct Level {
    nodes: Nodes,
    next: usize,
}

/// A stretch of the lowest level that is being read.
#[derive(Debug)]
struct Group {
    range: Range<usize>,
    /// Indices into the level, in the order of the file.
    order: Vec<u32>,
    at: usize,
    /// The whole length of the current page's run, once its header was read and said that there is more than the page.
    run_len: Option<usize>,
    gathered: Gathered,
    ahead: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Walk {
    limits: Limits,
    levels: Vec<Level>,
    group: Option<Group>,
    leaf_depth: Option<usize>,
    from: Vec<u8>,
}

impl Walk {
    /// Over the tree with this root.
    pub(super) fn new(root: u64, limits: Limits) -> Self {
        let top = Level { nodes: Nodes::root(root), next: 0 };
        Self { limits, levels: vec![top], group: None, leaf_depth: None, from: Vec::new() }
    }

    /// Only over the pages that may hold keys from this one on.
    pub(super) fn starting_at(mut self, key: Vec<u8>) -> Self {
        self.from = key;
        self
    }

    pub(super) fn memory(&self) -> usize {
        let levels = self.levels.iter().map(|level| level.nodes.memory());
        let group = self
            .group
            .iter()
            .map(|group| group.order.capacity().saturating_mul(4).saturating_add(group.gathered.memory()));
        levels.chain(group).fold(0, usize::saturating_add)
    }

    /// What to read next; `None` at the end. Pages that cannot be read are reported and passed over here.
    pub(super) fn request(
        &mut self,
        pages: &Pages,
        report: &mut Report,
        sink: &mut impl LeafSink,
    ) -> Option<ReadRequest> {
        loop {
            let depth = self.levels.len().checked_sub(1)?;
            if let Some(page) = self.current_page() {
                if let Some(request) = self.page_request(page, pages, report) {
                    return Some(request);
                }
                self.advance();
            } else if self.group.is_some() {
                self.close_group();
            } else if !self.open_group(depth) {
                self.levels.pop();
                if self.leaf_depth == Some(depth) {
                    sink.end_window();
                }
            }
        }
    }

    /// Takes the bytes of the last request.
    pub(super) fn feed(&mut self, bytes: &[u8], pages: &mut Pages, report: &mut Report, sink: &mut impl LeafSink) {
        let Some(page) = self.current_page() else { return };
        report.at_page(Some(page));
        let offset = page.saturating_mul(u64::from(self.limits.page_size));
        let Ok(view) = PageView::new(bytes, offset) else { return };
        let is_whole = self.group.as_ref().is_some_and(|group| group.run_len.is_some());
        if !is_whole {
            let Some(run_len) = self.judge_header(page, view.header(), pages, report) else {
                self.advance();
                return;
            };
            if run_len > bytes.len() {
                if let Some(group) = &mut self.group {
                    group.run_len = Some(run_len);
                }
                return;
            }
        }
        match view.header().kind() {
            Some(PageKind::Branch) => self.take_branch(&view, report),
            _ => self.take_leaf(&view, report, sink),
        }
        self.advance();
    }

    fn current_page(&self) -> Option<u64> {
        let group = self.group.as_ref()?;
        let index = *group.order.get(group.at)?;
        self.levels.last()?.nodes.page(index as usize)
    }

    fn page_request(&mut self, page: u64, pages: &Pages, report: &mut Report) -> Option<ReadRequest> {
        let page_size = u64::from(self.limits.page_size);
        let offset = page.saturating_mul(page_size);
        let group = self.group.as_ref()?;
        let run_len = group.run_len;
        if run_len.is_none() {
            report.at_page(Some(page));
            if !pages.is_in_range(page) {
                report.add(FindingKind::PageOutOfRange, "a branch or bucket points here");
                return None;
            }
            if pages.is_used(page) {
                report.add(FindingKind::PageShared, "a second branch or bucket points here");
                return None;
            }
        }
        if offset >= group.ahead {
            let ahead = self.look_ahead(offset, page_size).min(pages.end().saturating_mul(page_size));
            self.group.as_mut()?.ahead = ahead;
        }
        let ahead = self.group.as_ref()?.ahead;
        Some(ReadRequest::new(offset, run_len.unwrap_or(self.limits.page_len())).with_ahead(ahead))
    }

    /// The end of the stretch of the file in which the next pages of the group stand close together.
    fn look_ahead(&self, offset: u64, page_size: u64) -> u64 {
        let mut end = offset.saturating_add(page_size);
        let (Some(group), Some(level)) = (&self.group, self.levels.last()) else { return end };
        let rest = group.order.get(group.at..).unwrap_or_default();
        for page in rest.iter().filter_map(|&index| level.nodes.page(index as usize)) {
            let next = page.saturating_mul(page_size);
            let next_end = next.saturating_add(page_size);
            if next > end.saturating_add(GAP) || next_end > offset.saturating_add(MAX_AHEAD) {
                break;
            }
            end = end.max(next_end);
        }
        end
    }

    /// Checks a header and claims the run. Gives the run's length in bytes, or `None` when the page is to be passed over.
    fn judge_header(&mut self, page: u64, header: PageHeader, pages: &mut Pages, report: &mut Report) -> Option<usize> {
        let Some(kind @ (PageKind::Branch | PageKind::Leaf)) = header.kind() else {
            report.add(FindingKind::PageKind, format!("flags {:#x} where a branch or a leaf must be", header.flags));
            return None;
        };
        if header.id != page {
            report.add(FindingKind::PageId, format!("the page says {}", header.id));
        }
        let run = u64::from(header.overflow).saturating_add(1);
        if !pages.run_fits(page, run) {
            report.add(FindingKind::RunOutOfRange, format!("{run} pages reach beyond the high-water mark"));
            return None;
        }
        pages.claim_run(page, run, report);
        self.judge_depth(kind, report)?;
        let limit = if kind == PageKind::Leaf { self.limits.max_run_len } else { MAX_BRANCH_RUN };
        let run_len = usize::try_from(run).ok()?.checked_mul(self.limits.page_len())?;
        if run_len > limit.max(self.limits.page_len()) {
            report.add(FindingKind::RunTooLong, format!("{run_len} bytes, and at most {limit} are looked at"));
            return None;
        }
        Some(run_len)
    }

    /// bbolt's trees have all leaves at the same depth: pages split beside themselves, and only the root adds a level.
    fn judge_depth(&mut self, kind: PageKind, report: &mut Report) -> Option<()> {
        let depth = self.levels.len().checked_sub(1)?;
        let fits = match (kind, self.leaf_depth) {
            (PageKind::Leaf, None) => {
                self.leaf_depth = Some(depth);
                true
            }
            (PageKind::Leaf, Some(leaves)) => depth == leaves,
            (_, Some(leaves)) => depth < leaves,
            (_, None) => depth < MAX_DEPTH,
        };
        if !fits {
            report.add(
                FindingKind::Depth,
                format!("a {kind:?} at depth {depth}, not like the tree's other pages").to_lowercase(),
            );
        }
        fits.then_some(())
    }

    fn take_branch(&mut self, view: &PageView<'_>, report: &mut Report) {
        let count = usize::from(view.header().count);
        if count == 0 {
            report.add(FindingKind::BranchEmpty, "no element");
        } else if count > self.limits.max_children() {
            report.add(FindingKind::BranchTooFull, format!("{count} elements"));
            return;
        }
        let (Some(level), Some(group)) = (self.levels.last(), &mut self.group) else { return };
        let Some(&index) = group.order.get(group.at) else { return };
        let bounds = level.nodes.bounds(index as usize);
        group.gathered.begin(index);
        let mut order = KeyOrder::new(bounds);
        let mut previous: Option<(&[u8], u64)> = None;
        for (at, element) in view.branch_elements().enumerate() {
            let element = match element {
                Ok(element) => element,
                Err(error) => {
                    report.add(FindingKind::ElementBounds, error.to_string());
                    continue;
                }
            };
            order.check(at, element.key, report);
            if let Some((key, child)) = previous.replace((element.key, element.child))
                && element.key > self.from.as_slice()
            {
                group.gathered.push(child, key);
            }
        }
        order.finish(report);
        if let Some((key, child)) = previous
            && bounds.upper.is_none_or(|upper| upper > self.from.as_slice())
        {
            group.gathered.push(child, key);
        }
    }

    fn take_leaf(&self, view: &PageView<'_>, report: &mut Report, sink: &mut impl LeafSink) {
        let (Some(level), Some(group)) = (self.levels.last(), &self.group) else { return };
        let Some(&index) = group.order.get(group.at) else { return };
        sink.leaf(index as usize, view, level.nodes.bounds(index as usize), report);
    }

    fn advance(&mut self) {
        if let Some(group) = &mut self.group {
            group.at = group.at.saturating_add(1);
            group.run_len = None;
        }
    }

    /// Begins the next group of the lowest level. Says whether there was anything left.
    fn open_group(&mut self, depth: usize) -> bool {
        let size = match self.leaf_depth {
            // What the first page is tells how deep the tree is, so it goes alone.
            None => 1,
            Some(leaves) if leaves == depth => usize::MAX,
            Some(_) => self.limits.branch_group(),
        };
        let Some(level) = self.levels.last_mut() else { return false };
        let end = level.next.saturating_add(size).min(level.nodes.len());
        let range = level.next..end;
        level.next = end;
        if range.is_empty() {
            return false;
        }
        let mut order: Vec<u32> = range.clone().filter_map(|index| u32::try_from(index).ok()).collect();
        order.sort_unstable_by_key(|&index| level.nodes.page(index as usize));
        self.group = Some(Group { range, order, at: 0, run_len: None, gathered: Gathered::default(), ahead: 0 });
        true
    }

    /// Ends the group: its children, if it has any, are the level below.
    fn close_group(&mut self) {
        let (Some(group), Some(level)) = (self.group.take(), self.levels.last()) else { return };
        let upper = level.nodes.bounds(group.range.end.saturating_sub(1)).upper.map(Box::from);
        let nodes = group.gathered.into_nodes(upper);
        if nodes.len() > 0 {
            self.levels.push(Level { nodes, next: 0 });
        }
    }
}

/// Checks the keys of one page as they come: ascending, inside the bounds, of a legal length.
#[derive(Debug)]
pub(super) struct KeyOrder<'a> {
    bounds: Bounds<'a>,
    last: Option<&'a [u8]>,
}

impl<'a> KeyOrder<'a> {
    pub(super) fn new(bounds: Bounds<'a>) -> Self {
        Self { bounds, last: None }
    }

    #[inline]
    pub(super) fn check(&mut self, index: usize, key: &'a [u8], report: &mut Report) {
        if key.is_empty() || key.len() > MAX_KEY_SIZE {
            report.add(FindingKind::KeyLength, format!("the key of element {index} has {} bytes", key.len()));
        }
        let ascends = self.last.is_none_or(|last| last < key);
        if !ascends {
            report.add(FindingKind::KeyOrder, format!("the key of element {index} is not above the one before it"));
        }
        // Within ascending keys the first is the lowest and the last is the highest.
        let is_low = (self.last.is_none() || !ascends) && self.bounds.lower.is_some_and(|lower| key < lower);
        if is_low {
            report.add(
                FindingKind::KeyOutsideParent,
                format!("the key of element {index} is below the page's own in its parent"),
            );
        }
        self.last = Some(key);
    }

    /// To be called behind the last key.
    pub(super) fn finish(self, report: &mut Report) {
        if let (Some(last), Some(upper)) = (self.last, self.bounds.upper)
            && last >= upper
        {
            report.add(FindingKind::KeyOutsideParent, "the last key is not below the next page's in the parent");
        }
    }
}
