//! What the four have in common: the single calls.

use std::time::Duration;

use reconcile::StepError;

use crate::client::{Place, Reader, Writer};
use crate::flow::{OurSvm, Spec};
use crate::ontap::{Name, Password, Svm, SvmState};
use crate::secrets::{Credential, Stored};
use crate::wire::Wire;

/// Both clients, and what is wanted.
#[derive(Debug)]
pub(super) struct Hands<'a> {
    pub(super) wire: Wire,
    pub(super) read: Reader,
    pub(super) write: Writer,
    pub(super) spec: &'a Spec,
}

/// Which data LIFs and whether the management LIF are there.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) data: Vec<bool>,
    pub(super) management: bool,
}

impl<'a> Hands<'a> {
    pub(super) fn new(wire: Wire, spec: &'a Spec) -> Self {
        Self { read: Reader::new(wire.clone()), write: Writer::new(wire.clone()), wire, spec }
    }

    pub(super) async fn svm(&self, cluster: usize) -> Result<Option<Svm>, StepError> {
        self.read.svm(cluster, &self.spec.svm).await
    }

    /// Asks for the SVM, drops the job, and asks for the name ten times.
    pub(super) async fn create_svm(&self, cluster: usize) -> Result<OurSvm, StepError> {
        self.write.create_svm(cluster, Name::clone(&self.spec.svm), Name::clone(&self.spec.mark)).await?;
        for _ in 0..10 {
            self.wire.sleep(Duration::from_secs(2)).await;
            match self.svm(cluster).await? {
                Some(svm) if svm.state == Some(SvmState::Running) => return Ok(OurSvm { cluster, uuid: svm.uuid }),
                _ => {}
            }
        }
        Err(StepError::transient("svm-not-running"))
    }

    pub(super) async fn create_lifs(&self, svm: &OurSvm) -> Result<(), StepError> {
        for index in 0..self.spec.data.len() {
            self.create_data_lif(svm, index).await?;
        }
        self.create_management_lif(svm).await
    }

    pub(super) async fn create_data_lif(&self, svm: &OurSvm, index: usize) -> Result<(), StepError> {
        let (name, address) = (Spec::data_lif(index), self.spec.data[index]);
        self.write.create_lif(svm, name, address, svm.uuid, "default-data-nvme-tcp").await
    }

    pub(super) async fn create_management_lif(&self, svm: &OurSvm) -> Result<(), StepError> {
        let name = Name::from(Spec::MANAGEMENT_LIF);
        self.write.create_lif(svm, name, self.spec.management, svm.uuid, "default-management").await
    }

    pub(super) async fn lifs(&self, svm: &OurSvm) -> Result<Present, StepError> {
        let names: Vec<Name> = self.read.all_lifs(svm).await?.into_iter().map(|lif| lif.name).collect();
        let data = (0..self.spec.data.len()).map(|index| names.contains(&Spec::data_lif(index))).collect();
        Ok(Present { data, management: names.iter().any(|name| &**name == Spec::MANAGEMENT_LIF) })
    }

    pub(super) async fn secret(&self) -> Result<Option<Stored>, StepError> {
        self.read.secret(Place::Seed, &self.spec.shoot).await
    }

    pub(super) fn fresh(&self) -> Credential {
        self.with(self.wire.mint())
    }

    fn with(&self, password: Password) -> Credential {
        Credential { username: Name::clone(&self.spec.shoot), password }
    }

    /// Creates the account; where it is there already, sets its password.
    pub(super) async fn create_or_set(&self, svm: &OurSvm, credential: &Credential) -> Result<(), StepError> {
        match self.write.create_account(svm, credential.clone()).await {
            Err(error) if error.code == "already-there" => self.write.set_password(svm, credential.clone()).await,
            other => other,
        }
    }

    pub(super) async fn create_secret(&self, credential: Credential) -> Result<(), StepError> {
        let (name, mark) = (Name::clone(&self.spec.shoot), Name::clone(&self.spec.mark));
        self.write.create_secret(Place::Seed, name, mark, credential).await
    }

    pub(super) async fn create_user_and_secret(&self, svm: &OurSvm) -> Result<(), StepError> {
        let credential = self.fresh();
        self.create_or_set(svm, &credential).await?;
        self.create_secret(credential).await
    }

    /// Reads the secret of the seed again, and puts its content into the shoot.
    pub(super) async fn deploy(&self) -> Result<(), StepError> {
        let seed = self.secret().await?.ok_or(SECRET_MISSING)?.credential;
        let (name, mark) = (Name::clone(&self.spec.shoot), Name::clone(&self.spec.mark));
        match self.read.secret(Place::Shoot, &name).await? {
            None => self.write.create_secret(Place::Shoot, name, mark, seed).await,
            Some(shoot) if shoot.credential == seed => Ok(()),
            Some(shoot) => self.write.update_secret(Place::Shoot, name, shoot.resource_version, seed).await,
        }
    }
}

pub(super) const SECRET_MISSING: StepError = StepError::transient("secret-missing");
