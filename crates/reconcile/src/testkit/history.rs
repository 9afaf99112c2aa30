//! One history: passes, crashes and events until it has converged and is quiet.

use std::{sync::Arc, task::Poll};

use super::{
    claim::Claim,
    exec::{catching, poll_once},
    faults::Faults,
    kit::{Running, Settings},
    plan::{At, Plan, What},
    report::Reason,
    runner::{Runner, Violation},
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
    Done(Claim),
    /// The pass is no more.
    Gone,
}

pub(super) struct History<'h, 'r, 'w, W> {
    runner: &'h mut Runner<'r, W>,
    world: &'w W,
    plan: &'h Plan,
    /// One bit for each item of the plan that was done.
    done: u64,
    slots: [Option<Slot<'w>>; 2],
    current: usize,
    passes: u32,
    /// Passes in a row that claimed to be ready, without any disturbance; only the first may have written.
    streak: u32,
    /// Which controllers were ready in this streak.
    ready: [bool; 2],
    /// Passes in a row without any disturbance.
    clean: u32,
}

impl<'h, 'r: 'w, 'w, W> History<'h, 'r, 'w, W> {
    pub(super) fn new(runner: &'h mut Runner<'r, W>, world: &'w W, plan: &'h Plan) -> Self {
        Self {
            runner,
            world,
            plan,
            done: 0,
            slots: [None, None],
            current: 0,
            passes: 0,
            streak: 0,
            ready: [false; 2],
            clean: 0,
        }
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
            Next::Done(claim) => self.completed(controller, claim)?,
            Next::Gone => self.died(controller)?,
        }
        Ok(true)
    }

    fn settings(&self) -> &'r Settings {
        &self.runner.kit.settings
    }

    fn controllers(&self) -> u32 {
        if self.plan.is_race() { 2 } else { 1 }
    }

    // Between passes.

    /// Begins a pass, or gives the turn to the other controller. Says whether the history goes on.
    fn begin(&mut self) -> Result<bool, Violation> {
        let quiet = self.settings().quiet;
        let passes = self.settings().passes * self.controllers();
        let exhausted = self.clean >= if self.streak == 0 { passes } else { 2 * (passes + quiet) };
        let idle = self.ready[self.current] && self.streak > quiet;
        if self.slots[1 - self.current].is_some() && (idle || exhausted) {
            self.switch();
            self.clean = 0;
        } else if self.is_settled(quiet) {
            if !self.do_leftover() {
                return Ok(false);
            }
        } else if exhausted {
            return Err(self.not_converged());
        } else {
            self.begin_pass();
        }
        Ok(true)
    }

    fn begin_pass(&mut self) {
        self.passes += 1;
        self.do_items(|at, passes, _polls| matches!(at, At::Pass(pass) if pass <= passes));
        let (controller, passes) = (self.current, self.passes);
        let kit = self.runner.kit;
        let (handle, calls) = {
            let mut state = self.runner.shared.lock();
            state.note(|| format!("pass {passes}, controller {controller}"));
            (state.begin(controller, &self.runner.wakers[controller]), state.calls.len())
        };
        let faults = Faults::new(Arc::clone(&self.runner.shared), controller, handle);
        let future = kit.pass.start(self.world, faults);
        self.slots[controller] = Some(Slot { future, polls: 0, calls });
    }

    fn not_converged(&self) -> Violation {
        let passes = self.settings().passes;
        let goal = self.runner.kit.goal.as_ref();
        let why = match goal.map(|reached| reached(self.world)) {
            Some(Err(missing)) => format!(": {missing}"),
            Some(Ok(())) => ", although the goal is reached".into(),
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
            Poll::Ready(claim) => Ok(Next::Done(claim)),
            Poll::Pending if too_many => Err(self.endless()),
            Poll::Pending => self.pending(current),
        }
    }

    fn endless(&self) -> Violation {
        Violation::new(Reason::Endless, format!("a pass took more than {} polls", self.settings().polls))
    }

    fn check_safety(&self) -> Result<(), Violation> {
        match &self.runner.kit.safety {
            Some(holds) => holds(self.world).map_err(|why| Violation::new(Reason::Unsafe, why)),
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
            if !self.runner.kit.settings.threads && state.advance() {
                return Ok(Next::On);
            }
            state.is_hung(controller)
        };
        if hung {
            return Ok(Next::Gone);
        }
        if self.settings().threads && signal.wait(self.settings().patience) {
            let state = self.runner.shared.lock();
            return Ok(if state.is_hung(controller) { Next::Gone } else { Next::On });
        }
        Err(Violation::new(Reason::Stuck, "the pass waits, and nothing wakes it"))
    }

    /// Does what the plan has after this poll. Says whether the future is to be dropped.
    fn after_poll(&mut self, polls: u32) -> bool {
        self.do_items(|at, _passes, now| matches!(at, At::Index(poll) if poll == now && now == polls))
    }

    // Ends of passes.

    fn completed(&mut self, controller: usize, claim: Claim) -> Result<(), Violation> {
        let Some(slot) = self.slots[controller].take() else { return Ok(()) };
        let (writes, disturbed, overtaken) = {
            let mut state = self.runner.shared.lock();
            state.note(|| format!("  claims {claim:?}"));
            (state.writes(controller), state.is_disturbed(controller), state.is_overtaken(controller))
        };
        let calls = slot.calls;
        self.drop_future(slot)?;
        self.check_shown()?;
        if claim == Claim::Ready && !overtaken {
            self.check_goal()?;
        }
        if disturbed {
            self.begin_anew();
        } else {
            self.count(controller, claim, writes > 0, calls)?;
        }
        self.next_controller(controller);
        Ok(())
    }

    /// Counts an undisturbed pass. A controller that was ready must not write again, unless the other one has.
    fn count(&mut self, controller: usize, claim: Claim, wrote: bool, calls: usize) -> Result<(), Violation> {
        self.clean += 1;
        if claim == Claim::NotReady {
            self.streak = 0;
            self.ready = [false; 2];
            return Ok(());
        }
        if wrote && self.ready[controller] && self.settings().quiet > 0 {
            return Err(self.not_quiet(calls));
        }
        if wrote {
            self.streak = 0;
            self.ready = [false; 2];
        }
        self.streak += 1;
        self.ready[controller] = true;
        if self.is_settled(1) && self.streak == 2 * self.controllers() {
            let mut state = self.runner.shared.lock();
            state.settled = Some(state.moment());
        }
        Ok(())
    }

    /// Whether every controller was ready, and quiet for so many passes.
    fn is_settled(&self, quiet: u32) -> bool {
        let all = (0..2).filter(|controller| self.ready[*controller]).count() as u32 == self.controllers();
        all && self.streak >= self.controllers() * (1 + quiet)
    }

    /// Something happened: counting begins anew.
    fn begin_anew(&mut self) {
        (self.streak, self.clean, self.ready) = (0, 0, [false; 2]);
    }

    fn check_goal(&self) -> Result<(), Violation> {
        match &self.runner.kit.goal {
            Some(reached) => reached(self.world)
                .map_err(|missing| Violation::new(Reason::Dishonest, format!("ready, but {missing}"))),
            None => Ok(()),
        }
    }

    fn check_shown(&mut self) -> Result<(), Violation> {
        let Some(secrets) = &self.runner.kit.secrets else { return Ok(()) };
        let shown = &mut self.runner.shown;
        shown.clear();
        (secrets.collect)(self.world, shown);
        match secrets.canaries.iter().position(|canary| shown.contains(canary.as_str())) {
            Some(which) => Err(Violation::new(Reason::Leaked, format!("secret {} of the kit is shown", which + 1))),
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
        self.begin_anew();
        self.check_safety()?;
        self.check_shown()?;
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
        if self.plan.is_race() && (self.slots[other].is_none() || !self.has_switches()) {
            self.current = other;
        }
    }

    fn has_switches(&self) -> bool {
        self.undone().any(|(_, item)| item.what == What::Switch)
    }

    /// The other controller runs; neither pass counts as a clean one, since the other came in between.
    fn switch(&mut self) {
        self.current = 1 - self.current;
        let mut state = self.runner.shared.lock();
        state.overtake();
        let current = self.current;
        state.note(|| format!("controller {current} runs"));
    }

    // The plan's items between polls.

    fn undone(&self) -> impl Iterator<Item = (usize, &'h super::Item)> + use<'h, 'r, 'w, W> {
        let done = self.done;
        let items = self.plan.items().iter().enumerate();
        items.filter(move |(n, item)| done & (1 << n) == 0 && !item.what.is_of_calls())
    }

    /// Does all items whose time has come. Says whether one of them drops the future.
    fn do_items(&mut self, is_due: impl Fn(At, u32, u32) -> bool) -> bool {
        if self.plan.items().is_empty() {
            return false;
        }
        let polls = self.runner.shared.lock().polls;
        let mut dropped = false;
        for n in 0..self.plan.items().len() {
            let item = &self.plan.items()[n];
            if self.done & (1 << n) != 0 || item.what.is_of_calls() || !is_due(item.at, self.passes, polls) {
                continue;
            }
            self.done |= 1 << n;
            dropped |= self.do_item(&item.what);
        }
        dropped
    }

    fn do_item(&mut self, what: &What) -> bool {
        match what {
            What::Drop => {
                self.strike();
                return true;
            }
            What::Switch => self.switch(),
            What::Jump(seconds) => {
                self.overtake(&format!("the clock jumps by {seconds} s"));
                self.runner.shared.lock().jump(*seconds);
            }
            What::Event(name, number) => {
                self.overtake(&format!("event {name}={number}"));
                if let Some(event) = self.runner.kit.events.iter().find(|event| event.name == *name) {
                    (event.apply)(self.world, *number);
                }
            }
            _ => {}
        }
        false
    }

    fn strike(&self) {
        self.runner.shared.lock().strike_now();
    }

    fn overtake(&mut self, note: &str) {
        self.begin_anew();
        let mut state = self.runner.shared.lock();
        state.overtake();
        state.note(|| note.to_owned());
    }

    /// Events that were not reached happen all the same, one at a time, so that all histories of one plan have them.
    fn do_leftover(&mut self) -> bool {
        let left = self.undone().filter(|(_, item)| matches!(item.what, What::Jump(_) | What::Event(..)));
        let Some((n, item)) = left.min_by_key(|(_, item)| item.at) else { return false };
        self.done |= 1 << n;
        self.do_item(&item.what);
        true
    }
}
