//! What an exploration found.

use std::{
    collections::HashSet,
    fmt::{self, Write as _},
};

use super::plan::Plan;

/// How many plans are kept of findings that are alike.
const PLANS_KEPT: usize = 3;

/// How many kinds of findings are kept apart.
const GROUPS_KEPT: usize = 50;

/// Which oracle was violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// What must hold at every moment did not hold after a poll.
    Unsafe,
    /// A pass claimed that the goal is reached, and it was not.
    Dishonest,
    /// The goal was not claimed within the passes allowed, all without faults.
    NotConverged,
    /// A pass wrote although everything had converged, and nothing had happened since.
    NotQuiet,
    /// It ended in another state than without faults.
    EndState,
    /// A secret was shown.
    Leaked,
    /// The pass or an oracle panicked. (The panic hook still prints each one.)
    Panicked,
    /// The pass waits, and nothing will ever wake it, without a fault that would explain it.
    Stuck,
    /// The pass took more polls than allowed.
    Endless,
}

impl Reason {
    /// What is said of it in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsafe => "unsafe",
            Self::Dishonest => "dishonest",
            Self::NotConverged => "not converged",
            Self::NotQuiet => "not quiet",
            Self::EndState => "other end state",
            Self::Leaked => "secret shown",
            Self::Panicked => "panicked",
            Self::Stuck => "stuck",
            Self::Endless => "endless",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A history that violated an oracle.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which one.
    pub reason: Reason,
    /// What exactly was wrong.
    pub detail: String,
    /// The line that runs it again.
    pub plan: Plan,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; run it again with kit.replay(\"{}\")", self.reason, self.detail, self.plan)
    }
}

/// Findings that are alike: one reason, one detail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Findings {
    /// Which oracle.
    pub reason: Reason,
    /// What exactly was wrong.
    pub detail: String,
    /// How many histories.
    pub count: u64,
    /// The first plans.
    pub plans: Vec<Plan>,
}

/// What an exploration did and found. The same kit and seed give the same report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The seed of what was drawn.
    pub seed: u64,
    /// Calls of the clean history, its first quiet pass included.
    pub calls: u32,
    /// Polls of the clean history, likewise.
    pub polls: u32,
    /// Points: places and kinds of a single fault, each a history.
    pub points: u64,
    /// Pairs of faults.
    pub pairs: u64,
    /// Whether those are all pairs.
    pub all_pairs: bool,
    /// Drawn histories.
    pub random: u64,
    /// Histories of two controllers.
    pub races: u64,
    /// All histories, those of shrinking and of comparison included.
    pub histories: u64,
    /// How many end states there were; 0 if the kit has no end state.
    pub end_states: usize,
    groups: Vec<Findings>,
    beyond: u64,
    seen: HashSet<u64>,
}

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    pub(super) fn saw_end_state(&mut self, hash: u64) {
        self.seen.insert(hash);
        self.end_states = self.seen.len();
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let alike = |group: &&mut Findings| group.reason == finding.reason && group.detail == finding.detail;
        if let Some(group) = self.groups.iter_mut().find(alike) {
            group.count += 1;
            if group.plans.len() < PLANS_KEPT && !group.plans.contains(&finding.plan) {
                group.plans.push(finding.plan);
            }
        } else if self.groups.len() < GROUPS_KEPT {
            let Finding { reason, detail, plan } = finding;
            self.groups.push(Findings { reason, detail, count: 1, plans: vec![plan] });
        } else {
            self.beyond += 1;
        }
    }

    pub(super) fn count_of(&self, reason: Reason, detail: &str) -> u64 {
        self.groups
            .iter()
            .filter(|group| group.reason == reason && group.detail == detail)
            .map(|group| group.count)
            .sum()
    }

    /// The findings, those that are alike together, in the order in which they were found first (so the first plans are
    /// single faults where one is enough).
    #[must_use]
    pub fn findings(&self) -> &[Findings] {
        &self.groups
    }

    /// How many histories violated an oracle.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.groups.iter().map(|group| group.count).sum::<u64>() + self.beyond
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.bad() == 0
    }

    /// Whether something was found for this reason, with this in its detail.
    #[must_use]
    pub fn finds(&self, reason: Reason, detail: &str) -> bool {
        self.groups.iter().any(|group| group.reason == reason && group.detail.contains(detail))
    }

    /// For the test of a controller.
    ///
    /// # Panics
    /// If something was found. The message is the report, with a line for each kind of finding that runs it again.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }

    /// For the test of such a test: a controller that is known to be broken must be found, for the right reason.
    ///
    /// # Panics
    /// If nothing was found for this reason with this in its detail.
    #[track_caller]
    pub fn assert_finds(&self, reason: Reason, detail: &str) {
        assert!(self.finds(reason, detail), "nothing was found that is {reason} with {detail:?}\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, calls, polls, points, pairs, random, races, histories, end_states, .. } = self;
        write!(f, "{} of {histories} histories are bad: clean run of {calls} calls and {polls} polls", self.bad())?;
        write!(f, ", {points} points, {pairs} pairs ({})", if self.all_pairs { "all" } else { "drawn" })?;
        write!(f, ", {random} random, {races} races, {end_states} end states, seed {seed}")?;
        for group in &self.groups {
            write!(f, "\n  {} ({} times): {}", group.reason, group.count, group.detail)?;
            let mut lines = String::new();
            for plan in &group.plans {
                write!(lines, "\n    kit.replay(\"{plan}\")")?;
            }
            f.write_str(&lines)?;
        }
        if self.beyond > 0 {
            write!(f, "\n  and {} more, of other kinds", self.beyond)?;
        }
        Ok(())
    }
}
