//! One tree in key order: a stack of the page runs from the root to the current leaf.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::layout::{MAX_KEY_SIZE, NO_FREELIST};
use super::{Entry, Meta, PageHeader, PageKind, PageView};
use crate::{ErrorKind, FormatError, MAX_AHEAD, ReadRequest};

/// Most levels of a tree.
const MAX_DEPTH: usize = 32;
/// Longest page run that is taken into memory, in bytes. etcd refuses requests above 1.5 MiB unless its limit was raised.
const MAX_RUN_LEN: u64 = 256 << 20;
/// Pages that stand at most this many bytes apart are worth reading in one go.
const GAP: u64 = 64 << 10;

/// What a tree wants or has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Poll {
    Read(ReadRequest),
    /// The current leaf's entry with this index.
    Entry(usize),
    Done,
}

#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
    offset: u64,
    is_leaf: bool,
    /// The next element: of a leaf the next entry, of a branch the child that is being visited.
    next: usize,
}

impl Frame {
    fn view(&self) -> Result<PageView<'_>, FormatError> {
        PageView::new(&self.bytes, self.offset)
    }
}

/// A page that is being fetched.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    page: u64,
    request: ReadRequest,
    is_whole: bool,
}

/// A position in one tree.
#[derive(Debug)]
pub(super) struct Tree {
    page_size: u64,
    high_water: u64,
    frames: Vec<Frame>,
    wanted: Option<Wanted>,
    /// The key to go to on the way down; `None` for the first.
    target: Option<Vec<u8>>,
    /// The last key of the leaves before the current one.
    last_key: Option<Vec<u8>>,
    visited: u64,
    ahead: std::ops::Range<u64>,
    /// A buffer to use again.
    spare: Vec<u8>,
}

impl Tree {
    /// At the first key from `target` on of the tree with this root.
    pub(super) fn new(meta: &Meta, root: u64, target: Option<Vec<u8>>) -> Result<Self, FormatError> {
        let mut tree = Self {
            page_size: u64::from(meta.page_size),
            high_water: meta.high_water,
            frames: Vec::new(),
            wanted: None,
            target,
            last_key: None,
            visited: 0,
            ahead: 0..0,
            spare: Vec::new(),
        };
        tree.want(root)?;
        Ok(tree)
    }

    /// At the first key from `target` on of an inline bucket.
    pub(super) fn inline(meta: &Meta, image: &[u8], target: Option<&[u8]>) -> Result<Self, FormatError> {
        let view = PageView::new(image, 0)?;
        if view.kind()? != PageKind::Leaf {
            return Err(damaged("an inline bucket of one leaf").found(format!("flags {:#x}", view.header().flags)));
        }
        let next = target.map_or(0, |target| view.lower_bound(target));
        let frame = Frame { bytes: image.to_vec(), offset: 0, is_leaf: true, next };
        Ok(Self {
            page_size: u64::from(meta.page_size),
            high_water: meta.high_water,
            frames: vec![frame],
            wanted: None,
            target: None,
            last_key: None,
            visited: 0,
            ahead: 0..0,
            spare: Vec::new(),
        })
    }

    /// The next thing to do.
    pub(super) fn poll(&mut self) -> Result<Poll, FormatError> {
        loop {
            if let Some(wanted) = &self.wanted {
                return Ok(Poll::Read(wanted.request));
            }
            let Some(frame) = self.frames.last_mut() else { return Ok(Poll::Done) };
            let count = usize::from(frame.view()?.header().count);
            let index = frame.next;
            if index >= count {
                self.leave()?;
            } else if frame.is_leaf {
                frame.next = index.saturating_add(1);
                return Ok(Poll::Entry(index));
            } else {
                let child = frame.view()?.branch_element(index)?.child;
                self.want(child)?;
            }
        }
    }

    /// The entry that [`Tree::poll`] named.
    pub(super) fn entry(&self, index: usize) -> Result<Entry<'_>, FormatError> {
        let view = self.frames.last().ok_or_else(|| damaged("a current leaf"))?.view()?;
        let element = view.leaf_element(index)?;
        let before = match index.checked_sub(1) {
            Some(before) => Some(view.leaf_element(before)?.key),
            None => self.last_key.as_deref(),
        };
        if element.key.is_empty() || element.key.len() > MAX_KEY_SIZE {
            return Err(damaged("a key of 1 to 32768 bytes").found(element.key.len().to_string()).at(view.offset()));
        }
        if before.is_some_and(|before| before >= element.key) {
            return Err(damaged(format!("ascending keys, also at element {index}")).at(view.offset()));
        }
        Ok(Entry { key: element.key, value: element.value, is_bucket: element.is_bucket })
    }

    /// Takes the bytes of the last request, whose length the caller has checked.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        let Some(wanted) = self.wanted.take() else { return Err(crate::step::misfed(bytes.len())) };
        let view = PageView::new(bytes, wanted.request.offset)?;
        if !wanted.is_whole {
            let run_len = self.run_len(wanted, view.header())?;
            if run_len > bytes.len() {
                let request = ReadRequest::new(wanted.request.offset, run_len).with_ahead(wanted.request.ahead);
                self.wanted = Some(Wanted { request, is_whole: true, ..wanted });
                return Ok(());
            }
        }
        self.enter(view)
    }

    fn enter(&mut self, view: PageView<'_>) -> Result<(), FormatError> {
        let is_leaf = match view.kind()? {
            PageKind::Leaf => true,
            PageKind::Branch => false,
            PageKind::Meta | PageKind::Freelist => {
                return Err(damaged("a branch or a leaf")
                    .found(format!("flags {:#x}", view.header().flags))
                    .at(view.offset()));
            }
        };
        let next = self.target.as_deref().map_or(0, |target| entry_point(&view, is_leaf, target));
        if is_leaf {
            self.target = None;
        }
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.clear();
        bytes.extend_from_slice(view.bytes());
        self.frames.push(Frame { bytes, offset: view.offset(), is_leaf, next });
        Ok(())
    }

    /// Goes up from a page that is through, and on to the next element there.
    fn leave(&mut self) -> Result<(), FormatError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        if frame.is_leaf {
            let view = frame.view()?;
            let last = usize::from(view.header().count).checked_sub(1);
            if let Some(last) = last {
                let key = view.leaf_element(last)?.key;
                let last_key = self.last_key.get_or_insert_default();
                last_key.clear();
                last_key.extend_from_slice(key);
            }
        }
        self.spare = frame.bytes;
        if let Some(parent) = self.frames.last_mut() {
            parent.next = parent.next.saturating_add(1);
        }
        Ok(())
    }

    fn want(&mut self, page: u64) -> Result<(), FormatError> {
        let offset = page.saturating_mul(self.page_size);
        if !(2..self.high_water).contains(&page) {
            let shown = if page == NO_FREELIST { "none".to_owned() } else { page.to_string() };
            return Err(damaged(format!("a page id from 2 to below {}", self.high_water)).found(shown));
        }
        self.visited = self.visited.saturating_add(1);
        if self.frames.len() >= MAX_DEPTH || self.visited > self.high_water {
            return Err(damaged("a tree without cycles").at(offset));
        }
        if !self.ahead.contains(&offset) {
            self.ahead = offset..self.look_ahead(offset);
        }
        let len = usize::try_from(self.page_size).unwrap_or(usize::MAX);
        let request = ReadRequest::new(offset, len).with_ahead(self.ahead.end);
        self.wanted = Some(Wanted { page, request, is_whole: false });
        Ok(())
    }

    /// Where the stretch of the file ends in which the next children stand close together and in order.
    fn look_ahead(&self, offset: u64) -> u64 {
        let mut end = offset.saturating_add(self.page_size);
        let Some(parent) = self.frames.last() else { return end };
        let Ok(view) = parent.view() else { return end };
        for element in view.branch_elements().skip(parent.next.saturating_add(1)) {
            let Ok(element) = element else { break };
            let next = element.child.saturating_mul(self.page_size);
            let next_end = next.saturating_add(self.page_size);
            let is_near = (end..=end.saturating_add(GAP)).contains(&next) && element.child < self.high_water;
            if !is_near || next_end > offset.saturating_add(MAX_AHEAD) {
                break;
            }
            end = next_end;
        }
        end
    }

    fn run_len(&self, wanted: Wanted, header: PageHeader) -> Result<usize, FormatError> {
        if header.id != wanted.page {
            return Err(damaged(format!("page {}", wanted.page))
                .found(format!("page {}", header.id))
                .at(wanted.request.offset));
        }
        let run = u64::from(header.overflow).saturating_add(1);
        if wanted.page.saturating_add(run) > self.high_water {
            return Err(damaged("a page run below the high-water mark")
                .found(format!("{run} pages"))
                .at(wanted.request.offset));
        }
        let run_len = run.saturating_mul(self.page_size);
        usize::try_from(run_len).ok().filter(|_| run_len <= MAX_RUN_LEN).ok_or_else(|| {
            FormatError::new(ErrorKind::Unsupported, format!("a page run of at most {MAX_RUN_LEN} bytes"))
                .found(run_len.to_string())
                .at(wanted.request.offset)
        })
    }
}

/// Of a leaf the first entry from the target on; of a branch the child that may hold it.
fn entry_point(view: &PageView<'_>, is_leaf: bool, target: &[u8]) -> usize {
    let at = view.lower_bound(target);
    let is_exact = !is_leaf && view.branch_element(at).is_ok_and(|element| element.key == target);
    if is_leaf || is_exact { at } else { at.saturating_sub(1) }
}

fn damaged(expected: impl Into<std::borrow::Cow<'static, str>>) -> FormatError {
    FormatError::new(ErrorKind::Damaged, expected)
}
