//! One pass that removes.

use std::{borrow::Cow, time::Duration};

use super::{
    core::{Claim, Core},
    ends, held_back,
};
use crate::{Action, Found, Gone, Observe, Observed, Observer, Outcome, Remains, Remove, StepId, StepState, Timer};

/// One pass that removes what a flow made: its own goal, its own order, nothing taken from the specification.
///
/// The specification may have changed since, so read from the journal what was made, with [`read`](Self::read). What must
/// go first is a `&Gone` in a field of what goes after it. A look that fails keeps the removal from ever being converged,
/// and so does a thing of the goal that is still there: a finalizer that waits for
/// [`is_converged`](Outcome::is_converged) leaves nothing behind.
#[must_use = "a removal tells what came of it in `finish`"]
#[derive(Debug)]
pub struct Removal<'o>(Core<'o>);

impl<'o> Removal<'o> {
    /// A removal of what the flow of this name made. `goal` names everything that must be gone.
    pub fn new(flow: impl Into<Cow<'static, str>>, goal: impl IntoIterator<Item = impl Into<StepId>>) -> Self {
        Self(Core::new(flow.into(), goal, false))
    }

    /// A removal that removes nothing and says what it would remove.
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

    /// Looks whether a thing of the goal is gone. `None` if that is not known, or not settled.
    ///
    /// It is not ours to remove, and must go all the same: found here, it holds the removal as blocked.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the removal not converged; nothing is ever written.
    pub async fn look<'p, T: Observe>(&'p self, thing: &T, read: &T::Read) -> Option<Found<'p, T::Out>> {
        let claim = self.0.claim(thing)?;
        let (state, found) = found(remains(&claim, thing, read).await, StepState::Remains);
        claim.end(state);
        found
    }

    /// Reads what the removal must know: where things are, what was made. It is no part of the goal, and may stay.
    ///
    /// `None` if it is not known; that holds the removal, as a step of the name with `/read`. What is read may also be in
    /// the goal, to be removed later.
    ///
    /// # Cancel safety
    /// As [`look`](Self::look).
    pub async fn read<'p, T: Observe>(&'p self, thing: &T, read: &T::Read) -> Option<Found<'p, T::Out>> {
        let claim = self.0.claim_input(thing)?;
        let (state, found) = found(remains(&claim, thing, read).await, StepState::Ready);
        claim.end(state);
        found
    }

    /// Looks at a thing, removes it if it was seen to be there, and looks again. `Some` only if it was seen to be absent.
    ///
    /// What does not carry our mark is never removed: it holds the removal as blocked. A step that knows better says
    /// [`Absent`](Observed::Absent) for it.
    ///
    /// # Cancel safety
    /// Dropping the future is a crash at that await. The removal is then not converged.
    pub async fn remove<'p, T: Remove>(
        &'p self,
        thing: &T,
        read: &T::Read,
        write: &T::Write,
    ) -> Option<Gone<'p, T::Out>> {
        let mut claim = self.0.claim(thing)?;
        match clear(&mut claim, thing, read, write).await? {
            Ok(()) => {
                claim.end(StepState::Gone);
                Some(Gone::new())
            }
            Err(held) => {
                claim.end(held);
                None
            }
        }
    }

    /// Ends the removal, and says what came of it.
    pub fn finish(self) -> Outcome {
        self.0.finish()
    }
}

async fn remains<T: Observe>(claim: &Claim<'_, '_>, thing: &T, read: &T::Read) -> Result<Option<T::Out>, StepState> {
    match claim.observe(thing, read).await {
        Ok(Observed::Absent) => Ok(None),
        Ok(Observed::Ready(now) | Observed::Drifted { now, .. }) => Ok(Some(now)),
        Ok(Observed::Pending(after)) => Err(StepState::Waiting(after)),
        Ok(Observed::Foreign(owner)) => Err(StepState::Foreign(owner)),
        Err(error) => Err(StepState::Unknown(error)),
    }
}

/// How a look ends its step, and what it tells; `here` is the state if the thing is there.
fn found<'p, S>(seen: Result<Option<S>, StepState>, here: StepState) -> (StepState, Option<Found<'p, S>>) {
    match seen {
        Ok(Some(now)) => (here, Some(Found::Here(Remains::new(now)))),
        Ok(None) => (StepState::Gone, Some(Found::Gone(Gone::new()))),
        Err(held) => (held, None),
    }
}

/// Look, remove, look. `None` if the removal was misused before anything was removed.
async fn clear<T: Remove>(
    claim: &mut Claim<'_, '_>,
    thing: &T,
    read: &T::Read,
    write: &T::Write,
) -> Option<Result<(), StepState>> {
    let mut failed = None;
    loop {
        let now = match remains(claim, thing, read).await {
            Ok(Some(now)) => now,
            Ok(None) => return Some(Ok(())),
            Err(held) => return Some(Err(held)),
        };
        if let Some(held) = held_back(claim, Action::Remove, failed) {
            return Some(Err(held));
        }
        match claim.write(Action::Remove, thing.remove(write, &now)).await? {
            Err(error) if ends(error) => return Some(Err(StepState::Refused(error))),
            result => failed = result.err(),
        }
    }
}
