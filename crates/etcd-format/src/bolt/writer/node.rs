//! The image of one page while its elements are collected.

use crate::bolt::layout::{
    BRANCH_ELEMENT_SIZE, BRANCH_FLAG, LEAF_ELEMENT_SIZE, LEAF_FLAG, MAX_ELEMENTS, PAGE_HEADER_SIZE,
};

/// Keys and values of a leaf page.
#[derive(Debug, Default)]
pub(crate) struct LeafNode {
    elements: Vec<LeafElement>,
    data: Vec<u8>,
}

#[derive(Debug)]
struct LeafElement {
    flags: u32,
    key_len: usize,
    value_len: usize,
}

impl LeafNode {
    pub(crate) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Bytes of the image.
    pub(crate) fn size(&self) -> usize {
        PAGE_HEADER_SIZE + self.elements.len() * LEAF_ELEMENT_SIZE + self.data.len()
    }

    /// Whether another record fits into `limit` bytes and into the element count.
    pub(crate) fn fits(&self, key: &[u8], value: &[u8], limit: usize) -> bool {
        self.elements.len() + 1 < MAX_ELEMENTS && self.size() + LEAF_ELEMENT_SIZE + key.len() + value.len() <= limit
    }

    pub(crate) fn push(&mut self, flags: u32, key: &[u8], value: &[u8]) {
        self.elements.push(LeafElement { flags, key_len: key.len(), value_len: value.len() });
        self.data.extend_from_slice(key);
        self.data.extend_from_slice(value);
    }

    pub(crate) fn first_key(&self) -> &[u8] {
        self.elements.first().map_or(&[], |element| &self.data[..element.key_len])
    }

    /// Appends the image, with page number and overflow zero.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        push_header(out, LEAF_FLAG, self.elements.len());
        let mut position = self.elements.len() * LEAF_ELEMENT_SIZE;
        for element in &self.elements {
            for word in [element.flags, position as u32, element.key_len as u32, element.value_len as u32] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            position = position + element.key_len + element.value_len - LEAF_ELEMENT_SIZE;
        }
        out.extend_from_slice(&self.data);
    }

    pub(crate) fn clear(&mut self) {
        self.elements.clear();
        self.data.clear();
    }
}

/// Keys and children of a branch page.
#[derive(Debug, Default)]
pub(crate) struct BranchNode {
    children: Vec<(Vec<u8>, u64)>,
    key_bytes: usize,
}

impl BranchNode {
    pub(crate) fn len(&self) -> usize {
        self.children.len()
    }

    /// Bytes of the image.
    pub(crate) fn size(&self) -> usize {
        PAGE_HEADER_SIZE + self.children.len() * BRANCH_ELEMENT_SIZE + self.key_bytes
    }

    pub(crate) fn fits(&self, key: &[u8], limit: usize) -> bool {
        self.children.len() + 1 < MAX_ELEMENTS && self.size() + BRANCH_ELEMENT_SIZE + key.len() <= limit
    }

    pub(crate) fn push(&mut self, key: Vec<u8>, child: u64) {
        self.key_bytes += key.len();
        self.children.push((key, child));
    }

    /// Moves all children of `other` behind those here.
    pub(crate) fn append(&mut self, other: Self) {
        for (key, child) in other.children {
            self.push(key, child);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<(Vec<u8>, u64)> {
        let child = self.children.pop();
        self.key_bytes -= child.as_ref().map_or(0, |(key, _)| key.len());
        child
    }

    pub(crate) fn push_front(&mut self, (key, child): (Vec<u8>, u64)) {
        self.key_bytes += key.len();
        self.children.insert(0, (key, child));
    }

    pub(crate) fn last_child(&self) -> Option<u64> {
        self.children.last().map(|(_, child)| *child)
    }

    pub(crate) fn first_key(&self) -> &[u8] {
        self.children.first().map_or(&[], |(key, _)| key)
    }

    /// Appends the image, with page number and overflow zero.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        push_header(out, BRANCH_FLAG, self.children.len());
        let mut position = self.children.len() * BRANCH_ELEMENT_SIZE;
        for (key, child) in &self.children {
            out.extend_from_slice(&(position as u32).to_le_bytes());
            out.extend_from_slice(&(key.len() as u32).to_le_bytes());
            out.extend_from_slice(&child.to_le_bytes());
            position = position + key.len() - BRANCH_ELEMENT_SIZE;
        }
        for (key, _) in &self.children {
            out.extend_from_slice(key);
        }
    }
}

/// A page header without number and overflow.
pub(crate) fn push_header(out: &mut Vec<u8>, flags: u16, count: usize) {
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&(count as u16).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
}
