//! Tests for object stores: a conformance suite for [`objstore_core`], faults by plan, and a loopback S3 server.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod plan;
pub use plan::{Fault, FaultPlan, PlanError};
#[cfg(feature = "s3-server")]
pub mod s3;
