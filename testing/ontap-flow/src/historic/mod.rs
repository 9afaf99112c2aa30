//! Four flows that were once believed to be right.
//!
//! They are models, written from what each stage of gardener-extension-ontap did and in that manner: calls in a row, each one
//! taking the state of the others from what it saw of one of them. They are written without the crate, because its types
//! refuse them. Each one reports success by `Ok`.

mod before_55;
mod fix_55;
mod head;
mod matrix_63;
mod parts;

use reconcile::StepError;

use self::parts::Hands;
use crate::flow::Spec;
use crate::wire::Wire;

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Historic {
    /// Before August 2025: an SVM of this name means that everything is there.
    Before55,
    /// "Fix reconcile when svm is created but seed secret creation failed": the repair, inside the getter.
    Fix55,
    /// "Make the controller idempotent": a matrix of what is there, and the password verified by setting it.
    Matrix63,
    /// The head, without that verification, and on the cluster with the fewest volumes.
    Head,
}

impl Historic {
    /// One pass. `Ok` is a report of success.
    ///
    /// # Errors
    /// What it stopped at.
    pub async fn pass(self, wire: Wire, spec: &Spec) -> Result<(), StepError> {
        let hands = Hands::new(wire, spec);
        match self {
            Self::Before55 => before_55::pass(&hands).await,
            Self::Fix55 => fix_55::pass(&hands).await,
            Self::Matrix63 => matrix_63::pass(&hands).await,
            Self::Head => head::pass(&hands).await,
        }
    }
}
