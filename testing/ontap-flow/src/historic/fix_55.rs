//! The first fix: whoever looks for the SVM also makes the account and the secret. LIFs are still believed to be there.

use reconcile::StepError;

use super::parts::Hands;
use crate::flow::OurSvm;

pub(super) async fn pass(hands: &Hands<'_>) -> Result<(), StepError> {
    if svm_by_name(hands).await?.is_none() {
        let svm = hands.create_svm(0).await?;
        hands.create_lifs(&svm).await?;
        hands.create_user_and_secret(&svm).await?;
    }
    hands.deploy().await
}

async fn svm_by_name(hands: &Hands<'_>) -> Result<Option<OurSvm>, StepError> {
    let Some(svm) = hands.svm(0).await? else { return Ok(None) };
    let svm = OurSvm { cluster: 0, uuid: svm.uuid };
    if hands.secret().await?.is_none() {
        hands.create_user_and_secret(&svm).await?;
    }
    Ok(Some(svm))
}
