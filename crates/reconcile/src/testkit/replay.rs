//! One history that was run again.

use std::fmt;

use super::report::Finding;

/// One history, with everything that happened in it. `Display` shows it line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replay {
    /// What was violated, if anything was.
    pub finding: Option<Finding>,
    /// What happened: passes, calls with their number and the fault that struck, events, claims, and the notes of
    /// [`Faults::note`](super::Faults::note).
    pub trace: Vec<String>,
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        match &self.finding {
            Some(finding) => write!(f, "{}: {}", finding.reason, finding.detail),
            None => f.write_str("nothing was violated"),
        }
    }
}
