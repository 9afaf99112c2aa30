//! Waiting for what cannot be waited for by an event: another process's port, file or exit.

use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Asks `probe` until it answers, for at most `limit`; `None` when the time is over.
///
/// The pause between two questions grows from 2 to 50 ms, so that a quick answer is seen quickly.
pub fn wait_until<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(answer) = probe() {
            return Some(answer);
        }
        if start.elapsed() >= limit {
            return None;
        }
        pause_for(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that polls: foreign processes send us no events")]
fn pause_for(pause: Duration) {
    std::thread::sleep(pause);
}
