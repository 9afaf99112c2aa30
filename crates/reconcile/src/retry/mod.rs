//! When to try again: memory for each key, on a clock from outside.

mod limit;
mod policy;
mod state;

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use self::limit::Limit;
pub use self::{policy::RetryPolicy, state::RetryState};
use crate::{Class, Event, Observer, Outcome, StepError, StepId, Verdict};

/// Decides for each key when its next pass may run, and remembers how the last ones ended.
///
/// Ask [`gate`](Self::gate) before a pass, [`report`](Self::report) its outcome after it. The time comes from the caller:
/// a test turns it, nothing sleeps. Delays are drawn between a base and a bound that doubles with every failure, up to a
/// cap ("full jitter"); no failure ends the attempts.
///
/// - A trigger that comes before its time neither runs nor counts.
/// - Success and a newer generation of the specification reset the memory. An older one (a watcher that is behind) does not.
/// - A key that was [stalled](Stalled) is said to be so once, and goes on.
/// - A clock that goes back is an answer of its own, once, and nothing waits longer than the longest delay.
///
/// Keys stay until they are [forgotten](Self::forget): do that when an object is gone. One that is made again under its name
/// counts its generations anew, so take an id for the key that is not used twice, or forget it.
///
/// Keys that wait for the limit on all of them are told different times, by their place in the queue.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use reconcile::{Gate, Pass, RetryPolicy, RetryTable};
/// let mut table = RetryTable::new(RetryPolicy::new(), 7);
/// let mut now = SystemTime::UNIX_EPOCH;
/// assert_eq!(table.gate(&"object", 1, now), Gate::Run);
/// let outcome = Pass::new("flow", ["a step that never ran"]).finish();
/// let next = table.report("object", 1, &outcome, now);
/// assert!(next.stalled.is_some()); // a flow that does not come to its goal is a mistake in the program
///
/// now += Duration::from_secs(1);
/// assert!(matches!(table.gate(&"object", 1, now), Gate::Wait(_)));
/// assert_eq!(table.gate(&"object", 2, now), Gate::Run); // the specification changed
/// ```
#[derive(Debug, Clone)]
pub struct RetryTable<K> {
    policy: RetryPolicy,
    keys: BTreeMap<K, RetryState>,
    limit: Limit,
    draws: u64,
}

/// Whether a pass may run now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a pass that runs before its time makes a bad situation worse"]
#[non_exhaustive]
pub enum Gate {
    /// Run it, and report its outcome.
    Run,
    /// Not before this time has passed. The trigger does not count.
    Wait(Duration),
    /// The clock shows an earlier time than at the last report: do not run it now. The memory of the key was moved to the
    /// new time, so that this is said once.
    ClockWentBack {
        /// By how much.
        by: Duration,
        /// When it may run.
        wait: Duration,
    },
}

/// When the next pass is due.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "nothing else schedules the next pass"]
#[non_exhaustive]
pub struct Next {
    /// After this time, without any trigger.
    pub after: Duration,
    /// How many passes failed in a row.
    pub failures: u32,
    /// Set once, when it became stalled: call for help.
    pub stalled: Option<Stalled>,
}

/// Attempts failed for so long, or in such a way, that somebody should look. Attempts go on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stalled {
    /// How many passes failed in a row.
    pub failures: u32,
    /// Since when there was no success.
    pub since: SystemTime,
    /// The step that is held, where one is to blame.
    pub step: Option<StepId>,
    /// Why, as a static code.
    pub code: &'static str,
}

impl<K: Ord> RetryTable<K> {
    /// An empty table. The seed decides the jitter: draw it for each process, fix it in tests.
    #[must_use]
    pub fn new(policy: RetryPolicy, seed: u64) -> Self {
        Self { policy, keys: BTreeMap::new(), limit: Limit::default(), draws: seed }
    }

    /// Whether a pass of this key may run now. [`Gate::Run`] takes a token of the limit on all keys.
    pub fn gate(&mut self, key: &K, generation: i64, now: SystemTime) -> Gate {
        if let Some(state) = self.keys.get_mut(key).filter(|state| state.generation >= generation) {
            if let Some(by) = state.turn_back(now, self.policy.longest()) {
                return Gate::ClockWentBack { by, wait: state.remaining(now) };
            }
            let wait = state.remaining_at_most(now, self.policy.longest());
            if wait > Duration::ZERO {
                return Gate::Wait(wait);
            }
        }
        self.limit.take(&self.policy, &mut self.draws, now).map_or_else(Gate::Wait, |()| Gate::Run)
    }

    /// Remembers how a pass ended. A plan changes nothing here: it was no attempt.
    ///
    /// A clock that went back during the pass moves the memory of the key to the new time.
    pub fn report(&mut self, key: K, generation: i64, outcome: &Outcome, now: SystemTime) -> Next {
        if outcome.is_plan() {
            return Next { after: self.policy.recheck, failures: 0, stalled: None };
        }
        if outcome.is_converged() {
            let generation = self.keys.get(&key).map_or(generation, |state| state.generation.max(generation));
            self.keys.insert(key, RetryState::new(generation, now));
            let asked = outcome.recheck().map(|after| after.max(self.policy.base));
            let after = asked.map_or(self.policy.recheck, |after| after.min(self.policy.recheck));
            return Next { after, failures: 0, stalled: None };
        }
        let state = self.keys.entry(key).or_insert_with(|| RetryState::new(generation, now));
        if state.generation < generation {
            *state = RetryState::new(generation, now);
        }
        let _ = state.turn_back(now, self.policy.longest());
        state.leave_out_gap(now, &self.policy);
        // What was as it should be until now has failed since now.
        let since = *state.failing_since.get_or_insert(now);
        if matches!(outcome.verdict, Verdict::Failed { .. } | Verdict::Misused(_)) {
            state.failures = state.failures.saturating_add(1);
        }
        let (after, hold) = delay(&self.policy, &mut self.draws, state.failures, &outcome.verdict);
        (state.last, state.not_before) = (now, now.checked_add(hold).unwrap_or(now));
        state.due = now.checked_add(after);
        let stalled =
            stalls(&self.policy, state, &outcome.verdict, now) && !std::mem::replace(&mut state.stalled, true);
        let stalled =
            stalled.then(|| Stalled { failures: state.failures, since, step: culprit(outcome), code: outcome.code() });
        Next { after, failures: state.failures, stalled }
    }

    /// What is remembered of a key: put it into a status, and [`restore`](Self::restore) it after a restart.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&RetryState> {
        self.keys.get(key)
    }

    /// All keys, and what is remembered of them.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &RetryState)> {
        self.keys.iter()
    }

    /// Puts back what was remembered of a key.
    pub fn restore(&mut self, key: K, state: RetryState) {
        self.keys.insert(key, state);
    }

    /// Forgets a key: its object is gone, or its next pass is wanted now.
    pub fn forget(&mut self, key: &K) {
        self.keys.remove(key);
    }
}

impl Next {
    /// Tells an observer of it.
    pub fn tell(&self, flow: &str, observer: &dyn Observer) {
        observer.event(flow, &Event::Scheduled { failures: self.failures, after: self.after });
        if let Some(stalled) = &self.stalled {
            observer.event(flow, &Event::Stalled { failures: stalled.failures, code: stalled.code });
        }
    }
}

/// When the next pass is due, and until when a trigger must wait.
fn delay(policy: &RetryPolicy, draws: &mut u64, failures: u32, verdict: &Verdict) -> (Duration, Duration) {
    // Nothing failed: a trigger may say that it is time, though not at once, lest a pass trigger itself.
    let early = |after: Duration| (after.clamp(policy.base, policy.longest()), policy.base);
    let failed = |after: Duration| (after, after);
    match verdict {
        Verdict::Converged | Verdict::Planned { .. } => (policy.recheck, Duration::ZERO),
        Verdict::Progressing { after } => early(*after),
        Verdict::Blocked { after, .. } => early(after.map_or(policy.blocked, |after| after.min(policy.blocked))),
        verdict if is_permanent(verdict) => failed(policy.permanent),
        Verdict::Failed { error: StepError { class: Class::RateLimited(asked), .. }, .. } => {
            failed(draw(draws, policy.bounds(failures)).max((*asked).min(policy.permanent)))
        }
        Verdict::Failed { .. } | Verdict::Misused(_) => failed(draw(draws, policy.bounds(failures))),
    }
}

const fn is_permanent(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Failed { error, .. } => error.class.is_permanent(),
        Verdict::Misused(_) => true,
        _ => false,
    }
}

fn stalls(policy: &RetryPolicy, state: &RetryState, verdict: &Verdict, now: SystemTime) -> bool {
    let since = state.failing_since.and_then(|since| now.duration_since(since).ok()).unwrap_or_default();
    is_permanent(verdict) || state.failures >= policy.stall_failures || since >= policy.stall_after
}

fn culprit(outcome: &Outcome) -> Option<StepId> {
    match &outcome.verdict {
        Verdict::Failed { step, .. } | Verdict::Blocked { step, .. } => Some(step.clone()),
        Verdict::Misused(error) => error.step().cloned(),
        _ => outcome.held().next().map(|report| report.step.clone()),
    }
}

/// A delay between the bounds, each as likely as the other. SplitMix64: small, and good enough to spread load.
fn draw(draws: &mut u64, (least, most): (Duration, Duration)) -> Duration {
    *draws = draws.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *draws;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    let span = u64::try_from(most.saturating_sub(least).as_nanos()).unwrap_or(u64::MAX);
    least.saturating_add(Duration::from_nanos(if span == u64::MAX { z } else { z % (span + 1) }))
}
