//! On which cluster: a decision, written down before anything acts on it.

use std::sync::LazyLock;
use std::time::Duration;

use reconcile::{Change, Observe, Observed, RecordName, Step, StepError, StepId};
use serde::{Deserialize, Serialize};

use super::{Flow, Guard, Spec};
use crate::client::{Reader, Writer};
use crate::ontap::{Name, Svm};

/// The name of the record.
pub const PLACEMENT: &str = "placement";

/// The decision. It holds all names, so that a removal needs no specification.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Placement {
    /// Which cluster.
    pub cluster: usize,
    /// The SVM's name.
    pub svm: String,
    /// The mark on what is made.
    pub mark: String,
    /// The account, and the secrets.
    pub shoot: String,
}

/// The decision where the SVM is to be.
#[derive(Debug)]
pub struct PlacementStep<'p> {
    /// What is wanted.
    pub flow: &'p Flow,
}

/// The record of it.
pub(super) fn record() -> RecordName {
    static NAME: LazyLock<RecordName> = LazyLock::new(|| RecordName::new(PLACEMENT).expect("it is a name"));
    NAME.clone()
}

impl PlacementStep<'_> {
    fn on(&self, cluster: usize) -> Placement {
        let Spec { svm, mark, shoot, .. } = &self.flow.spec;
        Placement { cluster, svm: svm.to_string(), mark: mark.to_string(), shoot: shoot.to_string() }
    }

    /// The cluster that has our SVM already; if none has, the one with the fewest volumes.
    ///
    /// One that does not answer may be the one that has it: then nothing is decided.
    async fn choose(&self, read: &Reader) -> Result<usize, StepError> {
        let guards = self.flow.guards;
        let mut choices = Vec::new();
        for cluster in 0..read.clusters() {
            if guards.stand(Guard::PlacementLooksEverywhere) {
                let found = read.svm(cluster, &self.flow.spec.svm).await;
                let found = guards.read(Guard::PlacementNeedsEveryAnswer, found)?;
                if found.is_some_and(|svm| self.is_ours(&svm)) {
                    return Ok(cluster);
                }
            }
            let volumes = guards.read(Guard::VolumesMustBeKnown, read.volumes(cluster).await)?;
            choices.push((volumes, cluster));
        }
        choices.into_iter().min().map(|(_, cluster)| cluster).ok_or(StepError::config("no-cluster"))
    }

    fn is_ours(&self, svm: &Svm) -> bool {
        svm.comment.as_deref() == Some(&*self.flow.spec.mark)
    }
}

impl Observe for PlacementStep<'_> {
    type Out = Placement;
    type Read = Reader;

    fn id(&self) -> StepId {
        PLACEMENT.into()
    }

    fn timeout(&self) -> Option<Duration> {
        self.flow.timeout
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<Placement>, StepError> {
        if !self.flow.guards.stand(Guard::PlacementIsWrittenDown) {
            return Ok(Observed::Ready(self.on(self.choose(read).await?)));
        }
        let found = read.records().get::<Placement>(&record()).await.map_err(StepError::from);
        let found = self.flow.guards.read(Guard::PlacementNeedsTheJournal, found)?;
        Ok(found.map_or(Observed::Absent, |found| Observed::Ready(found.value)))
    }
}

impl Step for PlacementStep<'_> {
    type Write = Writer;

    /// Created only if absent: of two controllers that decide at once, one reads what the other one decided.
    async fn apply(&self, write: &Writer, _: Change<'_, Placement>) -> Result<(), StepError> {
        let cluster = self.choose(write.reader()).await?;
        write.records().create(&record(), &self.on(cluster)).await?;
        Ok(())
    }
}

impl From<&Placement> for Spec {
    /// As much of it as a removal needs: the addresses are left out.
    fn from(decision: &Placement) -> Self {
        Self {
            svm: Name::from(&*decision.svm),
            mark: Name::from(&*decision.mark),
            shoot: Name::from(&*decision.shoot),
            data: Vec::new(),
            management: std::net::Ipv4Addr::UNSPECIFIED,
        }
    }
}
