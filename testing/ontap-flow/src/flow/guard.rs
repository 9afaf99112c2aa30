//! The guards of the flow, by name, so that tests can take one away and see that it is missed.

use reconcile::StepError;

/// One thing that the flow takes care of.
///
/// [`MUTANTS`](crate::mutants::MUTANTS) says how each one is missed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Guard {
    /// The cluster is chosen once.
    PlacementIsWrittenDown,
    /// Before the choice, every cluster is asked for an SVM of ours.
    PlacementLooksEverywhere,
    /// A cluster that does not answer may have it.
    PlacementNeedsEveryAnswer,
    /// One that does not tell how full it is may be full.
    VolumesMustBeKnown,
    /// That the journal does not answer does not say that nothing is decided.
    PlacementNeedsTheJournal,
    /// That the look for the SVM failed does not say that there is none.
    SvmNeedsAnAnswer,
    /// An SVM without our mark is not ours.
    SvmMustBeOurs,
    /// An SVM that is there may be stopped.
    SvmMustRun,
    /// NVMe may be off.
    SvmMustServeNvme,
    /// That the SVM is there does not say that its LIFs are.
    LifIsLookedAt,
    /// That the look for it failed does not say that there is none.
    LifNeedsAnAnswer,
    /// A LIF of this name may have another address.
    LifAddressIsCompared,
    /// A LIF that is there may not answer.
    LifMustBeEnabled,
    /// A collection does not end with its first page.
    AllPagesAreRead,
    /// Nor with a page that did not come.
    EveryPageMustCome,
    /// What is not wanted any more goes.
    SurplusIsRemoved,
    /// The first password is in the journal before the account has it.
    PasswordIsKeptBeforeUse,
    /// So is every later one.
    NewPasswordIsKeptBeforeUse,
    /// ONTAP takes no password twice.
    NewPasswordIsNew,
    /// That the look for the account failed does not say that there is none.
    AccountNeedsAnAnswer,
    /// That the account is there does not say that the password is right.
    LoginProves,
    /// That a login failed does not say that the password is wrong, unless ONTAP says so.
    OnlyARefusalIsARefusal,
    /// That an earlier pass came as far as the account does not say that it came to the secret. This was the incident.
    SeedSecretIsLookedAt,
    /// That the look for it failed does not say that there is none.
    SecretNeedsAnAnswer,
    /// The secret may hold something else.
    SeedSecretIsCompared,
    /// A secret without our mark is not ours.
    SecretMustBeOurs,
    /// The copy may hold something else.
    ShootSecretIsCompared,
    /// A copy that is right is not written again.
    ShootSecretIsWrittenOnChange,
    /// The placement goes last: without it nobody knows what is left, and where.
    RemovalKeepsTheJournal,
    /// That the look for the SVM failed does not say that it is gone.
    RemovalNeedsAnAnswer,
    /// Nor for a secret.
    SecretRemovalNeedsAnAnswer,
    /// What has not our mark stays.
    RemovalSparesForeigners,
}

/// All guards, or all but one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Guards {
    removed: Option<Guard>,
}

impl Guards {
    /// All of them.
    pub const ALL: Self = Self { removed: None };

    /// All but this one: a mutant.
    pub const fn without(guard: Guard) -> Self {
        Self { removed: Some(guard) }
    }

    /// Whether this one stands.
    pub fn stand(self, guard: Guard) -> bool {
        self.removed != Some(guard)
    }

    /// What was read. Without this guard, what could not be read counts as nothing: none, no, zero.
    pub(super) fn read<T: Default>(self, guard: Guard, read: Result<T, StepError>) -> Result<T, StepError> {
        match read {
            Err(_) if !self.stand(guard) => Ok(T::default()),
            read => read,
        }
    }
}
