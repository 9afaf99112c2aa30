//! What a server does otherwise than S3 does.

use std::{
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// One habit of a store that calls itself compatible with S3. Each was seen in one, or is allowed by the protocol.
///
/// `every` counts the requests concerned: 1 is each of them, 2 every second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// `If-Match` and `If-None-Match` on anything that writes or deletes are accepted, and not looked at.
    IgnoreConditions,
    /// The same for one kind of request.
    IgnoreConditionsOn(Site),
    /// The same while the bucket keeps versions.
    IgnoreConditionsWhenVersioned,
    /// A condition on anything that writes or deletes is answered with 501.
    RejectConditions,
    /// The same for one kind of request.
    RejectConditionsOn(Site),
    /// Conditions are checked first and acted on later, while the bucket keeps versions.
    RacyWhenVersioned,
    /// Conditions on bodies larger than this are checked first and acted on later; 0 is all bodies but empty ones.
    AtomicUpTo(u64),
    /// A conditional write is answered with 409, and nothing is done.
    Conflicts {
        /// Which of them.
        every: u32,
    },
    /// What writes or deletes is done, and the connection breaks before the answer.
    LostReplies {
        /// Which of them.
        every: u32,
    },
    /// The completion of an upload is answered with 200 and an error document, and is not done.
    ErrorIn200 {
        /// Which of them.
        every: u32,
    },
    /// An upload has at most so many parts.
    MaxParts(u32),
    /// All parts of an upload but the last must have one size.
    EqualParts,
    /// `ETag`s have no quotes, neither in headers nor in documents.
    UnquotedEtags,
    /// The answer to the completion of an upload, and to a copy, has an empty `ETag`.
    EmptyEtags,
    /// A page of a listing holds at most so many entries.
    PageSize(u32),
    /// The second page of a listing names itself as the next.
    RepeatedPageToken,
    /// A batch of deletions needs `Content-MD5`; another checksum does not do.
    RequireContentMd5,
    /// There is no batch of deletions: 501.
    NoBatchDelete,
    /// Every request waits so long.
    Slow(Duration),
    /// The body of an object that is read breaks off in the middle.
    ResetBodies {
        /// Which of them.
        every: u32,
    },
    /// A body whose connection breaks is stored as far as it came, unless a checksum was announced.
    CommitTruncated,
    /// A delete marker counts as an object for conditions.
    MarkersCount,
    /// Retention and legal holds are accepted, and not kept.
    IgnoreLocks,
    /// Listings are not sorted.
    UnsortedListings,
    /// Listings show an object only after the next write.
    LateListings,
    /// There is no list of unfinished uploads: 501.
    NoUploadList,
}

/// A kind of request that can carry a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Site {
    /// `PutObject`
    Put,
    /// `CompleteMultipartUpload`
    Complete,
    /// `CopyObject`, on its destination
    Copy,
    /// `DeleteObject`
    Delete,
    /// `DeleteObjects`, on each of its keys
    BatchDelete,
}

impl Quirk {
    fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.split_once(':').map_or((text, None), |(name, value)| (name, Some(value)));
        let number = || value?.parse::<u32>().ok();
        Some(match (name, value) {
            ("ignore-conditions", None) => Self::IgnoreConditions,
            ("ignore-conditions-on", Some(site)) => Self::IgnoreConditionsOn(Site::parse(site)?),
            ("ignore-conditions-when-versioned", None) => Self::IgnoreConditionsWhenVersioned,
            ("reject-conditions", None) => Self::RejectConditions,
            ("reject-conditions-on", Some(site)) => Self::RejectConditionsOn(Site::parse(site)?),
            ("racy-when-versioned", None) => Self::RacyWhenVersioned,
            ("atomic-up-to", Some(bytes)) => Self::AtomicUpTo(bytes.parse().ok()?),
            ("conflicts", _) => Self::Conflicts { every: number()? },
            ("lost-replies", _) => Self::LostReplies { every: number()? },
            ("error-in-200", _) => Self::ErrorIn200 { every: number()? },
            ("max-parts", _) => Self::MaxParts(number()?),
            ("equal-parts", None) => Self::EqualParts,
            ("unquoted-etags", None) => Self::UnquotedEtags,
            ("empty-etags", None) => Self::EmptyEtags,
            ("page-size", _) => Self::PageSize(number()?),
            ("repeated-page-token", None) => Self::RepeatedPageToken,
            ("require-content-md5", None) => Self::RequireContentMd5,
            ("no-batch-delete", None) => Self::NoBatchDelete,
            ("slow", _) => Self::Slow(Duration::from_millis(number()?.into())),
            ("reset-bodies", _) => Self::ResetBodies { every: number()? },
            ("commit-truncated", None) => Self::CommitTruncated,
            ("markers-count", None) => Self::MarkersCount,
            ("ignore-locks", None) => Self::IgnoreLocks,
            ("unsorted-listings", None) => Self::UnsortedListings,
            ("late-listings", None) => Self::LateListings,
            ("no-upload-list", None) => Self::NoUploadList,
            _ => return None,
        })
    }
}

impl Site {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "put" => Self::Put,
            "complete" => Self::Complete,
            "copy" => Self::Copy,
            "delete" => Self::Delete,
            "batch-delete" => Self::BatchDelete,
            _ => return None,
        })
    }
}

impl FromStr for Quirk {
    type Err = UnknownQuirk;

    /// Takes what the program's `--quirk` takes: the name in lower case with hyphens, and what it needs after a colon:
    /// `ignore-conditions`, `max-parts:1000`, `conflicts:2`, `slow:50` (milliseconds), `ignore-conditions-on:complete`.
    fn from_str(text: &str) -> Result<Self, UnknownQuirk> {
        Self::parse(text).ok_or_else(|| UnknownQuirk(text.to_owned()))
    }
}

/// A text that is not a quirk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a quirk, {0:?}: write ignore-conditions, max-parts:1000, slow:50 (see the crate's documentation)")]
pub struct UnknownQuirk(String);

/// What becomes of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    Atomic,
    Racy,
    Ignored,
    Rejected,
}

/// The quirks of a server, each with the number of requests that it was asked about.
#[derive(Debug, Default)]
pub(super) struct Quirks(Mutex<Vec<(Quirk, u32)>>);

impl Quirks {
    fn lock(&self) -> MutexGuard<'_, Vec<(Quirk, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, quirks: &[Quirk]) {
        *self.lock() = quirks.iter().map(|quirk| (*quirk, 0)).collect();
    }

    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.lock().iter().any(|(there, _)| *there == quirk)
    }

    pub(super) fn find<T>(&self, pick: impl Fn(Quirk) -> Option<T>) -> Option<T> {
        self.lock().iter().find_map(|(quirk, _)| pick(*quirk))
    }

    /// Counts a request for the quirk that `pick` knows, and says whether it strikes.
    pub(super) fn strikes(&self, pick: impl Fn(Quirk) -> Option<u32>) -> bool {
        self.lock().iter_mut().any(|(quirk, count)| {
            let Some(every) = pick(*quirk) else { return false };
            *count = count.wrapping_add(1);
            every > 0 && count.is_multiple_of(every)
        })
    }

    /// What becomes of a condition on a body of `size` bytes.
    pub(super) fn treatment(&self, site: Site, versioned: bool, size: u64) -> Treatment {
        let found = self.find(|quirk| match quirk {
            Quirk::IgnoreConditions => Some(Treatment::Ignored),
            Quirk::IgnoreConditionsOn(on) if on == site => Some(Treatment::Ignored),
            Quirk::IgnoreConditionsWhenVersioned if versioned => Some(Treatment::Ignored),
            Quirk::RejectConditions => Some(Treatment::Rejected),
            Quirk::RejectConditionsOn(on) if on == site => Some(Treatment::Rejected),
            Quirk::RacyWhenVersioned if versioned => Some(Treatment::Racy),
            Quirk::AtomicUpTo(bytes) if size > bytes => Some(Treatment::Racy),
            _ => None,
        });
        found.unwrap_or(Treatment::Atomic)
    }
}
