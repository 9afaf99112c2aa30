//! Reconciliation that never assumes: a step runs on what this pass observed, and what was not reached is never called done.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use reconcile::{
//!     Change, Escrow, Kept, Login, MemoryJournal, Observe, Observed, OsRandom, Pass, RecordName, Records, Secret, Seen, Step,
//!     StepError, StepId, Verified,
//! };
//!
//! #[derive(Default)]
//! struct Server(Mutex<Option<Secret>>); // in place of a client: it has one account
//!
//! impl Server {
//!     async fn login(&self, password: &Secret) -> Result<bool, StepError> {
//!         Ok(self.0.lock().unwrap().as_ref() == Some(password))
//!     }
//! }
//!
//! struct Account<'p> {
//!     kept: &'p Seen<'p, Kept>, // cannot be built before a password was seen to be written down
//! }
//!
//! impl Observe for Account<'_> {
//!     type Out = Login;
//!     type Read = Server;
//!
//!     fn id(&self) -> StepId {
//!         "account".into()
//!     }
//!
//!     async fn observe(&self, server: &Server) -> Result<Observed<Login>, StepError> {
//!         if server.0.lock().unwrap().is_none() {
//!             return Ok(Observed::Absent);
//!         }
//!         // That it is there does not say that the password is right.
//!         Ok(self.kept.log_in(|password| server.login(password)).await?.observed("login-refused"))
//!     }
//! }
//!
//! impl Step for Account<'_> {
//!     type Write = Server;
//!
//!     async fn apply(&self, server: &Server, _: Change<'_, Login>) -> Result<(), StepError> {
//!         *server.0.lock().unwrap() = Some(self.kept.newest().clone());
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::default();
//! let records = Records::new(Arc::new(MemoryJournal::new()), "storage"); // or FileJournal, or StoreJournal
//! let escrow = Escrow::new(RecordName::new("password")?, || Secret::generate(24, Secret::UNAMBIGUOUS, &OsRandom));
//! for writes in [3, 0] {
//!     let pass = Pass::new("storage", ["password", "account", "password/verified"]); // the goal names every step
//!     if let Some(kept) = pass.step(&escrow, records.reader(), &records).await {
//!         // Looked, created, looked again. What comes next needs a `&Seen`, and cannot be built without one.
//!         if let Some(account) = pass.step(&Account { kept: &kept }, &server, &server).await {
//!             pass.step(&Verified::new(&account), records.reader(), &records).await; // which password works
//!         }
//!     }
//!     let outcome = pass.finish();
//!     assert!(outcome.is_converged() && outcome.writes() == writes);
//! }
//! # Ok(()) }
//! ```
//!
//! What it holds to:
//! - **Nothing is inferred.** What a step needs are fields of type [`&Seen`](Seen). Only a pass makes one, of what it has just
//!   observed, and it dies with the pass.
//! - **Unknown is not absent.** A look that fails ends its step; nothing is created or changed on it. Other branches go on.
//! - **Only looking counts.** A change returns nothing to go on with; the step is looked at again.
//! - **One outcome**, never converged while a step of the goal was not reached, with a report for every step.
//! - **Quiet when done.** A pass over what is as it should be writes nothing; conditions change when something changed.
//! - **Values do not show.** Errors, events and conditions are made of names and static codes; a [`Secret`] is redacted by type.
//!
//! What it does not do: watch, queue or schedule (your controller does), know Kubernetes' types, start tasks, sleep, or read a
//! clock: times and timers come in. It needs no runtime.
//!
//! Start with the [`guide`]: an incident, and the same flow without it. Then [`Step`], [`Pass`] and [`Outcome`]; [`Removal`] for
//! the way back; [`RetryTable`] and [`conditions`] for the loop around it.
//!
//! # Features
//! | Feature | What it adds | What it costs |
//! |---|---|---|
//! | `encrypt` | `Encrypted`, a layer over any journal | chacha20poly1305 |
//! | `objstore` | `StoreJournal`, a journal in an object store; errors of objstore-core as errors of steps | objstore-core, and with it tokio |
//! | `testkit` | the kit that crashes a flow at every await; with `objstore` also a faulty store | modules |
//! | `tracing` | `TracingObserver` | tracing |
#![cfg_attr(docsrs, feature(doc_cfg))]

// A flow, in reading order.
mod id;
pub use id::StepId;
mod error;
pub use error::{Class, PassError, StepError};
mod step;
#[cfg(feature = "objstore")]
mod store_error;
pub use step::{Change, Observe, Observed, Owner, Remove, Step};
mod seen;
pub use seen::{Found, Gone, Remains, Seen};
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
pub use escrow::{Decision, Escrow, Kept, Login, Recorded, Verified};

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

#[doc = include_str!("guide.md")]
pub mod guide {}

#[cfg(doctest)]
mod proofs;

/// The README's example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
