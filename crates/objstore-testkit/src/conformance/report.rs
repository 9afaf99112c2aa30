//! What a run found.

use std::{fmt, time::Duration};

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The store does what the case asks for.
    Passed,
    /// It was not asked, and why: something that the case needs is missing.
    Ignored(String),
    /// It does not, and what was found instead.
    Failed(String),
}

/// What came of one case, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaseReport {
    /// The case.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took, with its cleaning up.
    pub took: Duration,
}

/// What came of all cases. `Display` shows a line for each, and one that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    store: String,
    cases: Vec<CaseReport>,
}

impl Report {
    pub(super) fn new(store: String, cases: Vec<CaseReport>) -> Self {
        Self { store, cases }
    }

    /// The store, as its `Display` shows it.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    /// Each case, in the order of the suite.
    #[must_use]
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// How many cases passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Passed))
    }

    /// How many cases were not asked.
    #[must_use]
    pub fn ignored(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Ignored(_)))
    }

    /// How many cases failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// How many cases ran: passed or failed.
    #[must_use]
    pub fn ran(&self) -> usize {
        self.passed().saturating_add(self.failed())
    }

    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|case| which(&case.outcome)).count()
    }

    /// Demands that no case failed, and that at least `floor` ran: a store that lost a capability does not pass by
    /// being asked less.
    ///
    /// # Panics
    /// If not; the message is the report.
    pub fn assert_conforms(&self, floor: usize) {
        assert!(self.failed() == 0, "the store does not conform:\n{self}");
        assert!(self.ran() >= floor, "only {} cases ran, of at least {floor} wanted:\n{self}", self.ran());
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "conformance of {}", self.store)?;
        for case in &self.cases {
            let millis = case.took.as_millis();
            match &case.outcome {
                Outcome::Passed => writeln!(f, "  ok       {} ({millis} ms)", case.name)?,
                Outcome::Ignored(why) => writeln!(f, "  ignored  {}: {why}", case.name)?,
                Outcome::Failed(what) => writeln!(f, "  FAILED   {}: {what}", case.name)?,
            }
        }
        write!(f, "{} ran, {} failed, {} ignored", self.ran(), self.failed(), self.ignored())
    }
}
