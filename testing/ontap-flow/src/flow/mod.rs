//! The flow: an SVM with its LIFs, an account, and the account's password in two secrets.
//!
//! Each file is one step; `provide.rs` puts them in order, `remove.rs` takes away what they made.

mod account;
mod guard;
mod lif;
mod nodes;
mod placement;
mod provide;
mod remove;
mod secret;
mod spec;
mod svm;

use std::time::Duration;

pub use self::account::{AccountStep, CREDENTIAL, OurAccount};
pub use self::guard::{Guard, Guards};
pub use self::lif::{LifStep, OurLif, Role, SurplusStep};
pub use self::nodes::{Nodes, NodesStep};
pub use self::placement::{PLACEMENT, Placement, PlacementStep};
pub use self::remove::{SvmRemoval, remove};
pub use self::secret::{OurSecret, SecretRemoval, SecretStep};
pub use self::spec::Spec;
pub use self::svm::{OurSvm, SvmStep};

/// The flow's name.
pub const NAME: &str = "ontap";

/// How long a job on an SVM usually takes, at most.
pub const AGAIN: Duration = Duration::from_secs(10);

/// The flow: what is wanted, and what it takes care of.
#[derive(Clone, Debug)]
pub struct Flow {
    /// What is wanted.
    pub spec: Spec,
    /// What it takes care of.
    pub guards: Guards,
    /// How long one call of a step may take; the pass then needs a timer. `None`: for as long as it takes.
    pub timeout: Option<Duration>,
}

impl Flow {
    /// A flow that takes care of everything, and waits for as long as it takes.
    pub fn new(spec: Spec) -> Self {
        Self { spec, guards: Guards::ALL, timeout: None }
    }

    /// With these guards only.
    #[must_use]
    pub fn with_guards(self, guards: Guards) -> Self {
        Self { guards, ..self }
    }

    /// Waits no longer than this for one call of a step.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}
