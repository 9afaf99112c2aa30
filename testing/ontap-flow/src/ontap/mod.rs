//! A double of the ONTAP REST API: typed requests in, typed responses out, in memory, on a clock given from outside.
//!
//! It has the habits that flows trip over: work that goes on after the answer (202 and a job), jobs that are forgotten,
//! collections in pages, fields that come only when asked for, names in use, a password that cannot be read or set twice.
//! Paths, states and error codes are ONTAP's, from its REST reference for 9.14 and from what its own Go clients (Trident,
//! ontap-go) handle; `rest.rs` shows each request as the HTTP that it stands for.

mod cluster;
mod code;
mod id;
mod inside;
mod jobs;
mod lifs;
mod password;
mod record;
mod request;
pub mod rest;
mod svms;
mod users;

pub use self::cluster::{Cluster, Counts, Habits};
pub use self::code::Code;
pub use self::id::{Name, Uuid};
pub use self::inside::SvmInside;
pub use self::jobs::{Job, JobState};
pub use self::password::Password;
pub use self::record::{Account, Aggregate, Lif, Node, Svm, SvmState};
pub use self::request::{ApiError, Body, Fields, Page, Reply, Request, Response};
