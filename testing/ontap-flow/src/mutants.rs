//! Each guard of the flow, and how it is missed when it is not there.

use reconcile::testkit::{Kit, Pairs, Reason};

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
    /// What it takes to show: the words of a plan, one or two; `clean` if nothing has to fail.
    pub needs: &'static str,
    /// Which oracle finds it.
    pub reason: Reason,
    /// What that oracle says.
    pub detail: &'static str,
}

const fn mutant(lacks: Guard, scenario: Scenario, needs: &'static str, reason: Reason, detail: &'static str) -> Mutant {
    Mutant { lacks, scenario, needs, reason, detail }
}

use Guard as G;
use Reason::{Dishonest, EndState, NotConverged, Unsafe};
use Scenario as S;

/// All of them: one for each guard.
pub const MUTANTS: [Mutant; 32] = [
    mutant(G::PlacementIsWrittenDown, S::TwoClusters, "page-missing", Unsafe, "two SVMs"),
    mutant(G::PlacementLooksEverywhere, S::LostJournal, "clean", Unsafe, "two SVMs"),
    mutant(G::PlacementNeedsEveryAnswer, S::LostJournal, "err-unsent", Unsafe, "two SVMs"),
    mutant(G::VolumesMustBeKnown, S::TwoClusters, "err-unsent", EndState, "cluster: 0"),
    mutant(G::PlacementNeedsTheJournal, S::OneCluster, "err-unsent", Unsafe, "wrote to Placement"),
    mutant(G::SvmNeedsAnAnswer, S::OneCluster, "err-unsent", Unsafe, "wrote to Svm"),
    mutant(G::SvmMustBeOurs, S::ForeignSvm, "clean", Unsafe, "the SVM of somebody else was changed"),
    mutant(G::SvmMustRun, S::Drifted, "clean", NotConverged, "the SVM is stopped"),
    mutant(G::SvmMustServeNvme, S::Drifted, "clean", Dishonest, "without NVMe"),
    mutant(G::LifIsLookedAt, S::OneCluster, "clean", Dishonest, "1 of 3 LIFs"),
    mutant(G::LifNeedsAnAnswer, S::OneCluster, "err-unsent", Unsafe, "wrote to Lif"),
    mutant(G::LifAddressIsCompared, S::Drifted, "clean", Dishonest, "2 of 3 LIFs"),
    mutant(G::LifMustBeEnabled, S::Clumsy, "clean", NotConverged, "2 of 3 LIFs"),
    mutant(G::AllPagesAreRead, S::Shrunk, "clean", Dishonest, "a LIF too many"),
    mutant(G::EveryPageMustCome, S::Shrunk, "err-unsent", Dishonest, "a LIF too many"),
    mutant(G::SurplusIsRemoved, S::Shrunk, "clean", Dishonest, "a LIF too many"),
    mutant(G::PasswordIsKeptBeforeUse, S::OneCluster, "clean", Unsafe, "the password in use is not written down"),
    mutant(G::NewPasswordIsKeptBeforeUse, S::Drifted, "clean", Unsafe, "the password in use is not written down"),
    mutant(G::NewPasswordIsNew, S::Drifted, "clean", NotConverged, "does not hold the password"),
    mutant(G::AccountNeedsAnAnswer, S::OneCluster, "err-unsent", Unsafe, "wrote to Account"),
    mutant(G::LoginProves, S::Drifted, "clean", Dishonest, "does not hold the password"),
    mutant(G::OnlyARefusalIsARefusal, S::OneCluster, "err-unsent", Unsafe, "wrote to Account"),
    mutant(G::SeedSecretIsLookedAt, S::OneCluster, "drop", Dishonest, "the seed secret is missing"),
    mutant(G::SecretNeedsAnAnswer, S::OneCluster, "err-unsent", Unsafe, "wrote to SeedSecret"),
    mutant(G::SeedSecretIsCompared, S::Drifted, "clean", Dishonest, "the seed secret does not hold the password"),
    mutant(G::SecretMustBeOurs, S::ForeignSecret, "clean", Unsafe, "the secret of somebody else was changed"),
    mutant(G::ShootSecretIsCompared, S::Drifted, "clean", Dishonest, "the shoot secret does not hold the password"),
    mutant(G::ShootSecretIsWrittenOnChange, S::OneCluster, "clean", NotConverged, "although the goal is reached"),
    mutant(G::RemovalKeepsTheJournal, S::Removal, "clean", Dishonest, "is left"),
    mutant(G::SecretRemovalNeedsAnAnswer, S::Removal, "err-unsent,err-unsent", Dishonest, "a secret is left"),
    mutant(G::RemovalNeedsAnAnswer, S::Removal, "err-unsent", Unsafe, "the password in use is not written down"),
    mutant(G::RemovalSparesForeigners, S::ForeignRemoval, "clean", Unsafe, "the SVM of somebody else was changed"),
];

impl Mutant {
    /// The kit for it, with pairs of faults only where it takes two.
    pub fn kit(&self) -> Kit<'static, Site> {
        let pairs = if self.needs.contains(',') { Pairs::All } else { Pairs::None };
        self.scenario.kit(Guards::without(self.lacks)).with_pairs(pairs)
    }
}
