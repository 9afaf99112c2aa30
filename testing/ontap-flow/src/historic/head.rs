//! The head: the matrix without the verification, on the cluster with the fewest volumes. A cluster whose answer is missing,
//! and an SVM that does not run yet, both count as "not found".

use reconcile::StepError;

use super::matrix_63::missing_lifs;
use super::parts::Hands;
use crate::flow::OurSvm;
use crate::ontap::SvmState;

pub(super) async fn pass(hands: &Hands<'_>) -> Result<(), StepError> {
    let svm = match find(hands).await {
        Some(svm) => svm,
        None => hands.create_svm(fewest_volumes(hands).await?).await?,
    };
    missing_lifs(hands, &svm).await?;
    user_and_secret(hands, &svm).await?;
    hands.deploy().await
}

async fn find(hands: &Hands<'_>) -> Option<OurSvm> {
    for cluster in 0..hands.read.clusters() {
        match hands.svm(cluster).await {
            Ok(Some(svm)) if svm.state == Some(SvmState::Running) => return Some(OurSvm { cluster, uuid: svm.uuid }),
            // An error is logged, and the next one tried.
            Ok(_) | Err(_) => {}
        }
    }
    None
}

async fn fewest_volumes(hands: &Hands<'_>) -> Result<usize, StepError> {
    let mut volumes = Vec::new();
    for cluster in 0..hands.read.clusters() {
        volumes.push((hands.read.volumes(cluster).await?, cluster));
    }
    volumes.into_iter().min().map(|(_, cluster)| cluster).ok_or(StepError::config("no-cluster"))
}

async fn user_and_secret(hands: &Hands<'_>, svm: &OurSvm) -> Result<(), StepError> {
    // A look that failed acts as "there is no such user".
    let user = hands.read.has_account(svm, &hands.spec.shoot).await.unwrap_or(false);
    match (user, hands.secret().await?) {
        (_, None) => hands.create_user_and_secret(svm).await,
        (true, Some(_)) => Ok(()),
        (false, Some(secret)) => match hands.write.create_account(svm, secret.credential).await {
            Err(error) if error.code == "already-there" => Ok(()),
            other => other,
        },
    }
}
