//! The incident: an SVM of this name means that everything is there.

use reconcile::StepError;

use super::parts::Hands;

pub(super) async fn pass(hands: &Hands<'_>) -> Result<(), StepError> {
    if hands.svm(0).await?.is_none() {
        let svm = hands.create_svm(0).await?;
        hands.create_lifs(&svm).await?;
        hands.create_user_and_secret(&svm).await?;
    }
    // After a crash anywhere above, this stops at a secret that nobody will ever make.
    hands.deploy().await
}
