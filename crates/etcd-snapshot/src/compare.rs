//! HashKV of a file against a live member.
//!
//! HashKV at a revision R depends on the compacted revision C that it was computed with, and members of 3.5 to 3.7 answer
//! for a compacted R with the C of the compaction *before* it (they keep the hash of each compaction). So two hashes may
//! be compared only where both R and C are equal, and everything else is "not comparable", with its reason.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::hex::Hex64;
use crate::inspect::{self, Inspection};
use crate::live::{Live, LiveHash};
use crate::source::SnapshotSource;
use crate::{Error, Result};

/// How often a member that is behind is asked again, and how many times.
const BEHIND_PAUSE: Duration = Duration::from_millis(200);
const BEHIND_TRIES: u32 = 25;

/// How the comparison of a file with live members ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LiveCheck {
    /// A member that did not send the file has the same hash at the same revision and compaction: the data is right.
    Matched {
        /// The member that was compared with.
        member_id: Hex64,
    },
    /// The member that sent the file has the same hash, and the cluster has no other: what it holds is what was saved.
    MatchedSender {
        /// The member that was compared with.
        member_id: Hex64,
    },
    /// A member has another hash at the same revision and compaction: one of the two is corrupt.
    Differs {
        /// The member that was compared with.
        member_id: Hex64,
        /// Its hash.
        live: u32,
        /// The hash of the file.
        file: u32,
    },
    /// No member could be compared with.
    NotComparable {
        /// What stood in the way; of several reasons, one that may pass.
        reason: NotComparable,
        /// All of them, in words.
        why: String,
    },
    /// It was not asked for.
    NotAsked,
}

/// Why a file could not be compared with a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NotComparable {
    /// A member did not answer, or not in time.
    Unreachable,
    /// A member had not come as far as the file yet.
    Behind,
    /// A member has compacted, or has gone on, past what the file can be compared by: a new snapshot may be.
    Passed,
    /// A member did not allow it, or could not be asked.
    NotAllowed,
    /// Only the member that sent the file could be asked, and the cluster has others.
    OnlySender,
    /// The members are of another cluster.
    OtherCluster,
    /// The file itself has no hash to compare.
    NoHash,
}

impl NotComparable {
    /// Whether it may pass by itself, so that another snapshot of the same members may be compared.
    #[must_use]
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Unreachable | Self::Behind | Self::Passed)
    }
}

/// Why there is no hash, for a program and for a person.
pub(crate) type Reason = (NotComparable, String);

/// In words, as in a manifest.
impl Serialize for LiveCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for LiveCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched { member_id } => write!(f, "matched, by member {member_id}"),
            Self::MatchedSender { member_id } => {
                write!(f, "matched, by member {member_id}, which sent it and is the only one")
            }
            Self::Differs { member_id, live, file } => {
                write!(f, "differs: member {member_id} has {live}, the file {file}")
            }
            Self::NotComparable { why, .. } => write!(f, "not comparable: {why}"),
            Self::NotAsked => f.write_str("not asked for"),
        }
    }
}

/// What a member answered that can be compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparable {
    pub(crate) member_id: Hex64,
    pub(crate) hash: u32,
    /// The compaction that `hash` was computed with: that of the file, or a later one that is not above its revision.
    pub(crate) compact_revision: i64,
}

/// Asks the member behind `endpoint` for a hash that can be compared with a file of `revision`, compacted at `compacted`
/// (-1 if never). `Err` of the inner result says why there is none.
pub(crate) async fn ask(
    live: &dyn Live,
    endpoint: &str,
    revision: i64,
    compacted: i64,
) -> Result<Result<Comparable, Reason>> {
    let passed = |why: String| Ok(Err((NotComparable::Passed, why)));
    for _ in 0..BEHIND_TRIES {
        match live.hash_kv(endpoint, revision).await? {
            LiveHash::Hash { member_id, hash, compact_revision, .. } if compact_revision >= compacted => {
                return match compact_revision <= revision {
                    true => Ok(Ok(Comparable { member_id, hash, compact_revision })),
                    false => passed(format!("{endpoint} has compacted past revision {revision}")),
                };
            }
            LiveHash::Hash { current_revision, .. } if current_revision > revision => {
                return passed(format!(
                    "{endpoint} has gone on to revision {current_revision}, and for {revision} only knows the hash of an older compaction"
                ));
            }
            LiveHash::Hash { .. } => {
                if let Some(current) = ask_current(live, endpoint, revision, compacted).await? {
                    return Ok(Ok(current));
                }
            }
            LiveHash::Compacted => return passed(format!("{endpoint} has compacted past revision {revision}")),
            LiveHash::Behind => {}
        }
        tokio::time::sleep(BEHIND_PAUSE).await;
    }
    let why = format!("{endpoint} did not reach revision {revision} and compaction {compacted} in time");
    Ok(Err((NotComparable::Behind, why)))
}

/// The current hash, while the member still stands at `revision`: it is computed afresh, with the compaction of now.
async fn ask_current(live: &dyn Live, endpoint: &str, revision: i64, compacted: i64) -> Result<Option<Comparable>> {
    Ok(match live.hash_kv(endpoint, 0).await? {
        LiveHash::Hash { member_id, hash, compact_revision, current_revision }
            if current_revision == revision && (compacted..=revision).contains(&compact_revision) =>
        {
            Some(Comparable { member_id, hash, compact_revision })
        }
        _ => None,
    })
}

impl LiveCheck {
    /// The member that was compared with, if one was.
    #[must_use]
    pub fn member_id(&self) -> Option<Hex64> {
        match self {
            Self::Matched { member_id } | Self::MatchedSender { member_id } | Self::Differs { member_id, .. } => {
                Some(*member_id)
            }
            _ => None,
        }
    }
}

/// The members that a file may be compared with.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a> {
    pub(crate) live: &'a dyn Live,
    /// The endpoint of the member that sent the file, and its id.
    pub(crate) sender: Option<(&'a str, Hex64)>,
    pub(crate) others: &'a [(String, Hex64)],
    /// Why endpoints did not answer.
    pub(crate) silent: &'a [String],
}

/// Compares a file with the first other member that can be compared with it; with its sender if the cluster has no other
/// member. Members are asked one at a time: writes wait at the one that computes.
pub(crate) async fn with_live(
    members: Members<'_>,
    source: &SnapshotSource,
    inspection: &Inspection,
) -> Result<LiveCheck> {
    let Members { live, sender, others, silent } = members;
    let mut reasons = Vec::new();
    for (endpoint, _) in others {
        match one(live, endpoint, source, inspection).await {
            Ok(Ok((member_id, _, _))) if sender.is_some_and(|(_, sender)| sender == member_id) => {
                let why = format!("{endpoint} leads to the member that sent it");
                reasons.push((NotComparable::OnlySender, why));
            }
            Ok(Ok((member_id, live, file))) if live == file => return Ok(LiveCheck::Matched { member_id }),
            Ok(Ok((member_id, live, file))) => return Ok(LiveCheck::Differs { member_id, live, file }),
            Ok(Err(reason)) => reasons.push(reason),
            Err(e) => reasons.push(failure(&e)),
        }
    }
    reasons.extend(silent.iter().map(|why| (NotComparable::Unreachable, why.clone())));
    if let Some((endpoint, _)) = sender
        && others.is_empty()
    {
        match live.voters().await {
            Ok(1) => return alone(live, endpoint, source, inspection).await,
            Ok(_) if silent.is_empty() => reasons.push((
                NotComparable::OnlySender,
                "only the member that sent it is among the endpoints, and its word would prove nothing: name others too"
                    .to_owned(),
            )),
            Ok(_) => {}
            // Without a quorum nobody tells.
            Err(e) => {
                tracing::debug!(error = %e, "the members cannot be counted");
                let why = "it cannot be asked how many members there are: the word of the one that sent it may prove nothing";
                reasons.push((NotComparable::Unreachable, why.to_owned()));
            }
        }
    }
    if reasons.is_empty() {
        reasons.push((NotComparable::Unreachable, "no endpoint answered".to_owned()));
    }
    Ok(not_comparable(reasons))
}

fn not_comparable(reasons: Vec<Reason>) -> LiveCheck {
    let kinds = || reasons.iter().map(|(kind, _)| *kind);
    let reason = kinds().find(|kind| kind.may_pass()).or_else(|| kinds().next());
    let why: Vec<_> = reasons.iter().map(|(_, why)| why.as_str()).collect();
    LiveCheck::NotComparable { reason: reason.unwrap_or(NotComparable::Unreachable), why: why.join("; ") }
}

fn failure(error: &Error) -> Reason {
    let reason = match error.is_retryable() {
        true => NotComparable::Unreachable,
        false => NotComparable::NotAllowed,
    };
    (reason, error.to_string())
}

/// The sender of a cluster of one.
async fn alone(live: &dyn Live, endpoint: &str, source: &SnapshotSource, inspection: &Inspection) -> Result<LiveCheck> {
    Ok(match one(live, endpoint, source, inspection).await {
        Ok(Ok((member_id, live, file))) if live == file => LiveCheck::MatchedSender { member_id },
        Ok(Ok((member_id, live, file))) => LiveCheck::Differs { member_id, live, file },
        Ok(Err(reason)) => not_comparable(vec![reason]),
        Err(e) => not_comparable(vec![failure(&e)]),
    })
}

/// The hash of one member, and that of the file by the same compaction.
async fn one(
    live: &dyn Live,
    endpoint: &str,
    source: &SnapshotSource,
    inspection: &Inspection,
) -> Result<Result<(Hex64, u32, u32), Reason>> {
    let Ok(own) = inspection.summary.hash_kv else {
        return Ok(Err((NotComparable::NoHash, "the file has no hash at its own revision".to_owned())));
    };
    let theirs = match ask(live, endpoint, own.revision, own.compact_revision).await? {
        Ok(theirs) => theirs,
        Err(why) => return Ok(Err(why)),
    };
    if theirs.compact_revision == own.compact_revision {
        return Ok(Ok((theirs.member_id, theirs.hash, own.hash)));
    }
    let file = inspect::hash_kv_at(source, own.revision, theirs.compact_revision).await?;
    Ok(file.map(|file| (theirs.member_id, theirs.hash, file)).ok_or_else(|| {
        let why = format!("{endpoint} is compacted at {}, which the file cannot be hashed by", theirs.compact_revision);
        (NotComparable::Passed, why)
    }))
}
