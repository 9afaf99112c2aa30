//! The secret in the seed and its copy in the shoot: compared by what they hold.

use std::time::Duration;

use reconcile::{Change, Observe, Observed, Owner, Remove, Seen, Step, StepError, StepId};

use super::{Flow, Guard};
use crate::client::{Place, Reader, Writer};
use crate::ontap::Name;
use crate::secrets::{Credential, Stored};

/// A secret that holds what was seen to work, or what was seen in another secret.
#[derive(Debug)]
pub struct SecretStep<'p, S> {
    /// What is wanted.
    pub flow: &'p Flow,
    /// Where.
    pub place: Place,
    /// What it is to hold.
    pub source: &'p Seen<'p, S>,
    /// Whether an earlier pass noted that a login works. It tempts one to believe that this pass also came to the secret.
    pub noted_before: bool,
}

/// A secret of ours, as it was read.
#[derive(Debug)]
pub struct OurSecret(Stored);

impl AsRef<Credential> for OurSecret {
    fn as_ref(&self) -> &Credential {
        &self.0.credential
    }
}

/// Its step, in a pass and in a removal.
fn id(place: Place) -> StepId {
    match place {
        Place::Seed => "seed-secret".into(),
        Place::Shoot => "shoot-secret".into(),
    }
}

impl<S: AsRef<Credential>> SecretStep<'_, S> {
    fn wanted(&self) -> &Credential {
        (**self.source).as_ref()
    }

    fn judge(&self, stored: Stored) -> Observed<OurSecret> {
        let guards = self.flow.guards;
        let (compared, quiet) = match self.place {
            Place::Seed => (Guard::SeedSecretIsCompared, None),
            Place::Shoot => (Guard::ShootSecretIsCompared, Some(Guard::ShootSecretIsWrittenOnChange)),
        };
        if stored.owner != self.flow.spec.mark && guards.stand(Guard::SecretMustBeOurs) {
            return Observed::Foreign(Owner::new(&stored.owner));
        }
        let differs = stored.credential != *self.wanted();
        if (differs && guards.stand(compared)) || quiet.is_some_and(|quiet| !guards.stand(quiet)) {
            return Observed::Drifted { now: OurSecret(stored), why: "other-content" };
        }
        Observed::Ready(OurSecret(stored))
    }
}

impl<S: AsRef<Credential> + Send + Sync> Observe for SecretStep<'_, S> {
    type Out = OurSecret;
    type Read = Reader;

    fn id(&self) -> StepId {
        id(self.place)
    }

    fn timeout(&self) -> Option<Duration> {
        self.flow.timeout
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<OurSecret>, StepError> {
        if self.noted_before && !self.flow.guards.stand(Guard::SeedSecretIsLookedAt) {
            // The incident: something else was there, so the secret was believed to be there.
            let (name, owner) = (Name::clone(&self.flow.spec.shoot), Name::clone(&self.flow.spec.mark));
            let credential = self.wanted().clone();
            return Ok(Observed::Ready(OurSecret(Stored { name, owner, credential, resource_version: 0 })));
        }
        let found = read.secret(self.place, &self.flow.spec.shoot).await;
        let found = self.flow.guards.read(Guard::SecretNeedsAnAnswer, found)?;
        Ok(found.map_or(Observed::Absent, |stored| self.judge(stored)))
    }
}

impl<S: AsRef<Credential> + Send + Sync> Step for SecretStep<'_, S> {
    type Write = Writer;

    async fn apply(&self, write: &Writer, change: Change<'_, OurSecret>) -> Result<(), StepError> {
        let (name, owner) = (Name::clone(&self.flow.spec.shoot), Name::clone(&self.flow.spec.mark));
        match change {
            Change::Create => write.create_secret(self.place, name, owner, self.wanted().clone()).await,
            Change::Fix { now: OurSecret(now), .. } => {
                write.update_secret(self.place, name, now.resource_version, self.wanted().clone()).await
            }
        }
    }
}

/// A secret that is to go.
#[derive(Debug)]
pub struct SecretRemoval<'p> {
    /// What was made.
    pub flow: &'p Flow,
    /// Where.
    pub place: Place,
}

impl Observe for SecretRemoval<'_> {
    type Out = OurSecret;
    type Read = Reader;

    fn id(&self) -> StepId {
        id(self.place)
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<OurSecret>, StepError> {
        let found = read.secret(self.place, &self.flow.spec.shoot).await;
        let found = self.flow.guards.read(Guard::SecretRemovalNeedsAnAnswer, found)?;
        // What is not ours stays, and does not hold the removal.
        let ours = found.filter(|stored| stored.owner == self.flow.spec.mark);
        Ok(ours.map_or(Observed::Absent, |stored| Observed::Ready(OurSecret(stored))))
    }
}

impl Remove for SecretRemoval<'_> {
    type Write = Writer;

    async fn remove(&self, write: &Writer, OurSecret(now): &OurSecret) -> Result<(), StepError> {
        write.delete_secret(self.place, Name::clone(&now.name), now.resource_version).await
    }
}
