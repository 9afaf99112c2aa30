//! Tests for object stores: a conformance suite for [`objstore_core`], faults by plan, and a loopback S3 server with
//! quirks to switch on.
//!
//! ```
//! use std::sync::Arc;
//! use objstore_core::{MemoryStore, ObjectStore};
//! use objstore_testkit::{FaultPlan, FaultStore, conformance::Suite};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new()); // your store or layer
//! let report = Suite::new().run(&store).await;
//! println!("{report}"); // each case: ok, ignored and why, or FAILED and what was found
//! report.assert_conforms(30); // at least so many must have run
//! let plan: FaultPlan = "2=reply-lost,3=503:1".parse()?; // the second call loses its answer, the third must wait
//! let flaky: Arc<dyn ObjectStore> = Arc::new(FaultStore::new(store, plan));
//! println!("{flaky} fails by plan");
//! # Ok(()) }
//! ```
//!
//! - [`conformance`]: what every store and layer must do, for your own stores too.
//! - [`FaultPlan`]: which call goes wrong, and how, as one line of text. [`FaultStore`] plays it below a layer or a
//!   flow, the server below a client. To crash a flow between its calls, use the kit of the crate `reconcile`.
//! - `s3::S3Server`: S3 on loopback, with the habits of its imitators.
//!
//! # Features
//! | Feature | What it adds | What it costs |
//! |---|---|---|
//! | `s3-server` | the module `s3`, and the program `objstore-s3-server` | `s3s` and `hyper`, about 100 packages |
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod conformance;
mod fault_store;
mod plan;
pub use fault_store::FaultStore;
pub use plan::{Fault, FaultPlan, PlanError};
#[cfg(feature = "s3-server")]
pub mod s3;

/// What the macros name.
#[doc(hidden)]
pub mod __private {
    pub use objstore_core::ObjectStore;
}

/// The README's examples compile and run.
#[cfg(all(doctest, feature = "s3-server"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
