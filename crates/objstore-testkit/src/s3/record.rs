//! What a server was asked, for fault enumeration and for tables of permissions.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::Fault;

/// One request that reached a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Its number since the log was last cleared, from 1.
    pub number: u32,
    /// S3's name of the operation: `PutObject`, `CompleteMultipartUpload`, …
    pub operation: &'static str,
    /// The bucket.
    pub bucket: String,
    /// The key; empty for what concerns a bucket.
    pub key: String,
    /// The names of its headers, in lower case. Values are not kept: some are secrets.
    pub headers: BTreeSet<String>,
    /// The IAM actions that it used (`s3:PutObject`). A reading of an object that is missing also uses `s3:ListBucket`:
    /// without it, S3 answers 403 instead of 404.
    pub actions: BTreeSet<String>,
    /// The status of the answer, if one was sent.
    pub status: Option<u16>,
    /// What went wrong by plan.
    pub fault: Option<Fault>,
}

/// A line of the log that is still being written.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    log: Arc<Log>,
    index: usize,
    epoch: u32,
}

#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    /// How often the log was cleared: entries of an earlier time are not found any more.
    epoch: u32,
    lines: Vec<Recorded>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a line; its number and its fault are set here.
    pub(super) fn begin(self: &Arc<Self>, mut line: Recorded, fault: impl FnOnce(u32) -> Option<Fault>) -> Entry {
        let mut lines = self.lock();
        line.number = u32::try_from(lines.lines.len()).unwrap_or(u32::MAX).saturating_add(1);
        line.fault = fault(line.number);
        lines.lines.push(line);
        Entry { log: Arc::clone(self), index: lines.lines.len().saturating_sub(1), epoch: lines.epoch }
    }

    pub(super) fn lines(&self) -> Vec<Recorded> {
        self.lock().lines.clone()
    }

    pub(super) fn clear(&self) -> Vec<Recorded> {
        let mut lines = self.lock();
        lines.epoch = lines.epoch.wrapping_add(1);
        std::mem::take(&mut lines.lines)
    }
}

impl Entry {
    fn with<T>(&self, change: impl FnOnce(&mut Recorded) -> T) -> Option<T> {
        let mut lines = self.log.lock();
        if lines.epoch != self.epoch {
            return None;
        }
        lines.lines.get_mut(self.index).map(change)
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.with(|line| line.fault).flatten()
    }

    pub(super) fn actions(&self) -> Vec<String> {
        self.with(|line| line.actions.iter().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn add_action(&self, action: &str) {
        self.with(|line| line.actions.insert(action.to_owned()));
    }

    pub(super) fn answered(&self, status: u16) {
        self.with(|line| {
            line.status = Some(status);
            if status == 404 && matches!(line.operation, "GetObject" | "HeadObject") {
                line.actions.insert("s3:ListBucket".to_owned());
            }
        });
    }
}
