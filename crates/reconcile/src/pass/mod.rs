//! One pass over a flow.

mod core;
mod removal;

use std::{borrow::Cow, time::Duration};

use self::core::{Claim, Core};
pub use self::removal::Removal;
use crate::{Action, Change, Observe, Observed, Observer, Outcome, Seen, Step, StepError, StepId, StepState, Timer};

/// One pass: every step is looked at, at most once changed, and looked at again. Nothing is remembered from the last one.
///
/// A flow is a function over a `&Pass`. It runs its steps in the order that their needs dictate, and goes on with
/// whatever else it can when one of them is held: [`step`](Self::step) returns `None` then. Steps that do not need each
/// other may run at once, with any `join`.
///
/// A mistake in the flow (two steps of one name, a step outside the goal) is noticed when the flow comes to it: from then on
/// the pass neither looks nor writes. A [plan](Self::plan) finds it before anything was written.
///
/// ```
/// # use reconcile::{Change, Observe, Observed, Pass, Seen, Step, StepError, StepId};
/// # type Client = ();
/// # macro_rules! model { ($step:ty, $id:literal) => {
/// #     impl Observe for $step {
/// #         type Out = (); type Read = Client; fn id(&self) -> StepId { $id.into() }
/// #         async fn observe(&self, _: &Client) -> Result<Observed<()>, StepError> { Ok(Observed::Ready(())) }
/// #     }
/// #     impl Step for $step {
/// #         type Write = Client; async fn apply(&self, _: &Client, _: Change<'_, ()>) -> Result<(), StepError> { Ok(()) }
/// #     }
/// # } }
/// # model!(Svm, "svm");
/// # model!(Account<'_>, "account");
/// # #[allow(dead_code)]
/// struct Svm;
/// struct Account<'p> {
///     svm: &'p Seen<'p, ()>,
/// }
///
/// async fn flow(pass: &Pass<'_>, client: &Client) {
///     if let Some(svm) = pass.step(&Svm, client, client).await {
///         pass.step(&Account { svm: &svm }, client, client).await;
///     }
/// }
/// # futures::executor::block_on(async {
///
/// let pass = Pass::new("storage", ["svm", "account"]);
/// flow(&pass, &()).await;
/// assert!(pass.finish().is_converged());
/// # });
/// ```
#[must_use = "a pass tells what came of it in `finish`"]
#[derive(Debug)]
pub struct Pass<'o>(Core<'o>);

impl<'o> Pass<'o> {
    /// A pass of the flow of this name. `goal` names every step that must be ready for it to be converged.
    pub fn new(flow: impl Into<Cow<'static, str>>, goal: impl IntoIterator<Item = impl Into<StepId>>) -> Self {
        Self(Core::new(flow.into(), goal, false))
    }

    /// A pass that writes nothing and says what it would do. Steps behind a planned one are not reached.
    pub fn plan(flow: impl Into<Cow<'static, str>>, goal: impl IntoIterator<Item = impl Into<StepId>>) -> Self {
        Self(Core::new(flow.into(), goal, true))
    }

    /// Tells this observer what happens.
    pub fn with_observer(self, observer: &'o dyn Observer) -> Self {
        Self(self.0.with_observer(observer))
    }

    /// Waits with this timer, for steps that state a timeout.
    pub fn with_timer(self, timer: &'o dyn Timer) -> Self {
        Self(self.0.with_timer(timer))
    }

    /// The longest that one call of a step may take that states no [timeout](crate::Observe::timeout) of its own, such as
    /// those that read and write the journal. Needs a [timer](Self::with_timer).
    pub fn with_timeout(self, limit: Duration) -> Self {
        Self(self.0.with_timeout(limit))
    }

    /// Whether it writes nothing.
    #[must_use]
    pub const fn is_plan(&self) -> bool {
        self.0.plan
    }

    /// Looks at a thing, makes or mends it if it was seen to need it, and looks again. `Some` only if it was seen ready.
    ///
    /// A look that fails ends the step: nothing is done on what is not known. At most one change is made in a pass.
    ///
    /// # Cancel safety
    /// Dropping the future is a crash at that await. The pass is then not converged.
    pub async fn step<'p, T: Step>(&'p self, step: &T, read: &T::Read, write: &T::Write) -> Option<Seen<'p, T::Out>> {
        let mut claim = self.0.claim(step)?;
        match advance(&mut claim, step, read, write).await? {
            Ok(seen) => {
                claim.end_ready(step.recheck(&seen));
                Some(Seen::new(seen))
            }
            Err(held) => {
                claim.end(held);
                None
            }
        }
    }

    /// Looks at a thing that is not ours to change. `Some` only if it was seen ready.
    ///
    /// # Cancel safety
    /// As [`step`](Self::step); nothing is ever written.
    pub async fn look<'p, T: Observe>(&'p self, thing: &T, read: &T::Read) -> Option<Seen<'p, T::Out>> {
        let claim = self.0.claim(thing)?;
        let held = match claim.observe(thing, read).await {
            Ok(Observed::Ready(seen)) => {
                claim.end_ready(thing.recheck(&seen));
                return Some(Seen::new(seen));
            }
            Ok(Observed::Absent) => StepState::Missing,
            Ok(Observed::Drifted { why, .. }) => StepState::Drifted(why),
            Ok(Observed::Pending(after)) => StepState::Waiting(after),
            Ok(Observed::Foreign(owner)) => StepState::Foreign(owner),
            Err(error) => StepState::Unknown(error),
        };
        claim.end(held);
        None
    }

    /// Ends the pass, and says what came of it.
    pub fn finish(self) -> Outcome {
        self.0.finish()
    }
}

/// Look, change, look. `None` if the pass was misused before the change.
async fn advance<T: Step>(
    claim: &mut Claim<'_, '_>,
    step: &T,
    read: &T::Read,
    write: &T::Write,
) -> Option<Result<T::Out, StepState>> {
    let mut failed = None;
    loop {
        let (action, drifted) = match claim.observe(step, read).await {
            Ok(Observed::Ready(out)) => return Some(Ok(out)),
            Ok(Observed::Absent) => (Action::Create, None),
            Ok(Observed::Drifted { now, why }) => (Action::Fix(why), Some((now, why))),
            Ok(Observed::Pending(after)) => return Some(Err(StepState::Waiting(after))),
            Ok(Observed::Foreign(owner)) => return Some(Err(StepState::Foreign(owner))),
            Err(error) => return Some(Err(StepState::Unknown(error))),
        };
        if let Some(held) = held_back(claim, action, failed) {
            return Some(Err(held));
        }
        let change = drifted.as_ref().map_or(Change::Create, |(now, why)| Change::Fix { now, why });
        match claim.write(action, step.apply(write, change)).await? {
            Err(error) if ends(error) => return Some(Err(StepState::Refused(error))),
            result => failed = result.err(),
        }
    }
}

/// Why a change is not made although one is needed: it is only planned, or it was made once already.
fn held_back(claim: &Claim<'_, '_>, action: Action, failed: Option<StepError>) -> Option<StepState> {
    if claim.wrote() {
        return Some(StepState::NotYet(failed));
    }
    claim.plan().then_some(StepState::Planned(action))
}

/// Whether an error of a change says that it was not made. After all others it may have been.
const fn ends(error: StepError) -> bool {
    matches!(error.class, crate::Class::RateLimited(_)) || error.class.is_permanent()
}
