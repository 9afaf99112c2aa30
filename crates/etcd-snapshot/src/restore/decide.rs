//! Whether there is anything to do, before anything is read or written.

use super::cluster::Roll;
use super::init::Part;
use super::marker::RestoreMarker;
use super::options::RestoreOptions;
use super::report::{Identity, Outcome, Restored};
use super::target::{Paths, Place};
use crate::home::SnapshotId;
use crate::source::SnapshotSource;
use crate::{Error, Result};

/// What a restore is to do.
#[derive(Clone, Debug)]
pub(super) enum Decision {
    Restore,
    /// Nothing is left to do; `leftovers` of an earlier run are to be cleaned up.
    Done {
        restored: Box<Restored>,
        leftovers: bool,
    },
}

/// What a restore was asked to restore from, as far as a decision depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// It was asked for by its id, not as the newest.
    pub(super) by_id: bool,
    /// The snapshot of a store, once it was looked up.
    pub(super) id: Option<&'a SnapshotId>,
}

impl<'a> From<&'a SnapshotSource> for Asked<'a> {
    fn from(source: &'a SnapshotSource) -> Self {
        Self { by_id: source.is_by_id(), id: source.id() }
    }
}

impl Asked<'_> {
    /// The id that was asked for by name.
    fn pinned(self, options: &RestoreOptions) -> Option<String> {
        options.pinned_id.clone().or_else(|| self.id.filter(|_| self.by_id).map(ToString::to_string))
    }
}

/// Applies the rules of ordinals.
///
/// # Errors
///
/// `Refused` for a combination that would split the data.
pub(super) fn by_ordinal(options: &RestoreOptions, asked: Asked<'_>, paths: &Paths) -> Result<Decision> {
    let Some(init) = options.init_container else { return Ok(Decision::Restore) };
    let roll = Roll::call(options)?;
    // A file is not pinned by its name: the one of another pod can be of another time.
    Ok(match init.part(roll.members, roll.has_local, asked.pinned(options).is_some())? {
        Part::Restore => Decision::Restore,
        Part::StandBy => done(Outcome::NotThisOrdinal, None, paths, false),
    })
}

/// Applies the rules of what stands there already.
///
/// # Errors
///
/// `Refused` for data that must not be touched.
pub(super) fn by_place(place: Place, options: &RestoreOptions, asked: Asked<'_>, paths: &Paths) -> Result<Decision> {
    let init = options.init_container.is_some();
    match place {
        Place::Vacant | Place::Stopped(_) => Ok(Decision::Restore),
        Place::Populated(what) if init && asked.pinned(options).is_none() => {
            tracing::info!(found = %what.display(), "there is data already, which no restore made: it is left alone");
            Ok(done(Outcome::AlreadyPopulated, None, paths, false))
        }
        Place::Populated(what) => Err(Error::refused(format!(
            "{} exists, and no restore made it: nothing was changed; name another data directory, or move that away{}",
            what.display(),
            asked.pinned(options).filter(|_| init).map_or_else(String::new, |id| {
                format!(" (an init container that asks for the newest snapshot would leave it alone; this one asks for #{id})")
            })
        ))),
        Place::Restored { marker, leftovers } => by_marker(&marker, leftovers, options, asked, paths),
    }
}

fn by_marker(
    marker: &RestoreMarker,
    leftovers: bool,
    options: &RestoreOptions,
    asked: Asked<'_>,
    paths: &Paths,
) -> Result<Decision> {
    let init = options.init_container.is_some();
    let same = match (asked.pinned(options), asked.id) {
        (Some(pinned), _) => marker.snapshot_id.as_ref() == Some(&pinned),
        (None, _) if init => true,
        // A run that was stopped between its exchange and its end has restored what it was asked for.
        (None, Some(id)) => marker.snapshot_id.as_deref() == Some(id.to_string().as_str()),
        (None, None) => marker.snapshot_id.is_none(),
    };
    if same && (init || leftovers) {
        return Ok(done(Outcome::AlreadyRestored, Some(identity(marker)), paths, leftovers));
    }
    let what = marker.snapshot_id.as_ref().map_or_else(|| "a file".to_owned(), |id| format!("#{id}"));
    Err(Error::refused(format!(
        "{} holds what an earlier restore put there, from {what}: nothing was changed; name another data directory, or move that away",
        paths.member().display()
    )))
}

fn identity(marker: &RestoreMarker) -> Identity {
    Identity {
        name: marker.name.clone(),
        member_id: marker.member_id,
        cluster_id: marker.cluster_id,
        token: marker.token.clone(),
        initial_cluster: marker.initial_cluster.clone(),
    }
}

fn done(outcome: Outcome, identity: Option<Identity>, paths: &Paths, leftovers: bool) -> Decision {
    let restored = Restored { outcome, data_dir: paths.data_dir.clone(), identity, changes: None };
    Decision::Done { restored: Box::new(restored), leftovers }
}
