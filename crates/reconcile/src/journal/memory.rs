//! A journal in memory.

use std::{
    collections::BTreeMap,
    fmt,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Journal, JournalError, JournalErrorKind, Payload, RecordName, Revision, Stored};
use crate::BoxFuture;

/// A journal in memory, for tests: clones are the same journal. It does not outlive the process.
///
/// Its revisions count the writes, so that a test can repeat them.
#[derive(Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    records: BTreeMap<RecordName, Stored>,
    writes: u64,
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many changes it has made.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, name: &RecordName, payload: &Payload) -> Revision {
        self.writes = self.writes.saturating_add(1);
        let revision = Revision::new(self.writes.to_string());
        self.records.insert(name.clone(), Stored::new(payload.as_bytes(), revision.clone()));
        revision
    }

    fn check(&self, name: &RecordName, at: &Revision) -> Result<(), JournalError> {
        match self.records.get(name) {
            Some(stored) if stored.revision() == at => Ok(()),
            _ => Err(JournalError::new(JournalErrorKind::Changed).with_name(name)),
        }
    }
}

impl Journal for MemoryJournal {
    fn get<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Option<Stored>, JournalError>> {
        Box::pin(ready(Ok(self.lock().records.get(name).cloned())))
    }

    fn create<'a>(
        &'a self,
        name: &'a RecordName,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(async move {
            let mut state = self.lock();
            if state.records.contains_key(name) {
                return Err(JournalError::new(JournalErrorKind::Exists).with_name(name));
            }
            Ok(state.put(name, payload))
        })
    }

    fn replace<'a>(
        &'a self,
        name: &'a RecordName,
        at: &'a Revision,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(async move {
            let mut state = self.lock();
            state.check(name, at)?;
            Ok(state.put(name, payload))
        })
    }

    fn delete<'a>(&'a self, name: &'a RecordName, at: &'a Revision) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let mut state = self.lock();
            state.check(name, at)?;
            state.records.remove(name);
            state.writes = state.writes.saturating_add(1);
            Ok(())
        })
    }
}

/// Shows names and revisions only.
impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryJournal").field("records", &self.lock().records).finish_non_exhaustive()
    }
}
