//! A layer that encrypts the records of any journal.

use std::fmt;

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload as Sealed},
};
use zeroize::Zeroizing;

use super::{Journal, JournalError, JournalErrorKind, Payload, RecordName, Revision, SEALED, Stored};
use crate::{BoxFuture, OsRandom, Random, StepError};

const NONCE_BYTES: usize = 24;

/// A journal whose records are encrypted before they leave the process: XChaCha20-Poly1305, a fresh random nonce for each
/// write, bound to the name of the record, and to a [context](Self::with_context) if one is given.
///
/// Without the key nobody reads a record or makes one up. Whoever can write to the place can still delete records, and put
/// back an older one of the same name. **Where several journals have one key**, give each a context of its own (the flow, the
/// project, the tenant): without it, a record that is copied from one into another under the same name opens there. Names, sizes and times show.
///
/// Keep the key elsewhere than the journal. To change it, read each record with the old key and replace it with the new.
pub struct Encrypted<J> {
    inner: J,
    cipher: XChaCha20Poly1305,
    random: Box<dyn Random>,
    context: Vec<u8>,
}

/// A key of 32 bytes. It does not show, and is overwritten in memory when dropped.
#[derive(Clone)]
pub struct JournalKey(Zeroizing<[u8; 32]>);

impl JournalKey {
    /// These bytes, which must be random.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fresh key.
    ///
    /// # Errors
    /// Those of the source.
    pub fn generate(random: &dyn Random) -> Result<Self, StepError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes, to keep them somewhere safe.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for JournalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JournalKey([redacted])")
    }
}

impl<J: Journal> Encrypted<J> {
    /// Encrypts what goes into this journal with this key.
    #[must_use]
    pub fn new(inner: J, key: &JournalKey) -> Self {
        Self {
            inner,
            cipher: XChaCha20Poly1305::new(key.expose().into()),
            random: Box::new(OsRandom),
            context: Vec::new(),
        }
    }

    /// Takes nonces from this source. It must never give the same 24 bytes twice.
    #[must_use]
    pub fn with_random(mut self, random: impl Random + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    /// Binds every record to this text, which is not secret. It must be the same whenever the journal is opened.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<Vec<u8>>) -> Self {
        self.context = context.into();
        self
    }

    /// What a record is bound to: its name, and the context if there is one. A name has no zero byte.
    fn bound(&self, name: &RecordName) -> Vec<u8> {
        if self.context.is_empty() {
            return name.as_str().into();
        }
        [name.as_str().as_bytes(), &[0], &self.context].concat()
    }

    /// `reconcile-sealed 1`, a line end, the nonce, and the ciphertext with its tag.
    fn seal(&self, name: &RecordName, payload: &Payload) -> Result<Payload, JournalError> {
        let mut nonce = [0; NONCE_BYTES];
        let failed = |source| JournalError::new(JournalErrorKind::Unavailable).with_name(name).with_source(source);
        self.random.fill(&mut nonce).map_err(failed)?;
        let sealed = Sealed { msg: payload.as_bytes(), aad: &self.bound(name) };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), sealed);
        let sealed = sealed.map_err(|_| JournalError::new(JournalErrorKind::Unsupported).with_name(name))?;
        Ok(Payload::plain([SEALED, &nonce, &sealed].concat()))
    }

    fn open(&self, name: &RecordName, stored: &Stored) -> Result<Stored, JournalError> {
        let wrong = |kind| JournalError::new(kind).with_name(name);
        let sealed = stored.as_bytes().strip_prefix(SEALED).ok_or_else(|| wrong(JournalErrorKind::Damaged))?;
        let (nonce, sealed) =
            sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| wrong(JournalErrorKind::Damaged))?;
        let sealed = Sealed { msg: sealed, aad: &self.bound(name) };
        let bytes =
            self.cipher.decrypt(&XNonce::from(*nonce), sealed).map_err(|_| wrong(JournalErrorKind::WrongKey))?;
        Ok(Stored::new(bytes, stored.revision().clone()))
    }
}

impl<J: Journal> Journal for Encrypted<J> {
    fn get<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Option<Stored>, JournalError>> {
        Box::pin(async move { self.inner.get(name).await?.map(|stored| self.open(name, &stored)).transpose() })
    }

    fn create<'a>(
        &'a self,
        name: &'a RecordName,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(async move { self.inner.create(name, &self.seal(name, payload)?).await })
    }

    fn replace<'a>(
        &'a self,
        name: &'a RecordName,
        at: &'a Revision,
        payload: &'a Payload,
    ) -> BoxFuture<'a, Result<Revision, JournalError>> {
        Box::pin(async move { self.inner.replace(name, at, &self.seal(name, payload)?).await })
    }

    fn delete<'a>(&'a self, name: &'a RecordName, at: &'a Revision) -> BoxFuture<'a, Result<(), JournalError>> {
        self.inner.delete(name, at)
    }
}

impl<J: fmt::Debug> fmt::Debug for Encrypted<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").field("inner", &self.inner).finish_non_exhaustive()
    }
}
