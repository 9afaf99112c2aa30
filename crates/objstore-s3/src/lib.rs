//! S3, and the stores that speak its language, as an [`ObjectStore`](objstore_core::ObjectStore) whose outcomes are
//! honest.
//!
//! ```no_run
//! use objstore_core::{ErrorKind, ObjectStoreExt as _, Prefix};
//! use objstore_s3::S3Store;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = S3Store::builder("backups").from_env()?.build().await?; // credentials: what the machine offers
//! let key = Prefix::new("clusters/etcd-a/")?.key("one.db")?;
//! let written = store.create(&key, "never overwritten").await?;
//! let taken = store.create(&key, "too late").await.unwrap_err();
//! assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
//! store.replace(&key, written.revision, "if still as we left it").await?;
//! # Ok(()) }
//! ```
//!
//! [`S3Store`] says what it holds to, [`S3StoreBuilder`] what can be set, [`register`] opens `s3://` URLs, [`Profile`]
//! is the table of what is special about whom.
//!
//! # Versions, locks, cold objects
//! In a bucket that keeps versions, a plain delete hides the object behind a marker
//! ([`Deleted::delete_marker`](objstore_core::Deleted::delete_marker)) and frees nothing. Retention and legal hold are
//! seen in [`ObjectMeta::protection`](objstore_core::ObjectMeta::protection), set with
//! [`WriteOptions::protection`](objstore_core::WriteOptions::protection), and changed with
//! [`S3Store::set_retention`] and [`S3Store::set_hold`]. Reading an object that lies in cold storage is
//! [`ErrorKind::Archived`](objstore_core::ErrorKind::Archived).
//!
//! # Permissions
//! | Operation | Needs |
//! |---|---|
//! | put, upload, copy (destination) | `s3:PutObject`; looking after a lost reply: `s3:GetObject` |
//! | a condition on them | `s3:GetObject` on some stores |
//! | upload: give up, list | `s3:AbortMultipartUpload`, `s3:ListBucketMultipartUploads` |
//! | get, head, copy (source) | `s3:GetObject`; a version: `s3:GetObjectVersion`; without `s3:ListBucket` an absent object is "permission denied" |
//! | list | `s3:ListBucket`; versions: `s3:ListBucketVersions` |
//! | delete | `s3:DeleteObject`; a version: `s3:DeleteObjectVersion` |
//! | retention, hold | `s3:PutObjectRetention`, `s3:PutObjectLegalHold` |
//!
//! # Features
//! | Feature | What it adds | What it costs |
//! |---|---|---|
//! | `sso` | profiles that sign in by IAM Identity Center | two crates of the SDK |
//! | `credentials-process` | profiles that start a program | the right to start it |

mod builder;
pub use builder::{Encryption, S3StoreBuilder};
mod credentials;
pub use credentials::{AccessKey, CredentialSource, Credentials};
mod profiles;
pub use profiles::Profile;
mod store;
pub use store::S3Store;
mod url;
pub use url::{URL_PARAMETERS, register};

// How it speaks to the store.
mod endpoint;
mod environment;
mod errors;
mod http;
mod look;

// The operations.
mod bucket;
mod checksum;
mod copy;
mod delete;
mod escape;
mod list;
mod lock;
mod metadata;
mod presign;
mod put;
mod read;
mod upload;

/// The contract that the store keeps, for those who depend on this crate alone.
pub use objstore_core;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
