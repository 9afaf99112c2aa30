//! Records of one flow: typed, with a format and the flow's name.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Journal, JournalError, JournalErrorKind, Payload, RecordName, Revision, SEALED, Stored};

/// The newest format of a record that this version reads and writes.
const FORMAT: u32 = 1;

/// Reads the records of one flow. The client for `observe`: it cannot write.
#[derive(Debug, Clone)]
pub struct RecordReader {
    journal: Arc<dyn Journal>,
    flow: Cow<'static, str>,
}

/// Reads and writes the records of one flow.
///
/// A record says its format and its flow, as JSON: `{"format":1,"flow":"storage","body":…}`. A record of another flow or of
/// a newer format is neither read, replaced nor deleted: that is an error, and nothing is changed. (So a change reads first.)
///
/// ```
/// use std::sync::Arc;
/// use reconcile::{MemoryJournal, RecordName, Records};
/// # futures::executor::block_on(async {
/// let records = Records::new(Arc::new(MemoryJournal::new()), "storage");
/// let name = RecordName::new("placement")?;
/// records.create(&name, &"cluster-a").await?;
/// let placement = records.reader().get::<String>(&name).await?.expect("it was just made");
/// assert_eq!(placement.value, "cluster-a");
/// records.delete(&name, &placement.revision).await?;
/// # Ok::<(), reconcile::JournalError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Records(RecordReader);

/// A record, and the revision that it is at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record<T> {
    /// What it says.
    pub value: T,
    /// Which state of it this is: give it back to replace or delete it.
    pub revision: Revision,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
    flow: String,
}

#[derive(Deserialize)]
struct Body<T> {
    body: T,
}

#[derive(Serialize)]
struct Whole<'a, T> {
    format: u32,
    flow: &'a str,
    body: &'a T,
}

impl Records {
    /// The records of the flow of this name.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, flow: impl Into<Cow<'static, str>>) -> Self {
        Self(RecordReader { journal, flow: flow.into() })
    }

    /// The part of it that only reads.
    #[must_use]
    pub const fn reader(&self) -> &RecordReader {
        &self.0
    }

    /// Creates a record.
    ///
    /// # Errors
    /// Those of [`Journal::create`].
    pub async fn create<T: Serialize + Sync>(&self, name: &RecordName, value: &T) -> Result<Revision, JournalError> {
        let payload = Payload::plain(self.encode(name, value)?);
        self.0.journal.create(name, &payload).await
    }

    /// Replaces the record that is at this revision.
    ///
    /// # Errors
    /// [`OtherFlow`](JournalErrorKind::OtherFlow), [`NewerFormat`](JournalErrorKind::NewerFormat),
    /// [`Damaged`](JournalErrorKind::Damaged); those of [`Journal::replace`].
    pub async fn replace<T: Serialize + Sync>(
        &self,
        name: &RecordName,
        at: &Revision,
        value: &T,
    ) -> Result<Revision, JournalError> {
        let payload = Payload::plain(self.encode(name, value)?);
        self.check(name).await?;
        self.0.journal.replace(name, at, &payload).await
    }

    /// Deletes the record that is at this revision.
    ///
    /// # Errors
    /// [`OtherFlow`](JournalErrorKind::OtherFlow), [`NewerFormat`](JournalErrorKind::NewerFormat),
    /// [`Damaged`](JournalErrorKind::Damaged); those of [`Journal::delete`].
    pub async fn delete(&self, name: &RecordName, at: &Revision) -> Result<(), JournalError> {
        self.check(name).await?;
        self.0.journal.delete(name, at).await
    }

    pub(crate) async fn create_secret<T: Serialize + Sync>(
        &self,
        name: &RecordName,
        value: &T,
    ) -> Result<Revision, JournalError> {
        let payload = Payload::secret(self.encode(name, value)?);
        self.0.journal.create(name, &payload).await
    }

    pub(crate) async fn replace_secret<T: Serialize + Sync>(
        &self,
        name: &RecordName,
        at: &Revision,
        value: &T,
    ) -> Result<Revision, JournalError> {
        let payload = Payload::secret(self.encode(name, value)?);
        self.check(name).await?;
        self.0.journal.replace(name, at, &payload).await
    }

    /// Whether what is there, if anything, is ours to change.
    async fn check(&self, name: &RecordName) -> Result<(), JournalError> {
        match self.0.journal.get(name).await? {
            Some(stored) => self.0.check(name, &stored),
            None => Ok(()),
        }
    }

    fn encode<T: Serialize>(&self, name: &RecordName, value: &T) -> Result<Vec<u8>, JournalError> {
        // Room enough that the buffer seldom moves: what it leaves behind is not overwritten.
        let mut bytes = Vec::with_capacity(4096);
        let whole = Whole { format: FORMAT, flow: &self.0.flow, body: value };
        serde_json::to_writer(&mut bytes, &whole).map_err(|_| damaged(name))?;
        Ok(bytes)
    }
}

impl RecordReader {
    /// Reads a record; `None` only if it is known to be absent.
    ///
    /// # Errors
    /// [`OtherFlow`](JournalErrorKind::OtherFlow), [`NewerFormat`](JournalErrorKind::NewerFormat),
    /// [`Damaged`](JournalErrorKind::Damaged); those of [`Journal::get`].
    pub async fn get<T: DeserializeOwned>(&self, name: &RecordName) -> Result<Option<Record<T>>, JournalError> {
        let Some(stored) = self.journal.get(name).await? else { return Ok(None) };
        self.check(name, &stored)?;
        let whole: Body<T> = serde_json::from_slice(stored.as_bytes()).map_err(|_| damaged(name))?;
        Ok(Some(Record { value: whole.body, revision: stored.revision().clone() }))
    }

    /// Whether a record is of this flow, and of a format that is known.
    fn check(&self, name: &RecordName, stored: &Stored) -> Result<(), JournalError> {
        if stored.as_bytes().starts_with(SEALED) {
            return Err(JournalError::new(JournalErrorKind::WrongKey).with_name(name));
        }
        // The head first: the body of a newer format may be anything. Errors of the parser may show values: they go no further.
        let head: Head = serde_json::from_slice(stored.as_bytes()).map_err(|_| damaged(name))?;
        if head.format == 0 {
            return Err(damaged(name));
        }
        if head.format > FORMAT {
            return Err(JournalError::new(JournalErrorKind::NewerFormat).with_name(name));
        }
        if head.flow != self.flow {
            return Err(JournalError::new(JournalErrorKind::OtherFlow).with_name(name));
        }
        Ok(())
    }
}

fn damaged(name: &RecordName) -> JournalError {
    JournalError::new(JournalErrorKind::Damaged).with_name(name)
}
