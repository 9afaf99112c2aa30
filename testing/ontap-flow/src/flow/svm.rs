//! The SVM: made by a job, and ready when it says so itself.

use std::time::Duration;

use reconcile::{Change, Observe, Observed, Owner, Seen, Step, StepError, StepId};

use super::{AGAIN, Flow, Guard, Placement};
use crate::client::{Reader, Writer};
use crate::ontap::{Name, Svm, SvmState, Uuid};

/// The SVM on the cluster that was chosen.
#[derive(Debug)]
pub struct SvmStep<'p> {
    /// What is wanted.
    pub flow: &'p Flow,
    /// Where.
    pub placement: &'p Seen<'p, Placement>,
}

/// An SVM of ours.
#[derive(Clone, Copy, Debug)]
pub struct OurSvm {
    /// Which cluster it is on.
    pub cluster: usize,
    /// Its id.
    pub uuid: Uuid,
}

impl SvmStep<'_> {
    fn name(&self) -> Name {
        Name::clone(&self.flow.spec.svm)
    }

    /// The job's id is not asked: it is forgotten 300 s after the end, and the SVM itself knows better.
    fn judge(&self, svm: &Svm) -> Observed<OurSvm> {
        let now = OurSvm { cluster: self.placement.cluster, uuid: svm.uuid };
        let mark = svm.comment.as_deref().unwrap_or_default();
        if self.flow.guards.stand(Guard::SvmMustBeOurs) && mark != &*self.flow.spec.mark {
            return Observed::Foreign(Owner::new(mark));
        }
        match svm.state {
            _ if !self.flow.guards.stand(Guard::SvmMustRun) => {}
            Some(SvmState::Running) => {}
            Some(SvmState::Stopped) => return Observed::Drifted { now, why: "stopped" },
            // Not running is not absent: whoever takes it so makes a second one.
            _ => return Observed::Pending(AGAIN),
        }
        match svm.nvme {
            Some(false) if self.flow.guards.stand(Guard::SvmMustServeNvme) => {
                Observed::Drifted { now, why: "nvme-off" }
            }
            _ => Observed::Ready(now),
        }
    }
}

impl Observe for SvmStep<'_> {
    type Out = OurSvm;
    type Read = Reader;

    fn id(&self) -> StepId {
        "svm".into()
    }

    fn timeout(&self) -> Option<Duration> {
        self.flow.timeout
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<OurSvm>, StepError> {
        let found = read.svm(self.placement.cluster, &self.name()).await;
        let found = self.flow.guards.read(Guard::SvmNeedsAnAnswer, found)?;
        Ok(found.map_or(Observed::Absent, |svm| self.judge(&svm)))
    }
}

impl Step for SvmStep<'_> {
    type Write = Writer;

    async fn apply(&self, write: &Writer, change: Change<'_, OurSvm>) -> Result<(), StepError> {
        let cluster = self.placement.cluster;
        match change {
            Change::Create => write.create_svm(cluster, self.name(), Name::clone(&self.flow.spec.mark)).await,
            Change::Fix { now, why: "stopped" } => write.start_svm(cluster, now.uuid).await,
            Change::Fix { now, .. } => write.enable_nvme(cluster, now.uuid).await,
        }
    }
}
