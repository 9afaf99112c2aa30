//! Steps that follow a script, and note every call.
#![allow(dead_code, reason = "each test uses its part")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use reconcile::{Change, Event, Observe, Observed, Observer, Outcome, Remove, Step, StepError, StepId};

/// What was called, in order: `look svm`, `create svm`, `fix svm size`, `remove svm`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        self.all().into_iter().filter(|call| !call.starts_with("look")).collect()
    }

    fn note(&self, call: String) {
        self.0.lock().unwrap().push(call);
    }
}

pub(crate) type Look = Result<Observed<u32>, StepError>;

/// One thing: each look takes the next answer, the last one stays.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) id: StepId,
    pub(crate) timeout: Option<Duration>,
    looks: Mutex<VecDeque<Look>>,
    write: Result<(), StepError>,
    /// How often the write is pending before it ends.
    slow: u32,
}

pub(crate) fn step(id: &'static str, looks: impl IntoIterator<Item = Look>) -> Scripted {
    let looks = Mutex::new(looks.into_iter().collect());
    Scripted { id: id.into(), timeout: None, looks, write: Ok(()), slow: 0 }
}

impl Scripted {
    pub(crate) fn failing(mut self, error: StepError) -> Self {
        self.write = Err(error);
        self
    }

    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(crate) fn slow(mut self, polls: u32) -> Self {
        self.slow = polls;
        self
    }

    async fn write(&self) -> Result<(), StepError> {
        for _ in 0..self.slow {
            yield_once().await;
        }
        self.write
    }
}

/// Pending once, woken at once.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

impl Observe for Scripted {
    type Out = u32;
    type Read = Calls;

    fn id(&self) -> StepId {
        self.id.clone()
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    async fn observe(&self, calls: &Calls) -> Look {
        calls.note(format!("look {}", self.id));
        yield_once().await;
        let mut looks = self.looks.lock().unwrap();
        if looks.len() > 1 { looks.pop_front().unwrap() } else { looks.front().unwrap().clone() }
    }
}

impl Step for Scripted {
    type Write = Calls;

    async fn apply(&self, calls: &Calls, change: Change<'_, u32>) -> Result<(), StepError> {
        calls.note(match change {
            Change::Create => format!("create {}", self.id),
            Change::Fix { why, .. } => format!("fix {} {why}", self.id),
        });
        self.write().await
    }
}

impl Remove for Scripted {
    type Write = Calls;

    async fn remove(&self, calls: &Calls, _: &u32) -> Result<(), StepError> {
        calls.note(format!("remove {}", self.id));
        self.write().await
    }
}

pub(crate) const ABSENT: Look = Ok(Observed::Absent);
pub(crate) const READY: Look = Ok(Observed::Ready(1));
pub(crate) const DRIFTED: Look = Ok(Observed::Drifted { now: 2, why: "size" });
pub(crate) const PENDING: Look = Ok(Observed::Pending(Duration::from_secs(5)));

pub(crate) fn foreign() -> Look {
    Ok(Observed::Foreign("them".into()))
}

pub(crate) fn failed(error: StepError) -> Look {
    Err(error)
}

/// The steps that are held, as the outcome tells them: `svm: missing`.
pub(crate) fn held(outcome: &Outcome) -> Vec<String> {
    outcome.held().map(|report| format!("{}: {}", report.step, report.state)).collect()
}

/// Keeps every event as text.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<Vec<String>>);

impl Noted {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Noted {
    fn event(&self, flow: &str, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{flow}: {event:?}"));
    }
}
