//! Being stopped.

use std::pin::pin;

use etcd_snapshot::{CancelToken, Error, ErrorKind};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Ended, STOPPED};

/// The signals that ask a program to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn watch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one, and gives its name.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Runs `work` until it is done, or a signal comes; then it is dropped, and `left` says what that leaves.
pub(super) async fn until_signal<T>(left: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut signals = Signals::watch()?;
    let by = tokio::select! {
        done = work => return done,
        by = signals.next() => by,
    };
    Err(stopped(format!("stopped by {by}; {left}")))
}

/// Runs `work`, and asks it to end when a signal comes: it then takes away what it has written. A second signal drops it,
/// and `left` says what that leaves.
pub(super) async fn cancelled_by_signal<T>(
    token: &CancelToken,
    left: &str,
    work: impl Future<Output = etcd_snapshot::Result<T>>,
) -> anyhow::Result<T> {
    let mut signals = Signals::watch()?;
    let mut work = pin!(work);
    let by = tokio::select! {
        done = &mut work => return Ok(done?),
        by = signals.next() => by,
    };
    token.cancel();
    tokio::select! {
        done = work => done.map_err(|e| name_signal(by, e)),
        again = signals.next() => Err(stopped(format!("stopped by {by} and again by {again}; {left}"))),
    }
}

/// A cancellation says which signal it was; another error is what it is.
fn name_signal(by: &str, error: Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::Cancelled => stopped(format!("stopped by {by}: {error}")),
        _ => error.into(),
    }
}

fn stopped(message: String) -> anyhow::Error {
    Ended { code: STOPPED, name: ErrorKind::Cancelled.as_str(), message }.into()
}
