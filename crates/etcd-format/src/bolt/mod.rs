//! bolt files (bbolt, format version 2): pages, metas, cursors, a survey of a whole file, and two ways to write one.

pub mod layout;
pub mod patch;
pub mod writer;
