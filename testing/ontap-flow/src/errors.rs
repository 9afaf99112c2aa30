//! What an answer of ONTAP or of a secret store means for a step.

use reconcile::StepError;

use crate::ontap::{ApiError, Code};
use crate::secrets::Refused;

/// The class of an error of ONTAP's.
pub fn of_api(error: ApiError) -> StepError {
    match error.code {
        Code::DUPLICATE | Code::LIF_EXISTS | Code::SVM_NAME_IN_USE => StepError::conflict("already-there"),
        Code::NOT_THERE => StepError::conflict("not-there"),
        // The other LIF may be one of ours that is about to move; if it is not, attempts go on and somebody is told.
        Code::DUPLICATE_ADDRESS => StepError::conflict("address-in-use"),
        Code::SVM_BUSY | Code::SVM_BEING_CREATED => StepError::transient("svm-busy"),
        Code::TOO_MANY_JOBS => StepError::transient("too-many-svm-jobs"),
        Code::LIF_INCONSISTENT => StepError::transient("perhaps-half-made"),
        Code::UNREACHABLE => StepError::transient("unreachable"),
        Code::NO_SPACE => StepError::needs_human("no-space"),
        Code::NOT_AUTHORIZED => StepError::needs_human("not-authorized"),
        Code::SVM_CREATE_FAILED | Code::SVM_JOB_FAILED => StepError::transient("svm-job-failed"),
        Code::BAD_FIELD | Code::SVM_NAME_TOO_LONG => StepError::config("invalid-field"),
        Code::LIF_NO_PORT | Code::LIF_NO_DOMAIN_PORT => StepError::config("no-port-for-lif"),
        Code::LIF_VIP_PORT | Code::LIF_VIP_RULES => StepError::config("invalid-lif"),
        Code::PASSWORD_SAME | Code::PASSWORD_USED_BEFORE => StepError::conflict("password-used-before"),
        Code::PASSWORD_HAS_USER
        | Code::PASSWORD_TOO_SHORT
        | Code::PASSWORD_TOO_SIMPLE
        | Code::PASSWORD_TOO_PLAIN
        | Code::PASSWORD_TOO_LONG => StepError::config("password-policy"),
        _ => StepError::transient("internal-error"),
    }
}

/// The class of an error of a secret store.
pub fn of_secrets(error: Refused) -> StepError {
    StepError::conflict(match error {
        Refused::NotFound => "secret-gone",
        Refused::AlreadyExists => "secret-already-there",
        Refused::Conflict => "secret-changed",
    })
}
