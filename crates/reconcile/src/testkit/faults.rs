//! The seam: what a double calls around each of its calls.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{
    call::{Call, Fault, Twist},
    state::{Answer, Fate, Shared},
};

/// The handle of one pass: a double puts each of its calls through it. Cheap to clone.
///
/// It belongs to the pass that it was made for. Once that pass crashed, whatever still holds it is dead: its calls have
/// no effect and are never answered.
///
/// ```
/// use reconcile::testkit::{Call, Fault, Faults};
/// use std::cell::RefCell;
///
/// struct Client<'w> { names: &'w RefCell<Vec<String>>, faults: Faults }
///
/// impl Client<'_> {
///     async fn create(&self, name: &str) -> Result<(), Fault> {
///         const CREATE: Call = Call::write("POST /names");
///         self.faults.call(CREATE, || self.names.borrow_mut().push(name.into())).await
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Faults {
    shared: Arc<Shared>,
    controller: usize,
    handle: u64,
}

impl Faults {
    pub(super) fn new(shared: Arc<Shared>, controller: usize, handle: u64) -> Self {
        Self { shared, controller, handle }
    }

    /// Which controller this is: 0, or 1 for the second one in a race.
    #[must_use]
    pub fn controller(&self) -> usize {
        self.controller
    }

    /// Makes a call: `effect` is what it does to the world, at one moment.
    ///
    /// The future yields once before the effect and once after it, so that a crash at either await is a crash point.
    ///
    /// # Errors
    /// The fault that strikes this call. Whether the effect was made is in its name.
    pub async fn call<T>(&self, call: Call, effect: impl FnOnce() -> T) -> Result<T, Fault> {
        self.call_with(call, |_straight| effect()).await
    }

    /// As [`call`](Self::call), for calls that declared that their answer can be bent.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_with<T>(&self, call: Call, effect: impl FnOnce(Twist) -> T) -> Result<T, Fault> {
        Edge::default().await;
        match self.decide(call) {
            Fate::Never => pending().await,
            Fate::Refuse(fault) => self.refuse(fault).await,
            Fate::Deliver(twist, answer) => {
                let made = effect(twist);
                self.answer(answer, made).await
            }
        }
    }

    /// As [`call_with`](Self::call_with), for an effect that is a future: a call of a real client or store.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn around<T, F: Future<Output = T>>(
        &self,
        call: Call,
        effect: impl FnOnce(Twist) -> F,
    ) -> Result<T, Fault> {
        Edge::default().await;
        match self.decide(call) {
            Fate::Never => pending().await,
            Fate::Refuse(fault) => self.refuse(fault).await,
            Fate::Deliver(twist, answer) => {
                let under_way = self.shared.enter_effect();
                let made = effect(twist).await;
                drop(under_way);
                self.answer(answer, made).await
            }
        }
    }

    /// As [`call_with`](Self::call_with), for callers that block: a file system below `spawn_blocking`.
    ///
    /// # Errors
    /// As [`call`](Self::call), and [`Fault::Dead`] once the controller crashed or hangs: give up at once.
    pub fn call_sync<T>(&self, call: Call, effect: impl FnOnce(Twist) -> T) -> Result<T, Fault> {
        match self.decide(call) {
            Fate::Never => Err(Fault::Dead),
            Fate::Refuse(fault) => Err(fault),
            Fate::Deliver(twist, answer) => {
                let under_way = self.shared.enter_effect();
                let made = effect(twist);
                drop(under_way);
                match answer {
                    Answer::Given => Ok(made),
                    Answer::Lost => Err(Fault::Lost),
                    Answer::Hangs => {
                        self.shared.lock().hang(self.controller);
                        Err(Fault::Dead)
                    }
                    Answer::Crashes => {
                        self.shared.lock().crash(self.controller);
                        Err(Fault::Dead)
                    }
                }
            }
        }
    }

    /// What time it is, since the history began. It only moves when everything sleeps, and by jumps of the plan.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.shared.lock().clock.now()
    }

    /// Sleeps on the kit's clock, in no real time. For timeouts, and for the `sleep` of a flow.
    ///
    /// The clock moves when nothing else can: a call that hangs meets the timeout around it. With
    /// [`Kit::with_threads`](super::Kit::with_threads) the kit cannot know that, and every sleep is over at once.
    ///
    /// # Cancel safety
    /// A sleep that is dropped is forgotten.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        let mut state = self.shared.lock();
        let due = state.clock.now().saturating_add(time);
        Sleep { faults: self.clone(), id: state.next_id(), due }
    }

    /// Whether the pass of this handle may still change anything.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.shared.lock().is_alive(self.controller, self.handle)
    }

    /// A line for the trace of a [`replay`](super::Kit::replay). Costs nothing otherwise.
    pub fn note(&self, line: impl FnOnce() -> String) {
        self.shared.lock().note(|| format!("    {}", line()));
    }

    fn decide(&self, call: Call) -> Fate {
        self.shared.lock().decide(self.controller, self.handle, call)
    }

    async fn refuse<T>(&self, fault: Fault) -> Result<T, Fault> {
        Edge::default().await;
        Err(fault)
    }

    async fn answer<T>(&self, answer: Answer, made: T) -> Result<T, Fault> {
        match answer {
            Answer::Given | Answer::Lost => {}
            Answer::Hangs => {
                self.shared.lock().hang(self.controller);
                pending().await
            }
            Answer::Crashes => {
                self.shared.lock().crash(self.controller);
                pending().await
            }
        }
        Edge::default().await;
        if matches!(answer, Answer::Lost) { Err(Fault::Lost) } else { Ok(made) }
    }
}

impl crate::Timer for Faults {
    fn sleep(&self, time: Duration) -> crate::BoxFuture<'_, ()> {
        Box::pin(self.sleep(time))
    }
}

/// Yields once: an await edge at which a poll ends.
#[derive(Debug, Default)]
struct Edge {
    passed: bool,
}

impl Future for Edge {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.passed {
            return Poll::Ready(());
        }
        self.passed = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A sleep on the kit's clock.
struct Sleep {
    faults: Faults,
    id: u64,
    due: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Faults { shared, controller, handle } = &self.faults;
        let mut state = shared.lock();
        if state.is_alive(*controller, *handle) && state.clock.sleep(self.id, self.due, cx.waker()) {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.faults.shared.lock().clock.forget(self.id);
    }
}
