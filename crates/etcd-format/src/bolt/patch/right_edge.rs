//! Adding one record behind the last of a tree of any size.
//!
//! The record gets a leaf of its own. The branches above it are copied with the new leaf, or the new copy, as their last
//! child. A branch that was full becomes a run of two pages, which bbolt splits when it next writes it: the format allows
//! it for branches as for leaves (bbolt v1.4.3 `node.go`, `spill`).

use super::pages::{PageCache, Stop};
use super::plan::not_a_tree;
use crate::bolt::layout::MAX_ELEMENTS;
use crate::bolt::writer::{BranchNode, LeafNode, Pages, paged_bucket_value, shown};
use crate::bolt::{BucketView, PageKind, PageView};
use crate::{ErrorKind, FormatError};

/// No tree of real pages is this deep; it ends a tree that runs in a circle.
const MAX_DEPTH: usize = 64;

/// The path from a root to its last leaf.
struct RightEdge {
    /// The branches, the root first.
    branches: Vec<BranchNode>,
    leaf: u64,
    first_key: Vec<u8>,
}

/// The value of this bucket, which is not inline, with the record behind its last.
pub(super) fn append(
    cache: &PageCache,
    pages: &mut Pages,
    bucket: &BucketView<'_>,
    (key, value): (&[u8], &[u8]),
) -> Result<Vec<u8>, Stop> {
    let RightEdge { mut branches, leaf, first_key } = find(cache, bucket.root, key)?;
    let mut new_leaf = LeafNode::default();
    new_leaf.push(0, key, value);
    let mut page = pages.write(|out| new_leaf.encode(out));
    match branches.pop() {
        Some(mut lowest) => {
            lowest.push(key.to_vec(), page);
            page = pages.write(|out| lowest.encode(out));
        }
        None if !first_key.is_empty() => {
            let mut root = BranchNode::default();
            root.push(first_key, leaf);
            root.push(key.to_vec(), page);
            page = pages.write(|out| root.encode(out));
        }
        None => {}
    }
    while let Some(mut branch) = branches.pop() {
        if let Some((key, _)) = branch.pop() {
            branch.push(key, page);
        }
        page = pages.write(|out| branch.encode(out));
    }
    Ok(paged_bucket_value(page, bucket.sequence))
}

fn find(cache: &PageCache, root: u64, key: &[u8]) -> Result<RightEdge, Stop> {
    let mut branches = Vec::new();
    let mut page = root;
    while branches.len() < MAX_DEPTH {
        let run = cache.run(page)?;
        match run.kind()? {
            PageKind::Branch => {
                let branch = branch_node(&run)?;
                let child = branch.last_child();
                page = child
                    .ok_or_else(|| FormatError::new(ErrorKind::Damaged, "a branch with children").at(run.offset()))?;
                branches.push(branch);
            }
            PageKind::Leaf => {
                let (first_key, last_key) = edge_keys(&run)?;
                check_above(key, last_key)?;
                return Ok(RightEdge { branches, leaf: page, first_key: first_key.to_vec() });
            }
            PageKind::Meta | PageKind::Freelist => return Err(not_a_tree(&run).into()),
        }
    }
    Err(FormatError::new(ErrorKind::Damaged, "a tree of at most 64 levels").into())
}

/// The branch, if one more child has room in the count and its keys do not share their bytes.
fn branch_node(run: &PageView<'_>) -> Result<BranchNode, FormatError> {
    let mut branch = BranchNode::default();
    for element in run.branch_elements() {
        let element = element?;
        branch.push(element.key.to_vec(), element.child);
        if branch.size() > run.bytes().len() {
            return Err(FormatError::new(ErrorKind::Damaged, "branch keys that do not overlap").at(run.offset()));
        }
    }
    if branch.len().saturating_add(1) >= MAX_ELEMENTS {
        return Err(FormatError::new(ErrorKind::Unsupported, "a branch with room for a child: rewrite the file")
            .at(run.offset()));
    }
    Ok(branch)
}

/// The first and the last key of a leaf; both empty if it has none.
fn edge_keys<'a>(leaf: &PageView<'a>) -> Result<(&'a [u8], &'a [u8]), FormatError> {
    match usize::from(leaf.header().count).checked_sub(1) {
        Some(last) => Ok((leaf.leaf_element(0)?.key, leaf.leaf_element(last)?.key)),
        None => Ok((&[], &[])),
    }
}

/// Whether a record may stand behind this last one.
pub(super) fn check_above(key: &[u8], last: &[u8]) -> Result<(), FormatError> {
    if key > last {
        return Ok(());
    }
    Err(FormatError::new(ErrorKind::InvalidInput, format!("a key above {}", shown(last))).found(shown(key)))
}
