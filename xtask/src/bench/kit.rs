//! How fast the crash kit of `reconcile` explores the example flow.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::table::grouped;
use crate::workspace::{cargo, check};

const HEAD: &str = "
The crash kit of `reconcile` on its example flow, on one cluster and on two, every oracle looking, on one core:

| points | pairs of faults | distinct end states | histories | a second |
|---|---|---|---|---|
";

/// The table of the kit, as medians of so many runs on one core.
pub(super) fn section(release: &Path, runs: u32) -> anyhow::Result<String> {
    check(&mut cargo(&["build", "--release", "--locked", "-p", "ontap-flow"]))?;
    println!("\n== the crash kit");
    let mut speeds = Vec::new();
    let mut figures = Value::Null;
    for run in 1..=runs {
        figures = once(&release.join("ontap-flow"))?;
        let speed = figures["histories_per_second"].as_f64().context("no speed")?;
        println!("{run}/{runs} {speed} histories a second");
        speeds.push(speed);
    }
    speeds.sort_by(f64::total_cmp);
    row(&figures, &speeds)
}

fn once(program: &Path) -> anyhow::Result<Value> {
    let done = judges::run_to_end(&mut Command::new(program), Duration::from_secs(300))?.success()?;
    serde_json::from_str(&done.stdout).with_context(|| format!("ontap-flow said {:?}", done.stdout))
}

/// `speeds` in ascending order.
fn row(figures: &Value, speeds: &[f64]) -> anyhow::Result<String> {
    let count = |name: &str| figures[name].as_u64().map(grouped).with_context(|| format!("no {name}"));
    ensure!(figures["bad"] == 0, "the flow violates an oracle");
    let median = speeds.get(speeds.len() / 2).context("no runs")?;
    let (slowest, fastest) = (speeds.first().unwrap_or(median), speeds.last().unwrap_or(median));
    Ok(format!(
        "{HEAD}| {} | {}, all | {} | {} | {median:.0} ({slowest:.0}–{fastest:.0}) |\n",
        count("points")?,
        count("pairs")?,
        count("end_states")?,
        count("histories")?
    ))
}
