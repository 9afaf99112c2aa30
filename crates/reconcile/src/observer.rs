//! What happens in a pass, told while it happens.

use std::{fmt, time::Duration};

use crate::{Outcome, StepError, StepId, StepState};

/// Is told what a flow does: for logs, metrics, tests. Called on the task that runs the pass: return soon.
///
/// Events carry names, classes and static codes, and no values. For metrics use the flow's name, the step's class and code
/// as labels; the names of objects have no place in them.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Something happened in the flow of this name.
    fn event(&self, flow: &str, event: &Event<'_>);
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A pass was made; `plan` if it writes nothing.
    PassStarted {
        /// Whether it only says what it would do.
        plan: bool,
    },
    /// A step is about to look for the first time.
    StepStarted {
        /// The step.
        step: &'a StepId,
    },
    /// A look ended.
    Observed {
        /// The step.
        step: &'a StepId,
        /// What it saw, without the values.
        answer: Answer,
    },
    /// A step is about to write.
    Applying {
        /// The step.
        step: &'a StepId,
        /// What it is going to do.
        action: Action,
    },
    /// A write ended; whether it counts, the next look tells.
    Applied {
        /// The step.
        step: &'a StepId,
        /// What the call returned.
        result: Result<(), StepError>,
    },
    /// A step ended.
    StepEnded {
        /// The step.
        step: &'a StepId,
        /// How it ended.
        state: &'a StepState,
        /// How often it wrote.
        writes: u32,
    },
    /// The pass ended.
    PassEnded {
        /// Its outcome.
        outcome: &'a Outcome,
    },
    /// The next attempt was scheduled.
    Scheduled {
        /// How many attempts failed in a row.
        failures: u32,
        /// When the next one may be made.
        after: Duration,
    },
    /// Attempts failed for so long, or in such a way, that somebody should look. Told once; attempts go on.
    Stalled {
        /// How many attempts failed in a row.
        failures: u32,
        /// The code of the last failure.
        code: &'static str,
    },
}

/// What a look saw, without the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// [`Observed::Absent`](crate::Observed::Absent)
    Absent,
    /// [`Observed::Pending`](crate::Observed::Pending)
    Pending,
    /// [`Observed::Ready`](crate::Observed::Ready)
    Ready,
    /// [`Observed::Drifted`](crate::Observed::Drifted)
    Drifted(&'static str),
    /// [`Observed::Foreign`](crate::Observed::Foreign)
    Foreign,
    /// The look failed.
    Unknown(StepError),
}

/// What a step does, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Make what is absent.
    Create,
    /// Mend what has drifted; with what is wrong.
    Fix(&'static str),
    /// Remove what is there.
    Remove,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Fix(why) => write!(f, "fix {why}"),
            Self::Remove => f.write_str("remove"),
        }
    }
}
