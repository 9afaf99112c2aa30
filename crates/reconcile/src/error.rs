//! Why a call of a step failed, and what is wrong with a pass.

use std::{fmt, time::Duration};

use crate::StepId;

/// What kind of failure it was: it decides when the next attempt is made, and who has to act.
///
/// No class means "stop for ever".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// It may pass by itself: a timeout, a reset, a 5xx. *Tried again, ever more slowly.*
    Transient,
    /// The other side asks for fewer calls. *Tried again after that time, or later.*
    RateLimited(Duration),
    /// Another writer was faster. *Tried again, on what is then observed.*
    Conflict,
    /// What was asked for cannot be: a wrong name, no such class, too large. *Fix the specification.*
    Config,
    /// Somebody has to decide or to repair. *Reported at once, looked at again every hour.*
    NeedsHuman,
}

impl Class {
    /// The class of an HTTP status; `retry_after` is what the server asked for.
    ///
    /// 409 and 412 are conflicts, 429 is rate limited (60 s unless told), 408, 425 and 5xx are transient, 401, 403 and 507
    /// need a human, other 4xx are configuration. A 503 with `retry_after` is rate limited.
    #[must_use]
    pub const fn of_http(status: u16, retry_after: Option<Duration>) -> Self {
        const UNTOLD: Duration = Duration::from_secs(60);
        match (status, retry_after) {
            (429 | 503, Some(after)) => Self::RateLimited(after),
            (429, None) => Self::RateLimited(UNTOLD),
            (409 | 412, _) => Self::Conflict,
            (401 | 403 | 507, _) => Self::NeedsHuman,
            (408 | 425, _) => Self::Transient,
            (400..=499, _) => Self::Config,
            _ => Self::Transient,
        }
    }

    /// Whether another attempt cannot help before somebody has acted.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        matches!(self, Self::Config | Self::NeedsHuman)
    }

    /// Its name, in the form of a condition's reason.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "Transient",
            Self::RateLimited(_) => "RateLimited",
            Self::Conflict => "Conflict",
            Self::Config => "Config",
            Self::NeedsHuman => "NeedsHuman",
        }
    }
}

/// A call of a step failed. In [`observe`](crate::Observe::observe) it means *unknown*, never *absent*.
///
/// It carries no free text, so that no value can ride in it to a log or a status: what a person should read about an error
/// belongs into the log of the client that met it.
///
/// ```
/// use reconcile::{Class, StepError};
/// let error = StepError::config("svm-name-too-long");
/// assert_eq!((error.class, error.code), (Class::Config, "svm-name-too-long"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{code} ({})", class.name())]
#[non_exhaustive]
pub struct StepError {
    /// What kind of failure it was.
    pub class: Class,
    /// Which failure it was: a short name of few, for logs, metrics and conditions.
    pub code: &'static str,
}

impl StepError {
    /// An error of this class.
    #[must_use]
    pub const fn new(class: Class, code: &'static str) -> Self {
        Self { class, code }
    }

    /// A [`Class::Transient`] error.
    #[must_use]
    pub const fn transient(code: &'static str) -> Self {
        Self::new(Class::Transient, code)
    }

    /// A [`Class::RateLimited`] error: no call before this time is over.
    #[must_use]
    pub const fn rate_limited(code: &'static str, after: Duration) -> Self {
        Self::new(Class::RateLimited(after), code)
    }

    /// A [`Class::Conflict`] error.
    #[must_use]
    pub const fn conflict(code: &'static str) -> Self {
        Self::new(Class::Conflict, code)
    }

    /// A [`Class::Config`] error.
    #[must_use]
    pub const fn config(code: &'static str) -> Self {
        Self::new(Class::Config, code)
    }

    /// A [`Class::NeedsHuman`] error.
    #[must_use]
    pub const fn needs_human(code: &'static str) -> Self {
        Self::new(Class::NeedsHuman, code)
    }
}

/// The flow itself is wrong: a mistake in the program, not in the world.
///
/// From the moment it is noticed, the pass observes and applies nothing more, and its verdict is
/// [`Misused`](crate::Verdict::Misused).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassError {
    /// The goal names no step: nothing could be claimed of such a pass.
    EmptyGoal,
    /// The goal names a step twice.
    DuplicateGoal(StepId),
    /// A step ran that the goal does not name.
    NotInGoal(StepId),
    /// Two steps of the pass have one name; the second one was neither observed nor applied.
    DuplicateStep(StepId),
    /// All else is done, and the flow never came to a step that the goal names.
    NeverReached(StepId),
    /// A step states a timeout, and the pass was given no timer.
    NoTimer(StepId),
}

impl PassError {
    /// Which error it is, as a static code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EmptyGoal => "empty-goal",
            Self::DuplicateGoal(_) => "duplicate-goal",
            Self::NotInGoal(_) => "step-not-in-goal",
            Self::DuplicateStep(_) => "duplicate-step",
            Self::NeverReached(_) => "goal-never-reached",
            Self::NoTimer(_) => "no-timer",
        }
    }

    /// The step that it is about.
    #[must_use]
    pub const fn step(&self) -> Option<&StepId> {
        match self {
            Self::EmptyGoal => None,
            Self::DuplicateGoal(step)
            | Self::NotInGoal(step)
            | Self::DuplicateStep(step)
            | Self::NeverReached(step)
            | Self::NoTimer(step) => Some(step),
        }
    }
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyGoal => f.write_str("the goal names no step: name every step that the flow is to reach"),
            Self::DuplicateGoal(step) => write!(f, "the goal names a step twice: name it once step={step}"),
            Self::NotInGoal(step) => write!(f, "a step is not in the goal: add it, or do not run it step={step}"),
            Self::DuplicateStep(step) => write!(f, "two steps have one name: rename one of them step={step}"),
            Self::NeverReached(step) => {
                write!(f, "the flow never came to a step of its goal: run it, or do not name it step={step}")
            }
            Self::NoTimer(step) => write!(f, "a step states a timeout: give the pass a timer step={step}"),
        }
    }
}

impl std::error::Error for PassError {}
