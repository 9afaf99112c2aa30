//! Being stopped.

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Ended;

/// Runs `work` until it is done, or a signal comes; then it is dropped, and `left` says what that leaves.
pub(crate) async fn until_signal<T>(left: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let by = tokio::select! {
        done = work => return done,
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    Err(Ended::stopped(format!("stopped by {by}; {left}")))
}
