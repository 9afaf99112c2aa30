//! HashKV of a file against a live member.
//!
//! HashKV at a revision R depends on the compacted revision C that it was computed with, and members of 3.5 to 3.7 answer
//! for a compacted R with the C of the compaction *before* it (they keep the hash of each compaction). So two hashes may
//! be compared only where both R and C are equal, and everything else is "not comparable", with its reason.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::Result;
use crate::hex::Hex64;
use crate::inspect::{self, Inspection};
use crate::live::{Live, LiveHash};
use crate::source::SnapshotSource;

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
    /// No member could be compared with, and why.
    NotComparable(String),
    /// It was not asked for.
    NotAsked,
}

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
            Self::NotComparable(why) => write!(f, "not comparable: {why}"),
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
) -> Result<Result<Comparable, String>> {
    for _ in 0..BEHIND_TRIES {
        match live.hash_kv(endpoint, revision).await? {
            LiveHash::Hash { member_id, hash, compact_revision, .. } if compact_revision >= compacted => {
                return Ok(match compact_revision <= revision {
                    true => Ok(Comparable { member_id, hash, compact_revision }),
                    false => Err(format!("{endpoint} has compacted past revision {revision}")),
                });
            }
            LiveHash::Hash { current_revision, .. } if current_revision > revision => {
                return Ok(Err(format!(
                    "{endpoint} has gone on to revision {current_revision}, and for {revision} only knows the hash of an older compaction"
                )));
            }
            LiveHash::Hash { .. } => {
                if let Some(current) = ask_current(live, endpoint, revision, compacted).await? {
                    return Ok(Ok(current));
                }
            }
            LiveHash::Compacted => return Ok(Err(format!("{endpoint} has compacted past revision {revision}"))),
            LiveHash::Behind => {}
        }
        tokio::time::sleep(BEHIND_PAUSE).await;
    }
    Ok(Err(format!("{endpoint} did not reach revision {revision} and compaction {compacted} in time")))
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

/// Compares a file with the first of `others` that can be compared with it; with its sender if the cluster has no other
/// member. Members are asked one at a time: writes wait at the one that computes.
pub(crate) async fn with_live(
    live: &dyn Live,
    sender: Option<(&str, Hex64)>,
    others: &[(String, Hex64)],
    source: &SnapshotSource,
    inspection: &Inspection,
) -> Result<LiveCheck> {
    let mut reasons = Vec::new();
    for (endpoint, _) in others {
        match one(live, endpoint, source, inspection).await {
            Ok(Ok((member_id, _, _))) if sender.is_some_and(|(_, sender)| sender == member_id) => {
                reasons.push(format!("{endpoint} leads to the member that sent it"));
            }
            Ok(Ok((member_id, live, file))) if live == file => return Ok(LiveCheck::Matched { member_id }),
            Ok(Ok((member_id, live, file))) => return Ok(LiveCheck::Differs { member_id, live, file }),
            Ok(Err(why)) => reasons.push(why),
            Err(e) => reasons.push(e.to_string()),
        }
    }
    if let Some((endpoint, _)) = sender
        && others.is_empty()
    {
        match live.voters().await {
            Ok(1) => return alone(live, endpoint, source, inspection).await,
            Ok(_) => reasons.push("only the member that sent it is among the endpoints, and its word would prove nothing: name others too".to_owned()),
            Err(e) => reasons.push(e.to_string()),
        }
    }
    if reasons.is_empty() {
        reasons.push("no endpoint answered".to_owned());
    }
    Ok(LiveCheck::NotComparable(reasons.join("; ")))
}

/// The sender of a cluster of one.
async fn alone(live: &dyn Live, endpoint: &str, source: &SnapshotSource, inspection: &Inspection) -> Result<LiveCheck> {
    Ok(match one(live, endpoint, source, inspection).await {
        Ok(Ok((member_id, live, file))) if live == file => LiveCheck::MatchedSender { member_id },
        Ok(Ok((member_id, live, file))) => LiveCheck::Differs { member_id, live, file },
        Ok(Err(why)) => LiveCheck::NotComparable(why),
        Err(e) => LiveCheck::NotComparable(e.to_string()),
    })
}

/// The hash of one member, and that of the file by the same compaction.
async fn one(
    live: &dyn Live,
    endpoint: &str,
    source: &SnapshotSource,
    inspection: &Inspection,
) -> Result<Result<(Hex64, u32, u32), String>> {
    let Ok(own) = inspection.summary.hash_kv else {
        return Ok(Err("the file has no hash at its own revision".to_owned()));
    };
    let theirs = match ask(live, endpoint, own.revision, own.compact_revision).await? {
        Ok(theirs) => theirs,
        Err(why) => return Ok(Err(why)),
    };
    if theirs.compact_revision == own.compact_revision {
        return Ok(Ok((theirs.member_id, theirs.hash, own.hash)));
    }
    let file = inspect::hash_kv_at(source, own.revision, theirs.compact_revision).await?;
    Ok(match file {
        Some(file) => Ok((theirs.member_id, theirs.hash, file)),
        None => {
            Err(format!("{endpoint} is compacted at {}, which the file cannot be hashed by", theirs.compact_revision))
        }
    })
}
