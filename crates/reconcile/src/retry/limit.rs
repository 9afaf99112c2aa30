//! How often passes may start, of all keys together.

use std::time::{Duration, SystemTime};

use super::{RetryPolicy, draw};

/// A token bucket, kept as the time at which it would be full again.
#[derive(Debug, Clone, Default)]
pub(super) struct Limit {
    full: Option<SystemTime>,
    /// The time that the last one who waits was told.
    last_told: Option<SystemTime>,
}

impl Limit {
    /// Takes a token, or says when to ask again: everybody at another time.
    pub(super) fn take(&mut self, policy: &RetryPolicy, draws: &mut u64, now: SystemTime) -> Result<(), Duration> {
        let room = policy.interval.saturating_mul(policy.burst.max(1));
        let debt = self.full.and_then(|full| full.duration_since(now).ok()).unwrap_or_default();
        // A larger debt than the bucket holds comes from a clock that went back.
        let owed = debt.min(room).saturating_add(policy.interval);
        if owed > room {
            self.full = now.checked_add(debt.min(room));
            return Err(self.queue(policy, draws, now, owed.saturating_sub(room)));
        }
        self.full = now.checked_add(owed);
        Ok(())
    }

    /// A place behind the last one who was told to wait; at the end of a queue that is too long, any place of its later half.
    fn queue(&mut self, policy: &RetryPolicy, draws: &mut u64, now: SystemTime, least: Duration) -> Duration {
        let last = self.last_told.and_then(|last| last.duration_since(now).ok()).unwrap_or_default();
        let longest = policy.cap.max(least);
        let place = last.saturating_add(policy.interval).max(least);
        if place > longest {
            return draw(draws, (longest / 2, longest)).max(least);
        }
        self.last_told = now.checked_add(place);
        place
    }
}
