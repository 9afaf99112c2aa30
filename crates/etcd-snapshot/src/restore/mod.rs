//! From a snapshot to a data directory that etcd boots, without Go.
//!
//! [`restore`] writes what `etcdutl snapshot restore` writes: `member/snap/db` with a fresh membership, a write-ahead log
//! and a `.snap` file. It differs in what may go wrong on the way:
//!
//! - A crash, or a failure, at any point leaves a directory that no etcd starts on, or the complete member, or what was
//!   there before. First a regular file takes the place of `member`, which no etcd starts on; the
//!   real folder takes its place last, in one call.
//! - The snapshot is hashed while it is copied, one pass, in less than 64 MiB of memory.
//! - A data directory that holds a member is never touched.
//! - One member gets a fresh token, unless one is given. NOSPACE alarms are dropped. A snapshot under a CORRUPT alarm, or one
//!   that is too new for [`RestoreOptions::target_version`], is refused.
//! - [`InitContainer`] makes it safe to run at each start of a pod.
//!
//! ```no_run
//! # async fn example() -> etcd_snapshot::Result<()> {
//! use std::sync::Arc;
//!
//! use etcd_snapshot::restore::{RestoreOptions, restore};
//! use etcd_snapshot::{SnapshotSource, SystemHost};
//! use objstore_core::disk::OsDisk;
//!
//! let source = SnapshotSource::file("/backup/etcd.db")?;
//! let options = RestoreOptions::default().with_data_dir("/var/lib/etcd");
//! let restored = restore(&source, &options, Arc::new(OsDisk::new()), &SystemHost).await?;
//! println!("{:?}: {:?}", restored.outcome, restored.identity);
//! # Ok(()) }
//! ```

mod claim;
mod cluster;
mod copy;
mod decide;
mod edit;
mod files;
mod init;
mod integrity;
mod job;
mod look;
mod marker;
mod options;
mod report;
mod site;
mod target;
mod target_version;

use std::sync::Arc;

use objstore_core::disk::Disk;

use crate::host::Host;
use crate::source::{SnapshotSource, blocking};
use crate::{Error, ErrorKind, Result};

use decide::{Asked, Decision};
use files::Files;
use job::Job;
use target::{Paths, Place};

pub use init::{InitContainer, OrdinalRule};
pub use marker::RestoreMarker;
pub use options::{Owner, RestoreOptions};
pub use report::{Changes, Identity, Outcome, RestorePlan, Restored};
pub use target_version::TargetVersion;

/// Restores `source` into a data directory on `disk`.
///
/// It waits for another restore into the same directory. Memory: less than 64 MiB, whatever the size of the snapshot.
///
/// # Errors
///
/// [`Usage`](ErrorKind::Usage) for options that do not fit together, [`Refused`](ErrorKind::Refused) for a target that
/// holds data and for what would be unsafe, [`Damaged`](ErrorKind::Damaged) for a snapshot that is not intact,
/// [`NoSpace`](ErrorKind::NoSpace), [`NotAllowed`](ErrorKind::NotAllowed) and [`Storage`](ErrorKind::Storage) from the
/// disk, and those of reading `source`. In each case nothing is left behind, and data that was there is untouched. If not
/// even that can be done, the directory is left such that no etcd starts on it, and the next restore cleans it up.
///
/// # Cancel safety
///
/// A dropped restore takes away what it wrote, in the background, or completes if it was about to. If the process ends
/// first, no etcd starts on the directory, and the next restore cleans it up.
pub async fn restore(
    source: &SnapshotSource,
    options: &RestoreOptions,
    disk: Arc<dyn Disk>,
    host: &dyn Host,
) -> Result<Restored> {
    let files = Files::new(disk, options.owner);
    let paths = Paths::new(options)?;
    if let Some(restored) = done_already(source.into(), options, &files, &paths).await? {
        return Ok(restored);
    }
    let job = Job::prepare(source, options, files.clone(), paths.clone(), host).await?;
    job.check_space()?;
    match job.run(source).await {
        // Another init container was at work here, and is done now.
        Err(e) if e.kind() == ErrorKind::Refused && options.init_container.is_some() => {
            done_already(source.into(), options, &files, &paths).await?.ok_or(e)
        }
        other => other,
    }
}

/// Says whether an init container has nothing to do, before its snapshot is looked for: a pod that starts again must come
/// up although the store is out of reach, or has pruned what it was restored from. `None` means: open the source, and call
/// [`restore`].
///
/// # Errors
///
/// [`Usage`](ErrorKind::Usage) and [`Refused`](ErrorKind::Refused), as [`restore`].
///
/// # Cancel safety
///
/// As [`restore`]: it may clean up after an earlier one.
pub async fn settled(options: &RestoreOptions, disk: Arc<dyn Disk>) -> Result<Option<Restored>> {
    if options.init_container.is_none() {
        return Ok(None);
    }
    let files = Files::new(disk, options.owner);
    let paths = Paths::new(options)?;
    done_already(Asked { by_id: false, id: None }, options, &files, &paths).await
}

/// The snapshot that was named must be the one that is restored.
fn require_named(source: &SnapshotSource, options: &RestoreOptions) -> Result<()> {
    match (&options.pinned_id, source.id().map(ToString::to_string)) {
        (Some(named), id) if id.as_ref() != Some(named) => Err(Error::usage(format!(
            "#{named} was named and {source} is to be restored: open the snapshot that is named"
        ))),
        _ => Ok(()),
    }
}

async fn done_already(
    asked: Asked<'_>,
    options: &RestoreOptions,
    files: &Files,
    paths: &Paths,
) -> Result<Option<Restored>> {
    let Decision::Done { restored, leftovers } = decide(asked, options, files, paths).await? else { return Ok(None) };
    if leftovers {
        let (files, paths) = (files.clone(), paths.clone());
        blocking(move || site::finish_stopped(&files, &paths)).await?;
    }
    Ok(Some(*restored))
}

/// Says what [`restore`] would do with the same arguments. Nothing is written, and of the snapshot only the parts are read
/// that a restore changes: its SHA-256 is not checked.
///
/// # Errors
///
/// As [`restore`], as far as it can be known.
///
/// # Cancel safety
///
/// It changes nothing.
pub async fn plan(
    source: &SnapshotSource,
    options: &RestoreOptions,
    disk: Arc<dyn Disk>,
    host: &dyn Host,
) -> Result<RestorePlan> {
    let files = Files::new(disk, options.owner);
    let paths = Paths::new(options)?;
    match decide(source.into(), options, &files, &paths).await? {
        Decision::Done { restored, .. } => Ok(RestorePlan {
            outcome: restored.outcome,
            data_dir: restored.data_dir,
            identity: restored.identity,
            changes: None,
            needed_bytes: 0,
            free_bytes: files.free_space(&paths.data_dir)?,
        }),
        Decision::Restore => {
            require_named(source, options)?;
            Job::prepare(source, options, files, paths, host).await?.plan()
        }
    }
}

async fn decide(asked: Asked<'_>, options: &RestoreOptions, files: &Files, paths: &Paths) -> Result<Decision> {
    if let done @ Decision::Done { .. } = decide::by_ordinal(options, asked, paths)? {
        return Ok(done);
    }
    let inspected = {
        let (files, paths) = (files.clone(), paths.clone());
        blocking(move || Place::inspect(&files, &paths)).await?
    };
    decide::by_place(inspected, options, asked, paths)
}
