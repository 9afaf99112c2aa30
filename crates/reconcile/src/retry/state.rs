//! What is remembered of one key.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::RetryPolicy;
use crate::rfc3339;

/// What a [`RetryTable`](crate::RetryTable) remembers of one key. Serialised with camel-case names and times as RFC 3339,
/// so that a status can carry it over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetryState {
    /// How many passes failed in a row.
    pub failures: u32,
    /// Since when there was no success; `None` while all is as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub failing_since: Option<SystemTime>,
    /// When the last pass was reported.
    #[serde(with = "rfc3339")]
    pub last: SystemTime,
    /// No pass runs before this time.
    #[serde(with = "rfc3339")]
    pub not_before: SystemTime,
    /// When the next pass was due without a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub due: Option<SystemTime>,
    /// The newest generation of the specification that a pass worked on.
    pub generation: i64,
    /// Whether it was said to be stalled.
    #[serde(default)]
    pub stalled: bool,
}

impl RetryState {
    /// Nothing has failed.
    pub(super) const fn new(generation: i64, now: SystemTime) -> Self {
        Self { failures: 0, failing_since: None, last: now, not_before: now, due: None, generation, stalled: false }
    }

    pub(super) fn remaining(&self, now: SystemTime) -> Duration {
        self.not_before.duration_since(now).unwrap_or_default()
    }

    /// As [`remaining`](Self::remaining); a memory that says longer than `longest` is corrected.
    pub(super) fn remaining_at_most(&mut self, now: SystemTime, longest: Duration) -> Duration {
        if self.remaining(now) > longest {
            self.not_before = now.checked_add(longest).unwrap_or(now);
        }
        self.remaining(now)
    }

    /// A pass that comes much later than it was due tells of a clock that was set, or of a program that was not running:
    /// that time is no time without success.
    pub(super) fn leave_out_gap(&mut self, now: SystemTime, policy: &RetryPolicy) {
        let due = self.due.and_then(|due| due.duration_since(self.last).ok()).unwrap_or_default().min(policy.longest());
        let expected = due.saturating_add(policy.cap.max(policy.blocked));
        let gap = now.duration_since(self.last).unwrap_or_default().saturating_sub(expected);
        self.failing_since = self.failing_since.map(|since| since.checked_add(gap).map_or(now, |since| since.min(now)));
    }

    /// If the clock went back since the last report: moves the memory to the new time, and says by how much. The delay that
    /// was left is at most `longest` then, whatever the memory said.
    pub(super) fn turn_back(&mut self, now: SystemTime, longest: Duration) -> Option<Duration> {
        let by = self.last.duration_since(now).ok().filter(|by| *by > Duration::ZERO)?;
        let delay = self.not_before.duration_since(self.last).unwrap_or_default().min(longest);
        self.failing_since = self.failing_since.map(|since| since.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH));
        self.due = self.due.and_then(|due| due.checked_sub(by));
        (self.last, self.not_before) = (now, now.checked_add(delay).unwrap_or(now));
        Some(by)
    }
}

mod optional {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::rfc3339;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Time(#[serde(with = "rfc3339")] SystemTime);

    pub(super) fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(Time).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
        Ok(Option::<Time>::deserialize(deserializer)?.map(|time| time.0))
    }
}
