//! How often passes may start, of all keys together.

use std::time::{Duration, SystemTime};

use super::RetryPolicy;

/// A token bucket, kept as the time at which it would be full again.
#[derive(Debug, Clone, Default)]
pub(super) struct Limit {
    full: Option<SystemTime>,
}

impl Limit {
    /// Takes a token, or says how long there is none.
    pub(super) fn take(&mut self, policy: &RetryPolicy, now: SystemTime) -> Result<(), Duration> {
        let room = policy.interval.saturating_mul(policy.burst.max(1));
        let debt = self.full.and_then(|full| full.duration_since(now).ok()).unwrap_or_default();
        // A larger debt than the bucket holds comes from a clock that went back.
        let owed = debt.min(room).saturating_add(policy.interval);
        if owed > room {
            self.full = now.checked_add(debt.min(room));
            return Err(owed.saturating_sub(room));
        }
        self.full = now.checked_add(owed);
        Ok(())
    }
}
