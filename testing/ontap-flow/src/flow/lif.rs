//! The LIFs: each one is looked at by itself.

use std::net::Ipv4Addr;
use std::time::Duration;

use reconcile::{Change, Observe, Observed, Seen, Step, StepError, StepId};

use super::{Flow, Guard, Nodes, OurSvm, Spec};
use crate::client::{Reader, Writer};
use crate::ontap::{Lif, Name, Page, Uuid};

/// One LIF, by name.
#[derive(Debug)]
pub struct LifStep<'p> {
    /// What is wanted.
    pub flow: &'p Flow,
    /// Whose.
    pub svm: &'p Seen<'p, OurSvm>,
    /// Where it may live.
    pub nodes: &'p Seen<'p, Nodes>,
    /// Which one.
    pub role: Role,
}

/// What a LIF is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// NVMe over TCP, the one of this index.
    Data(usize),
    /// The SVM's own API.
    Management,
}

impl Role {
    /// Its step.
    pub fn id(self) -> StepId {
        match self {
            Self::Data(index) => StepId::indexed("datalif", index),
            Self::Management => "managementlif".into(),
        }
    }

    fn name(self) -> Name {
        match self {
            Self::Data(index) => Spec::data_lif(index),
            Self::Management => Name::from(Spec::MANAGEMENT_LIF),
        }
    }

    fn policy(self) -> &'static str {
        match self {
            Self::Data(_) => "default-data-nvme-tcp",
            Self::Management => "default-management",
        }
    }
}

/// A LIF that answers where it should.
#[derive(Clone, Copy, Debug)]
pub struct OurLif {
    uuid: Uuid,
    /// Where it answers.
    pub address: Ipv4Addr,
}

impl LifStep<'_> {
    fn address(&self) -> Ipv4Addr {
        match self.role {
            Role::Data(index) => self.flow.spec.data[index],
            Role::Management => self.flow.spec.management,
        }
    }

    /// The address is the specification's to say, so it is repaired.
    ///
    /// While another LIF has it, ONTAP refuses. If that one is of this SVM, it is to move too, and may be waiting for the
    /// address of this one: so this one makes room, and is made again in the next pass. Otherwise the step is held.
    async fn move_to_address(&self, write: &Writer, now: &OurLif) -> Result<(), StepError> {
        let refused = match write.move_lif(self.svm.cluster, now.uuid, self.address()).await {
            Err(error) if error.code == "address-in-use" => error,
            other => return other,
        };
        let lifs = write.reader().all_lifs(self.svm).await?;
        match lifs.iter().any(|lif| lif.address == Some(self.address())) {
            true => write.delete_lif(self.svm.cluster, now.uuid).await,
            false => Err(refused),
        }
    }

    fn judge(&self, lif: &Lif) -> Observed<OurLif> {
        let now = OurLif { uuid: lif.uuid, address: self.address() };
        if lif.address != Some(now.address) && self.flow.guards.stand(Guard::LifAddressIsCompared) {
            return Observed::Drifted { now, why: "other-address" };
        }
        // A creation that ended half-way leaves one that is there and does not answer.
        if lif.enabled != Some(true) && self.flow.guards.stand(Guard::LifMustBeEnabled) {
            return Observed::Drifted { now, why: "disabled" };
        }
        Observed::Ready(now)
    }
}

impl Observe for LifStep<'_> {
    type Out = OurLif;
    type Read = Reader;

    fn id(&self) -> StepId {
        self.role.id()
    }

    fn timeout(&self) -> Option<Duration> {
        self.flow.timeout
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<OurLif>, StepError> {
        if matches!(self.role, Role::Data(_)) && !self.flow.guards.stand(Guard::LifIsLookedAt) {
            return Ok(Observed::Ready(OurLif { uuid: self.svm.uuid, address: self.address() }));
        }
        let found = read.lif(self.svm, &self.role.name()).await;
        let found = self.flow.guards.read(Guard::LifNeedsAnAnswer, found)?;
        Ok(found.map_or(Observed::Absent, |lif| self.judge(&lif)))
    }
}

impl Step for LifStep<'_> {
    type Write = Writer;

    async fn apply(&self, write: &Writer, change: Change<'_, OurLif>) -> Result<(), StepError> {
        let cluster = self.svm.cluster;
        match change {
            Change::Create => {
                let index = if let Role::Data(index) = self.role { index } else { 0 };
                let node = self.nodes.home(index);
                write.create_lif(self.svm, self.role.name(), self.address(), node, self.role.policy()).await
            }
            Change::Fix { now, why: "other-address" } => self.move_to_address(write, now).await,
            Change::Fix { now, .. } => write.enable_lif(cluster, now.uuid).await,
        }
    }
}

/// The LIFs for data that the specification does not name any more. One goes in each pass.
#[derive(Debug)]
pub struct SurplusStep<'p> {
    /// What is wanted.
    pub flow: &'p Flow,
    /// Whose.
    pub svm: &'p Seen<'p, OurSvm>,
}

impl SurplusStep<'_> {
    async fn all(&self, read: &Reader) -> Result<Vec<Lif>, StepError> {
        let (guards, mut all, mut page) = (self.flow.guards, Vec::new(), Some(Page::FIRST));
        while let Some(from) = page {
            let (lifs, next) = guards.read(Guard::EveryPageMustCome, read.lifs(self.svm, from).await)?;
            all.extend(lifs);
            page = next.filter(|_| guards.stand(Guard::AllPagesAreRead));
        }
        Ok(all)
    }

    fn is_surplus(&self, lif: &Lif) -> bool {
        let index = lif.name.strip_prefix("datalif").and_then(|index| index.parse::<usize>().ok());
        index.is_some_and(|index| index >= self.flow.spec.data.len())
    }
}

impl Observe for SurplusStep<'_> {
    type Out = Option<Uuid>;
    type Read = Reader;

    fn id(&self) -> StepId {
        "no-surplus-lif".into()
    }

    fn timeout(&self) -> Option<Duration> {
        self.flow.timeout
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<Option<Uuid>>, StepError> {
        let lifs = self.all(read).await?;
        let surplus = lifs.iter().find(|lif| self.is_surplus(lif)).map(|lif| lif.uuid);
        if surplus.is_some() && self.flow.guards.stand(Guard::SurplusIsRemoved) {
            return Ok(Observed::Drifted { now: surplus, why: "surplus" });
        }
        Ok(Observed::Ready(None))
    }
}

impl Step for SurplusStep<'_> {
    type Write = Writer;

    async fn apply(&self, write: &Writer, change: Change<'_, Option<Uuid>>) -> Result<(), StepError> {
        match change {
            Change::Fix { now: Some(lif), .. } => write.delete_lif(self.svm.cluster, *lif).await,
            Change::Fix { now: None, .. } | Change::Create => Ok(()),
        }
    }
}
