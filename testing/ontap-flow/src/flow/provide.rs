//! The order of the steps, which their fields dictate: a step is made of what it needs.

use reconcile::{Escrow, Pass, Seen, StepId, Verified};

use super::{
    AccountStep, CREDENTIAL, Flow, LifStep, NAME, Nodes, NodesStep, OurAccount, OurLif, OurSvm, PLACEMENT,
    PlacementStep, Role, SecretStep, SurplusStep, SvmStep, account,
};
use crate::client::{Place, Reader, Writer};
use crate::wire::Wire;

/// One pass, and the two clients.
struct Run<'r> {
    flow: &'r Flow,
    pass: &'r Pass<'r>,
    read: Reader,
    write: Writer,
}

impl Flow {
    /// A pass for [`run`](Self::run).
    pub fn pass<'o>(&self) -> Pass<'o> {
        Pass::new(NAME, self.goal())
    }

    /// A pass for [`run`](Self::run) that only says what it would do.
    pub fn plan<'o>(&self) -> Pass<'o> {
        Pass::plan(NAME, self.goal())
    }

    /// Brings about what is wanted, as far as this pass gets.
    pub async fn run(&self, pass: &Pass<'_>, wire: Wire) {
        let run = Run { flow: self, pass, read: Reader::new(wire.clone()), write: Writer::new(wire) };
        run.all().await;
    }

    /// Every step that must be ready.
    fn goal(&self) -> impl Iterator<Item = StepId> {
        const ALWAYS: [StepId; 10] = [
            StepId::new(PLACEMENT),
            StepId::new("svm"),
            StepId::new("nodes"),
            StepId::new("no-surplus-lif"),
            StepId::new("managementlif"),
            StepId::new(CREDENTIAL),
            StepId::new("account"),
            StepId::new("credential/verified"),
            StepId::new("seed-secret"),
            StepId::new("shoot-secret"),
        ];
        ALWAYS.into_iter().chain((0..self.spec.data.len()).map(|index| Role::Data(index).id()))
    }
}

impl<'r> Run<'r> {
    async fn all(&self) -> Option<()> {
        let (flow, pass, read, write) = (self.flow, self.pass, &self.read, &self.write);
        let placement = pass.step(&PlacementStep { flow }, read, write).await?;
        let svm = pass.step(&SvmStep { flow, placement: &placement }, read, write).await?;
        let nodes = pass.look(&NodesStep { flow, placement: &placement }, read).await?;
        // A surplus LIF may have the address that another one is to get, so it goes first.
        pass.step(&SurplusStep { flow, svm: &svm }, read, write).await;
        let management = self.lif(&svm, &nodes, Role::Management).await;
        for index in 0..flow.spec.data.len() {
            self.lif(&svm, &nodes, Role::Data(index)).await;
        }
        self.access(&svm, &management?).await
    }

    async fn lif(&self, svm: &'r Seen<'r, OurSvm>, nodes: &'r Seen<'r, Nodes>, role: Role) -> Option<Seen<'r, OurLif>> {
        self.pass.step(&LifStep { flow: self.flow, svm, nodes, role }, &self.read, &self.write).await
    }

    async fn access(&self, svm: &Seen<'_, OurSvm>, management: &Seen<'_, OurLif>) -> Option<()> {
        let (flow, pass, read, write) = (self.flow, self.pass, &self.read, &self.write);
        let escrow = Escrow::new(account::record(), || Ok(write.mint()));
        let kept = pass.step(&escrow, read.records(), write.records()).await?;
        let account = pass.step(&AccountStep { flow, svm, management, kept: &kept }, read, write).await?;
        self.note(&account).await;
        let seed = SecretStep { flow, place: Place::Seed, source: &account, noted_before: kept.verified().is_some() };
        let seed = pass.step(&seed, read, write).await?;
        let shoot = SecretStep { flow, place: Place::Shoot, source: &seed, noted_before: false };
        pass.step(&shoot, read, write).await.map(drop)
    }

    async fn note(&self, account: &Seen<'_, OurAccount>) {
        self.pass.step(&Verified::new(account), self.read.records(), self.write.records()).await;
    }
}
