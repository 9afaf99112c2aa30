//! Writing a bolt file from records in order.
//!
//! Leaf pages are completed one after another; branch pages are built bottom-up beside them, the leaf page of the root
//! bucket comes last, and then the two metas. Nothing is ever written twice.
//!
//! | what | how |
//! |---|---|
//! | leaf | filled up to the fill percent; a record that is larger has a page run of its own |
//! | branch | at least two children, which bbolt asserts when it removes one of them (`node.rebalance`) |
//! | small bucket | inline in the root's page if one leaf holds it in a quarter of a page |
//! | metas | transaction ids N and N-1, each in the page of its parity, with the same content |
//!
//! Source: bbolt v1.4.3 `node.go` (`write`, `split`, `rebalance`) and `bucket.go` (`inlineable`).

mod builder;
mod layout;
mod metas;
mod node;
mod pages;
mod tree;

pub use builder::BoltWriter;
pub use layout::{Freelist, Layout};
pub(crate) use metas::meta_page;
pub(crate) use node::{BranchNode, LeafNode};
pub(crate) use pages::Pages;
pub use pages::Write;
pub(crate) use tree::{TreeBuilder, bucket_value, paged_bucket_value, root_page, shown};
