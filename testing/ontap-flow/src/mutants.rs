//! Each guard of the flow, and how it is missed when it is not there.

use reconcile::testkit::{Kit, Reason};

use crate::flow::{Guard, Guards};
use crate::scenario::Scenario;
use crate::site::Site;

/// The flow without one guard.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// The guard that it lacks.
    pub lacks: Guard,
    /// Where that shows.
    pub scenario: Scenario,
    /// Which oracle finds it.
    pub reason: Reason,
    /// What that oracle says.
    pub detail: &'static str,
}

const fn mutant(lacks: Guard, scenario: Scenario, reason: Reason, detail: &'static str) -> Mutant {
    Mutant { lacks, scenario, reason, detail }
}

use Guard as G;
use Reason::{Dishonest, NotConverged, Unsafe};
use Scenario as S;

/// All of them: one for each guard.
pub const MUTANTS: [Mutant; 25] = [
    mutant(G::PlacementIsWrittenDown, S::TwoClusters, Unsafe, "two SVMs"),
    mutant(G::PlacementLooksEverywhere, S::LostJournal, Unsafe, "two SVMs"),
    mutant(G::PlacementNeedsEveryAnswer, S::LostJournal, Unsafe, "two SVMs"),
    mutant(G::SvmNeedsAnAnswer, S::OneCluster, Unsafe, "wrote to Svm although its read had failed"),
    mutant(G::SvmMustBeOurs, S::ForeignSvm, Unsafe, "the SVM of somebody else was changed"),
    mutant(G::SvmMustRun, S::Drifted, NotConverged, "the SVM is stopped"),
    mutant(G::SvmMustServeNvme, S::Drifted, Dishonest, "without NVMe"),
    mutant(G::LifIsLookedAt, S::OneCluster, Dishonest, "1 of 3 LIFs"),
    mutant(G::LifAddressIsCompared, S::Drifted, Dishonest, "2 of 3 LIFs"),
    mutant(G::LifMustBeEnabled, S::Clumsy, NotConverged, "2 of 3 LIFs"),
    mutant(G::AllPagesAreRead, S::Shrunk, Dishonest, "a LIF too many"),
    mutant(G::SurplusIsRemoved, S::Shrunk, Dishonest, "a LIF too many"),
    mutant(G::PasswordIsKeptBeforeUse, S::OneCluster, Unsafe, "the password in use is not written down"),
    mutant(G::NewPasswordIsKeptBeforeUse, S::Drifted, Unsafe, "the password in use is not written down"),
    mutant(G::NewPasswordIsNew, S::Drifted, NotConverged, "does not hold the password"),
    mutant(G::LoginProves, S::Drifted, Dishonest, "does not hold the password"),
    mutant(G::OnlyARefusalIsARefusal, S::OneCluster, Unsafe, "wrote to Account although its read had failed"),
    mutant(G::SeedSecretIsLookedAt, S::OneCluster, Dishonest, "the seed secret is missing"),
    mutant(G::SeedSecretIsCompared, S::Drifted, Dishonest, "the seed secret does not hold the password"),
    mutant(G::SecretMustBeOurs, S::ForeignSecret, Unsafe, "the secret of somebody else was changed"),
    mutant(G::ShootSecretIsCompared, S::Drifted, Dishonest, "the shoot secret does not hold the password"),
    mutant(G::ShootSecretIsWrittenOnChange, S::OneCluster, NotConverged, "although the goal is reached"),
    mutant(G::RemovalKeepsTheJournal, S::Removal, Dishonest, "is left"),
    mutant(G::RemovalNeedsEveryAnswer, S::Removal, Unsafe, "the password in use is not written down"),
    mutant(G::RemovalSparesForeigners, S::ForeignRemoval, Unsafe, "the SVM of somebody else was changed"),
];

impl Mutant {
    /// The kit for it.
    pub fn kit(&self) -> Kit<'static, Site> {
        self.scenario.kit(Guards::without(self.lacks))
    }
}
