//! The flow's journal, in the world and behind the wire: its calls can be lost like all others.

use std::fmt;

use reconcile::testkit::Call;
use reconcile::{BoxFuture, Journal, JournalError, JournalErrorKind, Payload, RecordName, Revision, Stored};

use crate::wire::{Subject, Wire};

/// Where the journal lies. It survives every crash.
#[derive(Clone, Default)]
pub struct Shelf {
    records: Vec<(RecordName, Stored)>,
    writes: u32,
    lost: bool,
    ignores_conditions: bool,
}

impl Shelf {
    /// One that creates what is there, as stores do that ignore conditions.
    pub fn ignoring_conditions() -> Self {
        Self { ignores_conditions: true, ..Self::default() }
    }

    /// A record, for oracles.
    pub fn record(&self, name: &str) -> Option<&[u8]> {
        self.find(name).map(Stored::as_bytes)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many changes were asked for.
    pub fn writes(&self) -> u32 {
        self.writes
    }

    /// Somebody loses the whole journal.
    pub fn someone_clears_it(&mut self) {
        self.records.clear();
        self.lost = true;
    }

    /// Whether somebody ever lost it.
    pub fn was_lost(&self) -> bool {
        self.lost
    }

    fn find(&self, name: &str) -> Option<&Stored> {
        self.records.iter().find(|(known, _)| known.as_str() == name).map(|(_, stored)| stored)
    }

    fn create(&mut self, name: &RecordName, payload: &Payload) -> Result<Revision, JournalError> {
        let revision = self.next();
        if self.ignores_conditions {
            self.records.retain(|(known, _)| known != name);
        }
        if self.find(name.as_str()).is_some() {
            return Err(JournalError::new(JournalErrorKind::Exists).with_name(name));
        }
        self.records.push((name.clone(), Stored::new(payload.as_bytes(), revision.clone())));
        Ok(revision)
    }

    fn replace(&mut self, name: &RecordName, at: &Revision, payload: &Payload) -> Result<Revision, JournalError> {
        let revision = self.next();
        let index = self.at(name, at)?;
        self.records[index].1 = Stored::new(payload.as_bytes(), revision.clone());
        Ok(revision)
    }

    fn delete(&mut self, name: &RecordName, at: &Revision) -> Result<(), JournalError> {
        self.next();
        let index = self.at(name, at)?;
        self.records.remove(index);
        Ok(())
    }

    fn at(&self, name: &RecordName, at: &Revision) -> Result<usize, JournalError> {
        let found = self.records.iter().position(|(known, stored)| known == name && stored.revision() == at);
        found.ok_or_else(|| JournalError::new(JournalErrorKind::Changed).with_name(name))
    }

    fn next(&mut self) -> Revision {
        self.writes += 1;
        Revision::new(self.writes.to_string())
    }
}

/// Shows no record: some are secret.
impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

/// The journal, as one pass reaches it.
#[derive(Clone, Debug)]
pub struct WiredJournal(pub Wire);

impl WiredJournal {
    async fn call<T: Send>(
        &self,
        call: Call,
        name: &RecordName,
        effect: impl FnOnce(&mut Shelf) -> Result<T, JournalError> + Send,
    ) -> Result<T, JournalError> {
        let subject = if name.as_str() == crate::flow::PLACEMENT { Subject::Placement } else { Subject::Credential };
        let answer = self.0.call(call, (subject, 0), move |world, _| effect(&mut world.shelf)).await;
        answer.unwrap_or_else(|_| Err(JournalError::new(JournalErrorKind::Unavailable).with_name(name)))
    }
}

impl Journal for WiredJournal {
    fn get<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Option<Stored>, JournalError>> {
        Box::pin(self.call(Call::read("journal.get"), name, |shelf| Ok(shelf.find(name.as_str()).cloned())))
    }

    fn create<'a>(
        &'a self,
        name: &'a RecordName,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(self.call(Call::write("journal.create"), name, |shelf| shelf.create(name, payload)))
    }

    fn replace<'a>(
        &'a self,
        name: &'a RecordName,
        at: &'a Revision,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(self.call(Call::write("journal.replace"), name, |shelf| shelf.replace(name, at, payload)))
    }

    fn delete<'a>(&'a self, name: &'a RecordName, at: &'a Revision) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(self.call(Call::write("journal.delete"), name, |shelf| shelf.delete(name, at)))
    }
}
