//! How many histories a second, with every oracle looking.

use std::time::{Duration, Instant};

use reconcile::testkit::Pairs;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::flow::Guards;
use crate::scenario::Scenario;

/// What was explored, and how fast.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Places and kinds of a single fault.
    pub points: u64,
    /// Pairs of them: all there are.
    pub pairs: u64,
    /// How many different ends there were.
    pub end_states: usize,
    /// All histories.
    pub histories: u64,
    /// Histories that violated an oracle.
    pub bad: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How much of a core that took, in seconds: less, where others use the machine too.
    pub cpu_seconds: f64,
    /// Histories in a second.
    pub histories_per_second: f64,
    /// Histories in a second of one core.
    pub histories_per_cpu_second: f64,
}

/// Every single fault and every pair of them, on one cluster and on two, with all oracles: safety after every poll, honesty,
/// convergence, quietness, the same end, and that no password shows. One thread.
pub fn bench() -> Figures {
    let (begin, cpu) = (Instant::now(), cpu_time());
    let [one, two] = [Scenario::OneCluster, Scenario::TwoClusters]
        .map(|scenario| scenario.kit(Guards::ALL).with_pairs(Pairs::All).explore());
    let seconds = begin.elapsed().as_secs_f64();
    let cpu_seconds = cpu_time().saturating_sub(cpu).as_secs_f64();
    let histories = one.histories + two.histories;
    Figures {
        points: one.points + two.points,
        pairs: one.pairs + two.pairs,
        end_states: one.end_states + two.end_states,
        histories,
        bad: one.bad() + two.bad(),
        seconds,
        cpu_seconds,
        histories_per_second: rate(histories, seconds),
        histories_per_cpu_second: rate(histories, cpu_seconds),
    }
}

/// Both far below 2^52.
fn rate(histories: u64, seconds: f64) -> f64 {
    (histories as f64 / seconds).round()
}

/// What this thread has used of a core.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
