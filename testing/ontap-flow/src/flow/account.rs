//! The account: its password is written down before it is used, and proven by logging in.

use std::sync::LazyLock;
use std::time::Duration;

use reconcile::{Change, Kept, Login, Observe, Observed, RecordName, Secret, Seen, Step, StepError, StepId};

use super::{Flow, Guard, OurLif, OurSvm};
use crate::client::{Reader, Writer};
use crate::ontap::{Name, Password};
use crate::secrets::Credential;

/// The name of the record that keeps its passwords.
pub const CREDENTIAL: &str = "credential";

/// The account of the shoot.
#[derive(Debug)]
pub struct AccountStep<'p> {
    /// What is wanted.
    pub flow: &'p Flow,
    /// Whose.
    pub svm: &'p Seen<'p, OurSvm>,
    /// Where it logs in.
    pub management: &'p Seen<'p, OurLif>,
    /// Its passwords, the one in use among them if it was ever set by us.
    pub kept: &'p Seen<'p, Kept>,
}

/// An account that one can log in to.
#[derive(Debug)]
pub struct OurAccount {
    login: Login,
    /// What works. While the account is drifted, the newest one, which does not.
    credential: Credential,
}

impl AsRef<Login> for OurAccount {
    fn as_ref(&self) -> &Login {
        &self.login
    }
}

impl AsRef<Credential> for OurAccount {
    fn as_ref(&self) -> &Credential {
        &self.credential
    }
}

/// The record that keeps its passwords.
pub(super) fn record() -> RecordName {
    static NAME: LazyLock<RecordName> = LazyLock::new(|| RecordName::new(CREDENTIAL).expect("it is a name"));
    NAME.clone()
}

impl AccountStep<'_> {
    fn name(&self) -> &Name {
        &self.flow.spec.shoot
    }

    fn with(&self, password: &Secret) -> Credential {
        Credential { username: Name::clone(self.name()), password: Password::new(password.expose()) }
    }

    /// Two passwords can be in question after a crash: the login tells which one works.
    fn judge(&self, login: Login) -> Observed<OurAccount> {
        let works = login.works().is_some();
        let credential = self.with(login.works().unwrap_or(self.kept.newest()));
        let now = OurAccount { login, credential };
        if works { Observed::Ready(now) } else { Observed::Drifted { now, why: "login-refused" } }
    }

    async fn can_log_in(&self, read: &Reader, password: &Secret) -> Result<bool, StepError> {
        let guards = self.flow.guards;
        if !guards.stand(Guard::LoginProves) {
            return Ok(true);
        }
        let answer = read.login(self.svm.cluster, self.management.address, &self.with(password)).await;
        guards.read(Guard::OnlyARefusalIsARefusal, answer)
    }

    async fn create(&self, write: &Writer) -> Result<(), StepError> {
        if self.flow.guards.stand(Guard::PasswordIsKeptBeforeUse) {
            return write.create_account(self.svm, self.with(self.kept.newest())).await;
        }
        let fresh = write.mint();
        write.create_account(self.svm, self.with(&fresh)).await?;
        self.keep(write, &fresh).await
    }

    /// Sets the newest password. One that was in use before is refused by ONTAP for ever: then a fresh one is needed.
    async fn reset(&self, write: &Writer) -> Result<(), StepError> {
        let newest = self.kept.newest();
        let was_used = self.kept.verified() == Some(newest);
        if was_used && self.flow.guards.stand(Guard::NewPasswordIsNew) {
            return self.set_fresh(write).await;
        }
        match write.set_password(self.svm, self.with(newest)).await {
            Err(error) if error.code == "password-used-before" && self.flow.guards.stand(Guard::NewPasswordIsNew) => {
                self.set_fresh(write).await
            }
            other => other,
        }
    }

    async fn set_fresh(&self, write: &Writer) -> Result<(), StepError> {
        let fresh = write.mint();
        if self.flow.guards.stand(Guard::NewPasswordIsKeptBeforeUse) {
            self.keep(write, &fresh).await?;
            return write.set_password(self.svm, self.with(&fresh)).await;
        }
        write.set_password(self.svm, self.with(&fresh)).await?;
        self.keep(write, &fresh).await
    }

    async fn keep(&self, write: &Writer, fresh: &Secret) -> Result<(), StepError> {
        write.records().add_candidate(&record(), self.kept, fresh).await?;
        Ok(())
    }
}

impl Observe for AccountStep<'_> {
    type Out = OurAccount;
    type Read = Reader;

    fn id(&self) -> StepId {
        "account".into()
    }

    fn timeout(&self) -> Option<Duration> {
        self.flow.timeout
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<OurAccount>, StepError> {
        let found = read.has_account(self.svm, self.name()).await;
        if !self.flow.guards.read(Guard::AccountNeedsAnAnswer, found)? {
            return Ok(Observed::Absent);
        }
        let login = self.kept.log_in(|candidate| self.can_log_in(read, candidate)).await?;
        Ok(self.judge(login))
    }
}

impl Step for AccountStep<'_> {
    type Write = Writer;

    async fn apply(&self, write: &Writer, change: Change<'_, OurAccount>) -> Result<(), StepError> {
        match change {
            Change::Create => self.create(write).await,
            Change::Fix { .. } => self.reset(write).await,
        }
    }
}
