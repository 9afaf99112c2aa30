//! Which pods of a stateful set restore.

use crate::{Advice, Error, Result};

/// A restore that runs before etcd in every pod of a stateful set, each time a pod starts.
///
/// With one initial member only ordinal 0 restores and the others join it later. With several initial members every
/// ordinal restores, all from one pinned snapshot with one given token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InitContainer {
    /// The number of this pod.
    pub ordinal: u64,
    /// Which pods restore. Default: what the number of initial members asks for.
    pub rule: OrdinalRule,
}

/// Which pods restore.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OrdinalRule {
    /// Ordinal 0 alone with one initial member, every ordinal with several.
    #[default]
    ByMembers,
    /// Ordinal 0 alone. Refused with several initial members: the others would start empty, and all would look healthy.
    First,
    /// Every ordinal. Refused with one initial member: each would be a cluster of its own.
    Every,
}

/// What one pod is to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Restore,
    StandBy,
}

impl InitContainer {
    /// The pod with the number `ordinal`.
    #[must_use]
    pub fn new(ordinal: u64) -> Self {
        Self { ordinal, rule: OrdinalRule::ByMembers }
    }

    /// The pod whose host name ends in its number, as those of a stateful set do: `etcd-2` is 2.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) when the name has no such ending.
    pub fn from_host_name(host: &str) -> Result<Self> {
        // A fully qualified name carries the number in its first label.
        let label = host.split('.').next().unwrap_or(host);
        let ordinal = label.rsplit_once('-').and_then(|(_, digits)| parse_ordinal(digits));
        ordinal.map(Self::new).ok_or_else(|| {
            Error::usage(format!(
                "host name {host:?} does not end in a number as those of a stateful set do: give the ordinal"
            ))
        })
    }

    /// Sets which pods restore.
    #[must_use]
    pub fn with_rule(mut self, rule: OrdinalRule) -> Self {
        self.rule = rule;
        self
    }

    /// What this pod does in a cluster of `members` initial members, of which it is one or not. `pinned`: the snapshot
    /// was named, so that every pod gets the same.
    pub(crate) fn part(self, members: usize, is_member: bool, pinned: bool) -> Result<Part> {
        let several = members > 1;
        match self.rule {
            OrdinalRule::First if several => {
                return Err(Error::refused(format!(
                    "restoring ordinal 0 alone would split the data: the other {} of {members} initial members would start empty, and all would look healthy. \
                     Name one initial member, or restore every ordinal from one snapshot, given by its id, with the same token",
                    members.saturating_sub(1)
                )));
            }
            OrdinalRule::Every if !several => {
                return Err(Error::refused(
                    "restoring every ordinal with one initial member would make every pod a cluster of its own: name all initial members",
                ));
            }
            _ => {}
        }
        if !several {
            return Ok(if self.ordinal == 0 { Part::Restore } else { Part::StandBy });
        }
        if !pinned {
            return Err(Error::refused(format!(
                "{members} initial members must all restore, from the same snapshot: one that starts empty looks healthy and has other data, and the newest, or a file, can differ between two pods; give the snapshot by its id, the same for every ordinal"
            ))
            .with_advice(Advice::SnapshotById));
        }
        // A pod added after the restore joins the running cluster.
        let joins_later = !is_member && self.ordinal >= members as u64;
        Ok(if joins_later { Part::StandBy } else { Part::Restore })
    }
}

/// A number without sign or blanks.
fn parse_ordinal(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
