//! Restores that are stopped at any call, and what they leave.

#![allow(unreachable_pub, reason = "the test binary uses this module as its own")]

mod contents;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcd_snapshot::restore::{RestoreOptions, Restored, restore};
use etcd_snapshot::{Host, SnapshotSource};
use objstore_core::disk::{Ability, Disk, Faults, ModelDisk, Survival};

pub use contents::*;

use crate::restore_support::wait;

/// How many ways of losing half of what was not synced are tried.
const SEEDS: u64 = 8;

/// One kind of restore.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    snapshot: PathBuf,
    wal_dir: bool,
    exchange: bool,
    mounted: bool,
}

/// What a crash left, by what an etcd would make of it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// There is nothing of ours: it is as it was before.
    Untouched,
    /// No etcd starts.
    Guarded,
    /// The member, whole.
    Complete,
}

/// A host whose random bytes tell one run from another.
#[derive(Debug)]
struct RunHost(u8);

impl Host for RunHost {
    fn now(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH
    }

    fn random(&self, buffer: &mut [u8]) -> etcd_snapshot::Result<()> {
        buffer.fill(self.0);
        Ok(())
    }
}

impl Scenario {
    /// The log in its place or elsewhere, on file systems that can exchange names and lock and on others, in a directory
    /// that must be made and in one that is a mount point.
    pub fn all(snapshot: &Path) -> Vec<Self> {
        let of = |name, wal_dir, exchange, mounted| Self {
            name,
            snapshot: snapshot.to_path_buf(),
            wal_dir,
            exchange,
            mounted,
        };
        vec![
            of("plain", false, true, false),
            of("into a mount point", false, true, true),
            of("log elsewhere", true, true, false),
            of("without exchange", false, false, true),
            of("log elsewhere, without exchange", true, false, false),
        ]
    }

    /// Whether the log lies elsewhere: such a restore does all that the others do, and more.
    pub fn has_log_elsewhere(&self) -> bool {
        self.wal_dir
    }

    pub fn data_dir(&self) -> PathBuf {
        PathBuf::from(if self.mounted { "/mnt/data" } else { "/var/lib/etcd" })
    }

    pub fn wal_dir(&self) -> Option<PathBuf> {
        self.wal_dir.then(|| PathBuf::from("/fast/wal"))
    }

    /// The disk before the restore.
    pub fn disk(&self) -> ModelDisk {
        let disk = ModelDisk::new();
        if self.mounted {
            for dir in ["/mnt", "/mnt/data", "/mnt/data/lost+found"] {
                disk.mkdir(Path::new(dir), 0o755).expect("the disk is empty");
            }
            for dir in ["/", "/mnt", "/mnt/data"] {
                disk.sync_dir(Path::new(dir)).expect("it is there");
            }
        }
        disk
    }

    /// What the file system cannot do, in every run: reserving space costs these tests only memory.
    pub fn faults(&self) -> Faults {
        let faults = Faults::none().without(Ability::Allocate);
        if self.exchange { faults } else { faults.without(Ability::Exchange).without(Ability::Locks) }
    }

    /// The restore of `run`, on `disk` as it is.
    pub fn run(&self, disk: Arc<dyn Disk>, run: u8) -> etcd_snapshot::Result<Restored> {
        let mut options = RestoreOptions::default().with_data_dir(self.data_dir());
        if let Some(dir) = self.wal_dir() {
            options = options.with_wal_dir(dir);
        }
        let host = RunHost(run);
        wait(async { restore(&SnapshotSource::file(&self.snapshot)?, &options, disk, &host).await })
    }

    /// The disk after a restore by `run` that nothing disturbs.
    pub fn undisturbed(&self, run: u8) -> Contents {
        let disk = self.disk();
        disk.set_faults(self.faults());
        self.run(Arc::new(disk.clone()), run).unwrap_or_else(|e| panic!("{}: {e:?}\n{:#?}", self.name, disk.log()));
        contents(&disk)
    }

    /// How many calls a restore by `run` makes on a disk like this.
    pub fn calls(&self, disk: &ModelDisk, run: u8) -> u64 {
        let disk = disk.after_crash(Survival::Everything);
        disk.set_faults(self.faults());
        let _ = self.run(Arc::new(disk.clone()), run);
        disk.calls()
    }

    /// Stops a restore by `run` on disks like `before`, before and after each of its calls, and passes on what can be left:
    /// each thing once.
    pub fn every_crash(&self, before: &ModelDisk, run: u8, faults: &Faults, left: impl FnMut(&str, ModelDisk)) {
        let stop = |call| [("before", faults.clone().stop_before(call)), ("after", faults.clone().stop_after(call))];
        self.crashes(before, run, stop, left);
    }

    /// As [`every_crash`](Self::every_crash), but after each call only: what stands before a call is what the one before it
    /// left.
    pub fn every_crash_after_a_call(&self, before: &ModelDisk, run: u8, left: impl FnMut(&str, ModelDisk)) {
        self.crashes(before, run, |call| [("after", self.faults().stop_after(call))], left);
    }

    fn crashes<const N: usize>(
        &self,
        before: &ModelDisk,
        run: u8,
        stops: impl Fn(u64) -> [(&'static str, Faults); N],
        mut left: impl FnMut(&str, ModelDisk),
    ) {
        let mut seen = BTreeSet::new();
        for call in 1..=self.calls(before, run) {
            for (when, faults) in stops(call) {
                let disk = before.after_crash(Survival::Everything);
                disk.set_faults(faults);
                let _ = self.run(Arc::new(disk.clone()), run);
                let made = disk.log().last().cloned().unwrap_or_default();
                for (survived, after) in survivals(&disk) {
                    if seen.insert(digest(&contents(&after))) {
                        let place = format!("{}, run {run}, {when} call {call} ({made}), {survived}", self.name);
                        left(&place, after);
                    }
                }
            }
        }
    }

    /// What an etcd makes of this disk, if it is one of the things that may be left after runs 1 to `runs`.
    ///
    /// # Errors
    /// What is wrong, for what no crash may leave.
    pub fn judge(&self, disk: &ModelDisk, complete: &[Contents]) -> Result<Verdict, String> {
        let found = contents(disk);
        let data_dir = self.data_dir();
        let kind = |name: &str| found.get(&data_dir.join(name)).map(Option::is_some);
        let is_file = |name: &str| kind(name) == Some(true);
        if is_file("member") || is_file("proxy") {
            return Ok(Verdict::Guarded);
        }
        if kind("member") == Some(false) {
            let whole = complete.iter().any(|wanted| without_litter(&found) == without_litter(wanted));
            return if whole {
                Ok(Verdict::Complete)
            } else {
                Err(format!("a member that is not whole: {}", names(&found)))
            };
        }
        let before = contents(&self.disk());
        let ours = found.iter().find(|(path, content)| content.is_some() && !before.contains_key(*path));
        match ours {
            None if !found.keys().any(|path| is_litter(path)) => Ok(Verdict::Untouched),
            _ => Err(format!("an etcd would start empty, beside what a restore left: {}", names(&found))),
        }
    }

    /// Runs the restore again, and looks whether it is done now.
    ///
    /// # Errors
    /// What is wrong.
    pub fn completes(&self, disk: &ModelDisk, run: u8, verdict: Verdict, complete: &[Contents]) -> Result<(), String> {
        let disk = disk.after_crash(Survival::Everything);
        disk.set_faults(self.faults());
        let had_litter = contents(&disk).keys().any(|path| is_litter(path));
        match self.run(Arc::new(disk.clone()), run) {
            Ok(_) => {}
            // By hand, a member that is whole is refused like any other.
            Err(_) if verdict == Verdict::Complete && !had_litter => {}
            Err(e) => return Err(format!("the next restore fails: {e:?}")),
        }
        let found = contents(&disk.after_crash(Survival::Synced));
        if found.keys().any(|path| is_litter(path)) {
            return Err(format!("the next restore leaves litter: {}", names(&found)));
        }
        if !complete.contains(&found) {
            return Err(format!("the next restore is not complete: {}", names(&found)));
        }
        Ok(())
    }
}

/// What a crash can leave of a disk.
fn survivals(disk: &ModelDisk) -> impl Iterator<Item = (String, ModelDisk)> {
    let named =
        [("all survived".to_owned(), Survival::Everything), ("only the synced survived".to_owned(), Survival::Synced)];
    let seeded = (0..SEEDS).map(|seed| (format!("seed {seed} survived"), Survival::Some(seed)));
    named.into_iter().chain(seeded).map(|(name, survival)| (name, disk.after_crash(survival)))
}

/// A real folder, by its content.
pub fn tree(into: &Path) -> Contents {
    crate::restore_support::tree(into)
}
