//! What goes wrong, and when.

use std::{io, time::Duration};

use super::Call;

/// What goes wrong with a [`ModelDisk`](super::ModelDisk). Calls that change something are counted from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    stop_before: Option<u64>,
    stop_after: Option<u64>,
    fail: Option<(u64, io::ErrorKind)>,
    full_from: Option<u64>,
    pub(super) deaf_to_file_syncs: bool,
    pub(super) deaf_to_dir_syncs: bool,
    missing: Vec<Ability>,
    pub(super) time_step: Duration,
}

/// Something that not every file system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ability {
    /// [`Disk::hard_link`](crate::disk::Disk::hard_link)
    HardLinks,
    /// [`Disk::lock`](crate::disk::Disk::lock)
    Locks,
    /// [`Disk::rename_exchange`](crate::disk::Disk::rename_exchange)
    Exchange,
    /// [`DiskFile::allocate`](crate::disk::DiskFile::allocate)
    Allocate,
}

/// What a crash leaves of changes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Survival {
    /// Nothing: the power failed at once.
    Synced,
    /// Everything: only the process died.
    Everything,
    /// Each changed name, and each 4 KiB of each file, by a coin that this seed throws.
    Some(u64),
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The disk stops before it makes this call.
    #[must_use]
    pub fn stop_before(mut self, call: u64) -> Self {
        self.stop_before = Some(call);
        self
    }

    /// The disk makes this call and stops: the caller does not learn that it was made.
    #[must_use]
    pub fn stop_after(mut self, call: u64) -> Self {
        self.stop_after = Some(call);
        self
    }

    /// This call fails and changes nothing; the disk goes on.
    #[must_use]
    pub fn fail(mut self, call: u64, kind: io::ErrorKind) -> Self {
        self.fail = Some((call, kind));
        self
    }

    /// From this call on, whatever takes room fails with `StorageFull`: new names, writes, and syncs of files, because a
    /// file system may find room only then.
    #[must_use]
    pub fn full_from(mut self, call: u64) -> Self {
        self.full_from = Some(call);
        self
    }

    /// Syncs of files succeed and do nothing: to see that a test would notice a program without them.
    #[must_use]
    pub fn without_file_syncs(mut self) -> Self {
        self.deaf_to_file_syncs = true;
        self
    }

    /// Syncs of folders succeed and do nothing.
    #[must_use]
    pub fn without_dir_syncs(mut self) -> Self {
        self.deaf_to_dir_syncs = true;
        self
    }

    /// The file system cannot do this.
    #[must_use]
    pub fn without(mut self, ability: Ability) -> Self {
        self.missing.push(ability);
        self
    }

    /// Time stamps of files are kept in steps of this length.
    #[must_use]
    pub fn with_time_step(mut self, step: Duration) -> Self {
        self.time_step = step;
        self
    }

    pub(super) fn gate(&self, number: u64, call: &Call<'_>) -> Gate {
        let missing = call.needs.is_some_and(|needed| self.missing.contains(&needed));
        let full = call.takes_room && self.full_from.is_some_and(|from| number >= from);
        match self.fail {
            _ if self.stop_before == Some(number) => Gate::Fail(stopped()),
            Some((at, kind)) if at == number => Gate::Fail(kind.into()),
            _ if missing => Gate::Fail(io::ErrorKind::Unsupported.into()),
            _ if full => Gate::Fail(io::ErrorKind::StorageFull.into()),
            _ if self.stop_after == Some(number) => Gate::PassAndStop,
            _ => Gate::Pass,
        }
    }

    pub(super) fn stops_before(&self, number: u64) -> bool {
        self.stop_before == Some(number)
    }
}

/// What becomes of a call.
pub(super) enum Gate {
    Pass,
    PassAndStop,
    Fail(io::Error),
}

pub(super) fn stopped() -> io::Error {
    io::Error::other("the model disk was stopped")
}
