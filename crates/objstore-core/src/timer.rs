//! How long things take, and waiting.

use std::{fmt, time::Duration};

use futures::future::BoxFuture;
use tokio::time::Instant;

/// A clock that only goes forward, and a way to wait by it: a component, so that tests need not wait.
pub trait Timer: fmt::Debug + Send + Sync + 'static {
    /// How long ago some fixed moment was.
    fn now(&self) -> Duration;

    /// Waits.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Tokio's clock. Waiting needs a tokio runtime whose time is enabled.
#[derive(Debug, Clone, Copy)]
pub struct TokioTimer {
    start: Instant,
}

impl TokioTimer {
    /// A timer that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for TokioTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for TokioTimer {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
