//! Asking work to end before it is done.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

/// Asks running work to end in an orderly way: to take away what it has written, and then to return an error of the kind
/// [`Cancelled`](crate::ErrorKind::Cancelled). Clones are one token; a cancelled one stays so.
///
/// [`save`](crate::save()) and [`save_raw`](crate::save_raw) take one, by
/// [`SaveOptions::with_cancel`](crate::SaveOptions::with_cancel).
///
/// ```
/// use etcd_snapshot::{CancelToken, SaveOptions};
///
/// let token = CancelToken::new();
/// let options = SaveOptions::default().with_cancel(token.clone());
/// // Elsewhere, when the process is told to end:
/// token.cancel();
/// assert!(options.cancel.is_some_and(|token| token.is_cancelled()));
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<watch::Sender<bool>>);

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks whatever has this token to end. It does not wait for that.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is cancelled.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    pub async fn cancelled(&self) {
        // The sender lives as long as `self`, so that waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CancelToken({})", if self.is_cancelled() { "cancelled" } else { "not cancelled" })
    }
}
