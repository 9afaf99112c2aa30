//! What servers of S3 promise: as `promises.toml` expects it, and as a probe sees it.
//!
//! - `promises.toml` has a row for each server and kind of bucket, with the verdict on every promise.
//! - The test `matrix` starts each server, probes it, compares, and runs the conformance suite on it. The judges that it
//!   needs come from `cargo xtask servers`.
//! - `cargo run -p store-matrix` writes the table of the README, and the test `table` sees that it is current.
//!
//! No row says how to speak to a server: all are spoken to as to a store that nothing is known about
//! ([`Profile::GENERIC`](objstore_s3::Profile::GENERIC)). So verdicts cannot depend on a server's name. What a server
//! calls itself in its answers makes no difference either: [`Renamed`] changes that, and a test compares.

mod bucket;
mod place;
mod renamed;
mod row;
pub mod table;

pub use place::Place;
pub use renamed::Renamed;
pub use row::{Allowed, BucketKind, Row, ServerKind, rows};
