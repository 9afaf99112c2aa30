//! What both kinds of pass have in common: the goal, the claims on it, the calls of steps.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use crate::{
    Action, Answer, Event, Observe, Observed, Observer, Outcome, PassError, StepError, StepId, StepReport, StepState,
    Timer,
};

pub(super) struct Core<'o> {
    flow: Cow<'static, str>,
    pub(super) plan: bool,
    observer: Option<&'o dyn Observer>,
    timer: Option<&'o dyn Timer>,
    timeout: Option<Duration>,
    log: Mutex<Log>,
}

struct Log {
    steps: Vec<StepReport>,
    places: BTreeMap<StepId, Place>,
    misuse: Option<PassError>,
    started: bool,
}

struct Place {
    index: usize,
    claimed: bool,
}

/// The right to run one step: it was in the goal, and nobody else had claimed it. Dropped early, it stays interrupted.
pub(super) struct Claim<'p, 'o> {
    core: &'p Core<'o>,
    id: StepId,
    index: usize,
    timeout: Option<Duration>,
    writes: u32,
}

impl<'o> Core<'o> {
    pub(super) fn new(flow: Cow<'static, str>, goal: impl IntoIterator<Item = impl Into<StepId>>, plan: bool) -> Self {
        Self {
            flow,
            plan,
            observer: None,
            timer: None,
            timeout: None,
            log: Mutex::new(Log::new(goal.into_iter().map(Into::into))),
        }
    }

    pub(super) fn with_observer(mut self, observer: &'o dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    pub(super) fn with_timer(mut self, timer: &'o dyn Timer) -> Self {
        self.timer = Some(timer);
        self
    }

    pub(super) fn with_timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Claims a step; `None` if the pass is misused, now or before.
    pub(super) fn claim<T: Observe>(&self, step: &T) -> Option<Claim<'_, 'o>> {
        self.claim_as(step.id(), step.timeout())
    }

    /// Claims what is read for the steps of the goal and is not one of them: it gets a place of its own, as `<step>/read`.
    pub(super) fn claim_input<T: Observe>(&self, input: &T) -> Option<Claim<'_, 'o>> {
        let id = StepId::from(format!("{}/read", input.id()));
        self.lock().add(id.clone());
        self.claim_as(id, input.timeout())
    }

    fn claim_as(&self, id: StepId, timeout: Option<Duration>) -> Option<Claim<'_, 'o>> {
        let timeout = timeout.or(self.timeout);
        let (first, index) = {
            let mut log = self.lock();
            let first = !std::mem::replace(&mut log.started, true);
            (first, log.claim(&id, timeout.is_some() && self.timer.is_none()))
        };
        if first {
            self.tell(&Event::PassStarted { plan: self.plan });
        }
        let claim = Claim { core: self, index: index?, id, timeout, writes: 0 };
        self.tell(&Event::StepStarted { step: &claim.id });
        Some(claim)
    }

    pub(super) fn finish(self) -> Outcome {
        let log = self.log.into_inner().unwrap_or_else(PoisonError::into_inner);
        let outcome = Outcome::new(self.flow.clone().into_owned(), log.steps, log.misuse, self.plan);
        if let Some(observer) = self.observer {
            observer.event(&self.flow, &Event::PassEnded { outcome: &outcome });
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = self.observer {
            observer.event(&self.flow, event);
        }
    }
}

impl Log {
    fn new(goal: impl Iterator<Item = StepId>) -> Self {
        let mut log = Self { steps: Vec::new(), places: BTreeMap::new(), misuse: None, started: false };
        for step in goal {
            if !log.add(step.clone()) {
                log.misuse.get_or_insert(PassError::DuplicateGoal(step));
            }
        }
        if log.steps.is_empty() {
            log.misuse = Some(PassError::EmptyGoal);
        }
        log
    }

    /// Makes a place for a step; not if it has one.
    fn add(&mut self, step: StepId) -> bool {
        let place = Place { index: self.steps.len(), claimed: false };
        let added = match self.places.entry(step.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(place);
                true
            }
        };
        if added {
            self.steps.push(StepReport { step, state: StepState::NotReached, writes: 0, recheck: None });
        }
        added
    }

    fn claim(&mut self, id: &StepId, no_timer: bool) -> Option<usize> {
        if self.misuse.is_some() {
            return None;
        }
        let misuse = match self.places.get_mut(id) {
            None => PassError::NotInGoal(id.clone()),
            Some(place) if place.claimed => PassError::DuplicateStep(id.clone()),
            Some(_) if no_timer => PassError::NoTimer(id.clone()),
            Some(place) => {
                place.claimed = true;
                let index = place.index;
                self.set(index, StepState::Interrupted, 0);
                return Some(index);
            }
        };
        self.misuse = Some(misuse);
        None
    }

    fn set(&mut self, index: usize, state: StepState, writes: u32) {
        if let Some(report) = self.steps.get_mut(index) {
            (report.state, report.writes) = (state, writes);
        }
    }
}

impl Claim<'_, '_> {
    /// Looks, and tells what was seen.
    pub(super) async fn observe<T: Observe>(&self, step: &T, read: &T::Read) -> Result<Observed<T::Out>, StepError> {
        let seen = self.call(step.observe(read)).await;
        self.core.tell(&Event::Observed { step: &self.id, answer: answer(&seen) });
        seen
    }

    /// Writes, and tells so; `None` if the pass was misused meanwhile, and nothing was done.
    pub(super) async fn write(
        &mut self,
        action: Action,
        call: impl Future<Output = Result<(), StepError>> + Send,
    ) -> Option<Result<(), StepError>> {
        self.writes = self.writes.saturating_add(1);
        {
            let mut log = self.core.lock();
            if log.misuse.is_some() {
                return None;
            }
            log.set(self.index, StepState::Interrupted, self.writes);
        }
        self.core.tell(&Event::Applying { step: &self.id, action });
        let result = self.call(call).await;
        self.core.tell(&Event::Applied { step: &self.id, result });
        Some(result)
    }

    pub(super) const fn plan(&self) -> bool {
        self.core.plan
    }

    pub(super) const fn wrote(&self) -> bool {
        self.writes > 0
    }

    /// Ends the step as ready; it wants to be looked at again after this time.
    pub(super) fn end_ready(self, recheck: Option<Duration>) {
        if let Some(report) = self.core.lock().steps.get_mut(self.index) {
            report.recheck = recheck;
        }
        self.end(StepState::Ready);
    }

    /// Ends the step.
    pub(super) fn end(self, state: StepState) {
        self.core.tell(&Event::StepEnded { step: &self.id, state: &state, writes: self.writes });
        self.core.lock().set(self.index, state, self.writes);
    }

    async fn call<O: Send>(&self, call: impl Future<Output = Result<O, StepError>> + Send) -> Result<O, StepError> {
        let (Some(limit), Some(timer)) = (self.timeout, self.core.timer) else { return call.await };
        let (mut call, mut sleep) = (pin!(call), timer.sleep(limit));
        poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| Err(StepError::transient("timeout"))),
        })
        .await
    }
}

fn answer<S>(seen: &Result<Observed<S>, StepError>) -> Answer {
    match seen {
        Ok(Observed::Absent) => Answer::Absent,
        Ok(Observed::Pending(_)) => Answer::Pending,
        Ok(Observed::Ready(_)) => Answer::Ready,
        Ok(Observed::Drifted { why, .. }) => Answer::Drifted(why),
        Ok(Observed::Foreign(_)) => Answer::Foreign,
        Err(error) => Answer::Unknown(*error),
    }
}

impl fmt::Debug for Core<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.lock();
        f.debug_struct("Pass")
            .field("flow", &self.flow)
            .field("plan", &self.plan)
            .field("steps", &log.steps)
            .field("misuse", &log.misuse)
            .finish_non_exhaustive()
    }
}
