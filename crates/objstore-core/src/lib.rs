//! The contract of an object store whose outcomes are honest, a store in memory, and a store in files.
//!
//! ```
//! use objstore_core::{Checksums, ErrorKind, MemoryStore, ObjectStoreExt as _, Prefix};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::new(); // or FileStore::open("/backups")?, or Registry::with_defaults().open_prefix(..)
//! let key = Prefix::new("clusters/etcd-a/")?.key("one.db")?;
//! let written = store.create(&key, "never overwritten").await?;
//! let taken = store.create(&key, "too late").await.unwrap_err();
//! assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
//! store.replace(&key, written.revision, "if still as we left it").await?;
//! let (meta, bytes) = store.get_bytes(&key, 1 << 20).await?;
//! assert_eq!(meta.checksums.mismatch(&Checksums::of(&bytes)), None);
//! # Ok(()) }
//! ```
//!
//! What it holds to:
//! - **Conditions on every change**, streaming uploads and deletes included: created only if absent, replaced or
//!   deleted only at a known [`Revision`]. What a store cannot honour it refuses before anything is changed.
//! - **Outcomes are honest**: every [`Error`] says whether the store was changed, or that nobody knows.
//! - **Bounded memory**: an [`Upload`] of unknown length, a [`Get`] of any size.
//! - **No boundary is missed**: listings and deletions take a [`Prefix`], which ends with `/`.
//!
//! What it does not do: it knows no cloud (those stores stand in crates of their own), encrypts and compresses nothing,
//! and reads no environment variable.
//!
//! # Features
//! | Feature | What it adds | What it costs |
//! |---|---|---|
//! | `testkit` | `disk::ModelDisk`: a file system in memory that crashes on demand | a module |
//! | `serde` | probe reports as JSON, `probe::ProbeCache` | the crates `serde`, `serde_json` |
//! | `tracing` | `layers::TracingRecorder`: every call as an event | the crate `tracing` |
//!
//! The file store needs Unix and a tokio runtime; everything else runs anywhere.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The contract, in reading order.
mod key;
pub use key::{InvalidKey, MAX_KEY_BYTES, MAX_SEGMENT_BYTES, ObjectKey, Prefix};
mod revision;
pub use revision::{PageToken, Revision, RevisionStrength, UploadId, VersionId, WriteToken};
mod error;
pub use error::{Effect, Error, ErrorKind, Op, Result, Retry};
mod payload;
pub use payload::Payload;
mod checksum;
pub use checksum::{ChecksumScope, Checksums, Hasher};
mod options;
pub use options::{
    Condition, CopyOptions, DeleteOptions, Headers, ListOptions, PresignMethod, PresignRequest, Presigned, ReadOptions,
    UploadOptions, WriteOptions,
};
mod outcome;
pub use outcome::{
    DeleteItem, Deleted, Get, ListPage, ObjectMeta, Protection, RetentionMode, UploadInfo, UploadPage, Written,
};
mod capabilities;
pub use capabilities::{Capabilities, Features, Limits, Promise, Verdict};
mod store;
pub use store::{ObjectStore, Upload};

// Comfort.
mod ext;
pub use ext::ObjectStoreExt;
mod url;
pub use url::{OpenedKey, OpenedPrefix, Registry, SchemeFactory, StoreUrl};

// Components that a test can replace.
mod clock;
pub use clock::{Clock, SystemClock};
mod timer;
pub use timer::{Timer, TokioTimer};
mod random;
pub use random::{Random, SeededRandom, SystemRandom};

// Around stores.
pub mod layers;
pub mod probe;

// Stores.
mod memory;
mod rules;
pub use memory::MemoryStore;
#[cfg(unix)]
mod file;
#[cfg(unix)]
pub use file::{FileStore, FileStoreBuilder};
pub mod disk;

/// The README's example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
