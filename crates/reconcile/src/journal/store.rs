//! A journal in an object store.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use objstore_core::{
    Condition, DeleteOptions, Effect, Error, ErrorKind, ObjectKey, ObjectStore, ObjectStoreExt as _, Payload as Body,
    Prefix, Promise, WriteOptions,
};

use super::{
    Journal, JournalError, JournalErrorKind, Payload, RecordName, Revision, Stored,
    token::{Framed, frame, unframe},
};
use crate::{BoxFuture, OsRandom, Random};

/// The largest record that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A journal below a prefix of an object store, one object for each record.
///
/// Everybody who can read the bucket can read the records, so secrets are refused: wrap it in `Encrypted` (feature
/// `encrypt`), and what reaches it are ciphertexts.
///
/// Beside the records lies a marker, the object `.journal`, made before the first record. Once this value (or a clone) has
/// seen it, a record is absent only while the marker is there: a place that was moved away or emptied is an error. It costs
/// one request for each record that is not found. A process that starts anew cannot know that there was a journal, unless it
/// is told by [`existing`](Self::existing).
///
/// Conditions of the store make changes safe between processes. After a reply that was lost it looks whether the write was
/// its own: every write carries a mark.
#[derive(Debug, Clone)]
pub struct StoreJournal {
    store: Arc<dyn ObjectStore>,
    prefix: Prefix,
    random: Arc<dyn Random>,
    /// Whether there is a marker, so that there must be one.
    marked: Arc<AtomicBool>,
}

/// The name of the marker; no record has it.
const MARKER: &str = ".journal";

/// An object as it was found.
struct Object {
    stored: Stored,
    at: objstore_core::Revision,
}

impl StoreJournal {
    /// A journal below this prefix, which should hold nothing else.
    ///
    /// # Errors
    /// [`Unsupported`](JournalErrorKind::Unsupported), with the cause, if the store was not seen to create only what is
    /// absent, and to replace and delete only the revision that is meant.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Prefix) -> Result<Self, JournalError> {
        let capabilities = store.capabilities();
        let needed =
            [Promise::CreateIfAbsent, Promise::UpdateIfMatch, Promise::ConditionalDelete, Promise::ReadAfterWrite];
        let required = needed.into_iter().try_for_each(|promise| capabilities.require(promise));
        required.map_err(|source| JournalError::new(JournalErrorKind::Unsupported).with_source(source))?;
        Ok(Self { store, prefix, random: Arc::new(OsRandom), marked: Arc::default() })
    }

    /// Says that the journal was used before: without its marker, every look fails.
    #[must_use]
    pub fn existing(self) -> Self {
        self.marked.store(true, Ordering::Relaxed);
        self
    }

    /// Marks its writes with this randomness.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    fn key(&self, name: &RecordName) -> Result<ObjectKey, JournalError> {
        let invalid = |source| JournalError::new(JournalErrorKind::InvalidName).with_name(name).with_source(source);
        self.prefix.key(format!("{name}.record")).map_err(invalid)
    }

    async fn find(&self, name: &RecordName) -> Result<Option<Object>, JournalError> {
        let key = self.key(name)?;
        let (meta, bytes) = match self.store.get_bytes(&key, MAX_BYTES).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return self.absent(name, error).await,
            Err(error) => return Err(failed(name, error)),
        };
        let (revision, payload) = unframe(name, &bytes)?;
        Ok(Some(Object { stored: Stored::new(payload, revision), at: meta.revision }))
    }

    /// A record was not found: it is absent if the marker is there, or if there never was one.
    async fn absent(&self, name: &RecordName, not_found: Error) -> Result<Option<Object>, JournalError> {
        match self.store.get_bytes(&self.marker(name)?, MAX_BYTES).await {
            Ok(_) => self.marked.store(true, Ordering::Relaxed),
            Err(error) if !error.is_not_found() => return Err(failed(name, error)),
            Err(_) if self.marked.load(Ordering::Relaxed) => {
                return Err(JournalError::new(JournalErrorKind::Unavailable).with_name(name).with_source(not_found));
            }
            Err(_) => {}
        }
        Ok(None)
    }

    fn marker(&self, name: &RecordName) -> Result<ObjectKey, JournalError> {
        let invalid = |source| JournalError::new(JournalErrorKind::InvalidName).with_name(name).with_source(source);
        self.prefix.key(MARKER).map_err(invalid)
    }

    /// Makes the marker, unless it is known to be there.
    async fn mark(&self, name: &RecordName) -> Result<(), JournalError> {
        if self.marked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let options = WriteOptions::new().with_condition(Condition::Absent);
        match self.store.put(&self.marker(name)?, Body::from(b"reconcile-journal 1\n".to_vec()), options).await {
            Err(error) if !error.is_condition_failed() => return Err(failed(name, error)),
            _ => self.marked.store(true, Ordering::Relaxed),
        }
        Ok(())
    }

    /// Finds the record at this revision, to change it there.
    async fn find_at(&self, name: &RecordName, at: &Revision) -> Result<Object, JournalError> {
        let found = self.find(name).await?.filter(|object| object.stored.revision() == at);
        found.ok_or_else(|| JournalError::new(JournalErrorKind::Changed).with_name(name))
    }

    async fn put(&self, name: &RecordName, at: Option<&Revision>, payload: &Payload) -> Result<Revision, JournalError> {
        if payload.is_secret() {
            return Err(JournalError::new(JournalErrorKind::NeedsEncryption).with_name(name));
        }
        let condition = match at {
            None => {
                self.mark(name).await?;
                Condition::Absent
            }
            Some(at) => Condition::Matches(self.find_at(name, at).await?.at),
        };
        let framed = frame(name, payload.as_bytes(), &*self.random)?;
        let body = Body::from(framed.bytes.to_vec());
        let written = self.store.put(&self.key(name)?, body, WriteOptions::new().with_condition(condition)).await;
        match written {
            Ok(_) => Ok(framed.revision),
            Err(error) => self.resolve(name, framed, error).await,
        }
    }

    /// After a write that failed: whether it was made all the same.
    async fn resolve(&self, name: &RecordName, framed: Framed, error: Error) -> Result<Revision, JournalError> {
        match error.effect() {
            Effect::Applied(_) => return Ok(framed.revision),
            // A store's own retry can meet what its first try wrote: a condition that failed is looked at too.
            Effect::NotApplied if !error.is_condition_failed() => return Err(failed(name, error)),
            _ => {}
        }
        match self.find(name).await {
            Ok(Some(object)) if *object.stored.revision() == framed.revision => Ok(framed.revision),
            _ => Err(failed(name, error)),
        }
    }

    async fn remove(&self, name: &RecordName, at: &Revision) -> Result<(), JournalError> {
        let object = self.find_at(name, at).await?;
        let options = DeleteOptions::new().with_condition(Condition::Matches(object.at));
        match self.store.delete(&self.key(name)?, options).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.effect(), Effect::Applied(_)) => Ok(()),
            Err(error) if *error.effect() == Effect::NotApplied => Err(failed(name, error)),
            Err(error) => match self.find(name).await {
                Ok(None) => Ok(()),
                _ => Err(failed(name, error)),
            },
        }
    }
}

fn failed(name: &RecordName, error: Error) -> JournalError {
    let kind = match error.kind() {
        ErrorKind::AlreadyExists => JournalErrorKind::Exists,
        ErrorKind::PreconditionFailed => JournalErrorKind::Changed,
        ErrorKind::PermissionDenied | ErrorKind::Unauthenticated | ErrorKind::Locked => JournalErrorKind::Denied,
        ErrorKind::Integrity | ErrorKind::TooLarge => JournalErrorKind::Damaged,
        ErrorKind::Unsupported | ErrorKind::InvalidConfig | ErrorKind::StoreNotFound => JournalErrorKind::Unsupported,
        _ => JournalErrorKind::Unavailable,
    };
    JournalError::new(kind).with_name(name).with_source(error)
}

impl Journal for StoreJournal {
    fn get<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Option<Stored>, JournalError>> {
        Box::pin(async move { Ok(self.find(name).await?.map(|object| object.stored)) })
    }

    fn create<'a>(
        &'a self,
        name: &'a RecordName,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(self.put(name, None, payload))
    }

    fn replace<'a>(
        &'a self,
        name: &'a RecordName,
        at: &'a Revision,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(self.put(name, Some(at), payload))
    }

    fn delete<'a>(&'a self, name: &'a RecordName, at: &'a Revision) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(self.remove(name, at))
    }
}
