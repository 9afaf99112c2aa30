//! After a change whose answer did not arrive: looking whether it was made.

use objstore_core::{
    Condition, Effect, Error, ErrorKind, ObjectKey, ObjectMeta, ReadOptions, Result, WriteToken, Written,
};

use crate::store::S3Store;

/// What was to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    key: &'a ObjectKey,
    token: &'a WriteToken,
    condition: Option<&'a Condition>,
}

impl<'a> Look<'a> {
    pub(crate) fn new(key: &'a ObjectKey, token: &'a WriteToken, condition: Option<&'a Condition>) -> Self {
        Self { key, token, condition }
    }
}

impl S3Store {
    /// Turns a failed write whose effect is unknown into what the store shows.
    ///
    /// The object with our token is our write. With another, or none, ours is not there; for a replacement that is no
    /// proof, since it may have been replaced in turn.
    pub(crate) async fn look_after(&self, error: Error, look: Look<'_>) -> Result<Written> {
        if *error.effect() != Effect::Unknown {
            return Err(error);
        }
        let found = match self.head_object(look.key, &ReadOptions::new()).await {
            Ok(found) => Some(found),
            Err(failed) if failed.kind() == ErrorKind::NotFound => None,
            Err(_) => return Err(error),
        };
        match found {
            Some(found) if found.token.as_ref() == Some(look.token) => Ok(written(&found)),
            Some(found) => Err(another(error, &found, look.condition)),
            None => Err(missing(error, look.condition)),
        }
    }

    /// The write with this token, after an answer that did not name its revision.
    pub(crate) async fn find_written(&self, key: &ObjectKey, token: &WriteToken) -> Result<Written> {
        let found = self.head_object(key, &ReadOptions::new()).await;
        match found {
            Ok(found) if found.token.as_ref() == Some(token) => Ok(written(&found)),
            // It was written, and its revision is not to be had any more.
            Ok(_) => Err(unnamed()),
            Err(error) => Err(unnamed().with_source(error)),
        }
    }
}

fn unnamed() -> Error {
    let detail = "the store did not say which revision it made, and the object has changed since or cannot be read";
    Error::new(ErrorKind::Other).with_effect(Effect::Applied(None)).with_detail(detail)
}

fn written(found: &ObjectMeta) -> Written {
    Written::new(found.revision.clone(), found.size).with_version(found.version.clone()).with_checksums(found.checksums)
}

/// An object that is not ours has the key.
fn another(error: Error, found: &ObjectMeta, condition: Option<&Condition>) -> Error {
    match condition {
        Some(Condition::Absent) => Error::new(ErrorKind::AlreadyExists).with_source(error),
        Some(Condition::Matches(revision)) if *revision != found.revision => error, // still unknown
        _ => error.with_effect(Effect::NotApplied),
    }
}

/// Nothing has the key.
fn missing(error: Error, condition: Option<&Condition>) -> Error {
    match condition {
        Some(Condition::Matches(_)) => error, // ours, and deleted since; or the one to replace was deleted
        _ => error.with_effect(Effect::NotApplied),
    }
}
