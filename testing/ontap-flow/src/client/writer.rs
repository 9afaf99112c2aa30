//! What the flow writes with.

use std::net::Ipv4Addr;
use std::sync::Arc;

use reconcile::testkit::Call;
use reconcile::{Records, Secret, StepError};

use super::{Place, Reader};
use crate::errors::{of_api, of_secrets};
use crate::flow::{NAME, OurSvm};
use crate::journal::WiredJournal;
use crate::ontap::{Name, Password, Request, SvmState, Uuid};
use crate::secrets::{Credential, Refused, Secrets};
use crate::wire::{Subject, Wire};

/// A client that can write.
#[derive(Clone, Debug)]
pub struct Writer {
    wire: Wire,
    records: Records,
    reader: Reader,
}

impl Writer {
    /// On this wire.
    pub fn new(wire: Wire) -> Self {
        let records = Records::new(Arc::new(WiredJournal(wire.clone())), NAME);
        let reader = Reader::new(wire.clone());
        Self { wire, records, reader }
    }

    /// The flow's records.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The client that can only read.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// A password that nobody has yet.
    pub fn mint(&self) -> Secret {
        Secret::new(self.wire.mint().expose())
    }

    /// Asks for an SVM. The answer is a job at best.
    ///
    /// # Errors
    /// Any; it may have been taken on all the same.
    pub async fn create_svm(&self, cluster: usize, name: Name, mark: Name) -> Result<(), StepError> {
        let request = Request::PostSvm { name, comment: mark, nvme: true, return_timeout_seconds: 0 };
        self.send(Subject::Svm, cluster, request).await
    }

    /// Starts an SVM that is stopped.
    ///
    /// # Errors
    /// Any.
    pub async fn start_svm(&self, cluster: usize, svm: Uuid) -> Result<(), StepError> {
        let request = Request::PatchSvm { svm, state: Some(SvmState::Running), nvme: None };
        self.send(Subject::Svm, cluster, request).await
    }

    /// Turns NVMe on.
    ///
    /// # Errors
    /// Any.
    pub async fn enable_nvme(&self, cluster: usize, svm: Uuid) -> Result<(), StepError> {
        let request = Request::PatchSvm { svm, state: None, nvme: Some(true) };
        self.send(Subject::Svm, cluster, request).await
    }

    /// Asks for the end of an SVM.
    ///
    /// # Errors
    /// Any.
    pub async fn delete_svm(&self, cluster: usize, svm: Uuid) -> Result<(), StepError> {
        self.send(Subject::Svm, cluster, Request::DeleteSvm { svm }).await
    }

    /// Creates a LIF.
    ///
    /// # Errors
    /// Any.
    pub async fn create_lif(
        &self,
        svm: &OurSvm,
        name: Name,
        address: Ipv4Addr,
        home_node: Uuid,
        service_policy: &'static str,
    ) -> Result<(), StepError> {
        let request = Request::PostLif { svm: svm.uuid, name, address, home_node, service_policy };
        self.send(Subject::Lif, svm.cluster, request).await
    }

    /// Gives a LIF another address.
    ///
    /// # Errors
    /// Any.
    pub async fn move_lif(&self, cluster: usize, lif: Uuid, address: Ipv4Addr) -> Result<(), StepError> {
        let request = Request::PatchLif { lif, address: Some(address), enabled: None };
        self.send(Subject::Lif, cluster, request).await
    }

    /// Lets a LIF answer.
    ///
    /// # Errors
    /// Any.
    pub async fn enable_lif(&self, cluster: usize, lif: Uuid) -> Result<(), StepError> {
        let request = Request::PatchLif { lif, address: None, enabled: Some(true) };
        self.send(Subject::Lif, cluster, request).await
    }

    /// Deletes a LIF.
    ///
    /// # Errors
    /// Any.
    pub async fn delete_lif(&self, cluster: usize, lif: Uuid) -> Result<(), StepError> {
        self.send(Subject::Lif, cluster, Request::DeleteLif { lif }).await
    }

    /// Creates an account.
    ///
    /// # Errors
    /// Any.
    pub async fn create_account(&self, svm: &OurSvm, who: Credential) -> Result<(), StepError> {
        let Credential { username: name, password } = who;
        self.send(Subject::Account, svm.cluster, Request::PostAccount { owner: svm.uuid, name, password }).await
    }

    /// Sets a password. ONTAP refuses the one that it is, and the last ones.
    ///
    /// # Errors
    /// Any.
    pub async fn set_password(&self, svm: &OurSvm, who: Credential) -> Result<(), StepError> {
        let (owner, name, password): (Uuid, Name, Password) = (svm.uuid, who.username, who.password);
        self.send(Subject::Account, svm.cluster, Request::PostPassword { owner, name, password }).await
    }

    /// Creates a secret that is not there.
    ///
    /// # Errors
    /// Any.
    pub async fn create_secret(
        &self,
        place: Place,
        name: Name,
        owner: Name,
        what: Credential,
    ) -> Result<(), StepError> {
        self.keep("secret.create", place, move |secrets| secrets.create(&name, &owner, what)).await
    }

    /// Changes a secret, if this is still its version.
    ///
    /// # Errors
    /// Any.
    pub async fn update_secret(
        &self,
        place: Place,
        name: Name,
        version: u64,
        what: Credential,
    ) -> Result<(), StepError> {
        self.keep("secret.update", place, move |secrets| secrets.update(&name, version, what)).await
    }

    /// Deletes a secret, if this is still its version.
    ///
    /// # Errors
    /// Any.
    pub async fn delete_secret(&self, place: Place, name: Name, version: u64) -> Result<(), StepError> {
        self.keep("secret.delete", place, move |secrets| secrets.delete(&name, version)).await
    }

    async fn keep(
        &self,
        name: &'static str,
        place: Place,
        write: impl FnOnce(&mut Secrets) -> Result<(), Refused> + Send,
    ) -> Result<(), StepError> {
        let call = Call::write(name);
        let answer = self.wire.call(call, (place.subject(), 0), move |world, _| place.of(world).update(write)).await?;
        answer.map_err(of_secrets)
    }

    async fn send(&self, subject: Subject, cluster: usize, request: Request) -> Result<(), StepError> {
        // Any 2xx will do: the password endpoint is specified to answer 201, and answers 200.
        self.wire.ontap(subject, cluster, request).await?.map(|_| ()).map_err(of_api)
    }
}
