//! How time passes.

use std::{fmt, pin::Pin, time::Duration};

/// A boxed future, as traits that are used as `dyn` return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a pass waits, for the timeouts of its steps. With tokio it is one line:
///
/// ```
/// use std::time::Duration;
/// use reconcile::{BoxFuture, Timer};
///
/// #[derive(Debug)]
/// struct TokioTimer;
///
/// impl Timer for TokioTimer {
///     fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
///         Box::pin(tokio::time::sleep(time))
///     }
/// }
/// ```
pub trait Timer: fmt::Debug + Send + Sync {
    /// Ends after this time.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
}
