//! The Markdown table, and its place in README.md.

use std::{fmt::Write as _, fs, process::Command};

use anyhow::Context as _;

use crate::workspace::{read, root};

use super::{
    Tools,
    data::DataSet,
    measure::Summary,
    rows::{Row, Task},
    session::{Measured, mib},
};

const BEGIN: &str = "<!-- bench:begin -->\n";
const END: &str = "<!-- bench:end -->";

/// When, where and with what; and the head of the table.
pub(super) fn head(tools: &Tools, runs: u32) -> anyhow::Result<String> {
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let rustc = read(Command::new("rustc").arg("--version"))?;
    let rustc = rustc.split(' ').nth(1).unwrap_or("?").to_owned();
    let ours = read(Command::new(&tools.ours).arg("--version"))?;
    Ok(format!(
        "{date}, {}, {} cores. {} (Rust {rustc}), etcd {}, etcdctl {}, etcdutl {}. Medians of {runs} interleaved runs \
         (fastest to slowest); the largest peak of resident memory, mapped files included; files in the page cache.\n\n\
         | step | time | beside | its time | ratio | peak memory | its peak |\n\
         |---|---|---|---|---|---|---|\n",
        processor(),
        std::thread::available_parallelism().map_or(1, usize::from),
        ours.trim(),
        tools.etcd.version(),
        tools.etcdctl.version(),
        tools.etcdutl.version(),
    ))
}

/// The rows of one set of data.
pub(super) fn section(set: DataSet, divide: u64, measured: &Measured) -> String {
    let (keys, value_bytes) = (grouped(set.keys() / divide), grouped(set.value_bytes()));
    let megabytes = measured.snapshot_bytes / 1_000_000;
    let title = format!("{keys} keys of {value_bytes} bytes: {megabytes} MB");
    let mut text = format!("| **{title}** | | | | | | |\n");
    for row in &measured.rows {
        text.push_str(&line(*row, measured).unwrap_or_default());
    }
    for (task, summary) in measured.tasks.iter().filter(|(task, _)| task.is_limit()) {
        let peak = mib(summary.peak_bytes);
        writeln!(text, "| {} | {} | | | | {peak:.0} MiB | |", task.words(), time(summary)).ok();
    }
    text
}

/// Replaces what stands between the markers.
pub(super) fn write_readme(table: &str) -> anyhow::Result<()> {
    let file = root().join("README.md");
    let old = fs::read_to_string(&file).context("cannot read README.md")?;
    fs::write(
        &file,
        replaced(&old, table).context("README.md has no `<!-- bench:begin -->` and `<!-- bench:end -->`")?,
    )?;
    println!("the table is in {}", file.display());
    Ok(())
}

fn replaced(old: &str, table: &str) -> Option<String> {
    let (before, rest) = old.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn line(row: Row, measured: &Measured) -> Option<String> {
    let of = |task: Task| Some((task, *measured.tasks.get(&task)?));
    let ((task, ours), (peer, theirs)) = match row {
        Row::SaveRaw => (of(Task::SaveRaw)?, of(Task::EtcdctlSave)?),
        Row::SaveTo => (of(Task::SaveTo)?, of(Task::SaveRaw)?),
        Row::SaveToLive => (of(Task::SaveToLive)?, of(Task::SaveRaw)?),
        Row::Restore => (of(Task::Restore)?, of(Task::EtcdutlRestore)?),
        Row::RestoreLimit => (of(Task::Restore)?, larger(of(Task::Sha256)?, of(Task::Copy)?)),
        Row::Status => (of(Task::Status)?, of(Task::EtcdutlStatus)?),
        Row::Kit => return None,
    };
    Some(format!(
        "| {} | {} | {} | {} | {:.2} | {:.0} MiB | {:.0} MiB |\n",
        task.words(),
        time(&ours),
        peer.words(),
        time(&theirs),
        ours.seconds / theirs.seconds,
        mib(ours.peak_bytes),
        mib(theirs.peak_bytes),
    ))
}

fn larger(one: (Task, Summary), other: (Task, Summary)) -> (Task, Summary) {
    if one.1.seconds >= other.1.seconds { one } else { other }
}

fn time(summary: &Summary) -> String {
    format!("{:.2} s ({:.2}–{:.2})", summary.seconds, summary.fastest, summary.slowest)
}

/// 1500000 as 1,500,000.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(1_500_000), "1,500,000");
        assert_eq!(grouped(64), "64");
    }

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let old = format!("a\n{BEGIN}old\n{END}\nb\n");
        assert_eq!(replaced(&old, "new\n"), Some(format!("a\n{BEGIN}new\n{END}\nb\n")));
        assert_eq!(replaced("no markers", "new\n"), None);
    }
}
