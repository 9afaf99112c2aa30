//! The guards of the flow, by name, so that tests can take one away and see that it is missed.

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
    /// A LIF of this name may have another address.
    LifAddressIsCompared,
    /// A LIF that is there may not answer.
    LifMustBeEnabled,
    /// A collection does not end with its first page.
    AllPagesAreRead,
    /// What is not wanted any more goes.
    SurplusIsRemoved,
    /// The first password is in the journal before the account has it.
    PasswordIsKeptBeforeUse,
    /// So is every later one.
    NewPasswordIsKeptBeforeUse,
    /// ONTAP takes no password twice.
    NewPasswordIsNew,
    /// That the account is there does not say that the password is right.
    LoginProves,
    /// That a login failed does not say that the password is wrong, unless ONTAP says so.
    OnlyARefusalIsARefusal,
    /// That the account is there does not say that the secret is. This was the incident.
    SeedSecretIsLookedAt,
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
    /// That the look failed does not say that it is gone.
    RemovalNeedsEveryAnswer,
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
}
