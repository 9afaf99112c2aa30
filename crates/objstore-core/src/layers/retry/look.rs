//! What a look at the object tells about a change whose outcome is not known.

use super::Retries;
use crate::{
    Condition, DeleteOptions, Deleted, Effect, Error, ErrorKind, ObjectKey, ObjectMeta, ReadOptions, Result, Revision,
    WriteOptions, Written,
};

/// What a look told.
pub(super) enum Look<T> {
    /// The change was made.
    Applied(T),
    /// It was not.
    NotApplied,
    /// It was not or cannot be told, and cannot be made any more.
    Over(Error),
    /// The look failed, or could not tell.
    Unclear,
}

impl Retries {
    /// The object as it is now; `None` if there is none.
    async fn look_at(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>> {
        match self.rule.run_idempotent(|| self.inner.head(key, ReadOptions::new())).await {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks whether an object was written.
    pub(super) async fn look_for_write(&self, key: &ObjectKey, options: &WriteOptions) -> Look<Written> {
        if options.token.is_none() && options.condition.is_none() {
            return Look::Unclear; // nothing to tell it by
        }
        let Ok(found) = self.look_at(key).await else {
            return Look::Unclear;
        };
        match found {
            Some(meta) if options.token.is_some() && meta.token == options.token => Look::Applied(written(meta)),
            found => self.not_ours(found.map(|meta| meta.revision), options),
        }
    }

    /// What it means that the object there, if any, does not carry our token.
    fn not_ours(&self, found: Option<Revision>, options: &WriteOptions) -> Look<Written> {
        let told = options.token.is_some();
        match (&options.condition, found) {
            (None | Some(Condition::Absent), None) => Look::NotApplied,
            (Some(Condition::Matches(wanted)), Some(found)) if *wanted == found => Look::NotApplied,
            _ if !told => Look::Unclear,
            (None, Some(_)) => Look::NotApplied,
            (Some(Condition::Absent), Some(_)) => Look::Over(Error::new(ErrorKind::AlreadyExists)),
            (Some(Condition::Matches(_)), _) => Look::Over(replaced()),
        }
    }

    /// Looks whether an object was deleted.
    pub(super) async fn look_for_delete(&self, key: &ObjectKey, options: &DeleteOptions) -> Look<Deleted> {
        if options.version.is_some() {
            return Look::Unclear; // the current object says nothing about an old version
        }
        match (self.look_at(key).await, &options.condition) {
            (Err(_), _) => Look::Unclear,
            (Ok(None), _) => Look::Applied(Deleted::new()),
            (Ok(Some(meta)), Some(Condition::Matches(wanted))) if *wanted != meta.revision => Look::Over(replaced()),
            (Ok(Some(_)), _) => Look::NotApplied,
        }
    }
}

fn written(meta: ObjectMeta) -> Written {
    Written::new(meta.revision, meta.size).with_version(meta.version).with_checksums(meta.checksums)
}

fn replaced() -> Error {
    let detail = "the reply was lost, and the object was changed since: read it to see whether this change is in it";
    Error::new(ErrorKind::PreconditionFailed).with_effect(Effect::Unknown).with_detail(detail)
}
