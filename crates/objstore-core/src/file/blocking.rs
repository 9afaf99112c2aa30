//! Work that blocks, kept off the threads that run futures.

use tokio::task::{JoinHandle, spawn_blocking};

use crate::{Effect, Error, ErrorKind, Result};

/// Begins work on a thread that may block. It ends even if nobody waits for it.
pub(super) fn start<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> JoinHandle<Result<T>> {
    spawn_blocking(work)
}

/// Waits for work that was begun.
pub(super) async fn join<T>(handle: impl Future<Output = Result<Result<T>, tokio::task::JoinError>>) -> Result<T> {
    match handle.await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(Error::new(ErrorKind::Cancelled).with_effect(Effect::Unknown).with_source(error)),
    }
}

/// Does work on a thread that may block.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    join(start(work)).await
}
