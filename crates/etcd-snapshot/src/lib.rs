//! Back up a live etcd into an object store, prove it restorable, and restore it without Go.
//!
//! (The crate's guide is written with the last of its modules.)

mod error;
pub use error::{Error, ErrorKind, Result};

pub mod restore;
