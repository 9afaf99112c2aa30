//! One run of one command, and the median of several.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// What one command took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) seconds: f64,
    pub(super) peak_bytes: u64,
}

/// The medians of several samples, and the range of their times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    pub(super) seconds: f64,
    pub(super) fastest: f64,
    pub(super) slowest: f64,
    pub(super) peak_bytes: u64,
}

/// Runs the command under the stop-watch of the program `limits`.
pub(super) fn once(limits: &Path, command: &[String]) -> anyhow::Result<Sample> {
    let mut watched = Command::new(limits);
    watched.args(["measure", "--"]).args(command);
    let done = judges::run_to_end(&mut watched, Duration::from_secs(600))?.success()?;
    let said: Value = serde_json::from_str(&done.stdout).with_context(|| format!("limits said {:?}", done.stdout))?;
    ensure!(said["code"] == 0, "`{}` ended with {}\n{}", command.join(" "), said["code"], done.stderr);
    let seconds = said["seconds"].as_f64().context("no seconds")?;
    Ok(Sample { seconds, peak_bytes: said["peak_bytes"].as_u64().context("no peak")? })
}

/// `None` without samples.
pub(super) fn summary(samples: &[Sample]) -> Option<Summary> {
    let mut seconds: Vec<f64> = samples.iter().map(|sample| sample.seconds).collect();
    let mut peaks: Vec<u64> = samples.iter().map(|sample| sample.peak_bytes).collect();
    seconds.sort_by(f64::total_cmp);
    peaks.sort_unstable();
    let middle = samples.len() / 2;
    Some(Summary {
        seconds: *seconds.get(middle)?,
        fastest: *seconds.first()?,
        slowest: *seconds.last()?,
        // The largest: a bound that holds only mostly is none.
        peak_bytes: *peaks.last()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_largest_peak() {
        let samples = [(3.0, 5), (1.0, 9), (2.0, 7)].map(|(seconds, peak_bytes)| Sample { seconds, peak_bytes });
        let expected = Summary { seconds: 2.0, fastest: 1.0, slowest: 3.0, peak_bytes: 9 };
        assert_eq!(summary(&samples), Some(expected));
        assert_eq!(summary(&[]), None);
    }
}
