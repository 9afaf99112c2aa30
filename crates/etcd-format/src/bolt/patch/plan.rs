//! From the pages that a patch touches to the pages that it appends.
//!
//! A plan is made from the start whenever pages were added to the cache: it either needs another page, or it is complete.
//! The few pages of a patch make that cheaper than remembering where it stopped.

use std::collections::BTreeMap;

use super::edits::{BucketEdits, Edits};
use super::pages::{MAX_BYTES, PageCache, Stop, too_large};
use super::right_edge;
use crate::bolt::layout::BUCKET_ELEMENT_FLAG;
use crate::bolt::writer::{Pages, TreeBuilder, Write, bucket_value, meta_page, root_page};
use crate::bolt::{BucketView, Meta, PageKind, PageView};
use crate::{ErrorKind, FormatError};

/// Page runs of one tree that are visited at most; also what ends a tree that runs in a circle.
const MAX_RUNS: usize = 4096;

/// Items of one bucket: key, value, and whether the value is a bucket.
pub(super) type Items = BTreeMap<Vec<u8>, (Vec<u8>, bool)>;

/// What a patch writes.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) writes: Vec<Write>,
    pub(super) file_len: u64,
}

/// Makes the plan, or says which page is needed first.
pub(super) fn make(cache: &PageCache, edits: &Edits) -> Result<Plan, Stop> {
    let meta = cache.meta();
    let mut root = tree_items(cache, meta.root)?;
    let mut pages = Pages::new(meta.page_size, meta.high_water);
    for (name, edits) in edits.buckets() {
        let old = root.get(name).map(|(value, _)| value.as_slice());
        if let Some(value) = edited_bucket(cache, &mut pages, old, edits)? {
            root.insert(name.to_vec(), (value, true));
        }
    }
    if root.values().any(|(_, is_bucket)| !is_bucket) {
        return Err(FormatError::new(ErrorKind::Damaged, "nothing but buckets at the top level").into());
    }
    let root = root_page(build(&mut pages, &root)?, &mut pages);
    Ok(complete(meta, root, pages))
}

fn complete(old: &Meta, root: u64, mut pages: Pages) -> Plan {
    let mut meta = Meta::new(old.page_size, root, pages.next(), old.txid.saturating_add(1));
    meta.root_sequence = old.root_sequence;
    let (page, bytes) = meta_page(&meta);
    pages.write_at(page, bytes);
    let mut writes = Vec::new();
    while let Some(write) = pages.pop() {
        writes.push(write);
    }
    Plan { writes, file_len: meta.file_len_wanted() }
}

/// The new value of a bucket; `None` if it stays as it is.
fn edited_bucket(
    cache: &PageCache,
    pages: &mut Pages,
    old: Option<&[u8]>,
    edits: &BucketEdits,
) -> Result<Option<Vec<u8>>, Stop> {
    let old = old.map(|value| BucketView::parse(value, 0)).transpose()?;
    match (old, edits.appended()) {
        (Some(_), None) if !edits.changes_items() => Ok(None),
        (Some(old), Some(record)) if !edits.changes_items() && old.root != 0 => {
            right_edge::append(cache, pages, &old, record).map(Some)
        }
        _ => rebuilt_bucket(cache, pages, old.as_ref(), edits).map(Some),
    }
}

/// Reads a bucket as a whole, edits it and writes it anew.
fn rebuilt_bucket(
    cache: &PageCache,
    pages: &mut Pages,
    old: Option<&BucketView<'_>>,
    edits: &BucketEdits,
) -> Result<Vec<u8>, Stop> {
    let mut items = match old {
        Some(old) if !edits.is_cleared() => bucket_items(cache, old)?,
        _ => Items::new(),
    };
    for (key, value) in edits.items() {
        match value {
            Some(value) => items.insert(key.to_vec(), (value.to_vec(), false)),
            None => items.remove(key),
        };
    }
    if let Some((key, value)) = edits.appended() {
        right_edge::check_above(key, items.keys().next_back().map_or(&[], Vec::as_slice))?;
        items.insert(key.to_vec(), (value.to_vec(), false));
    }
    let tree = build(pages, &items)?;
    Ok(bucket_value(tree, pages, old.map_or(0, |old| old.sequence)))
}

fn build(pages: &mut Pages, items: &Items) -> Result<TreeBuilder, FormatError> {
    let mut tree = TreeBuilder::new(pages.page_size());
    for (key, (value, is_bucket)) in items {
        tree.push(pages, if *is_bucket { BUCKET_ELEMENT_FLAG } else { 0 }, key, value)?;
    }
    Ok(tree)
}

fn bucket_items(cache: &PageCache, bucket: &BucketView<'_>) -> Result<Items, Stop> {
    if bucket.root != 0 {
        return tree_items(cache, bucket.root);
    }
    let mut collected = Collected::default();
    collected.add_leaf(&PageView::new(bucket.inline, 0)?)?;
    Ok(collected.items)
}

/// All items of the tree below this page.
fn tree_items(cache: &PageCache, root: u64) -> Result<Items, Stop> {
    let mut collected = Collected::default();
    let mut open = vec![root];
    let mut visited = 0_usize;
    while let Some(page) = open.pop() {
        visited = visited.saturating_add(1);
        if visited > MAX_RUNS {
            return Err(too_large().into());
        }
        let run = cache.run(page)?;
        match run.kind()? {
            PageKind::Leaf => collected.add_leaf(&run)?,
            PageKind::Branch => {
                for element in run.branch_elements() {
                    open.push(element?.child);
                }
            }
            PageKind::Meta | PageKind::Freelist => return Err(not_a_tree(&run).into()),
        }
    }
    Ok(collected.items)
}

/// Items, and how many bytes they are: pages that are reached twice, or elements that share their bytes, must not make a
/// small file large.
#[derive(Default)]
struct Collected {
    items: Items,
    bytes: usize,
}

impl Collected {
    fn add_leaf(&mut self, leaf: &PageView<'_>) -> Result<(), FormatError> {
        for element in leaf.leaf_elements() {
            let element = element?;
            self.bytes = self.bytes.saturating_add(element.key.len()).saturating_add(element.value.len());
            if self.bytes > MAX_BYTES {
                return Err(too_large());
            }
            self.items.insert(element.key.to_vec(), (element.value.to_vec(), element.is_bucket));
        }
        Ok(())
    }
}

/// A page of a kind that no tree has.
pub(super) fn not_a_tree(run: &PageView<'_>) -> FormatError {
    FormatError::new(ErrorKind::Damaged, "a branch or leaf page")
        .found(format!("flags {:#x}", run.header().flags))
        .at(run.offset())
}
