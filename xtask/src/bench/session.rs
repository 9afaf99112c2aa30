//! All runs over one set of data.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context as _;

use super::{
    Args, Tools,
    data::DataSet,
    measure::{Sample, Summary, once, summary},
    rows::{Places, Row, Task},
};

/// What was measured over one set of data.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) rows: Vec<Row>,
    pub(super) snapshot_bytes: u64,
    pub(super) tasks: BTreeMap<Task, Summary>,
}

/// Runs the commands of each group turn and turn about, so that a slow minute of the machine hits all of them.
pub(super) fn run(tools: &Tools, set: DataSet, rows: &[Row], args: &Args) -> anyhow::Result<Measured> {
    println!("\n== {} keys of {} bytes", set.keys() / args.divide, set.value_bytes());
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(judges::Settings::from_env().cache)?;
    let mut server = set.serve(tools, args.divide)?;
    let places = Places {
        endpoint: server.client_url(),
        snapshot: folder.path().join("snapshot.db"),
        out: folder.path().join("out"),
    };
    let first = Places { out: places.snapshot.clone(), ..copy(&places) };
    once(&tools.limits, &first.command(tools, Task::EtcdctlSave)).context("the snapshot to work on")?;
    let (online, offline): (Vec<Task>, Vec<Task>) = tasks(rows).into_iter().partition(|task| needs_server(*task));
    let mut samples = take_turns(tools, &places, &online, args.runs)?;
    // What reads files only is measured without a server beside it.
    server.stop()?;
    samples.extend(take_turns(tools, &places, &offline, args.runs)?);
    let tasks = samples.iter().filter_map(|(task, samples)| Some((*task, summary(samples)?))).collect();
    Ok(Measured { rows: rows.to_vec(), snapshot_bytes: fs::metadata(&places.snapshot)?.len(), tasks })
}

type Samples = BTreeMap<Task, Vec<Sample>>;

fn take_turns(tools: &Tools, places: &Places, tasks: &[Task], runs: u32) -> anyhow::Result<Samples> {
    let mut samples = Samples::new();
    for run in 1..=runs {
        for &task in tasks {
            clear(&places.out)?;
            rustix::fs::sync();
            let sample = once(&tools.limits, &places.command(tools, task))?;
            println!("{run}/{runs} {:<40} {:>8.3} s {:>8.1} MiB", task.words(), sample.seconds, mib(sample.peak_bytes));
            samples.entry(task).or_default().push(sample);
        }
    }
    clear(&places.out)?;
    Ok(samples)
}

fn tasks(rows: &[Row]) -> Vec<Task> {
    let mut tasks: Vec<Task> = rows.iter().flat_map(|row| row.tasks().iter().copied()).collect();
    tasks.sort_unstable();
    tasks.dedup();
    tasks
}

fn needs_server(task: Task) -> bool {
    matches!(task, Task::Discard | Task::SaveRaw | Task::SaveTo | Task::SaveToLive | Task::EtcdctlSave)
}

fn clear(out: &Path) -> anyhow::Result<()> {
    if out.is_dir() {
        fs::remove_dir_all(out)?;
    } else if out.exists() {
        fs::remove_file(out)?;
    }
    Ok(())
}

fn copy(places: &Places) -> Places {
    Places { endpoint: places.endpoint.clone(), snapshot: places.snapshot.clone(), out: places.out.clone() }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read, with one decimal")]
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
