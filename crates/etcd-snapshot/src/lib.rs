#![cfg_attr(feature = "client", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "client"),
    doc = "Back up etcd into an object store, prove it restorable, and restore it without Go."
)]

// Saving, in the order of the work.
#[cfg(feature = "client")]
pub mod client;
mod live;
pub use live::{Endpoint, Live, LiveHash, Message, Status};
mod cancel;
pub use cancel::CancelToken;
mod receive;
mod save;
pub use save::{HistoryCheck, RawSaved, SaveOptions, Saved, save, save_raw};

// What a store holds, and what is known of it.
pub mod home;
mod source;
pub use source::SnapshotSource;
mod inspect;
pub use inspect::{Inspection, inspect};
mod compare;
pub use compare::{LiveCheck, NotComparable};
mod checks;
pub use checks::Checks;
mod verify;
pub use verify::{Verification, verify};

// Back to a data directory.
pub mod restore;

// What everything uses.
mod advice;
pub use advice::Advice;
mod error;
pub use error::{Error, ErrorKind, Result};
mod hex;
pub use hex::{Hex32, Hex64};
mod host;
pub use host::{Host, SystemHost};
pub mod progress;
mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
