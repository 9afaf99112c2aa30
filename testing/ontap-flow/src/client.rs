//! The two clients of the flow: one can only read.

use std::net::Ipv4Addr;

use std::sync::Arc;

use reconcile::testkit::{Call, Versions};
use reconcile::{RecordReader, Records, Secret, StepError};

use crate::errors::{of_api, of_secrets};
use crate::flow::{NAME, OurSvm};
use crate::journal::WiredJournal;
use crate::ontap::{
    Aggregate, Body, Code, Fields, Lif, Name, Node, Page, Password, Reply, Request, Svm, SvmState, Uuid,
};
use crate::secrets::{Credential, Refused, Secrets, Stored};
use crate::wire::{Subject, Wire};
use crate::world::World;

/// Which secret store.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Place {
    /// The cluster that hosts control planes.
    Seed,
    /// The cluster that uses the storage.
    Shoot,
}

impl Place {
    /// Its store.
    pub fn of(self, world: &mut World) -> &mut Versions<Secrets> {
        match self {
            Self::Seed => &mut world.seed,
            Self::Shoot => &mut world.shoot,
        }
    }

    fn subject(self) -> Subject {
        match self {
            Self::Seed => Subject::SeedSecret,
            Self::Shoot => Subject::ShootSecret,
        }
    }
}

/// A client that can only read.
#[derive(Clone, Debug)]
pub struct Reader {
    wire: Wire,
    records: RecordReader,
}

/// A client that can write.
#[derive(Clone, Debug)]
pub struct Writer {
    wire: Wire,
    records: Records,
    reader: Reader,
}

impl Reader {
    /// On this wire.
    pub fn new(wire: Wire) -> Self {
        let records = Records::new(Arc::new(WiredJournal(wire.clone())), NAME).reader().clone();
        Self { wire, records }
    }

    /// The flow's records.
    pub fn records(&self) -> &RecordReader {
        &self.records
    }

    /// How many clusters there are.
    pub fn clusters(&self) -> usize {
        self.wire.clusters()
    }

    /// The SVM of this name.
    ///
    /// # Errors
    /// When that is not known. Also a busy SVM is found: absent means absent.
    pub async fn svm(&self, cluster: usize, name: &Name) -> Result<Option<Svm>, StepError> {
        let request = Request::GetSvms { name: Some(Name::clone(name)), fields: Fields::All, page: Page::FIRST };
        match self.get(Subject::Svm, cluster, request).await? {
            Body::Svms { mut records, .. } => Ok(records.pop()),
            _ => Err(UNEXPECTED),
        }
    }

    /// The nodes of a cluster.
    ///
    /// # Errors
    /// When they are not known.
    pub async fn nodes(&self, cluster: usize) -> Result<Vec<Node>, StepError> {
        match self.get(Subject::Cluster, cluster, Request::GetNodes).await? {
            Body::Nodes(nodes) => Ok(nodes),
            _ => Err(UNEXPECTED),
        }
    }

    /// How many volumes a cluster has.
    ///
    /// # Errors
    /// When that is not known.
    pub async fn volumes(&self, cluster: usize) -> Result<u32, StepError> {
        let sum = |all: Vec<Aggregate>| all.iter().map(|one| one.volume_count).sum();
        match self.get(Subject::Cluster, cluster, Request::GetAggregates).await? {
            Body::Aggregates(all) => Ok(sum(all)),
            _ => Err(UNEXPECTED),
        }
    }

    /// The LIF of this name in an SVM.
    ///
    /// # Errors
    /// When that is not known.
    pub async fn lif(&self, svm: &OurSvm, name: &Name) -> Result<Option<Lif>, StepError> {
        let name = Some(Name::clone(name));
        let request = Request::GetLifs { svm: svm.uuid, name, fields: Fields::All, page: Page::FIRST };
        match self.get(Subject::Lif, svm.cluster, request).await? {
            Body::Lifs { mut records, .. } => Ok(records.pop()),
            _ => Err(UNEXPECTED),
        }
    }

    /// All LIFs of an SVM, or only the first page of them.
    ///
    /// # Errors
    /// When they are not known. One page that is missing makes all unknown.
    pub async fn lifs(&self, svm: &OurSvm, every_page: bool) -> Result<Vec<Lif>, StepError> {
        let (mut all, mut page) = (Vec::new(), Some(Page::FIRST));
        while let Some(from) = page {
            let request = Request::GetLifs { svm: svm.uuid, name: None, fields: Fields::All, page: from };
            let Body::Lifs { records, next } = self.get(Subject::Lif, svm.cluster, request).await? else {
                return Err(UNEXPECTED);
            };
            all.extend(records);
            page = next.filter(|_| every_page);
        }
        Ok(all)
    }

    /// Whether there is an account of this name.
    ///
    /// # Errors
    /// When that is not known.
    pub async fn has_account(&self, svm: &OurSvm, name: &Name) -> Result<bool, StepError> {
        let request = Request::GetAccount { owner: svm.uuid, name: Name::clone(name) };
        match self.get(Subject::Account, svm.cluster, request).await? {
            Body::Accounts(records) => Ok(!records.is_empty()),
            _ => Err(UNEXPECTED),
        }
    }

    /// Whether a login works. `false` only after a 401.
    ///
    /// # Errors
    /// When that is not known.
    pub async fn login(&self, cluster: usize, address: Ipv4Addr, who: &Credential) -> Result<bool, StepError> {
        let (name, password) = (Name::clone(&who.username), who.password.clone());
        let request = Request::Login { address, name, password };
        let answer = self.wire.ontap(Subject::Account, cluster, request).await?;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.code == Code::NOT_AUTHORIZED => Ok(false),
            Err(error) => Err(of_api(error)),
        }
    }

    /// A secret.
    ///
    /// # Errors
    /// When it is not known.
    pub async fn secret(&self, place: Place, name: &Name) -> Result<Option<Stored>, StepError> {
        let call = Call::read("secret.get").with_stale(self.wire.behind());
        let name = Name::clone(name);
        self.wire
            .call(call, (place.subject(), 0), move |world, twist| place.of(world).behind(twist.stale()).get(&name))
            .await
    }

    async fn get(&self, subject: Subject, cluster: usize, request: Request) -> Result<Body, StepError> {
        self.wire.ontap(subject, cluster, request).await?.map(|reply: Reply| reply.body).map_err(of_api)
    }
}

/// An answer of another kind than the question.
const UNEXPECTED: StepError = StepError::transient("unexpected-answer");

impl Writer {
    /// On this wire.
    pub fn new(wire: Wire) -> Self {
        let records = Records::new(Arc::new(WiredJournal(wire.clone())), NAME);
        let reader = Reader { wire: wire.clone(), records: records.reader().clone() };
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
