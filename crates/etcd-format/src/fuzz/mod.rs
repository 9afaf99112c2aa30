//! What the fuzz targets and the tests over their corpus call. Not part of the API.
//!
//! Each function takes arbitrary bytes, parses them, and checks what must hold of whatever was accepted. It panics if that
//! does not hold, which is what a fuzzer looks for.

mod reading;
mod writing;

pub use reading::{cursor, page, record, survey};
pub use writing::{edit, initial_cluster, member_json, snap, wal};
