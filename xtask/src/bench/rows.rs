//! What is measured: the rows of the table, and the commands behind them.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::Tools;

/// A row of the table: a step of ours beside a peer's, or beside a limit of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Row {
    /// `save --raw` beside `etcdctl snapshot save`
    SaveRaw,
    /// `save --to file://`, its pages walked and all of it read back, beside `save --raw`
    SaveTo,
    /// The same, and HashKV compared with the live member, which computes it meanwhile
    SaveToLive,
    /// `restore` beside `etcdutl snapshot restore`
    Restore,
    /// `restore` beside the larger of one SHA-256 pass and one copy with fsync
    RestoreLimit,
    /// `status` beside `etcdutl snapshot status`
    Status,
    /// Histories a second of the crash kit
    Kit,
}

/// A command that is measured. One command may stand in several rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    Discard,
    SaveRaw,
    SaveTo,
    SaveToLive,
    EtcdctlSave,
    Sha256,
    Copy,
    Restore,
    EtcdutlRestore,
    Status,
    EtcdutlStatus,
}

impl Row {
    /// The commands that it needs, in the order in which they take turns.
    pub(super) fn tasks(self) -> &'static [Task] {
        match self {
            Self::SaveRaw => &[Task::Discard, Task::SaveRaw, Task::EtcdctlSave],
            Self::SaveTo => &[Task::Discard, Task::SaveRaw, Task::SaveTo],
            Self::SaveToLive => &[Task::SaveRaw, Task::SaveToLive],
            Self::Restore => &[Task::Restore, Task::EtcdutlRestore],
            Self::RestoreLimit => &[Task::Sha256, Task::Copy, Task::Restore],
            Self::Status => &[Task::Status, Task::EtcdutlStatus],
            Self::Kit => &[],
        }
    }
}

impl Task {
    /// What the table calls it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Discard => "limit: the stream read and thrown away",
            Self::SaveRaw => "`save --raw`",
            Self::SaveTo => "`save --to file:// --no-live-check`",
            Self::SaveToLive => "`save --to file://`",
            Self::EtcdctlSave => "`etcdctl snapshot save`",
            Self::Sha256 => "limit: one SHA-256 pass",
            Self::Copy => "limit: one copy with fsync",
            Self::Restore => "`restore`",
            Self::EtcdutlRestore => "`etcdutl snapshot restore`",
            Self::Status => "`status`",
            Self::EtcdutlStatus => "`etcdutl snapshot status`",
        }
    }

    /// A limit of the machine rather than a program that somebody would run.
    pub(super) fn is_limit(self) -> bool {
        matches!(self, Self::Discard | Self::Sha256 | Self::Copy)
    }
}

/// Where the commands read and write.
#[derive(Debug)]
pub(super) struct Places {
    /// The endpoint of the etcd that holds the data.
    pub(super) endpoint: String,
    /// A snapshot of it, written by etcdctl.
    pub(super) snapshot: PathBuf,
    /// What a command writes; removed before every run.
    pub(super) out: PathBuf,
}

impl Places {
    /// The command line of a task.
    pub(super) fn command(&self, tools: &Tools, task: Task) -> Vec<String> {
        let endpoint = self.endpoint.as_str();
        let (snapshot, out) = (text(&self.snapshot), text(&self.out));
        let store = format!("file://{out}");
        let (program, args): (&Path, Vec<&str>) = match task {
            Task::Discard => (&tools.limits, vec!["discard", endpoint]),
            Task::Sha256 => (&tools.limits, vec!["sha256", &snapshot]),
            Task::Copy => (&tools.limits, vec!["copy", &snapshot, &out]),
            Task::SaveRaw => (&tools.ours, vec!["save", "--endpoints", endpoint, "--raw", &out]),
            Task::SaveTo => (&tools.ours, vec!["save", "--endpoints", endpoint, "--to", &store, "--no-live-check"]),
            Task::SaveToLive => (&tools.ours, vec!["save", "--endpoints", endpoint, "--to", &store]),
            Task::Restore => (&tools.ours, vec!["restore", &snapshot, "--data-dir", &out]),
            Task::Status => (&tools.ours, vec!["status", &snapshot]),
            Task::EtcdctlSave => (tools.etcdctl.path(), vec!["--endpoints", endpoint, "snapshot", "save", &out]),
            Task::EtcdutlRestore => (tools.etcdutl.path(), vec!["snapshot", "restore", &snapshot, "--data-dir", &out]),
            Task::EtcdutlStatus => (tools.etcdutl.path(), vec!["snapshot", "status", &snapshot]),
        };
        std::iter::once(text(program)).chain(args.into_iter().map(str::to_owned)).collect()
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
