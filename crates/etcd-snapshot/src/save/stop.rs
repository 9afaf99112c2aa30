//! When a save must end before it is done.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use super::SaveOptions;
use crate::cancel::CancelToken;
use crate::{Advice, Error, ErrorKind, Result};

/// How long a call that was begun may go on after the end was called for, and how long taking away may take: each call of
/// the store for itself. A process that is told to end has 30 s in Kubernetes.
pub(super) const GRACE: Duration = Duration::from_secs(8);

/// A time limit and a token: whichever comes first.
#[derive(Debug)]
pub(super) struct Stop<'a> {
    limit: Option<(Duration, Instant)>,
    cancel: Option<&'a CancelToken>,
}

/// How a call ended that was not cut off.
pub(super) enum Ended<T> {
    /// In time.
    Done(T),
    /// The end was called for, and this is why; `late` is what the call came to within [`GRACE`].
    Stopped { error: Error, late: Option<T> },
}

impl<'a> Stop<'a> {
    /// Begins to count.
    pub(super) fn new(options: &'a SaveOptions) -> Self {
        let limit = options.timeout.map(|limit| (limit, Instant::now() + limit));
        Self { limit, cancel: options.cancel.as_ref() }
    }

    /// Waits until the end is called for, and says why.
    async fn called(&self) -> Error {
        let in_time = async {
            match self.limit {
                Some((limit, deadline)) => {
                    tokio::time::sleep_until(deadline).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        let cancelled = async {
            match self.cancel {
                Some(cancel) => cancel.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancelled => cancellation(),
            limit = in_time => Error::unreachable(format!(
                "it was not done within {limit:?}, and nothing was committed: give it more time"
            ))
            .with_advice(Advice::Timeout),
        }
    }

    /// Runs `work`, and drops it when the end is called for: that is the error. Work that ends while it is cancelled counts
    /// as stopped too.
    pub(super) async fn bound<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let done = tokio::select! {
            biased;
            error = self.called() => return Err(error),
            done = work => done,
        };
        match self.cancel {
            Some(cancel) if cancel.is_cancelled() => Err(cancellation()),
            _ => Ok(done),
        }
    }

    /// Runs a call whose outcome must be known: when the end is called for it may go on, for [`GRACE`].
    pub(super) async fn let_end<T>(&self, call: impl Future<Output = T>) -> Ended<T> {
        let mut call = pin!(call);
        let error = tokio::select! {
            biased;
            error = self.called() => error,
            done = &mut call => return Ended::Done(done),
        };
        Ended::Stopped { error, late: tokio::time::timeout(GRACE, call).await.ok() }
    }
}

fn cancellation() -> Error {
    Error::new(ErrorKind::Cancelled, "the save was cancelled, and nothing was committed")
}
