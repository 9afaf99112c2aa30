//! Save: from a live member into a home, verified, and only then a backup.

mod choose;
mod history;
mod incarnation;
mod job;
mod options;
mod payload;
mod raw;
mod sample;
mod stop;
mod stream;
mod turns;

use serde::Serialize;

use crate::checks::Checks;
use crate::compare::LiveCheck;
use crate::hex::Hex64;
use crate::home::{Home, Manifest, SnapshotId};
use crate::live::Live;
use crate::{Advice, Error, Result};
use choose::Chosen;

pub use history::HistoryCheck;
pub use options::SaveOptions;
pub use raw::{RawSaved, save_raw};

/// A snapshot that was saved, verified and committed.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Saved {
    /// Its name in its home.
    pub id: SnapshotId,
    /// What was committed.
    pub manifest: Manifest,
    /// The endpoint that sent it.
    pub endpoint: String,
    /// Why that one was chosen.
    pub why: &'static str,
    /// What was verified.
    pub checks: Checks,
    /// How the comparison with live members ended.
    pub live_check: LiveCheck,
    /// How the comparison with the snapshot before it ended.
    pub history: HistoryCheck,
}

/// Saves a snapshot of `live` into `home`.
///
/// 1. Every endpoint is asked for its status; a healthy, caught-up member that does not lead is chosen.
/// 2. Its stream goes straight into an upload; size and SHA-256 trailer are checked while it flows.
/// 3. What landed is read back: its size and checksum, its pages one by one, its HashKV.
/// 4. The hash is compared with another live member, by the rule that stands at [`LiveCheck`].
/// 5. Its history is compared with that of the newest snapshot of the same incarnation: cluster ids do not tell clusters
///    apart that were started with etcd's defaults. See [`HistoryCheck`].
/// 6. The manifest is written, create-only. Only now there is a backup.
///
/// What step 5 costs: one listing and the manifest of the snapshot before it. Where there were writes since, one more walk
/// over the new payload, made while step 4 waits for the other member; where there was a compaction since, also one over
/// the payload before it. Where the cluster was compacted past that snapshot, a few pages of both are read instead.
///
/// Memory: 3 MiB of blocks, the upload's parts, and what [`inspect`](crate::inspect()) needs.
///
/// Where no member could be compared with, that is no error: [`Saved::checks`] says what was verified, and
/// [`SaveOptions::required`] demands more.
///
/// # Errors
/// - [`Unreachable`](crate::ErrorKind::Unreachable): no endpoint or no store answered, the stream stalled, the time was up.
/// - [`NotAllowed`](crate::ErrorKind::NotAllowed): the member or the store does not allow it.
/// - [`Refused`](crate::ErrorKind::Refused): endpoints of different clusters, a corrupt member, a home of another cluster
///   or of a newer format, another history than the home's. Nothing was left in the store, or the message says what.
/// - [`Damaged`](crate::ErrorKind::Damaged): the stream is not what the member announced. Nothing was left in the store.
/// - [`Unverified`](crate::ErrorKind::Unverified): it is stored, but a check failed, or one that is required could not be
///   made; the source says which. It has no manifest, so that nothing will restore it; the payload is left to be looked into.
/// - [`NoSpace`](crate::ErrorKind::NoSpace), [`NotFound`](crate::ErrorKind::NotFound) (the place of the store),
///   [`Storage`](crate::ErrorKind::Storage): as the store says.
/// - [`Usage`](crate::ErrorKind::Usage): an endpoint, a file or a clock that cannot be.
/// - [`Cancelled`](crate::ErrorKind::Cancelled): by its token. Nothing was left in the store, or the message says what.
///
/// # Cancel safety
/// [`SaveOptions::with_cancel`] and [`SaveOptions::with_timeout`] end it in an orderly way, within half a minute if the store
/// answers at all: what was written is taken away, and where that fails the error says what stays.
///
/// Dropping it leaves no manifest without a complete payload. An upload that was begun is aborted in the background: call
/// [`close`](objstore_core::ObjectStore::close) on the store to wait for that. Dropped later, it may leave a payload without
/// manifest, which [`Inventory::incomplete`](crate::home::Inventory::incomplete) shows, or have committed: look for it.
pub async fn save(live: &dyn Live, home: &Home, options: &SaveOptions) -> Result<Saved> {
    job::run(live, home, options).await
}

/// Asks all members and chooses one; says which.
async fn choose_member(live: &dyn Live, options: &SaveOptions) -> Result<Chosen> {
    let chosen = choose::choose(live.members().await)?;
    for silent in &chosen.silent {
        options.progress.note(&format!("an endpoint was left out: {silent}"));
    }
    if chosen.status.leader == Hex64(0) {
        options.progress.note(&format!(
            "{} knows no leader: its cluster has no quorum, and the snapshot may lack what other members have",
            chosen.endpoint
        ));
    }
    options.progress.note(&format!(
        "taking the snapshot from {} (member {}): {}",
        chosen.endpoint, chosen.status.member_id, chosen.why
    ));
    Ok(chosen)
}

/// The member that answers at the endpoint must be the one that was asked before: an address can stand for several.
async fn same_member(live: &dyn Live, chosen: &Chosen) -> Result<()> {
    // One that does not answer any more has sent everything all the same.
    let Ok(now) = live.member(&chosen.endpoint).await else { return Ok(()) };
    if now.member_id == chosen.status.member_id && now.cluster_id == chosen.status.cluster_id {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} was member {} before the snapshot and is {} after it, so it is unknown whose data this is: name the endpoint of one member",
        chosen.endpoint, chosen.status.member_id, now.member_id
    ))
    .with_advice(Advice::Endpoints))
}
