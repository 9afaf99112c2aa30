//! Stores around stores: each does one thing and passes everything else on.
//!
//! # The order
//! From the caller to the store:
//!
//! | Layer | Why there |
//! |---|---|
//! | [`DryRun`] or [`ReadOnly`] | a change is stopped before anything counts or waits for it |
//! | [`Meter`] | measures what the caller waits for, attempts included |
//! | [`PrefixStore`] | keys are relative in what the caller sees; all below speak of the real ones |
//! | [`Probed`](crate::probe::Probed) | refuses before anything is tried |
//! | [`Retries`] | decides by what a whole attempt came to |
//! | [`Limit`] | a call that waits to be tried again holds no turn |
//! | [`Timeouts`] | limits one attempt; waiting for a turn does not count |
//! | the store | |
//!
//! [`StoreBuilder`] makes this order. A second [`Meter`] below [`Retries`] counts attempts.
//!
//! Whoever writes a layer forwards every method: put `#[deny(clippy::missing_trait_methods)]` on the impl.

mod retry;
pub use retry::{Retries, RetryBudget, RetryLoop, RetryPolicy};
mod timeouts;
pub use timeouts::{TimeLimits, Timeouts};
mod limit;
pub use limit::Limit;
mod meter;
pub use meter::{Measurement, Meter, Recorder};
#[cfg(feature = "tracing")]
mod tracing;
#[cfg(feature = "tracing")]
pub use tracing::TracingRecorder;
mod prefix;
pub use prefix::PrefixStore;
mod read_only;
pub use read_only::ReadOnly;
mod dry_run;
pub use dry_run::{DryRun, Planned};
mod stack;
pub use stack::StoreBuilder;

use crate::{Effect, Error, ErrorKind, Op};

/// For a store that gave fewer results than a batch had items.
fn no_answer() -> Error {
    let detail = "the store gave fewer results than there were items: look at the objects";
    Error::new(ErrorKind::Other).with_op(Op::Delete).with_effect(Effect::Unknown).with_detail(detail)
}
