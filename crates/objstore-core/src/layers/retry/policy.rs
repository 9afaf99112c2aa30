//! How often, how long, and how much altogether.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// When one call gives up.
///
/// Between two attempts it waits for what the store asked for ([`Retry::After`](crate::Retry::After)) and, on top, for a
/// random part of `base_delay`, doubled at each attempt up to `max_delay` (full jitter).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often it is tried, the first time included. 8 unless set.
    pub max_attempts: u32,
    /// How long all attempts and waits take together; no wait is begun that would end later. 2 minutes unless set.
    pub max_elapsed: Duration,
    /// The longest wait before the second attempt. 100 ms unless set.
    pub base_delay: Duration,
    /// The longest random wait. 10 s unless set.
    pub max_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            max_elapsed: Duration::from_secs(120),
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how often it is tried; 0 counts as 1.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets how long all attempts take together.
    #[must_use]
    pub fn with_max_elapsed(mut self, elapsed: Duration) -> Self {
        self.max_elapsed = elapsed;
        self
    }

    /// Sets the longest wait before the second attempt, and the longest random wait at all.
    #[must_use]
    pub fn with_delays(mut self, base: Duration, max: Duration) -> Self {
        self.base_delay = base;
        self.max_delay = max;
        self
    }

    /// The longest random wait after so many attempts.
    pub(super) fn backoff(&self, attempts: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        self.base_delay.saturating_mul(factor).min(self.max_delay)
    }
}

/// What all calls together may spend on trying again, so that many clients of an ill store do not make it worse.
///
/// Each further attempt takes one from the budget, each success gives a tenth back. With an empty budget the first error
/// is the last. Share one (in an `Arc`) between all that speak to one store.
#[derive(Debug)]
pub struct RetryBudget {
    tenths: AtomicU32,
    most: u32,
}

const TENTHS: u32 = 10;

impl RetryBudget {
    /// A full budget of so many further attempts.
    #[must_use]
    pub fn new(attempts: u32) -> Self {
        let most = attempts.saturating_mul(TENTHS);
        Self { tenths: AtomicU32::new(most), most }
    }

    /// How many further attempts are left.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.tenths.load(Ordering::Relaxed) / TENTHS
    }

    pub(super) fn take(&self) -> bool {
        let taken = |tenths: u32| tenths.checked_sub(TENTHS);
        self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    pub(super) fn give_back(&self) {
        let given = |tenths: u32| Some(tenths.saturating_add(1).min(self.most));
        // Never refused: the closure always returns a value.
        let _ = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, given);
    }
}

impl Default for RetryBudget {
    /// 100 further attempts.
    fn default() -> Self {
        Self::new(100)
    }
}
