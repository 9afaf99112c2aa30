//! The one loop.

use std::{future::Future, sync::Arc, time::Duration};

use super::{RetryBudget, RetryPolicy};
use crate::{Effect, Error, Random, Result, Retry, SystemRandom, Timer, TokioTimer};

/// The loop in which requests are tried again: a policy, a budget, and the components it waits and draws by.
///
/// [`Retries`](super::Retries) runs every call in it. A store whose call makes several requests (the parts of an
/// upload) uses it for those, so that all of a program waits by one rule.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use objstore_core::{Error, ErrorKind, layers::RetryLoop};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let asked = AtomicU32::new(0);
/// let rule = RetryLoop::new();
/// let answer = rule.run_idempotent(|| async {
///     match asked.fetch_add(1, Ordering::Relaxed) {
///         0 => Err(Error::new(ErrorKind::Transport)), // tried again after a short wait
///         _ => Ok("done"),
///     }
/// });
/// assert_eq!(answer.await?, "done");
/// # Ok::<(), Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RetryLoop {
    policy: RetryPolicy,
    budget: Arc<RetryBudget>,
    timer: Arc<dyn Timer>,
    random: Arc<dyn Random>,
}

impl RetryLoop {
    /// The default policy, a budget of its own, tokio's time, the system's randomness.
    #[must_use]
    pub fn new() -> Self {
        Self {
            policy: RetryPolicy::default(),
            budget: Arc::default(),
            timer: Arc::new(TokioTimer::new()),
            random: Arc::new(SystemRandom),
        }
    }

    /// Sets when a call gives up.
    #[must_use]
    pub fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Shares a budget with others.
    #[must_use]
    pub fn with_budget(mut self, budget: Arc<RetryBudget>) -> Self {
        self.budget = budget;
        self
    }

    /// Sets what is waited by.
    #[must_use]
    pub fn with_timer(mut self, timer: Arc<dyn Timer>) -> Self {
        self.timer = timer;
        self
    }

    /// Sets what jitter and write tokens are drawn from.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Sends a request whose repetition changes nothing more, until it succeeds or the policy ends it.
    ///
    /// # Errors
    /// The last one, with the number of attempts.
    pub async fn run_idempotent<T, F>(&self, mut request: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut attempts = self.start();
        loop {
            match request().await {
                Ok(done) => {
                    attempts.succeeded();
                    return Ok(done);
                }
                Err(error) => {
                    if matches!(error.effect(), Effect::Applied(_)) || !attempts.again(&error).await {
                        return Err(attempts.sign(error));
                    }
                }
            }
        }
    }

    pub(super) fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// Begins a call.
    pub(super) fn start(&self) -> Attempts {
        Attempts { rule: self.clone(), made: 1, began: self.timer.now() }
    }
}

impl Default for RetryLoop {
    fn default() -> Self {
        Self::new()
    }
}

/// One call's attempts.
#[derive(Debug)]
pub(super) struct Attempts {
    rule: RetryLoop,
    made: u32,
    began: Duration,
}

impl Attempts {
    /// Whether there is to be another attempt after this error: waits for its time if so.
    pub(super) async fn again(&mut self, error: &Error) -> bool {
        let Retry::After(asked) = error.retry() else {
            return false;
        };
        let policy = &self.rule.policy;
        if self.made >= policy.max_attempts {
            return false;
        }
        let delay = asked.saturating_add(part_of(policy.backoff(self.made), self.rule.random.next()));
        let elapsed = self.rule.timer.now().saturating_sub(self.began);
        if elapsed.saturating_add(delay) > policy.max_elapsed || !self.rule.budget.take() {
            return false;
        }
        self.made = self.made.saturating_add(1);
        self.rule.timer.sleep(delay).await;
        true
    }

    pub(super) fn succeeded(&self) {
        self.rule.budget.give_back();
    }

    /// The error with the number of attempts.
    pub(super) fn sign(&self, error: Error) -> Error {
        let below = error.attempts().saturating_sub(1);
        error.with_attempts(self.made.saturating_add(below))
    }
}

/// A random part of a duration, from none to all of it.
fn part_of(duration: Duration, random: u64) -> Duration {
    const PARTS: u32 = 1 << 16;
    let part = u32::from(u16::try_from(random >> 48).unwrap_or(u16::MAX));
    duration.saturating_mul(part).checked_div(PARTS).unwrap_or(duration)
}
