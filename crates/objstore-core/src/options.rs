//! What a caller can ask of an operation. All have defaults that ask for nothing.

use std::{
    collections::BTreeMap,
    fmt,
    num::{NonZeroU32, NonZeroU64},
    time::{Duration, SystemTime},
};

use crate::{Checksums, ObjectKey, PageToken, Protection, Revision, VersionId, WriteToken};

/// Declares a struct of options with `Default`, readable fields and `with_*` setters.
macro_rules! options {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$field_meta:meta])* $field:ident / $with:ident : $type:ty $(= $wrap:ident)? ),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name { $( $(#[$field_meta])* pub $field: options!(@type $type $(, $wrap)?), )* }

        impl $name {
            /// Asks for nothing.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $with(mut self, $field: $type) -> Self {
                    self.$field = options!(@value $field $(, $wrap)?);
                    self
                }
            )*
        }
    };
    (@type $type:ty) => { $type };
    (@type $type:ty, Some) => { Option<$type> };
    (@value $field:ident) => { $field };
    (@value $field:ident, Some) => { Some($field) };
}

/// What must hold at the moment of a change, or nothing is changed. Checked by the store, atomically with the change.
///
/// A store that cannot honour a condition answers [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) before
/// anything is changed. There is no "must exist": no portable form of it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// No object has the key: create, never overwrite. Fails with
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
    Absent,
    /// The object is at this revision. Fails with [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed), also
    /// if there is none.
    Matches(Revision),
}

options! {
    /// What is kept with an object's body.
    Headers {
        /// `Content-Type`.
        content_type / with_content_type: String = Some,
        /// `Content-Encoding`. Bodies are never encoded or decoded on the way.
        content_encoding / with_content_encoding: String = Some,
        /// `Content-Disposition`.
        content_disposition / with_content_disposition: String = Some,
        /// `Cache-Control`.
        cache_control / with_cache_control: String = Some,
        /// The user's own, by name in lower-case ASCII.
        metadata / with_metadata: BTreeMap<String, String>,
    }
}

impl Headers {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

options! {
    /// How an object is written.
    WriteOptions {
        /// What must hold, or nothing is written.
        condition / with_condition: Condition = Some,
        /// The writer's mark, to recognise its own write after a lost reply.
        token / with_token: WriteToken = Some,
        /// What is kept with the body.
        headers / with_headers: Headers,
        /// What the body must have; the store compares before the object becomes visible. It computes SHA-256 only
        /// if it is named here.
        expect / with_expect: Checksums,
        /// What shall keep the object from being deleted. Stores that enforce none refuse it.
        protection / with_protection: Protection,
    }
}

options! {
    /// How a body that arrives in pieces is written.
    UploadOptions {
        /// As for a body in one piece.
        write / with_write: WriteOptions,
        /// About how many bytes will come: part sizes and free space are chosen by it. Not a limit.
        size_hint / with_size_hint: u64 = Some,
        /// How large parts are, in bytes; the store's choice otherwise. Memory is this times (in flight + 1).
        part_size / with_part_size: NonZeroU64 = Some,
        /// How many parts are sent at a time; the store's choice otherwise.
        in_flight / with_in_flight: NonZeroU32 = Some,
    }
}

options! {
    /// How an object is read.
    ReadOptions {
        /// This stored version instead of the current object.
        version / with_version: VersionId = Some,
        /// Only at this revision, else [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed).
        matches / with_matches: Revision = Some,
        /// Only at another revision, else [`NotModified`](crate::ErrorKind::NotModified).
        differs / with_differs: Revision = Some,
    }
}

options! {
    /// How an object is deleted.
    DeleteOptions {
        /// [`Condition::Matches`]: only at this revision.
        condition / with_condition: Condition = Some,
        /// This stored version, for good. In a bucket that keeps versions, an older one may come back into view.
        version / with_version: VersionId = Some,
    }
}

options! {
    /// What a page of a listing holds.
    ListOptions {
        /// Where the page before ended ([`ListPage::next`](crate::ListPage::next)).
        after / with_after: PageToken = Some,
        /// Only keys greater than this, by bytes.
        start_after / with_start_after: ObjectKey = Some,
        /// Direct children only: what lies deeper shows as [`ListPage::prefixes`](crate::ListPage::prefixes).
        delimited / with_delimited: bool,
        /// Stored versions too, and delete markers.
        versions / with_versions: bool,
        /// At most so many entries (objects and prefixes together); the store may return fewer.
        limit / with_limit: NonZeroU32 = Some,
    }
}

options! {
    /// How an object is copied within a store.
    CopyOptions {
        /// As for a body: the condition is on the destination. Headers that are empty are copied too.
        write / with_write: WriteOptions,
        /// Only if the source is at this revision.
        source / with_source: Revision = Some,
        /// This stored version of the source.
        source_version / with_source_version: VersionId = Some,
    }
}

/// What a signed URL allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresignMethod {
    /// Reading the object.
    Get,
    /// Reading what is known about it.
    Head,
    /// Writing it.
    Put,
    /// Deleting it.
    Delete,
}

/// A signed URL that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresignRequest {
    /// The object.
    pub key: ObjectKey,
    /// What it allows.
    pub method: PresignMethod,
    /// How long, from now.
    pub life: Duration,
    /// For [`PresignMethod::Put`]: what the body must have, where the store can bind it.
    pub expect: Checksums,
    /// This stored version.
    pub version: Option<VersionId>,
}

impl PresignRequest {
    /// A URL for `key`.
    #[must_use]
    pub fn new(key: ObjectKey, method: PresignMethod, life: Duration) -> Self {
        Self { key, method, life, expect: Checksums::default(), version: None }
    }

    /// Sets what the body must have.
    #[must_use]
    pub fn with_expect(mut self, expect: Checksums) -> Self {
        self.expect = expect;
        self
    }

    /// Sets the stored version.
    #[must_use]
    pub fn with_version(mut self, version: VersionId) -> Self {
        self.version = Some(version);
        self
    }
}

/// A signed URL: whoever has it needs no other credential. `Debug` does not show it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Presigned {
    url: String,
    headers: Vec<(String, String)>,
    expires: SystemTime,
}

impl Presigned {
    /// What the store signed: the URL, the headers that must be sent with it, and until when it is good (which may be
    /// earlier than asked, where the credential that signed ends earlier).
    pub fn new(url: impl Into<String>, headers: Vec<(String, String)>, expires: SystemTime) -> Self {
        Self { url: url.into(), headers, expires }
    }

    /// The URL. It is a secret: do not log it.
    #[must_use]
    pub fn expose_url(&self) -> &str {
        &self.url
    }

    /// Headers that must be sent with it, exactly.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Until when it is good.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.expires
    }
}

impl fmt::Debug for Presigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presigned").field("url", &"(secret)").field("expires", &self.expires).finish_non_exhaustive()
    }
}
