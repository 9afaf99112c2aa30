//! What operations return.

use std::{fmt, ops::Range, time::SystemTime};

use bytes::Bytes;
use futures::stream::BoxStream;

use crate::{
    Checksums, DeleteOptions, Headers, ObjectKey, PageToken, Prefix, Result, Revision, UploadId, VersionId, WriteToken,
};

/// Declares a struct of results: readable fields, `new` with what must be there, `with_*` for the rest.
macro_rules! outcome {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$must_meta:meta])* $must:ident : $must_type:ty, )*
            ;
            $( $(#[$may_meta:meta])* $may:ident / $with:ident : $may_type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$must_meta])* pub $must: $must_type, )*
            $( $(#[$may_meta])* pub $may: $may_type, )*
        }

        impl $name {
            /// What is always known; the rest is empty.
            #[must_use]
            pub fn new($($must: $must_type),*) -> Self {
                Self { $($must,)* $($may: <$may_type>::default(),)* }
            }
            $(
                #[doc = concat!("Sets [`", stringify!($may), "`](Self::", stringify!($may), ").")]
                #[must_use]
                pub fn $with(mut self, $may: impl Into<$may_type>) -> Self {
                    self.$may = $may.into();
                    self
                }
            )*
        }
    };
}

outcome! {
    /// An object that was written.
    Written {
        /// The revision that this write made.
        revision: Revision,
        /// Its length in bytes.
        size: u64,
        ;
        /// The stored version that this write made, in a bucket that keeps them.
        version / with_version: Option<VersionId>,
        /// Digests of what was sent, computed on the way, or confirmed by the store.
        checksums / with_checksums: Checksums,
    }
}

outcome! {
    /// What is known about an object without reading it.
    ObjectMeta {
        /// Its key.
        key: ObjectKey,
        /// Its length in bytes.
        size: u64,
        /// The revision that it is at.
        revision: Revision,
        ;
        /// When the store says it was written. Whole seconds on some stores, the start of the upload on others: do not
        /// order by it.
        last_modified / with_last_modified: Option<SystemTime>,
        /// Its stored version, in a bucket that keeps them.
        version / with_version: Option<VersionId>,
        /// Digests that the store keeps. Listings often know none.
        checksums / with_checksums: Checksums,
        /// What is kept with the body. Listings know none.
        headers / with_headers: Headers,
        /// The mark that its writer attached.
        token / with_token: Option<WriteToken>,
        /// The store's name for how it is kept (`STANDARD`, `GLACIER`, …).
        storage_class / with_storage_class: Option<String>,
        /// What keeps it from being deleted.
        protection / with_protection: Protection,
        /// In a listing of versions: whether this says "deleted" instead of holding a body.
        delete_marker / with_delete_marker: bool,
    }
}

/// What keeps an object from being deleted or overwritten, as far as the store told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protection {
    /// Not before this time.
    pub retain_until: Option<SystemTime>,
    /// Who may lift that.
    pub mode: Option<RetentionMode>,
    /// Not while this hold lasts (S3: legal hold; GCS: temporary or event-based).
    pub hold: Option<bool>,
}

/// Who may lift a retention period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetentionMode {
    /// Those with a special permission.
    Governance,
    /// Nobody.
    Compliance,
}

impl Protection {
    /// None known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets until when, and who may lift it.
    #[must_use]
    pub fn with_retention(mut self, until: SystemTime, mode: Option<RetentionMode>) -> Self {
        self.retain_until = Some(until);
        self.mode = mode;
        self
    }

    /// Sets whether it is held.
    #[must_use]
    pub fn with_hold(mut self, hold: bool) -> Self {
        self.hold = Some(hold);
        self
    }
}

/// An object, or a range of one, that is being read.
#[non_exhaustive]
pub struct Get {
    /// What is known about the object; its size is the whole object's.
    pub meta: ObjectMeta,
    /// Which bytes `body` brings: the range asked for, cut at the end of the object.
    pub range: Range<u64>,
    /// The bytes. It brings all of `range` or ends with an error; it never ends early silently.
    pub body: BoxStream<'static, Result<Bytes>>,
}

impl Get {
    /// An object that is being read.
    #[must_use]
    pub fn new(meta: ObjectMeta, range: Range<u64>, body: BoxStream<'static, Result<Bytes>>) -> Self {
        Self { meta, range, body }
    }
}

impl fmt::Debug for Get {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get").field("meta", &self.meta).field("range", &self.range).finish_non_exhaustive()
    }
}

outcome! {
    /// An object that is not there any more.
    Deleted {
        ;
        /// Whether it was there before, where the store tells (S3 does not).
        existed / with_existed: Option<bool>,
        /// The delete marker that now hides it: its bytes are still stored.
        delete_marker / with_delete_marker: Option<VersionId>,
    }
}

outcome! {
    /// One object of a batch that is to be deleted.
    DeleteItem {
        /// Its key.
        key: ObjectKey,
        ;
        /// How.
        options / with_options: DeleteOptions,
    }
}

outcome! {
    /// A page of a listing.
    ListPage {
        ;
        /// Objects, sorted by the bytes of their keys where the store promises it.
        objects / with_objects: Vec<ObjectMeta>,
        /// In a delimited listing: what lies deeper, each once, sorted likewise.
        prefixes / with_prefixes: Vec<Prefix>,
        /// Names that are not keys by our rules, made printable; listed so that a pruner knows that it has not seen all.
        invalid / with_invalid: Vec<String>,
        /// Where the next page begins; `None` says that this was the last.
        next / with_next: Option<PageToken>,
    }
}

outcome! {
    /// An upload that was started and neither finished nor aborted: under way, or left behind by a crash.
    UploadInfo {
        /// The key that it would write.
        key: ObjectKey,
        /// Its name, for [`abort_upload`](crate::ObjectStore::abort_upload).
        id: UploadId,
        ;
        /// When it was started.
        started / with_started: Option<SystemTime>,
    }
}

outcome! {
    /// A page of uploads that were started.
    UploadPage {
        ;
        /// The uploads.
        uploads / with_uploads: Vec<UploadInfo>,
        /// Where the next page begins; `None` says that this was the last.
        next / with_next: Option<PageToken>,
    }
}

impl Default for Deleted {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for ListPage {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for UploadPage {
    fn default() -> Self {
        Self::new()
    }
}
