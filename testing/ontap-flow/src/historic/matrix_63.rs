//! The second fix: one action for each combination of what is there. That the password is the right one is verified by
//! setting it, and ONTAP refuses a password that it has already; so a new one is made in every pass.

use reconcile::StepError;

use super::parts::Hands;
use crate::client::Place;
use crate::flow::OurSvm;
use crate::secrets::Stored;

pub(super) async fn pass(hands: &Hands<'_>) -> Result<(), StepError> {
    let svm = match hands.svm(0).await? {
        Some(svm) => OurSvm { cluster: 0, uuid: svm.uuid },
        None => hands.create_svm(0).await?,
    };
    missing_lifs(hands, &svm).await?;
    user_and_secret(hands, &svm).await?;
    hands.deploy().await
}

pub(super) async fn missing_lifs(hands: &Hands<'_>, svm: &OurSvm) -> Result<(), StepError> {
    let present = hands.lifs(svm).await?;
    for (index, there) in present.data.into_iter().enumerate() {
        if !there {
            hands.create_data_lif(svm, index).await?;
        }
    }
    if present.management { Ok(()) } else { hands.create_management_lif(svm).await }
}

async fn user_and_secret(hands: &Hands<'_>, svm: &OurSvm) -> Result<(), StepError> {
    let user = hands.read.has_account(svm, &hands.spec.shoot).await?;
    match (user, hands.secret().await?) {
        (_, None) => hands.create_user_and_secret(svm).await,
        (false, Some(secret)) => hands.create_or_set(svm, &secret.credential).await,
        (true, Some(secret)) => verify_by_setting(hands, svm, secret).await,
    }
}

async fn verify_by_setting(hands: &Hands<'_>, svm: &OurSvm, secret: Stored) -> Result<(), StepError> {
    match hands.write.set_password(svm, secret.credential).await {
        Err(error) if error.code == "password-used-before" => {
            let fresh = hands.fresh();
            hands.write.set_password(svm, fresh.clone()).await?;
            hands.write.update_secret(Place::Seed, secret.name, secret.resource_version, fresh).await
        }
        other => other,
    }
}
