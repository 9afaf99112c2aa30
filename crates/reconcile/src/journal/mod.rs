//! What a flow must remember before it acts: names, revisions, and the contract of a journal.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::BoxFuture;

mod error;
pub use error::{JournalError, JournalErrorKind};
#[cfg(feature = "encrypt")]
mod encrypted;
#[cfg(feature = "encrypt")]
pub use encrypted::{Encrypted, JournalKey};
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod folder;
#[cfg(unix)]
pub use file::FileJournal;
mod memory;
pub use memory::MemoryJournal;
mod records;
pub use records::{Record, RecordReader, Records};
#[cfg(feature = "objstore")]
mod store;
#[cfg(feature = "objstore")]
pub use store::StoreJournal;
#[cfg(any(unix, feature = "objstore"))]
mod token;

/// How the bytes of a record begin that was encrypted.
const SEALED: &[u8] = b"reconcile-sealed 1\n";

/// A place for a few small records that outlives the process: decisions, credentials, intents.
///
/// Every change carries a condition: a record is created only if absent, and replaced or deleted only at the revision that
/// was read. What is acknowledged survives a crash. Flows use it through [`Records`], which adds the format and the name of
/// the flow.
///
/// # Cancel safety
/// A future that is dropped leaves the record as it was or as it was to be. Look again to know.
pub trait Journal: fmt::Debug + Send + Sync {
    /// Reads a record; `None` only if it is known to be absent.
    ///
    /// # Errors
    /// [`Unavailable`](JournalErrorKind::Unavailable), [`Denied`](JournalErrorKind::Denied),
    /// [`Damaged`](JournalErrorKind::Damaged).
    fn get<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Option<Stored>, JournalError>>;

    /// Creates a record.
    ///
    /// # Errors
    /// [`Exists`](JournalErrorKind::Exists) if there is one;
    /// [`NeedsEncryption`](JournalErrorKind::NeedsEncryption) if the payload is secret and the journal would show it;
    /// [`Unavailable`](JournalErrorKind::Unavailable): it may have been created.
    fn create<'a>(
        &'a self,
        name: &'a RecordName,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>>;

    /// Replaces the record that is at this revision.
    ///
    /// # Errors
    /// [`Changed`](JournalErrorKind::Changed) if it is at another, or absent; otherwise as [`create`](Self::create).
    fn replace<'a>(
        &'a self,
        name: &'a RecordName,
        at: &'a Revision,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>>;

    /// Deletes the record that is at this revision.
    ///
    /// # Errors
    /// [`Changed`](JournalErrorKind::Changed) if it is at another, or absent;
    /// [`Unavailable`](JournalErrorKind::Unavailable): it may have been deleted.
    fn delete<'a>(&'a self, name: &'a RecordName, at: &'a Revision) -> BoxFuture<'a, Result<(), JournalError>>;
}

/// The name of a record: 1 to 100 of `a-z A-Z 0-9 . _ -`, not beginning with a dot. It is a file's name and a key's last
/// segment, and it shows: never put a value into it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(Arc<str>);

impl RecordName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 100;

    /// Takes a name.
    ///
    /// # Errors
    /// [`InvalidName`](JournalErrorKind::InvalidName) if it is not one.
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self, JournalError> {
        let name = name.into();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let good = (1..=Self::MAX_BYTES).contains(&name.len()) && !name.starts_with('.') && name.chars().all(allowed);
        if good { Ok(Self(name)) } else { Err(JournalError::new(JournalErrorKind::InvalidName)) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl std::str::FromStr for RecordName {
    type Err = JournalError;

    fn from_str(name: &str) -> Result<Self, JournalError> {
        Self::new(name)
    }
}

/// Which state of a record is meant. Opaque: compare it and give it back. Two writes never make the same one, also if they
/// wrote the same bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Revision(Arc<str>);

impl Revision {
    /// Wraps what the journal calls this state.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for the journal that made it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revision({:?})", &*self.0)
    }
}

/// The bytes of a record to be written, and whether they are secret. Overwritten in memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    bytes: Zeroizing<Vec<u8>>,
    secret: bool,
}

impl Payload {
    /// Bytes that may be seen.
    #[must_use]
    pub fn plain(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: Zeroizing::new(bytes.into()), secret: false }
    }

    /// Bytes that must not be seen: a journal that cannot hide them refuses them.
    #[must_use]
    pub fn secret(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: Zeroizing::new(bytes.into()), secret: true }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether they must not be seen.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.secret
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("len", &self.bytes.len()).field("secret", &self.secret).finish()
    }
}

/// A record as it was read. Overwritten in memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    bytes: Zeroizing<Vec<u8>>,
    revision: Revision,
}

impl Stored {
    /// These bytes, at this revision.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>, revision: Revision) -> Self {
        Self { bytes: Zeroizing::new(bytes.into()), revision }
    }

    /// The bytes. They may be secret.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The revision that they are at.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.revision
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("len", &self.bytes.len()).field("revision", &self.revision).finish()
    }
}
