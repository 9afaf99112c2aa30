//! The order of an exploration: clean, singles, pairs, random, races.

use super::{
    call::Call,
    kit::{Kit, Pairs},
    plan::{Item, Plan, What},
    race, random,
    report::Report,
    rng::Rng,
    runner::{Ran, Runner, finding},
};

/// Up to so many points, [`Pairs::Auto`] means all pairs.
const ALL_PAIRS_UP_TO: usize = 150;

/// How many pairs [`Pairs::Auto`] draws otherwise.
const PAIRS_DRAWN: u32 = 20_000;

/// What an exploration carries along.
pub(super) struct Exploration<'r, W> {
    pub(super) kit: &'r Kit<'r, W>,
    pub(super) runner: Runner<'r, W>,
    pub(super) report: Report,
    pub(super) rng: Rng,
}

/// Where a history can be hurt: the polls and calls from some moment on.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    first_poll: u32,
    last_poll: u32,
    first_call: u32,
    calls: Vec<Call>,
    sleeps: bool,
    threads: bool,
}

impl Places {
    /// How many calls the history had.
    pub(super) fn calls(&self) -> u32 {
        self.first_call - 1 + u32::try_from(self.calls.len()).unwrap_or(0)
    }

    /// How many polls the history had.
    pub(super) fn polls(&self) -> u32 {
        self.last_poll
    }

    /// Every single fault that makes sense.
    pub(super) fn points(&self) -> Vec<Item> {
        let mut points = Vec::new();
        if !self.threads {
            points.extend((self.first_poll..=self.last_poll).map(|poll| What::Drop.at(poll)));
        }
        let mut kinds = Vec::new();
        for (index, call) in (self.first_call..).zip(&self.calls) {
            self.kinds(call, &mut kinds);
            points.extend(kinds.drain(..).map(|what| what.at(index)));
        }
        points
    }

    /// What can happen at a call by its number; at one that the history did not have, what can happen to any write.
    pub(super) fn kinds_at(&self, index: u32, kinds: &mut Vec<What>) {
        let known = index.checked_sub(self.first_call).and_then(|n| self.calls.get(n as usize));
        self.kinds(known.unwrap_or(&Call::write("")), kinds);
    }

    /// What can happen to a call.
    ///
    /// A crash at a call is a dropped future, where polls can be counted. A call that hangs is the end of the pass, as a
    /// crash is, unless something in it sleeps: only then it can meet a timeout (which it may have to). A read is as lost as
    /// it is unsent.
    pub(super) fn kinds(&self, call: &Call, kinds: &mut Vec<What>) {
        let write = call.is_write();
        if self.threads {
            kinds.push(What::CrashBefore);
            kinds.extend(write.then_some(What::CrashAfter));
        }
        kinds.push(What::ErrUnsent);
        kinds.extend(write.then_some(What::ErrLost));
        kinds.extend((!call.is_local()).then_some(What::RateLimited(1)));
        if self.sleeps {
            kinds.push(What::Hang);
            kinds.extend(write.then_some(What::HangLost));
        }
        kinds.extend((1..=call.stale_depth()).map(What::Stale));
        kinds.extend(call.has_pages().then_some(What::PageMissing));
        kinds.extend(call.has_job().then_some(What::SlowJob(3)));
    }
}

pub(super) fn explore<W>(kit: &Kit<'_, W>) -> Report {
    let settings = &kit.settings;
    let mut exploration =
        Exploration { kit, runner: Runner::new(kit), report: Report::new(settings.seed), rng: Rng::new(settings.seed) };
    exploration.all();
    exploration.report.histories = exploration.runner.histories;
    exploration.report
}

impl<W> Exploration<'_, W> {
    /// If the clean history is bad, nothing else is worth a look.
    fn all(&mut self) {
        let ran = self.judge(&Plan::clean());
        let clean = self.places(&ran);
        (self.report.calls, self.report.polls) = (clean.calls(), clean.polls());
        if !self.report.is_clean() {
            return;
        }
        let singles = self.singles(&clean);
        self.pairs(&singles);
        random::explore(self, &clean);
        race::explore(self);
    }

    /// Runs a history and notes what it came to.
    pub(super) fn judge(&mut self, plan: &Plan) -> Ran {
        let mut ran = self.runner.judge(plan);
        if let Some(hash) = ran.end {
            self.report.saw_end_state(hash);
        }
        if let Some(violation) = ran.violation.take() {
            self.report.add(finding(violation, ran.blamed.take().unwrap_or_else(|| plan.clone())));
        }
        ran
    }

    /// Where the last history can be hurt (again).
    pub(super) fn places(&self, ran: &Ran) -> Places {
        Places {
            first_poll: ran.struck.polls + 1,
            last_poll: ran.until.polls,
            first_call: ran.struck.calls + 1,
            calls: self.runner.calls(ran.struck, ran.until),
            sleeps: ran.sleeps || self.kit.settings.timeouts,
            threads: self.kit.settings.threads,
        }
    }

    fn singles(&mut self, clean: &Places) -> Vec<(Item, Places)> {
        let points = clean.points();
        self.report.points = points.len() as u64;
        let mut singles = Vec::with_capacity(points.len());
        for point in points {
            let ran = self.judge(&Plan::clean().with(point.clone()));
            singles.push((point, self.places(&ran)));
        }
        singles
    }

    fn pairs(&mut self, singles: &[(Item, Places)]) {
        match self.kit.settings.pairs {
            Pairs::None => {}
            Pairs::All => self.all_pairs(singles),
            Pairs::Auto if singles.len() <= ALL_PAIRS_UP_TO => self.all_pairs(singles),
            Pairs::Auto => self.drawn_pairs(singles, PAIRS_DRAWN),
            Pairs::Drawn(count) => self.drawn_pairs(singles, count),
        }
    }

    fn all_pairs(&mut self, singles: &[(Item, Places)]) {
        self.report.all_pairs = true;
        for (first, after) in singles {
            for second in after.points() {
                self.pair(first, second);
            }
        }
    }

    fn drawn_pairs(&mut self, singles: &[(Item, Places)], count: u32) {
        let seconds: Vec<_> = singles.iter().map(|(first, after)| (first, after.points())).collect();
        for _ in 0..count {
            let Some((first, points)) = self.rng.pick(&seconds) else { return };
            if let Some(second) = self.rng.pick(points) {
                self.pair(first, second.clone());
            }
        }
    }

    fn pair(&mut self, first: &Item, second: Item) {
        self.report.pairs += 1;
        self.judge(&Plan::clean().with(first.clone()).with(second));
    }
}
