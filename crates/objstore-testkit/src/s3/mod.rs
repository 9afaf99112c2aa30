//! A server that speaks S3, on loopback and in memory, for tests of clients.
//!
//! ```
//! use objstore_testkit::s3::{Quirk, S3Server};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let server = S3Server::builder().with_quirk(Quirk::PageSize(2)).start().await?;
//! println!("{}/{}", server.endpoint(), server.bucket());
//! println!("{}", server.credentials().access_key());
//! assert!(server.keys(server.bucket()).is_empty());
//! # Ok(()) }
//! ```
//!
//! - **Signatures are verified**: SigV4 in headers (signed, chunked and unsigned payloads) and in URLs. What is
//!   tampered with, expired, signed by another key or for another region is refused.
//! - **Conditions are atomic**: on `PutObject`, `CompleteMultipartUpload`, `CopyObject`, `DeleteObject` and each key of
//!   `DeleteObjects`, under one lock for each bucket.
//! - **Digests are verified**: `Content-MD5`, CRC-32, CRC-32C, CRC-64/NVME, SHA-1, SHA-256, in headers and trailers, of
//!   whole objects and of parts.
//! - Versions and delete markers, retention and legal holds, ranges, copies, uploads in parts with S3's limits.
//! - [`Quirk`]s make it one of the stores that say that they are compatible.
//! - [`FaultPlan`](crate::FaultPlan)s make single requests go wrong, by number ([`S3Server::play`]).
//! - [The log](S3Server::log) says what was asked, and which IAM actions it used.
//!
//! It does not know: virtual hosts, TLS, ACLs, tags, lifecycle rules, encryption (it says that it encrypted), SigV2,
//! browser uploads, `ListObjects` of version 1.
//!
//! `s3s` logs requests with their headers at the level `debug`: keep that level off where logs are searched for secrets.
//!
//! Objects are kept in memory. To measure a client's memory, let the server be another process: the program
//! `objstore-s3-server` prints where it listens, and ends when its standard input does.

mod backend;
mod body;
mod bucket;
mod credentials;
mod http;
mod operation;
mod program;
mod quirk;
mod record;
mod rewrite;
mod server;

pub use credentials::Credentials;
pub use program::run_program;
pub use quirk::{Quirk, Site, UnknownQuirk};
pub use record::Recorded;
pub use server::{S3Server, S3ServerBuilder};
