//! What the seam and the runner share during one history.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use super::{
    call::{Call, Fault, Twist},
    clock::Clock,
    plan::{At, Plan, What},
};

/// What happens to one call.
pub(super) enum Fate {
    /// The call is never answered, and has no effect.
    Never,
    /// It fails without an effect.
    Refuse(Fault),
    /// It has its effect.
    Deliver(Twist, Answer),
}

/// What becomes of the answer of a call that had its effect.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    Given,
    Lost,
    Hangs,
    Crashes,
}

/// How far a history is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moment {
    pub(super) polls: u32,
    pub(super) calls: u32,
}

#[derive(Debug, Default)]
struct Controller {
    /// Handles of older passes than this are dead.
    alive_from: u64,
    crashed: bool,
    hung: bool,
    /// The call that hangs.
    hung_in: &'static str,
    disturbed: bool,
    overtaken: bool,
    writes: u32,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Faults of calls that have not struck yet.
    faults: Vec<(u32, What)>,
    pub(super) polls: u32,
    pub(super) calls: Vec<Call>,
    struck: Option<Moment>,
    /// When everything had converged and every controller had been quiet once: what follows only repeats.
    pub(super) settled: Option<Moment>,
    controllers: [Controller; 2],
    handles: u64,
    pub(super) clock: Clock,
    in_effect: u32,
    trace: Option<Vec<String>>,
}

#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<State>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call with an asynchronous effect begins: the runner waits for its end before the next pass.
    pub(super) fn enter_effect(self: &Arc<Self>) -> InEffect {
        self.lock().in_effect += 1;
        InEffect(Arc::clone(self))
    }
}

/// An effect that is under way.
pub(super) struct InEffect(Arc<Shared>);

impl Drop for InEffect {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_effect -= 1;
        state.wake();
    }
}

impl State {
    /// Begins another history. Handles of earlier ones are dead.
    pub(super) fn reset(&mut self, plan: &Plan, threads: bool, trace: bool) {
        self.faults.clear();
        for item in plan.items().iter().filter(|item| item.what.is_of_calls()) {
            if let At::Index(index) = item.at {
                self.faults.push((index, item.what.clone()));
            }
        }
        self.polls = 0;
        self.calls.clear();
        self.struck = None;
        self.settled = None;
        for controller in &mut self.controllers {
            *controller = Controller { alive_from: self.handles + 1, ..Controller::default() };
        }
        self.clock.reset(threads);
        self.trace = trace.then(Vec::new);
    }

    /// A pass begins: the number of its handle.
    pub(super) fn begin(&mut self, controller: usize, waker: &Waker) -> u64 {
        self.handles += 1;
        let it = &mut self.controllers[controller];
        it.crashed = false;
        it.hung = false;
        it.disturbed = false;
        it.overtaken = false;
        it.writes = 0;
        it.waker = Some(waker.clone());
        self.handles
    }

    /// The controller died: whatever is left of it changes nothing any more.
    pub(super) fn kill(&mut self, controller: usize) {
        let it = &mut self.controllers[controller];
        it.alive_from = self.handles + 1;
        it.crashed = false;
        it.hung = false;
    }

    pub(super) fn is_alive(&self, controller: usize, handle: u64) -> bool {
        let it = &self.controllers[controller];
        handle >= it.alive_from && !it.crashed
    }

    pub(super) fn is_crashed(&self, controller: usize) -> bool {
        self.controllers[controller].crashed
    }

    pub(super) fn is_hung(&self, controller: usize) -> bool {
        self.controllers[controller].hung
    }

    /// The call that is never answered.
    pub(super) fn hung_in(&self, controller: usize) -> &'static str {
        self.controllers[controller].hung_in
    }

    pub(super) fn is_disturbed(&self, controller: usize) -> bool {
        self.controllers[controller].disturbed
    }

    pub(super) fn is_overtaken(&self, controller: usize) -> bool {
        self.controllers[controller].overtaken
    }

    pub(super) fn writes(&self, controller: usize) -> u32 {
        self.controllers[controller].writes
    }

    pub(super) fn is_in_effect(&self) -> bool {
        self.in_effect > 0
    }

    pub(super) fn struck(&self) -> Option<Moment> {
        self.struck
    }

    /// Something was done to this history: the passes under way are no clean ones.
    pub(super) fn disturb(&mut self) {
        self.settled = None;
        self.controllers.iter_mut().for_each(|it| it.disturbed = true);
    }

    /// Somebody else changed the world: what the passes under way have seen may not be true any more.
    pub(super) fn overtake(&mut self) {
        self.disturb();
        self.controllers.iter_mut().for_each(|it| it.overtaken = true);
    }

    fn wake(&self) {
        self.controllers.iter().filter_map(|it| it.waker.as_ref()).for_each(Waker::wake_by_ref);
    }

    pub(super) fn crash(&mut self, controller: usize) {
        self.controllers[controller].crashed = true;
        self.wake();
    }

    pub(super) fn hang(&mut self, controller: usize) {
        self.controllers[controller].hung = true;
        self.wake();
    }

    /// How far the history is.
    pub(super) fn moment(&self) -> Moment {
        Moment { polls: self.polls, calls: u32::try_from(self.calls.len()).unwrap_or(u32::MAX) }
    }

    /// A fault struck now, which was not one of a call.
    pub(super) fn strike_now(&mut self) {
        self.struck = Some(self.moment());
        self.disturb();
    }

    /// Counts a call and says what happens to it.
    pub(super) fn decide(&mut self, controller: usize, handle: u64, call: Call) -> Fate {
        if !self.is_alive(controller, handle) {
            return Fate::Never;
        }
        self.calls.push(call);
        let index = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        if call.is_write() {
            self.controllers[controller].writes += 1;
        }
        let found = self.faults.iter().position(|(at, _)| *at == index);
        let fault = found.map(|position| self.faults.swap_remove(position).1);
        if self.trace.is_some() {
            self.trace_call(index, call, fault.as_ref());
        }
        let Some(fault) = fault else { return Fate::Deliver(Twist::default(), Answer::Given) };
        self.struck = Some(Moment { polls: self.polls, calls: index });
        self.disturb();
        self.strike(controller, call, &fault)
    }

    fn strike(&mut self, controller: usize, call: Call, fault: &What) -> Fate {
        let bent = |twist| Fate::Deliver(twist, Answer::Given);
        match fault {
            What::CrashBefore => {
                self.crash(controller);
                Fate::Never
            }
            What::Hang => {
                self.controllers[controller].hung_in = call.name();
                self.hang(controller);
                Fate::Never
            }
            What::CrashAfter => Fate::Deliver(Twist::default(), Answer::Crashes),
            What::HangLost => {
                self.controllers[controller].hung_in = call.name();
                Fate::Deliver(Twist::default(), Answer::Hangs)
            }
            What::ErrLost => Fate::Deliver(Twist::default(), Answer::Lost),
            What::ErrUnsent => Fate::Refuse(Fault::Unsent),
            What::RateLimited(seconds) => Fate::Refuse(Fault::RateLimited(Duration::from_secs((*seconds).into()))),
            What::Stale(behind) => bent(Twist { stale: (*behind).min(call.stale_depth()), ..Twist::default() }),
            What::PageMissing => bent(Twist { page_missing: call.has_pages(), ..Twist::default() }),
            What::SlowJob(looks) => bent(Twist { slow: if call.has_job() { *looks } else { 0 }, ..Twist::default() }),
            What::Drop | What::Switch | What::Jump(_) | What::Event(..) => bent(Twist::default()),
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.handles += 1;
        self.handles
    }

    fn trace_call(&mut self, index: u32, call: Call, fault: Option<&What>) {
        let poll = self.polls + 1;
        let struck = fault.map(|what| format!("  <- {what}")).unwrap_or_default();
        self.note(|| format!("  call {index}, poll {poll}: {}{struck}", call.name()));
    }

    /// Adds a line to the trace of a replay.
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    pub(super) fn take_trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }
}
