//! What was made goes, in reverse order, by the journal: the specification may be another one by now.

use reconcile::{
    Found, Gone, Observe, Observed, Observer, Outcome, Record, Recorded, Remains, Removal, Remove, StepError, StepId,
};
use serde::de::IgnoredAny;

use super::{AGAIN, CREDENTIAL, Flow, Guard, Guards, NAME, OurSecret, OurSvm, PLACEMENT, Placement, SecretRemoval};
use super::{account, placement};
use crate::client::{Place, Reader, Writer};
use crate::ontap::{Name, Svm, SvmState};
use crate::wire::Wire;

/// What is removed, in this order. The placement is the last: without it nobody knows where the SVM is.
const GOAL: [&str; 5] = ["shoot-secret", "seed-secret", "svm", CREDENTIAL, PLACEMENT];

/// One pass that removes whatever the journal tells of.
pub async fn remove(wire: Wire, guards: Guards, observer: &dyn Observer) -> Outcome {
    let (read, write) = (Reader::new(wire.clone()), Writer::new(wire));
    let first = Removal::new(NAME, [PLACEMENT]);
    let recorded = Recorded::<Placement>::new(placement::record());
    let Some(Found::Here(placement)) = first.look(&recorded, read.records()).await else { return first.finish() };
    let flow = Flow::new((&placement.value).into()).with_guards(guards);
    let removal = Removal::new(NAME, GOAL).with_observer(observer);
    let run = Run { flow: &flow, placement: &placement, removal: &removal, read, write };
    run.all(&recorded).await;
    removal.finish()
}

/// One removal, and the two clients.
struct Run<'r> {
    flow: &'r Flow,
    placement: &'r Remains<'r, Record<Placement>>,
    removal: &'r Removal<'r>,
    read: Reader,
    write: Writer,
}

impl Run<'_> {
    async fn all(&self, recorded: &Recorded<Placement>) -> Option<()> {
        let (records, keeps) = (self.write.records(), self.flow.guards.stand(Guard::RemovalKeepsTheJournal));
        if !keeps {
            self.removal.remove(recorded, self.read.records(), records).await;
        }
        let secret = self.secrets().await?;
        let svm = SvmRemoval { flow: self.flow, placement: self.placement, secret: &secret };
        self.removal.remove(&svm, &self.read, &self.write).await?;
        let credential = Recorded::<IgnoredAny>::new(account::record());
        self.removal.remove(&credential, self.read.records(), records).await?;
        if keeps {
            self.removal.remove(recorded, self.read.records(), records).await?;
        }
        Some(())
    }

    async fn secrets(&self) -> Option<Gone<'_, OurSecret>> {
        let (flow, read, write) = (self.flow, &self.read, &self.write);
        self.removal.remove(&SecretRemoval { flow, place: Place::Shoot }, read, write).await?;
        self.removal.remove(&SecretRemoval { flow, place: Place::Seed }, read, write).await
    }
}

/// The SVM, with all that is in it. It goes when nobody is told the password any more.
#[derive(Debug)]
pub struct SvmRemoval<'p> {
    /// What was made.
    pub flow: &'p Flow,
    /// Where.
    pub placement: &'p Remains<'p, Record<Placement>>,
    /// The secret that let others in.
    pub secret: &'p Gone<'p, OurSecret>,
}

impl SvmRemoval<'_> {
    fn judge(&self, svm: &Svm) -> Observed<OurSvm> {
        let ours = svm.comment.as_deref() == Some(&*self.flow.spec.mark);
        // What is not ours stays, and does not hold the removal.
        if !ours && self.flow.guards.stand(Guard::RemovalSparesForeigners) {
            return Observed::Absent;
        }
        match svm.state {
            Some(SvmState::Running | SvmState::Stopped) => {
                Observed::Ready(OurSvm { cluster: self.placement.value.cluster, uuid: svm.uuid })
            }
            _ => Observed::Pending(AGAIN),
        }
    }
}

impl Observe for SvmRemoval<'_> {
    type Out = OurSvm;
    type Read = Reader;

    fn id(&self) -> StepId {
        "svm".into()
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<OurSvm>, StepError> {
        let name = Name::clone(&self.flow.spec.svm);
        let found = read.svm(self.placement.value.cluster, &name).await;
        let found = self.flow.guards.read(Guard::RemovalNeedsAnAnswer, found)?;
        Ok(found.map_or(Observed::Absent, |svm| self.judge(&svm)))
    }
}

impl Remove for SvmRemoval<'_> {
    type Write = Writer;

    async fn remove(&self, write: &Writer, now: &OurSvm) -> Result<(), StepError> {
        write.delete_svm(now.cluster, now.uuid).await
    }
}
