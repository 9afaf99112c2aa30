//! What is tested, and how much.

use std::{
    collections::hash_map::DefaultHasher,
    fmt,
    future::Future,
    hash::{Hash, Hasher as _},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use super::{
    claim::{Claim, Returned},
    explore,
    faults::Faults,
    plan::{Plan, PlanError, What, check_event_name},
    replay::Replay,
    report::Report,
    runner::Runner,
};

pub(super) type Oracle<'k, W> = Box<dyn Fn(&W) -> Result<(), String> + 'k>;
/// Hashes the state; if it is given a string, also shows it there.
pub(super) type EndState<'k, W> = Box<dyn Fn(&W, Option<&mut String>) -> u64 + 'k>;
type Collect<'k, W> = Box<dyn Fn(&W, &mut String) + 'k>;
type Apply<'k, W> = Box<dyn Fn(&W, u64) + 'k>;
/// What a pass claims, and what it would show of its return value.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = (Claim, String)> + 'a>>;

/// A controller under test: how to make a world, one pass, and what must hold.
///
/// Make one with [`new`](Self::new), add oracles, then [`explore`](Self::explore). The module's page has an example.
#[must_use]
pub struct Kit<'k, W> {
    pub(super) make: Box<dyn Fn() -> W + 'k>,
    pub(super) pass: Box<dyn StartPass<W> + 'k>,
    pub(super) safety: Option<Oracle<'k, W>>,
    pub(super) goal: Option<Oracle<'k, W>>,
    pub(super) end_state: Option<EndState<'k, W>>,
    pub(super) secrets: Option<Secrets<'k, W>>,
    pub(super) events: Vec<Event<'k, W>>,
    pub(super) settings: Settings,
}

/// How to start a pass. One type for every closure.
pub(super) trait StartPass<W> {
    /// `show` says whether somebody looks at what it would show.
    fn start<'a>(&'a self, world: &'a W, faults: Faults, show: bool) -> Running<'a>;
}

impl<W, C: Returned, P: AsyncFn(&W, Faults) -> C> StartPass<W> for P {
    fn start<'a>(&'a self, world: &'a W, faults: Faults, show: bool) -> Running<'a> {
        Box::pin(async move {
            let returned = self(world, faults).await;
            let mut shown = String::new();
            if show {
                returned.show(&mut shown);
            }
            (returned.claim(), shown)
        })
    }
}

pub(super) struct Secrets<'k, W> {
    pub(super) canaries: Vec<String>,
    pub(super) collect: Collect<'k, W>,
}

pub(super) struct Event<'k, W> {
    pub(super) name: Arc<str>,
    pub(super) apply: Apply<'k, W>,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) seed: u64,
    pub(super) passes: u32,
    pub(super) quiet: u32,
    pub(super) polls: u32,
    pub(super) pairs: Pairs,
    pub(super) random: u32,
    pub(super) races: u32,
    pub(super) jumps: Vec<i64>,
    pub(super) threads: bool,
    pub(super) timeouts: bool,
    pub(super) patience: Duration,
}

/// Which pairs of faults are explored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pairs {
    /// All, if there are at most 150 points; else 20,000 that are drawn.
    Auto,
    /// All: the second fault at every point of what follows the first.
    All,
    /// So many, drawn by the seed.
    Drawn(u32),
    /// None.
    None,
}

impl<'k, W> Kit<'k, W> {
    /// A controller: `make` makes a fresh world, and `pass` runs one pass against it.
    ///
    /// The world is what survives a crash: the cloud, the cluster, the disk. What the pass keeps in its future is lost.
    /// The pass gets its [`Faults`], and puts every call to the world through them; what it returns says whether it
    /// claims that the goal is reached ([`Returned`]).
    ///
    /// As it comes, the kit runs single faults and pairs, lets it have 25 passes to converge, and wants *one* further pass
    /// to write nothing: [`with_quiet_passes`](Self::with_quiet_passes) finds what rotates or refreshes every few passes.
    ///
    /// Both must be deterministic: no real time, no randomness but from the world.
    pub fn new<C, P>(make: impl Fn() -> W + 'k, pass: P) -> Self
    where
        C: Returned,
        P: AsyncFn(&W, Faults) -> C + 'k,
        W: 'k,
        C: 'k,
    {
        Self {
            make: Box::new(make),
            pass: Box::new(pass),
            safety: None,
            goal: None,
            end_state: None,
            secrets: None,
            events: Vec::new(),
            settings: Settings {
                seed: 1,
                passes: 25,
                quiet: 1,
                polls: 10_000,
                pairs: Pairs::Auto,
                random: 0,
                races: 0,
                jumps: Vec::new(),
                threads: false,
                timeouts: false,
                patience: Duration::from_secs(60),
            },
        }
    }

    /// What must hold at every moment: asked after every poll. The error says what is wrong, in a few words.
    pub fn with_safety(mut self, holds: impl Fn(&W) -> Result<(), String> + 'k) -> Self {
        self.safety = Some(Box::new(holds));
        self
    }

    /// What must hold when a pass claims that the goal is reached. The error says what is missing.
    ///
    /// It is not asked about a pass during which an event happened or another controller ran: what that pass had seen
    /// was true once. The passes that follow are asked.
    pub fn with_goal(mut self, reached: impl Fn(&W) -> Result<(), String> + 'k) -> Self {
        self.goal = Some(Box::new(reached));
        self
    }

    /// What the world has come to: it must be the same as without faults.
    ///
    /// Leave out what may differ (ids, times); put in counts of what was created and deleted, where a fault must not
    /// change them. A history with events is compared with the same events without faults.
    pub fn with_end_state<S: Hash + fmt::Debug>(mut self, state: impl Fn(&W) -> S + 'k) -> Self {
        self.end_state = Some(Box::new(move |world, shown| {
            let state = state(world);
            if let Some(shown) = shown {
                *shown = format!("{state:?}");
            }
            let mut hasher = DefaultHasher::new();
            state.hash(&mut hasher);
            hasher.finish()
        }));
        self
    }

    /// Texts that must never show: `collect` appends whatever the controller showed (logs, conditions, errors, events),
    /// and is asked at the end of every pass, also of one that crashed.
    ///
    /// What the pass returns (an error) and the text of a panic are searched as well. A finding names the secret by its
    /// number, and never shows it.
    pub fn with_secrets<S: Into<String>>(
        mut self,
        canaries: impl IntoIterator<Item = S>,
        collect: impl Fn(&W, &mut String) + 'k,
    ) -> Self {
        let canaries = canaries.into_iter().map(Into::into).collect();
        self.secrets = Some(Secrets { canaries, collect: Box::new(collect) });
        self
    }

    /// Something that others do to the world (an edit of the spec, a foreign edit, a deletion), by a number that is
    /// drawn. The controller must recover from it by itself. Drawn by [`with_random`](Self::with_random).
    ///
    /// # Panics
    /// If the name is not made of lower-case letters, digits and hyphens, or is taken.
    pub fn with_event(mut self, name: &str, apply: impl Fn(&W, u64) + 'k) -> Self {
        if let Err(why) = check_event_name(name) {
            panic!("event {name:?}: {why}");
        }
        assert!(self.events.iter().all(|event| &*event.name != name), "two events are called {name:?}");
        self.events.push(Event { name: name.into(), apply: Box::new(apply) });
        self
    }

    /// Jumps of the kit's clock ([`Faults::now`]) that may be drawn, in seconds; negative ones go back.
    pub fn with_clock_jumps(mut self, seconds: impl IntoIterator<Item = i64>) -> Self {
        self.settings.jumps = seconds.into_iter().collect();
        self
    }

    /// In how many passes without a fault it must converge; 25 unless set.
    pub fn with_passes(mut self, passes: u32) -> Self {
        self.settings.passes = passes.max(1);
        self
    }

    /// How many further passes must write nothing, once converged; 1 unless set, 0 for what is not meant to be quiet.
    pub fn with_quiet_passes(mut self, passes: u32) -> Self {
        self.settings.quiet = passes;
        self
    }

    /// No call may be waited for for ever: a pass that hangs on a call that is never answered is a finding.
    ///
    /// Unless set, such a pass counts as one that somebody restarts, and a call is left without an answer only where the
    /// pass sleeps, since only there it can meet a timeout. Timeouts are sleeps on the kit's clock: [`Faults`] is a
    /// [`Timer`](crate::Timer). Not with [threads](Self::with_threads).
    pub fn with_timeouts_required(mut self) -> Self {
        self.settings.timeouts = true;
        self
    }

    /// How many polls one pass may take; 10,000 unless set.
    pub fn with_poll_limit(mut self, polls: u32) -> Self {
        self.settings.polls = polls.max(1);
        self
    }

    /// Which pairs of faults are explored; [`Pairs::Auto`] unless set.
    pub fn with_pairs(mut self, pairs: Pairs) -> Self {
        self.settings.pairs = pairs;
        self
    }

    /// So many drawn histories of faults, events and jumps of the clock; what fails is made smaller. None unless set.
    pub fn with_random(mut self, histories: u32) -> Self {
        self.settings.random = histories;
        self
    }

    /// Two controllers at once, at most so many histories: all ways to switch between them once and twice if those are
    /// fewer, the rest drawn. None unless set.
    pub fn with_races(mut self, histories: u32) -> Self {
        self.settings.races = histories;
        self
    }

    /// What everything that is drawn is drawn from; 1 unless set.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// The pass waits for other threads (`spawn_blocking`, a runtime that the caller has entered): block until woken.
    ///
    /// How often such a future is polled depends on the threads, so crashes are enumerated by call, before and after
    /// each; a crash inside an effect is not. A call that hangs ends the pass. Races are not explored. Every sleep of
    /// [`Faults`] ends at once, so timeouts of steps strike at their first wait: test those without threads.
    pub fn with_threads(mut self) -> Self {
        self.settings.threads = true;
        self
    }

    /// With threads: after how long a pass that nobody wakes is a finding, in real time; 60 s unless set.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// Runs the clean history, every single fault, pairs, and what else was asked for.
    #[must_use]
    pub fn explore(&self) -> Report {
        explore::explore(self)
    }

    /// Runs one history again, and records what happened.
    ///
    /// # Errors
    /// If the line is not a plan, or names an event that this kit does not have.
    pub fn replay(&self, line: &str) -> Result<Replay, PlanError> {
        let plan: Plan = line.parse()?;
        for item in plan.items() {
            if let What::Event(name, _) = &item.what
                && self.events.iter().all(|event| event.name != *name)
            {
                return Err(PlanError::new(item.to_string(), "this kit has no such event"));
            }
        }
        Ok(Runner::new(self).replay(plan))
    }
}

impl<W> fmt::Debug for Kit<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit").field("settings", &self.settings).finish_non_exhaustive()
    }
}
