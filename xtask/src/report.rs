//! What the steps of `cargo xtask test` found, and the line that ends it.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use judges::Settings;

/// How many tests or checks passed, failed and were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// How a step ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ran; these are its tests or checks.
    Ran(Counts),
    /// What it needs is not there: the name for `DUNNAGE_MAY_MISS`, and why.
    Missing { id: &'static str, why: String },
}

impl Outcome {
    /// One check that passed.
    pub(crate) const PASSED: Self = Self::Ran(Counts::PASSED);
}

/// All steps so far.
#[derive(Debug)]
pub(crate) struct Report {
    settings: Settings,
    lines: Vec<(String, Duration, String)>,
    total: Counts,
}

impl Report {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, lines: Vec::new(), total: Counts::default() }
    }

    /// Runs a step and notes how it ended; an error is one failed check, and `advice` says what to do about it.
    pub(crate) fn step(&mut self, name: &str, advice: &str, run: impl FnOnce() -> anyhow::Result<Outcome>) {
        println!("\n== {name}");
        let start = Instant::now();
        let (counts, words) = match run() {
            Ok(Outcome::Ran(counts)) => (counts, describe(counts, advice)),
            Ok(Outcome::Missing { id, why }) => self.missing(id, &why),
            Err(error) => (Counts::FAILED, format!("FAILED: {error:#}; {advice}")),
        };
        println!("== {name}: {words}");
        self.total.add(counts);
        self.lines.push((name.to_owned(), start.elapsed(), words));
    }

    /// Prints the table and, last, the line with the numbers.
    pub(crate) fn finish(self) -> ExitCode {
        println!();
        for (name, took, words) in &self.lines {
            println!("{name:<10} {:>6.1} s  {words}", took.as_secs_f64());
        }
        let Counts { passed, failed, skipped } = self.total;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn missing(&self, id: &str, why: &str) -> (Counts, String) {
        if self.settings.may_miss_id(id) {
            (Counts::SKIPPED, format!("ignored: {why}"))
        } else {
            (Counts::FAILED, format!("FAILED: {why}; under CI only what DUNNAGE_MAY_MISS lists may be missing ({id})"))
        }
    }
}

fn describe(counts: Counts, advice: &str) -> String {
    match counts {
        Counts { failed: 0, skipped: 0, passed } => format!("{passed} passed"),
        Counts { failed: 0, skipped, passed } => {
            format!("{passed} passed, {skipped} ignored (each with its reason above)")
        }
        Counts { failed, .. } => format!("FAILED: {failed} of them; {advice}"),
    }
}
