//! Two stages that run at once, told one after the other: whoever watches is told of one stage at a time.

use std::sync::{Arc, Mutex, PoisonError};

use crate::progress::{Progress, Stage};

/// Holds back what it is told until its turn has come.
#[derive(Debug)]
pub(super) struct Later {
    progress: Arc<dyn Progress>,
    /// What was held back so far; `None` from its turn on.
    held: Mutex<Option<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    stage: Option<(Stage, Option<u64>)>,
    bytes: u64,
}

impl Later {
    pub(super) fn new(progress: Arc<dyn Progress>) -> Self {
        Self { progress, held: Mutex::new(Some(Held::default())) }
    }

    /// The stage before it has ended.
    pub(super) fn take_turn(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Held { stage, bytes }) = held.take() else { return };
        if let Some((stage, total)) = stage {
            self.progress.begin(stage, total);
        }
        if bytes > 0 {
            self.progress.advance(bytes);
        }
    }
}

impl Progress for Later {
    fn begin(&self, stage: Stage, total: Option<u64>) {
        match self.held.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(held) => held.stage = Some((stage, total)),
            None => self.progress.begin(stage, total),
        }
    }

    fn advance(&self, bytes: u64) {
        match self.held.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(held) => held.bytes = held.bytes.saturating_add(bytes),
            None => self.progress.advance(bytes),
        }
    }

    fn note(&self, message: &str) {
        self.progress.note(message);
    }
}
