//! What a store can do, as it claims and as it was seen to.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use crate::{Error, ErrorKind, Result, RevisionStrength};

/// What a store claims, its limits, and what a probe of the actual bucket found.
///
/// Some stores that speak S3 accept a condition and ignore it. So a claim is not enough for whoever relies on one:
/// [`require`](Self::require) asks for a [`Verdict::Verified`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Capabilities {
    promises: BTreeMap<Promise, (bool, Verdict)>,
    revisions: Option<RevisionStrength>,
    limits: Limits,
    features: Features,
}

/// Something that a store may hold to: the closed list that a probe goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Promise {
    /// Of several writers with [`Condition::Absent`](crate::Condition::Absent), exactly one wins.
    CreateIfAbsent,
    /// A key that was deleted counts as absent (also in a bucket that keeps versions).
    CreateAfterDelete,
    /// Of several writers with the same [`Condition::Matches`](crate::Condition::Matches), at most one wins.
    UpdateIfMatch,
    /// Conditions hold for streaming uploads too, at their completion.
    ConditionalComplete,
    /// A delete with a condition deletes only that revision.
    ConditionalDelete,
    /// The same in a batch.
    ConditionalBatchDelete,
    /// Conditions hold for the destination of a copy.
    ConditionalCopy,
    /// A read that begins after a write ended sees it.
    ReadAfterWrite,
    /// A listing that begins after a write ended shows it.
    ListAfterWrite,
    /// Listings are sorted by the bytes of the keys.
    ListOrdered,
    /// Several objects can be deleted by one request.
    BatchDelete,
    /// Retention periods and holds are enforced.
    Lock,
}

impl Promise {
    /// All of them, in the order of the declaration.
    pub const ALL: &'static [Self] = &[
        Self::CreateIfAbsent,
        Self::CreateAfterDelete,
        Self::UpdateIfMatch,
        Self::ConditionalComplete,
        Self::ConditionalDelete,
        Self::ConditionalBatchDelete,
        Self::ConditionalCopy,
        Self::ReadAfterWrite,
        Self::ListAfterWrite,
        Self::ListOrdered,
        Self::BatchDelete,
        Self::Lock,
    ];

    /// Its name in reports, `create_if_absent` for one.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateIfAbsent => "create_if_absent",
            Self::CreateAfterDelete => "create_after_delete",
            Self::UpdateIfMatch => "update_if_match",
            Self::ConditionalComplete => "conditional_complete",
            Self::ConditionalDelete => "conditional_delete",
            Self::ConditionalBatchDelete => "conditional_batch_delete",
            Self::ConditionalCopy => "conditional_copy",
            Self::ReadAfterWrite => "read_after_write",
            Self::ListAfterWrite => "list_after_write",
            Self::ListOrdered => "list_ordered",
            Self::BatchDelete => "batch_delete",
            Self::Lock => "lock",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Promise {
    type Err = Error;

    /// Takes the name that [`as_str`](Self::as_str) gives.
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|promise| promise.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|promise| promise.as_str()).collect();
            let detail = format!("no promise is named {name:?}, only {}", known.join(", "));
            Error::new(ErrorKind::InvalidInput).with_detail(detail)
        })
    }
}

/// What was seen of a promise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Verdict {
    /// It held, one after the other and at once; or it is the store's own code that holds it.
    Verified,
    /// The store refuses to promise it, or is stricter than promised.
    Rejected,
    /// The store accepts the request and does not do it.
    Ignored,
    /// It held one after the other, but not when several did it at once.
    Racy,
    /// Nobody looked, or looking was not possible.
    #[default]
    Unknown,
}

impl Verdict {
    /// Its name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Rejected => "rejected",
            Self::Ignored => "ignored",
            Self::Racy => "racy",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Numbers that a store does not go beyond. `None` is "no limit known".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest object, in bytes.
    pub object_bytes: Option<u64>,
    /// The largest body of one [`put`](crate::ObjectStore::put), in bytes.
    pub put_bytes: Option<u64>,
    /// The most parts of one upload.
    pub parts: Option<u32>,
    /// The smallest part but the last, in bytes.
    pub min_part_bytes: Option<u64>,
    /// The largest part, in bytes.
    pub max_part_bytes: Option<u64>,
    /// Whether all parts but the last must have one size.
    pub equal_parts: bool,
    /// The most items of one [`delete_many`](crate::ObjectStore::delete_many).
    pub batch_items: Option<u32>,
    /// The most entries of one page of a listing.
    pub page_items: Option<u32>,
    /// The longest life of a signed URL.
    pub presign: Option<Duration>,
    /// The shortest time between two writes of one key.
    pub write_interval: Option<Duration>,
}

/// Things that a store either has or has not, and says so before anything is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// Old versions are kept: [`VersionId`](crate::VersionId)s are returned and taken.
    pub versions: bool,
    /// [`Headers::metadata`](crate::Headers::metadata) and write tokens are kept.
    pub user_metadata: bool,
    /// The other [`Headers`](crate::Headers) are kept; elsewhere they are dropped.
    pub http_headers: bool,
    /// [`presign`](crate::ObjectStore::presign) works.
    pub presign: bool,
    /// A key may be a folder of another: `x` beside `x/y`.
    pub key_beside_folder: bool,
    /// [`head`](crate::ObjectStore::head) knows checksums of objects that others wrote or that were written earlier.
    pub stored_checksums: bool,
}

impl Capabilities {
    /// A store that claims nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Claims a promise, with what is known about it.
    #[must_use]
    pub fn with_promise(mut self, promise: Promise, verdict: Verdict) -> Self {
        self.promises.insert(promise, (true, verdict));
        self
    }

    /// Records what a probe found, without claiming anything.
    #[must_use]
    pub fn with_verdict(mut self, promise: Promise, verdict: Verdict) -> Self {
        self.promises.entry(promise).or_default().1 = verdict;
        self
    }

    /// Sets what revisions tell.
    #[must_use]
    pub fn with_revisions(mut self, strength: RevisionStrength) -> Self {
        self.revisions = Some(strength);
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the features.
    #[must_use]
    pub fn with_features(mut self, features: Features) -> Self {
        self.features = features;
        self
    }

    /// Whether the store claims a promise.
    #[must_use]
    pub fn claims(&self, promise: Promise) -> bool {
        self.promises.get(&promise).is_some_and(|(claimed, _)| *claimed)
    }

    /// What was seen of a promise.
    #[must_use]
    pub fn verdict(&self, promise: Promise) -> Verdict {
        self.promises.get(&promise).map_or(Verdict::Unknown, |(_, verdict)| *verdict)
    }

    /// How much revisions tell; the weaker if the store does not say.
    #[must_use]
    pub fn revisions(&self) -> RevisionStrength {
        self.revisions.unwrap_or(RevisionStrength::Content)
    }

    /// The store's limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the store has.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Demands that a promise was seen to hold.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless its verdict is [`Verdict::Verified`]; the message says what to do.
    pub fn require(&self, promise: Promise) -> Result<()> {
        match shortfall(promise, self.verdict(promise)) {
            None => Ok(()),
            Some(detail) => Err(Error::new(ErrorKind::Unsupported).with_detail(detail)),
        }
    }
}

/// What is wrong with a verdict, and what to do; nothing for the one that is demanded.
pub(crate) fn shortfall(promise: Promise, verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Verified => None,
        Verdict::Unknown => Some(format!("nobody has seen {promise} hold on this store: probe it first")),
        Verdict::Rejected => Some(format!("the store refuses {promise}: use another store")),
        Verdict::Ignored => Some(format!("the store accepts {promise} and ignores it: use another store")),
        Verdict::Racy => {
            Some(format!("{promise} does not hold on this store when several write at once: use another store"))
        }
    }
}
