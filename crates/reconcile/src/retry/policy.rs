//! How long to wait, and when to call for help.

use std::time::Duration;

/// How attempts are spread. The defaults suit a controller with up to some thousand objects.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The shortest delay after a failure. Default 1 s.
    pub base: Duration,
    /// The longest delay after a failure that may pass by itself. Default 5 min.
    pub cap: Duration,
    /// The delay while something that is not ours is in the way. Default 1 min.
    pub blocked: Duration,
    /// The delay after a permanent error, and the longest that a server may ask for. Default 1 h.
    pub permanent: Duration,
    /// When to look again at what is as it should be: somebody may have changed it. Default 10 min.
    pub recheck: Duration,
    /// After so many failures in a row it is stalled. Default 10.
    pub stall_failures: u32,
    /// After so long without success it is stalled, failures or not. Default 30 min.
    pub stall_after: Duration,
    /// One pass in this time on average, of all keys together. Default 100 ms; zero for no limit.
    pub interval: Duration,
    /// So many passes may start at once before that limit is felt. Default 100.
    pub burst: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(5 * 60),
            blocked: Duration::from_secs(60),
            permanent: Duration::from_secs(60 * 60),
            recheck: Duration::from_secs(10 * 60),
            stall_failures: 10,
            stall_after: Duration::from_secs(30 * 60),
            interval: Duration::from_millis(100),
            burst: 100,
        }
    }
}

impl RetryPolicy {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the shortest and the longest delay after a failure.
    #[must_use]
    pub fn with_backoff(mut self, base: Duration, cap: Duration) -> Self {
        (self.base, self.cap) = (base, cap);
        self
    }

    /// Sets the delay while something is in the way.
    #[must_use]
    pub fn with_blocked(mut self, blocked: Duration) -> Self {
        self.blocked = blocked;
        self
    }

    /// Sets the delay after a permanent error.
    #[must_use]
    pub fn with_permanent(mut self, permanent: Duration) -> Self {
        self.permanent = permanent;
        self
    }

    /// Sets when to look again at what is as it should be.
    #[must_use]
    pub fn with_recheck(mut self, recheck: Duration) -> Self {
        self.recheck = recheck;
        self
    }

    /// Sets after how many failures, or how long, it is stalled.
    #[must_use]
    pub fn with_stall(mut self, failures: u32, after: Duration) -> Self {
        (self.stall_failures, self.stall_after) = (failures, after);
        self
    }

    /// Sets how often passes may start, of all keys together.
    #[must_use]
    pub fn with_limit(mut self, interval: Duration, burst: u32) -> Self {
        (self.interval, self.burst) = (interval, burst);
        self
    }

    /// The bounds of the delay after so many failures in a row: it is drawn evenly between them.
    pub(super) fn bounds(&self, failures: u32) -> (Duration, Duration) {
        let longest = 2_u32.checked_pow(failures).and_then(|times| self.base.checked_mul(times));
        let longest = longest.map_or(self.cap, |longest| longest.min(self.cap));
        (self.base.min(longest), longest)
    }

    /// The longest delay of all.
    pub(super) fn longest(&self) -> Duration {
        [self.cap, self.blocked, self.permanent].into_iter().fold(self.base, Duration::max)
    }
}
