//! Values that are written down before they are used: choices and credentials.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Change, JournalError, Observe, Observed, Record, RecordName, RecordReader, Records, Remove, Revision, Secret, Seen,
    Step, StepError, StepId,
};

/// A choice that is made once: where a thing is placed, under which name. The first choice that is recorded is the choice;
/// every later pass gets it, whatever it would choose itself.
///
/// Record it before you act on it: then a pass after a crash acts at the same place, and no second thing is made elsewhere.
/// The step's name is the record's.
#[derive(Debug, Clone)]
pub struct Decision<T> {
    record: Recorded<T>,
    choice: T,
}

impl<T> Decision<T> {
    /// Records `choice` under this name if nothing is recorded yet.
    pub const fn new(name: RecordName, choice: T) -> Self {
        Self { record: Recorded::new(name), choice }
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync> Observe for Decision<T> {
    type Out = Record<T>;
    type Read = RecordReader;

    fn id(&self) -> StepId {
        self.record.id()
    }

    async fn observe(&self, read: &RecordReader) -> Result<Observed<Record<T>>, StepError> {
        self.record.observe(read).await
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync> Step for Decision<T> {
    type Write = Records;

    async fn apply(&self, write: &Records, _: Change<'_, Record<T>>) -> Result<(), StepError> {
        write.create(&self.record.name, &self.choice).await?;
        Ok(())
    }
}

/// A record as it stands: to look what was decided, and to remove it when nothing is left that it speaks of.
pub struct Recorded<T> {
    name: RecordName,
    value: PhantomData<fn() -> T>,
}

impl<T> Recorded<T> {
    /// The record of this name. The step's name is the record's.
    #[must_use]
    pub const fn new(name: RecordName) -> Self {
        Self { name, value: PhantomData }
    }
}

impl<T> Clone for Recorded<T> {
    fn clone(&self) -> Self {
        Self::new(self.name.clone())
    }
}

impl<T> fmt::Debug for Recorded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recorded").field(&self.name).finish()
    }
}

impl<T: DeserializeOwned + Send + Sync> Observe for Recorded<T> {
    type Out = Record<T>;
    type Read = RecordReader;

    fn id(&self) -> StepId {
        self.name.as_str().to_owned().into()
    }

    async fn observe(&self, read: &RecordReader) -> Result<Observed<Record<T>>, StepError> {
        Ok(read.get(&self.name).await?.map_or(Observed::Absent, Observed::Ready))
    }
}

impl<T: DeserializeOwned + Send + Sync> Remove for Recorded<T> {
    type Write = Records;

    async fn remove(&self, write: &Records, now: &Record<T>) -> Result<(), StepError> {
        Ok(write.delete(&self.name, &now.revision).await?)
    }
}

/// A credential that *we* choose, written down before it is used. The step's name is the record's.
///
/// `F` makes a fresh value. What uses the credential has a field `&Seen<Kept>`, so it cannot be built before the value is
/// safe. It looks by [logging in](Kept::log_in), and is made or mended with the [newest](Kept::newest). Once a login worked,
/// [`Verified`] remembers which value it was.
///
/// ```
/// use std::sync::Arc;
/// use reconcile::{Escrow, MemoryJournal, OsRandom, Pass, RecordName, Records, Secret};
/// # futures::executor::block_on(async {
/// let records = Records::new(Arc::new(MemoryJournal::new()), "storage");
/// let escrow = Escrow::new(RecordName::new("password")?, || Secret::generate(24, Secret::UNAMBIGUOUS, &OsRandom));
///
/// let pass = Pass::new("storage", ["password"]);
/// let kept = pass.step(&escrow, records.reader(), &records).await.expect("it is written down now");
/// assert_eq!((kept.candidates().len(), kept.verified()), (1, None));
/// # Ok::<(), reconcile::JournalError>(()) }).unwrap();
/// ```
pub struct Escrow<F> {
    name: RecordName,
    mint: F,
}

impl<F: Fn() -> Result<Secret, StepError> + Sync> Escrow<F> {
    /// Keeps a credential under this name.
    pub const fn new(name: RecordName, mint: F) -> Self {
        Self { name, mint }
    }
}

impl<F> fmt::Debug for Escrow<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Escrow").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A credential that is safely written down: all values that may be the one in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    name: RecordName,
    newest: Secret,
    older: Vec<Secret>,
    verified: Option<usize>,
    revision: Revision,
}

impl Kept {
    /// The most candidates that are kept. The oldest go first, the verified one never.
    pub const MAX_CANDIDATES: usize = 8;

    /// All values that may be in use, newest first; at least one.
    pub fn candidates(&self) -> impl ExactSizeIterator<Item = &Secret> + Clone {
        Newest { newest: Some(&self.newest), older: self.older.iter() }
    }

    /// The newest value: the one to set.
    #[must_use]
    pub const fn newest(&self) -> &Secret {
        &self.newest
    }

    /// Logs in with each candidate, newest first, until one works.
    ///
    /// `login` says whether the other side let it in. That it was refused is an answer; that there was none is an error.
    ///
    /// # Errors
    /// The first error of `login`: then nothing is known.
    pub async fn log_in<'k, F>(&'k self, mut login: impl FnMut(&'k Secret) -> F + Send) -> Result<Login, StepError>
    where
        F: Future<Output = Result<bool, StepError>> + Send,
    {
        let mut works = None;
        for candidate in self.candidates() {
            if login(candidate).await? {
                works = Some(candidate.clone());
                break;
            }
        }
        Ok(Login { name: self.name.clone(), at: self.revision.clone(), works })
    }

    /// The value that a login was seen to work with, once [`Verified`] has noted it.
    #[must_use]
    pub fn verified(&self) -> Option<&Secret> {
        self.verified.and_then(|index| self.candidates().nth(index))
    }

    /// The revision of the record.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.revision
    }
}

/// What came of [logging in](Kept::log_in) with the candidates of a credential: which of them works, if one does.
///
/// It is the [`Out`](Observe::Out) of the step that logs in, or a part of it: then [`Verified`] can be built from what that
/// step was seen to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    name: RecordName,
    at: Revision,
    works: Option<Secret>,
}

impl Login {
    /// The value that was let in.
    #[must_use]
    pub const fn works(&self) -> Option<&Secret> {
        self.works.as_ref()
    }

    /// The answer of a step that is nothing but this login: ready if one worked, drifted with `why` if all were refused.
    #[must_use]
    pub fn observed(self, why: &'static str) -> Observed<Self> {
        if self.works.is_some() { Observed::Ready(self) } else { Observed::Drifted { now: self, why } }
    }
}

impl AsRef<Self> for Login {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The newest, then the older ones.
#[derive(Clone)]
struct Newest<'a> {
    newest: Option<&'a Secret>,
    older: std::slice::Iter<'a, Secret>,
}

impl<'a> Iterator for Newest<'a> {
    type Item = &'a Secret;

    fn next(&mut self) -> Option<&'a Secret> {
        self.newest.take().or_else(|| self.older.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.older.len().saturating_add(usize::from(self.newest.is_some()));
        (count, Some(count))
    }
}

impl ExactSizeIterator for Newest<'_> {}

/// What the journal holds of it. Strings are borrowed when it is written, so that no copy is left in memory.
#[derive(Serialize)]
struct Written<'a> {
    candidates: Vec<&'a str>,
    verified: Option<usize>,
}

#[derive(Deserialize)]
struct Read {
    candidates: Vec<String>,
    verified: Option<usize>,
}

impl Records {
    /// Writes down another value for a credential, as the newest: before it is set, and because none of the others can be.
    ///
    /// # Errors
    /// [`Changed`](crate::JournalErrorKind::Changed) if the record is not as it was seen; those of
    /// [`Journal::replace`](crate::Journal::replace).
    pub async fn add_candidate(
        &self,
        name: &RecordName,
        kept: &Kept,
        fresh: &Secret,
    ) -> Result<Revision, JournalError> {
        let mut candidates: Vec<&str> = std::iter::once(fresh).chain(kept.candidates()).map(Secret::expose).collect();
        let mut verified = kept.verified.and_then(|index| index.checked_add(1));
        while candidates.len() > Kept::MAX_CANDIDATES {
            let last = candidates.len() - 1;
            // The verified one is the value in use, however old it is.
            let oldest = if verified == Some(last) { last - 1 } else { last };
            candidates.remove(oldest);
            verified = verified.map(|at| if at > oldest { at - 1 } else { at });
        }
        let written = Written { candidates, verified };
        self.replace_secret(name, &kept.revision, &written).await
    }
}

async fn read_kept(read: &RecordReader, name: &RecordName) -> Result<Option<Kept>, StepError> {
    let Some(record) = read.get::<Read>(name).await? else { return Ok(None) };
    let mut candidates = record.value.candidates.into_iter().map(Secret::new);
    let newest = candidates.next().ok_or(StepError::needs_human("escrow-empty"))?;
    let older = candidates.collect();
    Ok(Some(Kept { name: name.clone(), newest, older, verified: record.value.verified, revision: record.revision }))
}

impl<F: Fn() -> Result<Secret, StepError> + Sync> Observe for Escrow<F> {
    type Out = Kept;
    type Read = RecordReader;

    fn id(&self) -> StepId {
        self.name.as_str().to_owned().into()
    }

    async fn observe(&self, read: &RecordReader) -> Result<Observed<Kept>, StepError> {
        Ok(read_kept(read, &self.name).await?.map_or(Observed::Absent, Observed::Ready))
    }
}

impl<F: Fn() -> Result<Secret, StepError> + Sync> Step for Escrow<F> {
    type Write = Records;

    async fn apply(&self, write: &Records, _: Change<'_, Kept>) -> Result<(), StepError> {
        let fresh = (self.mint)()?;
        let written = Written { candidates: vec![fresh.expose()], verified: None };
        write.create_secret(&self.name, &written).await?;
        Ok(())
    }
}

impl<F: Fn() -> Result<Secret, StepError> + Sync> Remove for Escrow<F> {
    type Write = Records;

    async fn remove(&self, write: &Records, now: &Kept) -> Result<(), StepError> {
        Ok(write.delete(&self.name, &now.revision).await?)
    }
}

/// Notes which value of a credential is in use, and forgets the others. The step's name is the record's with `/verified`.
///
/// It is built from what a step of this pass saw when it [logged in](Kept::log_in), and from nothing else: a value that was
/// written down and never set cannot take the place of the one in use. Nothing is assumed of the others: should one of
/// them take effect later, logins fail, and the credential is set anew.
///
/// A step that said that it is ready although no login worked makes this one fail, with `no-login-seen`.
#[derive(Debug)]
pub struct Verified<'p> {
    login: &'p Login,
}

impl<'p> Verified<'p> {
    /// Notes the value that the login of this step was seen to work with.
    #[must_use]
    pub fn new<L: AsRef<Login>>(login: &'p Seen<'p, L>) -> Self {
        Self { login: (**login).as_ref() }
    }

    fn works(&self) -> Result<&'p Secret, StepError> {
        self.login.works().ok_or(StepError::config("no-login-seen"))
    }
}

impl Observe for Verified<'_> {
    type Out = Kept;
    type Read = RecordReader;

    fn id(&self) -> StepId {
        format!("{}/verified", self.login.name).into()
    }

    async fn observe(&self, read: &RecordReader) -> Result<Observed<Kept>, StepError> {
        let works = self.works()?;
        let now = read_kept(read, &self.login.name).await?.ok_or(StepError::conflict("escrow-gone"))?;
        if now.verified() == Some(works) && now.candidates().len() == 1 {
            return Ok(Observed::Ready(now));
        }
        Ok(Observed::Drifted { now, why: "not-noted" })
    }
}

impl Step for Verified<'_> {
    type Write = Records;

    async fn apply(&self, write: &Records, _: Change<'_, Kept>) -> Result<(), StepError> {
        // At the revision that was there before the login: a candidate that was added since is not forgotten.
        let written = Written { candidates: vec![self.works()?.expose()], verified: Some(0) };
        write.replace_secret(&self.login.name, &self.login.at, &written).await?;
        Ok(())
    }
}
