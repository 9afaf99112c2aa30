//! Tests for object stores: a conformance suite for [`objstore_core`], faults by plan, and a loopback S3 server.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod fault_store;
mod plan;
pub use fault_store::FaultStore;
pub use plan::{Fault, FaultPlan, PlanError};
pub mod conformance;
#[cfg(feature = "s3-server")]
pub mod s3;

/// What the macros name.
#[doc(hidden)]
pub mod __private {
    pub use objstore_core::ObjectStore;
}
