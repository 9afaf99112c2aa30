//! What is stored: one bucket, behind one lock.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use s3s::{
    S3Error, S3ErrorCode, S3Result,
    dto::{Checksum, Metadata},
};

use super::body::Chunks;

/// The id of a version that was written while versions were not kept.
pub(super) const NULL_VERSION: &str = "null";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Versioning {
    #[default]
    Never,
    Enabled,
    Suspended,
}

/// One bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) versioning: Versioning,
    /// Whether objects can be locked.
    pub(super) lock: bool,
    /// Days and mode that a new object is locked for.
    pub(super) default_retention: Option<(u32, String)>,
    /// By key, the oldest version first. No entry is empty.
    pub(super) objects: BTreeMap<String, Vec<Version>>,
    pub(super) uploads: BTreeMap<(String, String), Pending>,
    /// How many changes there were: makes ids, and tells what a late listing does not show.
    pub(super) sequence: u64,
    /// What the last change wrote.
    pub(super) last_written: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) modified: SystemTime,
    /// Nothing for a delete marker.
    pub(super) object: Option<Arc<Object>>,
    pub(super) protection: Protection,
}

/// What keeps a version from being deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Protection {
    pub(super) until: Option<SystemTime>,
    pub(super) mode: Option<String>,
    pub(super) hold: bool,
}

#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) body: Chunks,
    pub(super) etag: String,
    pub(super) digests: Checksum,
    pub(super) kept: Kept,
}

/// What is kept with a body.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) storage_class: Option<String>,
    pub(super) encryption: Option<String>,
    pub(super) encryption_key: Option<String>,
    pub(super) bucket_key: Option<bool>,
}

/// An upload in parts.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) started: SystemTime,
    pub(super) kept: Kept,
    pub(super) protection: Protection,
    pub(super) algorithm: Option<String>,
    /// Whether the digest of the object is one of the parts' digests.
    pub(super) composite: bool,
    pub(super) parts: BTreeMap<i32, Part>,
}

#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) modified: SystemTime,
    pub(super) body: Chunks,
    pub(super) md5: [u8; 16],
    pub(super) digests: Checksum,
}

impl Version {
    pub(super) fn is_marker(&self) -> bool {
        self.object.is_none()
    }
}

impl Protection {
    /// Whether it forbids to delete at `now`.
    pub(super) fn holds(&self, now: SystemTime, bypass: bool) -> bool {
        let retained = self.until.is_some_and(|until| until > now);
        self.hold || (retained && !(bypass && self.mode.as_deref() == Some("GOVERNANCE")))
    }
}

/// What a deletion did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) version: Option<String>,
    pub(super) marker: bool,
}

impl Bucket {
    /// A new id; later ones are greater.
    pub(super) fn next_id(&mut self) -> String {
        self.sequence = self.sequence.saturating_add(1);
        format!("{:016x}", self.sequence)
    }

    pub(super) fn versioned(&self) -> bool {
        self.versioning == Versioning::Enabled
    }

    /// The version that a plain read sees, marker or not.
    pub(super) fn latest(&self, key: &str) -> Option<&Version> {
        self.objects.get(key).and_then(|versions| versions.last())
    }

    /// The object that a plain read sees.
    pub(super) fn current(&self, key: &str) -> Option<&Version> {
        self.latest(key).filter(|version| !version.is_marker())
    }

    pub(super) fn version(&self, key: &str, id: &str) -> S3Result<&Version> {
        let versions = self.objects.get(key);
        let found = versions.and_then(|versions| versions.iter().find(|version| version.id == id));
        found.ok_or_else(|| S3Error::with_message(S3ErrorCode::NoSuchVersion, "The version does not exist"))
    }

    pub(super) fn version_mut(&mut self, key: &str, id: Option<&str>) -> S3Result<&mut Version> {
        let versions = self.objects.get_mut(key).ok_or(S3ErrorCode::NoSuchKey)?;
        let found = match id {
            Some(id) => versions.iter_mut().find(|version| version.id == id),
            None => versions.last_mut().filter(|version| !version.is_marker()),
        };
        found.ok_or_else(|| if id.is_some() { S3ErrorCode::NoSuchVersion } else { S3ErrorCode::NoSuchKey }.into())
    }

    /// Makes an object the current one; returns its version's id where versions are kept.
    pub(super) fn insert(
        &mut self,
        key: &str,
        object: Object,
        protection: Protection,
        now: SystemTime,
    ) -> S3Result<Option<String>> {
        let id = self.next_id();
        self.last_written = Some(key.to_owned());
        self.push(key, id, Version { id: String::new(), modified: now, object: Some(Arc::new(object)), protection })
    }

    fn push(&mut self, key: &str, id: String, mut version: Version) -> S3Result<Option<String>> {
        let versions = self.objects.entry(key.to_owned()).or_default();
        match self.versioning {
            Versioning::Never => {
                version.id = NULL_VERSION.to_owned();
                *versions = vec![version];
                Ok(None)
            }
            Versioning::Suspended => {
                version.id = NULL_VERSION.to_owned();
                versions.retain(|there| there.id != NULL_VERSION);
                versions.push(version);
                Ok(Some(NULL_VERSION.to_owned()))
            }
            Versioning::Enabled => {
                version.id.clone_from(&id);
                versions.push(version);
                Ok(Some(id))
            }
        }
    }

    /// A plain delete: removes the object, or hides it where versions are kept.
    pub(super) fn hide(&mut self, key: &str, now: SystemTime) -> S3Result<Removed> {
        let id = self.next_id();
        self.last_written = None;
        if self.versioning == Versioning::Never {
            self.objects.remove(key);
            return Ok(Removed::default());
        }
        let marker = Version { id: String::new(), modified: now, object: None, protection: Protection::default() };
        let version = self.push(key, id, marker)?;
        Ok(Removed { version, marker: true })
    }

    /// Removes one version for good.
    pub(super) fn erase(&mut self, key: &str, id: &str, now: SystemTime, bypass: Option<bool>) -> S3Result<Removed> {
        let Some(versions) = self.objects.get_mut(key) else { return Ok(removed(id, false)) };
        let Some(index) = versions.iter().position(|version| version.id == id) else { return Ok(removed(id, false)) };
        let version = versions.remove(index);
        if bypass.is_some_and(|bypass| version.protection.holds(now, bypass)) {
            versions.insert(index, version);
            return Err(S3Error::with_message(
                S3ErrorCode::AccessDenied,
                "Object is WORM protected and cannot be removed",
            ));
        }
        if versions.is_empty() {
            self.objects.remove(key);
        }
        self.last_written = None;
        Ok(removed(id, version.is_marker()))
    }
}

fn removed(id: &str, marker: bool) -> Removed {
    Removed { version: Some(id.to_owned()), marker }
}
