//! One history: passes, crashes and events until it has converged and is quiet.

use std::{sync::Arc, task::Poll};

use super::{
    agenda::Agenda,
    claim::Claim,
    exec::{catching, poll_once},
    faults::Faults,
    kit::{Running, Settings},
    plan::{Plan, What},
    report::Reason,
    runner::{Runner, Violation},
    streak::{Restless, Streak},
};

/// A pass that is under way.
struct Slot<'w> {
    future: Running<'w>,
    polls: u32,
    /// How many calls there were when it began.
    calls: usize,
}

/// What a poll leaves to be done.
enum Next {
    /// Go on polling.
    On,
    /// The pass said what it claims.
    Done(Claim, String),
    /// The pass is no more.
    Gone,
}

/// Asks an oracle; one that panics is a finding, too.
pub(super) fn asked<T>(what: &str, oracle: impl FnOnce() -> T) -> Result<T, Violation> {
    catching(oracle).map_err(|panic| Violation::new(Reason::Panicked, format!("{what} panicked: {panic}")))
}

pub(super) struct History<'h, 'r, 'w, W> {
    runner: &'h mut Runner<'r, W>,
    world: &'w W,
    is_race: bool,
    agenda: Agenda<'h>,
    slots: [Option<Slot<'w>>; 2],
    current: usize,
    passes: u32,
    streak: Streak,
}

impl<'h, 'r: 'w, 'w, W> History<'h, 'r, 'w, W> {
    pub(super) fn new(runner: &'h mut Runner<'r, W>, world: &'w W, plan: &'h Plan) -> Self {
        let settings = &runner.kit.settings;
        let controllers = if plan.is_race() { 2 } else { 1 };
        let streak = Streak::new(controllers, settings.passes, settings.quiet);
        let (is_race, agenda) = (plan.is_race(), Agenda::new(plan));
        Self { runner, world, is_race, agenda, slots: [None, None], current: 0, passes: 0, streak }
    }

    /// Runs it to its end.
    pub(super) fn run(&mut self) -> Option<Violation> {
        let violation = loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => break None,
                Err(violation) => break Some(violation),
            }
        };
        let ended = self.end_all();
        violation.or(ended)
    }

    /// One poll, with all that belongs to it. Says whether there is more.
    fn step(&mut self) -> Result<bool, Violation> {
        if self.slots[self.current].is_none() && !self.begin()? {
            return Ok(false);
        }
        let controller = self.current;
        match self.poll(controller)? {
            Next::On => {}
            Next::Done(claim, shown) => self.completed(controller, claim, &shown)?,
            Next::Gone => self.died(controller)?,
        }
        Ok(true)
    }

    fn settings(&self) -> &'r Settings {
        &self.runner.kit.settings
    }

    // Between passes.

    /// Begins a pass, or gives the turn to the other controller. Says whether the history goes on.
    fn begin(&mut self) -> Result<bool, Violation> {
        let exhausted = self.streak.is_exhausted();
        let may_rest = exhausted || self.streak.is_idle(self.current);
        if may_rest && self.slots[1 - self.current].is_some() {
            self.switch();
            self.streak.give_time();
        } else if self.streak.is_settled() {
            let Some(what) = self.agenda.not_reached() else { return Ok(false) };
            self.happen(what);
        } else if exhausted {
            return Err(self.not_converged());
        } else {
            self.begin_pass();
        }
        Ok(true)
    }

    fn begin_pass(&mut self) {
        self.passes += 1;
        while let Some(what) = self.agenda.before_pass(self.passes) {
            self.happen(what);
        }
        let (controller, passes) = (self.current, self.passes);
        let kit = self.runner.kit;
        let (handle, calls) = {
            let mut state = self.runner.shared.lock();
            state.note(|| format!("pass {passes}, controller {controller}"));
            (state.begin(controller, &self.runner.wakers[controller]), state.calls.len())
        };
        let faults = Faults::new(Arc::clone(&self.runner.shared), controller, handle);
        let future = kit.pass.start(self.world, faults, kit.secrets.is_some());
        self.slots[controller] = Some(Slot { future, polls: 0, calls });
    }

    fn not_converged(&self) -> Violation {
        let passes = self.settings().passes;
        let goal = self.runner.kit.goal.as_ref();
        let why = match goal.map(|reached| asked("the goal oracle", || reached(self.world))) {
            Some(Err(violation)) => return violation,
            Some(Ok(Err(missing))) => format!(": {missing}"),
            Some(Ok(Ok(()))) => ", although the goal is reached".into(),
            None => String::new(),
        };
        Violation::new(Reason::NotConverged, format!("not ready after {passes} passes without faults{why}"))
    }

    // Polls.

    fn poll(&mut self, current: usize) -> Result<Next, Violation> {
        let Some(slot) = &mut self.slots[current] else { return Ok(Next::On) };
        let threads = self.runner.kit.settings.threads;
        if threads && self.runner.shared.lock().is_crashed(current) {
            return Ok(Next::Gone);
        }
        self.runner.signals[current].take();
        let polled = poll_once(slot.future.as_mut(), &self.runner.wakers[current]);
        slot.polls += 1;
        let too_many = slot.polls > self.runner.kit.settings.polls;
        let (polls, crashed) = {
            let mut state = self.runner.shared.lock();
            state.polls += 1;
            (state.polls, state.is_crashed(current))
        };
        self.check_safety()?;
        let polled = polled.map_err(|panic| Violation::new(Reason::Panicked, panic))?;
        let dropped = self.after_poll(polls);
        match polled {
            _ if crashed || dropped => Ok(Next::Gone),
            Poll::Ready((claim, shown)) => Ok(Next::Done(claim, shown)),
            Poll::Pending if too_many => Err(self.endless()),
            Poll::Pending => self.pending(current),
        }
    }

    fn endless(&self) -> Violation {
        Violation::new(Reason::Endless, format!("a pass took more than {} polls", self.settings().polls))
    }

    fn check_safety(&self) -> Result<(), Violation> {
        match &self.runner.kit.safety {
            Some(holds) => {
                asked("the safety oracle", || holds(self.world))?.map_err(|why| Violation::new(Reason::Unsafe, why))
            }
            None => Ok(()),
        }
    }

    /// The pass waits: for itself, for the clock, for another thread, or for nothing.
    fn pending(&mut self, controller: usize) -> Result<Next, Violation> {
        let signal = &self.runner.signals[controller];
        if signal.is_set() {
            return Ok(Next::On);
        }
        let hung = {
            let mut state = self.runner.shared.lock();
            if !self.runner.kit.settings.threads && state.clock.advance() {
                return Ok(Next::On);
            }
            state.is_hung(controller)
        };
        if hung {
            return self.hung(controller);
        }
        if self.settings().threads && signal.wait(self.settings().patience) {
            let state = self.runner.shared.lock();
            return Ok(if state.is_hung(controller) { Next::Gone } else { Next::On });
        }
        Err(Violation::new(Reason::Stuck, "the pass waits, and nothing wakes it"))
    }

    /// The pass waits for a call that is never answered: somebody restarts it, or that is a finding.
    fn hung(&self, controller: usize) -> Result<Next, Violation> {
        if !self.settings().timeouts || self.settings().threads {
            return Ok(Next::Gone);
        }
        let call = self.runner.shared.lock().hung_in(controller);
        Err(Violation::new(Reason::Stuck, format!("no timeout around a call that is never answered: {call}")))
    }

    /// Does what the plan has after this poll. Says whether the future is to be dropped.
    fn after_poll(&mut self, poll: u32) -> bool {
        let mut dropped = false;
        while let Some(what) = self.agenda.after_poll(poll) {
            dropped |= *what == What::Drop;
            self.happen(what);
        }
        dropped
    }

    // Ends of passes.

    fn completed(&mut self, controller: usize, claim: Claim, shown: &str) -> Result<(), Violation> {
        let Some(slot) = self.slots[controller].take() else { return Ok(()) };
        let (writes, disturbed, overtaken) = {
            let mut state = self.runner.shared.lock();
            state.note(|| format!("  claims {claim:?}"));
            (state.writes(controller), state.is_disturbed(controller), state.is_overtaken(controller))
        };
        let calls = slot.calls;
        self.drop_future(slot)?;
        self.check_shown(shown)?;
        if claim == Claim::Ready && !overtaken {
            self.check_goal()?;
        }
        if disturbed {
            self.streak.begin_anew();
        } else {
            self.streak.count(controller, claim, writes > 0).map_err(|Restless| self.not_quiet(calls))?;
            self.note_repetition();
        }
        self.next_controller(controller);
        Ok(())
    }

    /// Points beyond the first quiet passes are not worth a history of their own.
    fn note_repetition(&self) {
        if self.streak.begins_to_repeat() {
            let mut state = self.runner.shared.lock();
            state.settled = Some(state.moment());
        }
    }

    fn check_goal(&self) -> Result<(), Violation> {
        match &self.runner.kit.goal {
            Some(reached) => asked("the goal oracle", || reached(self.world))?
                .map_err(|missing| Violation::new(Reason::Dishonest, format!("ready, but {missing}"))),
            None => Ok(()),
        }
    }

    fn check_shown(&mut self, returned: &str) -> Result<(), Violation> {
        let Some(secrets) = &self.runner.kit.secrets else { return Ok(()) };
        let shown = &mut self.runner.shown;
        shown.clear();
        asked("what collects what was shown", || (secrets.collect)(self.world, shown))?;
        shown.push_str(returned);
        match secrets.canaries.iter().position(|canary| shown.contains(canary.as_str())) {
            Some(which) => Err(Violation::leaked(which, "is shown")),
            None => Ok(()),
        }
    }

    /// Names the first write of the pass, which began after so many calls.
    fn not_quiet(&self, calls: usize) -> Violation {
        let state = self.runner.shared.lock();
        let name = state.calls.iter().skip(calls).find(|call| call.is_write()).map_or("", |call| call.name());
        Violation::new(Reason::NotQuiet, format!("a pass wrote after it had converged: {name}"))
    }

    /// The controller crashed, or hung and was ended.
    fn died(&mut self, controller: usize) -> Result<(), Violation> {
        {
            let mut state = self.runner.shared.lock();
            state.kill(controller);
            state.disturb();
            state.note(|| format!("  controller {controller} is no more"));
        }
        if let Some(slot) = self.slots[controller].take() {
            self.drop_future(slot)?;
        }
        self.wait_for_effects(controller)?;
        self.streak.begin_anew();
        self.check_safety()?;
        self.check_shown("")?;
        self.next_controller(controller);
        Ok(())
    }

    fn drop_future(&self, slot: Slot<'w>) -> Result<(), Violation> {
        catching(|| drop(slot))
            .map_err(|panic| Violation::new(Reason::Panicked, format!("when it was dropped: {panic}")))
    }

    /// What other threads had begun when the controller died ends before anybody looks.
    fn wait_for_effects(&self, controller: usize) -> Result<(), Violation> {
        let signal = &self.runner.signals[controller];
        while self.settings().threads {
            signal.take();
            if !self.runner.shared.lock().is_in_effect() {
                break;
            }
            if !signal.wait(self.settings().patience) {
                return Err(Violation::new(Reason::Stuck, "a call that had begun does not end"));
            }
        }
        Ok(())
    }

    /// The history is over: what is still under way is dropped.
    fn end_all(&mut self) -> Option<Violation> {
        let mut violation = None;
        for controller in 0..self.slots.len() {
            self.runner.shared.lock().kill(controller);
            if let Some(slot) = self.slots[controller].take() {
                violation = violation.or(self.drop_future(slot).err());
            }
        }
        violation
    }

    // Turns.

    /// The controllers take turns, pass by pass; but one that was stopped in the middle sleeps until the plan has no
    /// more switches, or until the other one has nothing left to do.
    fn next_controller(&mut self, ended: usize) {
        let other = 1 - ended;
        if self.is_race && (self.slots[other].is_none() || !self.agenda.has_switches()) {
            self.current = other;
        }
    }

    /// The other controller runs; neither pass counts as a clean one, since the other came in between.
    fn switch(&mut self) {
        self.current = 1 - self.current;
        let mut state = self.runner.shared.lock();
        state.overtake();
        let current = self.current;
        state.note(|| format!("controller {current} runs"));
    }

    // What the plan does between polls.

    fn happen(&mut self, what: &What) {
        match what {
            What::Drop => self.runner.shared.lock().strike_now(),
            What::Switch => self.switch(),
            What::Jump(seconds) => {
                self.overtake(&format!("the clock jumps by {seconds} s"));
                self.runner.shared.lock().clock.jump(*seconds);
            }
            What::Event(name, number) => {
                self.overtake(&format!("event {name}={number}"));
                if let Some(event) = self.runner.kit.events.iter().find(|event| event.name == *name) {
                    (event.apply)(self.world, *number);
                }
            }
            _ => {}
        }
    }

    fn overtake(&mut self, note: &str) {
        self.streak.begin_anew();
        let mut state = self.runner.shared.lock();
        state.overtake();
        state.note(|| note.to_owned());
    }
}
