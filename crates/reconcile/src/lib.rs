//! Reconciliation that never assumes: a step runs on what this pass observed, and what was not reached is never called
//! done.
#![cfg_attr(docsrs, feature(doc_cfg))]

// A flow, in reading order.
mod id;
pub use id::StepId;
mod error;
pub use error::{Class, PassError, StepError};
mod step;
pub use step::{Change, Observe, Observed, Owner, Remove, Step};
mod seen;
pub use seen::{Found, Gone, Seen};
mod pass;
pub use pass::{Pass, Removal};
mod outcome;
pub use outcome::{Outcome, StepReport, StepState, Verdict};

// What is written down before it is used.
mod journal;
#[cfg(unix)]
pub use journal::FileJournal;
#[cfg(feature = "objstore")]
pub use journal::StoreJournal;
#[cfg(feature = "encrypt")]
pub use journal::{Encrypted, JournalKey};
pub use journal::{
    Journal, JournalError, JournalErrorKind, MemoryJournal, Payload, Record, RecordName, RecordReader, Records,
    Revision, Stored,
};
mod secret;
pub use secret::{OsRandom, Random, Secret};
mod escrow;
pub use escrow::{Decision, Escrow, Kept, Recorded, Verified};

// What stands around it.
mod observer;
pub use observer::{Action, Answer, Event, Observer};
#[cfg(feature = "tracing")]
mod trace;
#[cfg(feature = "tracing")]
pub use trace::TracingObserver;
mod time;
pub use time::{BoxFuture, Timer};
mod retry;
pub use retry::{Gate, Next, RetryPolicy, RetryState, RetryTable, Stalled};
pub mod conditions;
mod rfc3339;

#[cfg(feature = "testkit")]
pub mod testkit;
