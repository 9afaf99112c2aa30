//! One world with one flow in it, as the kit takes it: a history gets a fresh one.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reconcile::testkit::Faults;
use reconcile::{Event, Observer, Outcome, StepError};

use crate::flow::{AGAIN, Flow, Guards, Spec, remove};
use crate::historic::Historic;
use crate::wire::Wire;
use crate::world::World;

/// One world with one flow in it.
#[derive(Debug)]
pub struct Site {
    world: Arc<Mutex<World>>,
    spec: Mutex<Spec>,
    guards: Guards,
    timeout: Option<Duration>,
    shown: Shown,
    /// Whether somebody changed the world while the pass ran: then it may have seen it as it was before.
    edited: Mutex<bool>,
    /// As of which change the world was seen to be safe.
    safe_as_of: Mutex<Option<u32>>,
}

impl Site {
    /// A flow with these guards in this world.
    pub fn new(world: World, spec: Spec, guards: Guards) -> Self {
        let (world, spec) = (Arc::new(Mutex::new(world)), Mutex::new(spec));
        let (edited, safe_as_of) = (Mutex::new(false), Mutex::new(None));
        Self { world, spec, guards, timeout: None, shown: Shown::default(), edited, safe_as_of }
    }

    /// Waits no longer than this for one call of a step.
    #[must_use]
    pub fn with_timeout(self, timeout: Option<Duration>) -> Self {
        Self { timeout, ..self }
    }

    /// Shows every event in every detail, which is slower than all else together.
    #[must_use]
    pub fn showing_everything(mut self) -> Self {
        self.shown.everything = true;
        self
    }

    /// One pass that brings about what is wanted.
    pub async fn provide(&self, faults: Faults) -> Outcome {
        let mut flow = Flow::new(self.spec().clone()).with_guards(self.guards);
        flow.timeout = self.timeout;
        let timer = faults.clone();
        let mut pass = flow.pass().with_observer(&self.shown).with_timer(&timer);
        if let Some(limit) = self.timeout {
            pass = pass.with_timeout(limit);
        }
        flow.run(&pass, self.begin(faults)).await;
        let outcome = pass.finish();
        self.shown.outcome(&outcome);
        outcome
    }

    /// One pass that removes what was made.
    pub async fn remove(&self, faults: Faults) -> Outcome {
        let outcome = remove(self.begin(faults), self.guards, &self.shown).await;
        self.shown.outcome(&outcome);
        outcome
    }

    /// One pass of a flow of former times.
    ///
    /// # Errors
    /// What it stopped at.
    pub async fn historic(&self, model: Historic, faults: Faults) -> Result<(), StepError> {
        let spec = self.spec().clone();
        let stopped = model.pass(self.begin(faults.clone()), &spec).await;
        if let Err(error) = &stopped {
            faults.note(|| format!("stopped at {error}"));
        }
        stopped
    }

    /// The world.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// What is wanted.
    pub fn spec(&self) -> MutexGuard<'_, Spec> {
        lock(&self.spec)
    }

    /// Somebody changes the world, perhaps in the middle of a pass.
    pub fn edit(&self, change: impl FnOnce(&mut World)) {
        *lock(&self.edited) = true;
        *lock(&self.safe_as_of) = None;
        change(&mut self.world());
    }

    /// Somebody wants something else, perhaps in the middle of a pass.
    pub fn want(&self, spec: Spec) {
        *lock(&self.edited) = true;
        *lock(&self.safe_as_of) = None;
        *self.spec() = spec;
    }

    /// Whether the world was changed by somebody else since the pass began.
    pub fn was_edited(&self) -> bool {
        *lock(&self.edited)
    }

    /// Asks whether the world is safe, if anything was written since the last time.
    ///
    /// # Errors
    /// Those of the question.
    pub fn judge_if_changed(&self, judge: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        let now = Some(self.world().writes());
        if *lock(&self.safe_as_of) == now {
            return Ok(());
        }
        judge()?;
        *lock(&self.safe_as_of) = now;
        Ok(())
    }

    /// Hands over what the flow showed since the last time: events and outcomes.
    pub fn take_shown(&self, into: &mut String) {
        into.push_str(&std::mem::take(&mut *lock(&self.shown.text)));
    }

    /// Begins a pass: the way to the world. Passes are 10 s apart, and the kit's clock counts.
    pub fn begin(&self, faults: Faults) -> Wire {
        *lock(&self.edited) = false;
        let mut world = self.world();
        world.follow(faults.now());
        world.wait(AGAIN);
        drop(world);
        Wire::new(Arc::clone(&self.world), faults)
    }
}

/// Everything that the flow shows, as text.
#[derive(Debug, Default)]
struct Shown {
    everything: bool,
    text: Mutex<String>,
}

// Writing into a string does not fail.
impl Shown {
    fn outcome(&self, outcome: &Outcome) {
        let _ = writeln!(lock(&self.text), "{outcome}");
    }
}

impl Observer for Shown {
    fn event(&self, _: &str, event: &Event<'_>) {
        if self.everything {
            let _ = writeln!(lock(&self.text), "{event:?}");
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
