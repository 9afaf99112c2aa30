//! Nodes of one level of a tree in key order: 16 bytes each, and their keys in one piece of memory.

use super::walk::Bounds;

#[derive(Debug, Clone, Copy)]
struct Node {
    page: u64,
    key_at: u32,
    key_len: u16,
}

/// Nodes in key order, each with the key that its parent has for it.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    list: Vec<Node>,
    keys: Vec<u8>,
    /// What all keys below the last node are below of.
    upper: Option<Box<[u8]>>,
    /// The root alone has no key.
    is_root: bool,
}

impl Nodes {
    pub(super) fn root(page: u64) -> Self {
        Self { list: vec![Node { page, key_at: 0, key_len: 0 }], is_root: true, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn page(&self, index: usize) -> Option<u64> {
        self.list.get(index).map(|node| node.page)
    }

    pub(super) fn bounds(&self, index: usize) -> Bounds<'_> {
        let upper = self.list.get(index.saturating_add(1)).map(|next| self.key(*next)).or(self.upper.as_deref());
        let lower = self.list.get(index).filter(|_| !self.is_root).map(|node| self.key(*node));
        Bounds { lower, upper }
    }

    pub(super) fn memory(&self) -> usize {
        self.list.capacity().saturating_mul(size_of::<Node>()).saturating_add(self.keys.capacity())
    }

    fn key(&self, node: Node) -> &[u8] {
        let start = node.key_at as usize;
        self.keys.get(start..start.saturating_add(usize::from(node.key_len))).unwrap_or_default()
    }
}

/// Children of a group of branch pages, in the order in which the pages were read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    nodes: Nodes,
    /// Per branch page: its index in its level, and where its children start.
    parts: Vec<(u32, usize)>,
}

impl Gathered {
    /// What follows are children of the branch page with this index.
    pub(super) fn begin(&mut self, index: u32) {
        self.parts.push((index, self.nodes.len()));
    }

    /// One child. A key beyond bolt's limit, which is a finding elsewhere, is cut.
    pub(super) fn push(&mut self, page: u64, key: &[u8]) {
        let key = key.get(..usize::from(u16::MAX)).unwrap_or(key);
        let (Ok(key_at), Ok(key_len)) = (u32::try_from(self.nodes.keys.len()), u16::try_from(key.len())) else {
            return;
        };
        self.nodes.keys.extend_from_slice(key);
        self.nodes.list.push(Node { page, key_at, key_len });
    }

    pub(super) fn memory(&self) -> usize {
        self.nodes.memory().saturating_add(self.parts.capacity().saturating_mul(size_of::<(u32, usize)>()))
    }

    /// All children in key order.
    pub(super) fn into_nodes(mut self, upper: Option<Box<[u8]>>) -> Nodes {
        self.nodes.upper = upper;
        if !self.parts.is_sorted_by_key(|part| part.0) {
            self.nodes.list = self.sorted_list();
        }
        self.nodes.list.shrink_to_fit();
        self.nodes.keys.shrink_to_fit();
        self.nodes
    }

    fn sorted_list(&self) -> Vec<Node> {
        let ends = self.parts.iter().skip(1).map(|part| part.1).chain([self.nodes.len()]);
        let mut parts: Vec<(u32, &[Node])> = self
            .parts
            .iter()
            .zip(ends)
            .map(|(&(index, start), end)| (index, self.nodes.list.get(start..end).unwrap_or_default()))
            .collect();
        parts.sort_unstable_by_key(|part| part.0);
        parts.iter().flat_map(|(_, children)| children.iter().copied()).collect()
    }
}
