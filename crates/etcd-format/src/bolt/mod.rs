//! bolt files (bbolt, format version 2): pages, metas, a cursor over one bucket, and two ways to write one.

mod cursor;
pub mod layout;
mod meta;
mod page;
pub mod patch;
mod tree;
pub mod writer;

pub use cursor::{Cursor, Entry};
pub use meta::{Meta, MetaReader, Metas, is_page_size};
pub use page::{BranchElement, BucketView, LeafElement, PageHeader, PageKind, PageView};
