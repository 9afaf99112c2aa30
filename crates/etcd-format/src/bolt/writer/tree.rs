//! One B+ tree, built from its first record to its last.

use std::mem;

use super::Pages;
use super::node::{BranchNode, LeafNode};
use crate::bolt::layout::{INLINE_BUCKET_DIVISOR, MAX_KEY_SIZE, MAX_VALUE_SIZE};
use crate::{ErrorKind, FormatError};

/// Collects records in order and writes every page that is complete.
///
/// Memory: one leaf, and two branch pages for each level.
#[derive(Debug)]
pub(crate) struct TreeBuilder {
    full: usize,
    leaf: LeafNode,
    levels: Vec<Level>,
    last_key: Vec<u8>,
}

/// The right edge of one level of branches. The page before the last is held back, so that the last never has to stand
/// with a single child.
#[derive(Debug, Default)]
struct Level {
    before: Option<BranchNode>,
    last: BranchNode,
}

/// What a tree came to.
#[derive(Debug)]
enum Root {
    /// One leaf that is not written yet.
    Leaf(LeafNode),
    /// A page that is written.
    Page(u64),
}

impl TreeBuilder {
    /// A tree whose pages count as full at this many bytes.
    pub(crate) fn new(full: usize) -> Self {
        Self { full, leaf: LeafNode::default(), levels: Vec::new(), last_key: Vec::new() }
    }

    /// Adds a record. Keys ascend.
    pub(crate) fn push(&mut self, pages: &mut Pages, flags: u32, key: &[u8], value: &[u8]) -> Result<(), FormatError> {
        self.check(key, value)?;
        if !self.leaf.is_empty() && !self.leaf.fits(key, value, self.full) {
            self.complete_leaf(pages);
        }
        self.leaf.push(flags, key, value);
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        Ok(())
    }

    fn check(&self, key: &[u8], value: &[u8]) -> Result<(), FormatError> {
        let wrong = |expected: &'static str, found: String| {
            Err(FormatError::new(ErrorKind::InvalidInput, expected).found(found))
        };
        if key.is_empty() || key.len() > MAX_KEY_SIZE {
            return wrong("a key of 1 to 32768 bytes", format!("{} bytes", key.len()));
        }
        if value.len() > MAX_VALUE_SIZE {
            return wrong("a value of at most 2^31-2 bytes", format!("{} bytes", value.len()));
        }
        if key <= self.last_key.as_slice() {
            let (key, last) = (shown(key), shown(&self.last_key));
            return wrong("keys in ascending order", format!("{key} behind {last}"));
        }
        Ok(())
    }

    fn complete_leaf(&mut self, pages: &mut Pages) {
        let key = self.leaf.first_key().to_vec();
        let page = pages.write(|out| self.leaf.encode(out));
        self.leaf.clear();
        self.add_child(pages, 0, key, page);
    }

    fn add_child(&mut self, pages: &mut Pages, level: usize, key: Vec<u8>, page: u64) {
        if level == self.levels.len() {
            self.levels.push(Level::default());
        }
        let full = self.full;
        let Level { before, last } = &mut self.levels[level];
        let complete = if last.len() >= 2 && !last.fits(&key, full) { before.replace(mem::take(last)) } else { None };
        last.push(key, page);
        if let Some(branch) = complete {
            self.complete_branch(pages, level, &branch);
        }
    }

    fn complete_branch(&mut self, pages: &mut Pages, level: usize, branch: &BranchNode) -> u64 {
        let page = pages.write(|out| branch.encode(out));
        self.add_child(pages, level + 1, branch.first_key().to_vec(), page);
        page
    }

    /// Writes what is left, but for a tree of a single leaf.
    fn finish(mut self, pages: &mut Pages) -> Root {
        if self.levels.is_empty() {
            return Root::Leaf(self.leaf);
        }
        self.complete_leaf(pages);
        let mut level = 0;
        loop {
            let Level { before, mut last } = mem::take(&mut self.levels[level]);
            if let Some(before) = balance(before, &mut last) {
                self.complete_branch(pages, level, &before);
            }
            if level + 1 == self.levels.len() {
                return Root::Page(pages.write(|out| last.encode(out)));
            }
            self.complete_branch(pages, level, &last);
            level += 1;
        }
    }
}

/// A key for a message: its first bytes, those that are not visible ASCII as escapes.
pub(crate) fn shown(key: &[u8]) -> String {
    const SHOWN: usize = 40;
    match key.get(..SHOWN) {
        Some(start) if key.len() > SHOWN => format!("{}... ({} bytes)", start.escape_ascii(), key.len()),
        _ => key.escape_ascii().to_string(),
    }
}

/// Makes sure that the last page has two children, taking one from the page before it, or all of them if that has two only.
fn balance(before: Option<BranchNode>, last: &mut BranchNode) -> Option<BranchNode> {
    let mut before = before?;
    if last.len() >= 2 {
        return Some(before);
    }
    if before.len() == 2 {
        before.append(mem::take(last));
        *last = before;
        return None;
    }
    if let Some(child) = before.pop() {
        last.push_front(child);
    }
    Some(before)
}

/// Ends the tree of a bucket and returns the value that its parent holds: a header, and the one page of a small bucket.
pub(crate) fn bucket_value(tree: TreeBuilder, pages: &mut Pages, sequence: u64) -> Vec<u8> {
    let root = tree.finish(pages);
    let mut value = Vec::new();
    match &root {
        Root::Leaf(leaf) if leaf.size() <= pages.page_size() / INLINE_BUCKET_DIVISOR => {
            push_bucket_header(&mut value, 0, sequence);
            leaf.encode(&mut value);
        }
        _ => push_bucket_header(&mut value, written(root, pages), sequence),
    }
    value
}

/// The value of a bucket whose root is a page that is written already.
pub(crate) fn paged_bucket_value(root: u64, sequence: u64) -> Vec<u8> {
    let mut value = Vec::new();
    push_bucket_header(&mut value, root, sequence);
    value
}

/// Ends the tree of buckets and returns its root page.
pub(crate) fn root_page(tree: TreeBuilder, pages: &mut Pages) -> u64 {
    let root = tree.finish(pages);
    written(root, pages)
}

fn written(root: Root, pages: &mut Pages) -> u64 {
    match root {
        Root::Leaf(leaf) => pages.write(|out| leaf.encode(out)),
        Root::Page(page) => page,
    }
}

fn push_bucket_header(value: &mut Vec<u8>, root: u64, sequence: u64) {
    value.extend_from_slice(&root.to_le_bytes());
    value.extend_from_slice(&sequence.to_le_bytes());
}
