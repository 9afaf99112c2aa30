//! Verify: what can be proven of a snapshot, and what was not looked at.

use crate::checks::Checks;
use crate::compare::{self, LiveCheck, NotComparable};
use crate::inspect::{self, Inspection};
use crate::live::{Live, Status};
use crate::progress::{Progress, Stage};
use crate::receive::{Digester, Digests};
use crate::source::SnapshotSource;
use crate::{Error, Result};
use futures::TryStreamExt as _;

/// What a verification showed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// What was verified with success.
    pub checks: Checks,
    /// What was not checked, and how it can be.
    pub not_checked: Vec<String>,
    /// What the snapshot holds.
    pub inspection: Inspection,
    /// How the comparison with live members ended.
    pub live_check: LiveCheck,
}

/// Verifies a snapshot: its trailer, every page of it, its digests against its manifest, and its HashKV against `live`.
///
/// Every byte is read twice, once for the digests and once for the pages. A drill, which restores it and boots an etcd, is
/// not done here, and the answer says so.
///
/// Memory: 6 MiB of blocks, and what [`inspect`](crate::inspect()) needs.
///
/// # Errors
/// - [`Damaged`](crate::ErrorKind::Damaged): it is not what it should be, and the message says where.
/// - As the store, the file system or the members say.
///
/// # Cancel safety
/// It changes nothing.
pub async fn verify(source: &SnapshotSource, live: Option<&dyn Live>, progress: &dyn Progress) -> Result<Verification> {
    let mut checks = Checks::NONE;
    let mut not_checked = Vec::new();
    if !source.has_whole_length() {
        return Err(Error::damaged(format!(
            "{source} was cut off or added to: its {} bytes are neither whole pages nor whole pages and a trailer; fetch it again, or use another snapshot",
            source.len()
        )));
    }
    match source.has_trailer() {
        true => {
            let digests = digest(source, progress).await?;
            checks |= Checks::TRAILER;
            if against_manifest(source, &digests)? {
                checks |= Checks::READ_BACK;
            }
        }
        false => not_checked.push(
            "the content, byte by byte: the file has no SHA-256 trailer, as a copy of a member/snap/db has none"
                .to_owned(),
        ),
    }
    let inspection = inspect::inspect(source, progress).await?;
    inspection.require_sound().map_err(|e| Error::damaged(format!("{source}: {e}")))?;
    against_content(source, &inspection)?;
    checks |= Checks::STRUCTURE;
    let live_check = compare_live(source, live, &inspection, progress).await?;
    match &live_check {
        LiveCheck::Matched { .. } => checks |= Checks::LIVE_HASH,
        LiveCheck::MatchedSender { .. } => checks |= Checks::SENDER_HASH,
        LiveCheck::NotAsked => not_checked.push("a live member's HashKV: no live cluster was given".to_owned()),
        other => not_checked.push(format!("a live member's HashKV: {other}")),
    }
    not_checked.push("that an etcd boots from it: restore it into an empty directory and start one".to_owned());
    Ok(Verification { checks, not_checked, inspection, live_check })
}

async fn digest(source: &SnapshotSource, progress: &dyn Progress) -> Result<Digests> {
    progress.begin(Stage::ReadBack, Some(source.len()));
    let blocks = source.stream().await?;
    let start = Digester::new(source.len());
    let digester = blocks.try_fold(start, async |mut digester, block| {
        progress.advance(block.len() as u64);
        // Hashing a block takes a millisecond: too little to move it to another thread.
        digester.update(&block);
        Ok(digester)
    });
    digester.await?.finish().map_err(|e| Error::damaged(format!("{source}: {e}")))
}

/// Whether there is a manifest; an error if it says something else.
fn against_manifest(source: &SnapshotSource, digests: &Digests) -> Result<bool> {
    let Some(manifest) = source.manifest() else { return Ok(false) };
    if manifest.payload.sha256 == digests.sha256 && manifest.payload.crc32c.0 == digests.crc32c {
        return Ok(true);
    }
    Err(Error::damaged(format!(
        "{source} is whole, and is not what was saved: its SHA-256 is {}, its manifest says {}; somebody replaced it, use another snapshot",
        digests.sha256, manifest.payload.sha256
    )))
}

fn against_content(source: &SnapshotSource, inspection: &Inspection) -> Result<()> {
    let Some(manifest) = source.manifest() else { return Ok(()) };
    let (saved, found) = (&manifest.content, inspection.hash_kv());
    if saved.revision == inspection.summary.revision && Some(saved.hash_kv) == found {
        return Ok(());
    }
    Err(Error::damaged(format!(
        "{source} has revision {} and HashKV {found:?}, its manifest says {} and {}: use another snapshot",
        inspection.summary.revision, saved.revision, saved.hash_kv
    )))
}

async fn compare_live(
    source: &SnapshotSource,
    live: Option<&dyn Live>,
    inspection: &Inspection,
    progress: &dyn Progress,
) -> Result<LiveCheck> {
    let Some(live) = live else { return Ok(LiveCheck::NotAsked) };
    progress.begin(Stage::LiveHash, None);
    let mut members = Vec::new();
    let mut reasons = Vec::new();
    for endpoint in live.members().await {
        match endpoint.status {
            Ok(status) => members.push((status.is_leader(), endpoint.url, status)),
            Err(e) => reasons.push(e.about(&endpoint.url)),
        }
    }
    if members.is_empty()
        && let Some(reason) = reasons.pop()
    {
        return Err(reason);
    }
    let silent: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    for silent in &silent {
        progress.note(&format!("an endpoint was left out: {silent}"));
    }
    let expected = source.manifest().map(|manifest| manifest.cluster_id);
    if let Some((_, url, status)) =
        members.iter().find(|(_, _, status)| expected.is_some_and(|expected| expected != status.cluster_id))
    {
        let why = format!("{url} is of cluster {}, the snapshot of another", status.cluster_id);
        return Ok(LiveCheck::NotComparable { reason: NotComparable::OtherCluster, why });
    }
    members.sort_by_key(|(leads, _, status)| (*leads, status.member_id));
    // Who sent it is in the manifest. A file does not say, so that any member proves something.
    let sender = source.manifest().map(|manifest| manifest.member_id);
    let others: Vec<_> = members
        .iter()
        .filter(|(_, _, status)| Some(status.member_id) != sender)
        .map(|(_, url, status)| (url.clone(), status.member_id))
        .collect();
    let sending = members.iter().find(|(_, _, status)| Some(status.member_id) == sender);
    let sender = sending.map(|(_, url, status)| (url.as_str(), status.member_id));
    let members_to_ask = compare::Members { live, sender, others: &others, silent: &silent };
    let check = compare::with_live(members_to_ask, source, inspection).await?;
    match check {
        LiveCheck::Differs { member_id, .. } if !may_know(source, inspection, &members) => {
            let why = format!(
                "member {member_id} has another hash, and none of the members that answer is among those in the file: it is of another cluster, or of one before a restore"
            );
            Ok(LiveCheck::NotComparable { reason: NotComparable::OtherCluster, why })
        }
        LiveCheck::Differs { .. } => Err(Error::damaged(format!(
            "HashKV of {source} {check}: either it or that member is corrupt; see `etcdctl endpoint hashkv --cluster`"
        ))),
        check => Ok(check),
    }
}

/// Whether the cluster that answers can be the one that the snapshot is of. A manifest says which it is; a file only has
/// a list of members.
fn may_know(source: &SnapshotSource, inspection: &Inspection, members: &[(bool, String, Status)]) -> bool {
    let in_file =
        |status: &Status| inspection.summary.members.iter().any(|member| member.id().get() == status.member_id.0);
    source.manifest().is_some() || members.iter().any(|(_, _, status)| in_file(status))
}
