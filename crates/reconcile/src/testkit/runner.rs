//! Runs histories one after the other, and judges them.

use std::{sync::Arc, task::Waker};

use super::{
    call::Call,
    exec::Signal,
    history::{History, asked},
    kit::{EndState, Kit},
    plan::Plan,
    replay::Replay,
    report::{Finding, Reason},
    state::{Moment, Shared},
};

/// What is violated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) reason: Reason,
    pub(super) detail: String,
}

impl Violation {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// A secret of the kit, by its number.
    pub(super) fn leaked(which: usize, how: &str) -> Self {
        Self::new(Reason::Leaked, format!("secret {} of the kit {how}", which + 1))
    }

    /// The same, without secrets: a panic that tells one is a leak itself.
    fn redacted(mut self, canaries: &[String]) -> Self {
        for (which, canary) in canaries.iter().enumerate().filter(|(_, canary)| !canary.is_empty()) {
            if self.detail.contains(canary.as_str()) {
                if self.reason == Reason::Panicked {
                    return Self::leaked(which, "is in the text of a panic");
                }
                self.detail = self.detail.replace(canary.as_str(), "[redacted]");
            }
        }
        self
    }

    /// Whether it is one more of the same kind: for the same reason, in the same first words; numbers may differ.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        const WORDS: usize = 6;
        let letters = |word: &str| word.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let words = |text: &str| text.split_whitespace().take(WORDS).map(letters).collect::<Vec<_>>();
        // An end state is told in full.
        let told_alike = || self.reason == Reason::EndState || words(&self.detail) == words(&other.detail);
        self.reason == other.reason && told_alike()
    }
}

/// What one history came to.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) violation: Option<Violation>,
    /// The plan without its faults, if already that is bad.
    pub(super) blamed: Option<Plan>,
    /// How far it came: to its end, or to where it only repeats.
    pub(super) until: Moment,
    /// When the last fault struck.
    pub(super) struck: Moment,
    /// Whether the pass slept, so that a call that hangs can meet a timeout.
    pub(super) sleeps: bool,
    pub(super) end: Option<u64>,
}

/// Where histories end that had no fault.
#[derive(Debug, Clone)]
struct End {
    hash: u64,
    text: String,
}

/// What does not change from one history to the next: seam, wakers and buffers.
pub(super) struct Runner<'r, W> {
    pub(super) kit: &'r Kit<'r, W>,
    pub(super) shared: Arc<Shared>,
    pub(super) signals: [Arc<Signal>; 2],
    pub(super) wakers: [Waker; 2],
    pub(super) shown: String,
    clean_end: Option<End>,
    pub(super) histories: u64,
}

impl<'r, W> Runner<'r, W> {
    pub(super) fn new(kit: &'r Kit<'_, W>) -> Self {
        let signals = [Signal::new(), Signal::new()];
        let wakers = signals.each_ref().map(|signal| Waker::from(Arc::clone(signal)));
        Self { kit, shared: Arc::default(), signals, wakers, shown: String::new(), clean_end: None, histories: 0 }
    }

    /// The calls of the last history between two moments.
    pub(super) fn calls(&self, from: Moment, until: Moment) -> Vec<Call> {
        let state = self.shared.lock();
        state.calls.get(from.calls as usize..until.calls as usize).unwrap_or_default().to_vec()
    }

    /// Runs a history, and compares its end with the same one without faults.
    pub(super) fn judge(&mut self, plan: &Plan) -> Ran {
        let reference = match self.reference(plan) {
            Ok(reference) => reference,
            Err((violation, blamed)) => {
                return Ran { violation: Some(violation), blamed: Some(blamed), ..Ran::default() };
            }
        };
        self.run(plan, reference.as_ref(), false).0
    }

    pub(super) fn replay(&mut self, plan: Plan) -> Replay {
        let reference = match self.reference(&plan) {
            Ok(reference) => reference,
            Err((_violation, blamed)) => return self.replay(blamed),
        };
        let (ran, _end) = self.run(&plan, reference.as_ref(), true);
        let trace = self.shared.lock().take_trace();
        Replay { finding: ran.violation.map(|violation| finding(violation, plan)), trace }
    }

    /// Where the same history ends without faults, if that is asked for.
    fn reference(&mut self, plan: &Plan) -> Result<Option<End>, (Violation, Plan)> {
        let faultless = plan.without_faults();
        if self.kit.end_state.is_none() || *plan == faultless {
            return Ok(None);
        }
        if !faultless.is_clean() {
            return self.end_of(&faultless).map(Some);
        }
        if self.clean_end.is_none() {
            self.clean_end = Some(self.end_of(&faultless)?);
        }
        Ok(self.clean_end.clone())
    }

    fn end_of(&mut self, faultless: &Plan) -> Result<End, (Violation, Plan)> {
        let (ran, end) = self.run(faultless, None, false);
        let no_end = || Violation::new(Reason::NotConverged, "it has no end");
        end.ok_or_else(|| (ran.violation.unwrap_or_else(no_end), faultless.clone()))
    }

    /// Runs a history. Returns where it ended if nothing was violated and nothing is to be compared.
    fn run(&mut self, plan: &Plan, reference: Option<&End>, trace: bool) -> (Ran, Option<End>) {
        self.histories += 1;
        self.shared.lock().reset(plan, self.kit.settings.threads, trace);
        let kit = self.kit;
        let world = (kit.make)();
        let mut history = History::new(self, &world, plan);
        let mut violation = history.run();
        drop(history);
        let mut end = None;
        let mut hash = None;
        if let (None, Some(state)) = (&violation, &kit.end_state) {
            match asked("the end state", || state(&world, None)) {
                Err(panicked) => violation = Some(panicked),
                Ok(here) => {
                    hash = Some(here);
                    match reference {
                        Some(there) if there.hash != here => {
                            violation = Some(differs(&show(state, &world), &there.text));
                        }
                        Some(_) => {}
                        None => end = Some(End { hash: here, text: show(state, &world) }),
                    }
                }
            }
        }
        if let Some(secrets) = &kit.secrets {
            violation = violation.map(|violation| violation.redacted(&secrets.canaries));
        }
        let state = self.shared.lock();
        let ran = Ran {
            violation,
            blamed: None,
            until: state.settled.unwrap_or(state.moment()),
            struck: state.struck().unwrap_or_default(),
            sleeps: state.clock.was_used(),
            end: hash,
        };
        (ran, end)
    }
}

fn show<W>(state: &EndState<'_, W>, world: &W) -> String {
    let mut shown = String::new();
    state(world, Some(&mut shown));
    shown
}

fn differs(here: &str, there: &str) -> Violation {
    Violation::new(Reason::EndState, format!("it ends with {here}, without faults with {there}"))
}

pub(super) fn finding(Violation { reason, detail }: Violation, plan: Plan) -> Finding {
    Finding { reason, detail, plan }
}
