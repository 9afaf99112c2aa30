//! What the flow looks with.

use std::net::Ipv4Addr;
use std::sync::Arc;

use reconcile::testkit::Call;
use reconcile::{RecordReader, Records, StepError};

use super::Place;
use crate::errors::of_api;
use crate::flow::{NAME, OurSvm};
use crate::journal::WiredJournal;
use crate::ontap::{Aggregate, Body, Code, Fields, Lif, Name, Node, Page, Reply, Request, Svm};
use crate::secrets::{Credential, Stored};
use crate::wire::{Subject, Wire};

/// A client that can only read.
#[derive(Clone, Debug)]
pub struct Reader {
    wire: Wire,
    records: RecordReader,
}

/// An answer of another kind than the question.
const UNEXPECTED: StepError = StepError::transient("unexpected-answer");

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

    /// One page of the LIFs of an SVM, and where the next one begins.
    ///
    /// # Errors
    /// When it is not known.
    pub async fn lifs(&self, svm: &OurSvm, page: Page) -> Result<(Vec<Lif>, Option<Page>), StepError> {
        let request = Request::GetLifs { svm: svm.uuid, name: None, fields: Fields::All, page };
        match self.get(Subject::Lif, svm.cluster, request).await? {
            Body::Lifs { records, next } => Ok((records, next)),
            _ => Err(UNEXPECTED),
        }
    }

    /// All LIFs of an SVM.
    ///
    /// # Errors
    /// When they are not known. One page that is missing makes all unknown.
    pub async fn all_lifs(&self, svm: &OurSvm) -> Result<Vec<Lif>, StepError> {
        let (mut all, mut page) = (Vec::new(), Some(Page::FIRST));
        while let Some(from) = page {
            let (lifs, next) = self.lifs(svm, from).await?;
            all.extend(lifs);
            page = next;
        }
        Ok(all)
    }

    /// Whether there is an account of this name.
    ///
    /// # Errors
    /// When that is not known, or somebody has to unlock it.
    pub async fn has_account(&self, svm: &OurSvm, name: &Name) -> Result<bool, StepError> {
        let request = Request::GetAccount { owner: svm.uuid, name: Name::clone(name) };
        match self.get(Subject::Account, svm.cluster, request).await? {
            // It lets nobody in whatever the password, and who locked it had a reason.
            Body::Accounts(records) if records.iter().any(|one| one.locked) => {
                Err(StepError::needs_human("account-locked"))
            }
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
