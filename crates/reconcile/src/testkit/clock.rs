//! The kit's clock: it moves when nothing else can.

use std::{task::Waker, time::Duration};

#[derive(Debug, Default)]
pub(super) struct Clock {
    now: Duration,
    timers: Vec<Timer>,
    was_used: bool,
    /// Every sleep is over at once.
    hurries: bool,
}

#[derive(Debug)]
struct Timer {
    id: u64,
    due: Duration,
    waker: Waker,
}

impl Clock {
    pub(super) fn reset(&mut self, hurries: bool) {
        self.now = Duration::ZERO;
        self.timers.clear();
        self.was_used = false;
        self.hurries = hurries;
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// Whether anything slept.
    pub(super) fn was_used(&self) -> bool {
        self.was_used
    }

    /// Goes forward or back by so many seconds.
    pub(super) fn jump(&mut self, seconds: i64) {
        let by = Duration::from_secs(seconds.unsigned_abs());
        self.now = if seconds < 0 { self.now.saturating_sub(by) } else { self.now.saturating_add(by) };
        self.wake_due();
    }

    /// Whether a sleep is over. Until then, `waker` is woken when it is.
    pub(super) fn sleep(&mut self, id: u64, due: Duration, waker: &Waker) -> bool {
        self.was_used = true;
        if self.hurries {
            self.now = self.now.max(due);
        }
        self.forget(id);
        if self.now < due {
            self.timers.push(Timer { id, due, waker: waker.clone() });
        }
        self.now >= due
    }

    /// A sleep was dropped.
    pub(super) fn forget(&mut self, id: u64) {
        self.timers.retain(|timer| timer.id != id);
    }

    /// Nothing else can happen: goes to the next timer. Says whether there was one.
    ///
    /// One that is due already was woken: it belongs to a controller that does not run.
    pub(super) fn advance(&mut self) -> bool {
        let next = self.timers.iter().map(|timer| timer.due).filter(|due| *due > self.now).min();
        let Some(due) = next else { return false };
        self.now = due;
        self.wake_due();
        true
    }

    fn wake_due(&self) {
        let now = self.now;
        self.timers.iter().filter(|timer| timer.due <= now).for_each(|timer| timer.waker.wake_by_ref());
    }
}
