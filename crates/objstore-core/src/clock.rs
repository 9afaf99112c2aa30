//! Where the time comes from.

use std::{fmt, time::SystemTime};

/// The time of day, as a component, so that tests can turn it.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to configure")]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the component that everything else takes the time from")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
