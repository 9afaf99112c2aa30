//! What came of a pass: one value.

use std::{fmt, time::Duration};

use crate::{Action, Class, Owner, PassError, StepError, StepId};

/// What came of a pass: a verdict, and how each step ended.
///
/// There is one value and no second channel: an error, a delay and a success cannot contradict each other. Only a pass makes
/// one. Its fields are open, so that tests can turn one into another: whoever does it elsewhere lies to himself.
#[must_use = "what was not reached is told here and nowhere else"]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The name of the flow.
    pub flow: String,
    /// The whole in one word.
    pub verdict: Verdict,
    /// Every step of the goal, in its order.
    pub steps: Vec<StepReport>,
    plan: bool,
}

/// The whole pass in one word.
///
/// If several steps are held, the first of this list that applies is told: misused, failed (by the worst class), blocked,
/// progressing, planned. Only if none is held, it is converged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Every step of the goal was seen to be ready (or, in a removal, to be gone), in this pass.
    Converged,
    /// Plan mode: everything could be looked at, and this many changes would be made next.
    Planned {
        /// How many steps would write.
        changes: usize,
    },
    /// All is well, and not all is there yet.
    Progressing {
        /// When to look again.
        after: Duration,
    },
    /// Nothing is broken, but something that is not ours to change is in the way: a name is taken, a dependency is missing.
    Blocked {
        /// The first step that is held so.
        step: StepId,
        /// When to look again because of other steps, if they said so.
        after: Option<Duration>,
    },
    /// A look or a change failed.
    Failed {
        /// The step with the worst error.
        step: StepId,
        /// That error.
        error: StepError,
    },
    /// The flow itself is wrong. Nothing was done from the moment that this was noticed.
    Misused(PassError),
}

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepReport {
    /// The step.
    pub step: StepId,
    /// How it ended.
    pub state: StepState,
    /// How often it wrote: what was tried, whatever came of it.
    pub writes: u32,
    /// When to look again although it is ready: [`Observe::recheck`](crate::Observe::recheck).
    pub recheck: Option<Duration>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepState {
    /// Seen to be there and as it should be.
    Ready,
    /// In a removal: seen to be absent.
    Gone,
    /// In a removal: only looked at, and still there.
    Remains,
    /// The flow did not come to it, because what it needs was not seen.
    NotReached,
    /// Pending, for about this long.
    Waiting(Duration),
    /// Only looked at, and absent.
    Missing,
    /// Only looked at, and not as it should be.
    Drifted(&'static str),
    /// Its name is taken.
    Foreign(Owner),
    /// Plan mode: this would be done.
    Planned(Action),
    /// The look failed: nothing was done on it.
    Unknown(StepError),
    /// The change was refused.
    Refused(StepError),
    /// The change was made or not; the look after it did not (yet) see it. With the error of the change, if it had one.
    NotYet(Option<StepError>),
    /// Its future was dropped before it ended.
    Interrupted,
}

impl StepState {
    /// Whether nothing is left to do about the step.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Ready | Self::Gone)
    }

    const fn error(&self) -> Option<StepError> {
        match self {
            Self::Unknown(error) | Self::Refused(error) | Self::NotYet(Some(error)) => Some(*error),
            Self::Interrupted => Some(StepError::transient("interrupted")),
            _ => None,
        }
    }

    const fn is_blocked(&self) -> bool {
        matches!(self, Self::Missing | Self::Drifted(_) | Self::Foreign(_) | Self::Remains)
    }

    /// When to look again, if it is only a matter of time.
    const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Waiting(after) => Some(*after),
            Self::NotYet(None) => Some(Outcome::SOON),
            _ => None,
        }
    }
}

impl Outcome {
    /// When to look again at a change that was accepted and is not visible yet.
    pub const SOON: Duration = Duration::from_secs(1);
    /// When to look again at what is blocked, unless told otherwise.
    pub const BLOCKED: Duration = Duration::from_secs(60);

    pub(crate) fn new(flow: String, steps: Vec<StepReport>, misuse: Option<PassError>, plan: bool) -> Self {
        let verdict = misuse.map_or_else(|| verdict(&steps), Verdict::Misused);
        Self { flow, verdict, steps, plan }
    }

    /// Whether it is of a pass that only says what it would do. It is no attempt, whatever its verdict.
    #[must_use]
    pub const fn is_plan(&self) -> bool {
        self.plan
    }

    /// When the first of the steps that are ready wants to be looked at again; `None` if none does.
    #[must_use]
    pub fn recheck(&self) -> Option<Duration> {
        self.steps.iter().filter_map(|report| report.recheck).min()
    }

    /// Whether every step of the goal was seen to be done in this pass.
    #[must_use]
    pub const fn is_converged(&self) -> bool {
        matches!(self.verdict, Verdict::Converged)
    }

    /// How one step ended.
    #[must_use]
    pub fn step(&self, id: &StepId) -> Option<&StepReport> {
        self.steps.iter().find(|report| report.step == *id)
    }

    /// The steps that are not done.
    pub fn held(&self) -> impl Iterator<Item = &StepReport> {
        self.steps.iter().filter(|report| !report.state.is_done())
    }

    /// How often the pass wrote: 0 when all was as it should be.
    #[must_use]
    pub fn writes(&self) -> u32 {
        self.steps.iter().fold(0, |sum, report| sum.saturating_add(report.writes))
    }

    /// When the next pass is due, by what this one alone knows; `None` if nothing is known to be due.
    ///
    /// It has no memory: failures in a row are spread by a [`RetryTable`](crate::RetryTable).
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        match &self.verdict {
            Verdict::Converged => self.recheck(),
            Verdict::Planned { .. } | Verdict::Misused(_) => None,
            Verdict::Progressing { after } => Some(self.recheck().map_or(*after, |recheck| recheck.min(*after))),
            Verdict::Blocked { after, .. } => Some(after.map_or(Self::BLOCKED, |after| after.min(Self::BLOCKED))),
            Verdict::Failed { error, .. } => match error.class {
                Class::RateLimited(after) => Some(after),
                class if class.is_permanent() => None,
                _ => Some(Self::SOON),
            },
        }
    }

    /// A code of its verdict: `converged`, `blocked`, a step's own code, …
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.verdict {
            Verdict::Converged => "converged",
            Verdict::Planned { .. } => "planned",
            Verdict::Progressing { .. } => "progressing",
            Verdict::Blocked { .. } => "blocked",
            Verdict::Failed { error, .. } => error.code,
            Verdict::Misused(error) => error.code(),
        }
    }

    /// An exit code for programs that run one pass: 0 converged or planned without changes, 2 planned changes, 3
    /// progressing, 4 blocked, 5 failed and may pass by itself, 6 failed for good, 7 misused.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match &self.verdict {
            Verdict::Converged | Verdict::Planned { changes: 0 } => 0,
            Verdict::Planned { .. } => 2,
            Verdict::Progressing { .. } => 3,
            Verdict::Blocked { .. } => 4,
            Verdict::Failed { error, .. } => {
                if error.class.is_permanent() {
                    6
                } else {
                    5
                }
            }
            Verdict::Misused(_) => 7,
        }
    }
}

fn verdict(steps: &[StepReport]) -> Verdict {
    failed(steps).or_else(|| blocked(steps)).or_else(|| progressing(steps)).or_else(|| planned(steps)).unwrap_or_else(
        || {
            // Nothing is held back by anything else, so what was not reached never will be.
            match steps.iter().find(|report| !report.state.is_done()) {
                Some(report) => Verdict::Misused(PassError::NeverReached(report.step.clone())),
                None => Verdict::Converged,
            }
        },
    )
}

fn failed(steps: &[StepReport]) -> Option<Verdict> {
    let errors = steps.iter().filter_map(|report| Some((report, report.state.error()?)));
    // `max_by_key` takes the last of equals; the first is the one to tell.
    let (report, error) = errors.rev().max_by_key(|(_, error)| badness(error.class))?;
    Some(Verdict::Failed { step: report.step.clone(), error })
}

/// Who has to act comes first, then who has to wait longest.
const fn badness(class: Class) -> (u8, Duration) {
    match class {
        Class::NeedsHuman => (4, Duration::ZERO),
        Class::Config => (3, Duration::ZERO),
        Class::RateLimited(after) => (2, after),
        Class::Transient => (1, Duration::ZERO),
        Class::Conflict => (0, Duration::ZERO),
    }
}

fn blocked(steps: &[StepReport]) -> Option<Verdict> {
    let report = steps.iter().find(|report| report.state.is_blocked())?;
    Some(Verdict::Blocked { step: report.step.clone(), after: shortest(steps) })
}

fn progressing(steps: &[StepReport]) -> Option<Verdict> {
    Some(Verdict::Progressing { after: shortest(steps)? })
}

fn planned(steps: &[StepReport]) -> Option<Verdict> {
    let changes = steps.iter().filter(|report| matches!(report.state, StepState::Planned(_))).count();
    (changes > 0).then_some(Verdict::Planned { changes })
}

fn shortest(steps: &[StepReport]) -> Option<Duration> {
    steps.iter().filter_map(|report| report.state.wait()).min()
}

/// The verdict and every step that is held, by names and codes. Times are left out: a pass that ends like the last one
/// reads like it.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.verdict)?;
        for report in self.held() {
            write!(f, "; {}: {}", report.step, report.state)?;
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converged => f.write_str("converged"),
            Self::Planned { changes } => write!(f, "planned changes={changes}"),
            Self::Progressing { .. } => f.write_str("progressing"),
            Self::Blocked { step, .. } => write!(f, "blocked step={step}"),
            Self::Failed { step, error } => write!(f, "failed step={step} error={error}"),
            Self::Misused(error) => write!(f, "misused: {error}"),
        }
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Gone => f.write_str("gone"),
            Self::Remains => f.write_str("still there"),
            Self::NotReached => f.write_str("not reached"),
            Self::Waiting(_) => f.write_str("pending"),
            Self::Missing => f.write_str("missing"),
            Self::Drifted(why) => write!(f, "drifted: {why}"),
            Self::Foreign(owner) => write!(f, "held by {owner}"),
            Self::Planned(action) => write!(f, "would {action}"),
            Self::Unknown(error) => write!(f, "unknown: {error}"),
            Self::Refused(error) => write!(f, "refused: {error}"),
            Self::NotYet(None) => f.write_str("changed, not yet seen"),
            Self::NotYet(Some(error)) => write!(f, "perhaps changed: {error}"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}
