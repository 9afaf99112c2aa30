//! Back up a live etcd into an object store, prove it restorable, and restore it without Go.
//!
//! (The crate's guide is written with the last of its modules.)

mod checks;
#[cfg(feature = "client")]
pub mod client;
mod compare;
mod error;
mod hex;
pub mod home;
mod host;
mod inspect;
mod live;
pub mod progress;
mod receive;
pub mod restore;
mod save;
mod source;
mod store;
mod verify;

pub use checks::Checks;
pub use compare::LiveCheck;
pub use error::{Error, ErrorKind, Result};
pub use hex::{Hex32, Hex64};
pub use host::{Host, SystemHost};
pub use inspect::{Inspection, inspect};
pub use live::{Endpoint, Live, LiveHash, Message, Status};
pub use save::{RawSaved, SaveOptions, Saved, save, save_raw};
pub use source::SnapshotSource;
pub use verify::{Verification, verify};
