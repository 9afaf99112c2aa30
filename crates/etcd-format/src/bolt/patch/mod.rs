//! Editing a bolt file: by appended pages ([`Patch`]), or by writing it anew ([`Rewrite`]).
//!
//! A patch leaves every page where it is, adds a few behind the high-water mark and replaces one meta: on a copy of a
//! snapshot it costs a handful of page reads, whatever its size. A rewrite streams everything and leaves a compact file.

mod edits;
mod machine;
mod pages;
mod plan;
mod rewrite;
mod right_edge;

pub use edits::{BucketEdits, Edits};
pub use machine::Patch;
pub use rewrite::Rewrite;
