//! What the bucket is: its region, and the settings on which promises depend.

use aws_sdk_s3::types::BucketVersioningStatus;
use objstore_core::{
    Effect, Error, ErrorKind, ObjectStore as _, Op, Result,
    probe::{BucketState, Versioning},
};

use crate::{
    errors::{classify, of_read},
    store::S3Store,
};

impl S3Store {
    /// Asks the store in which region the bucket is.
    ///
    /// # Errors
    /// [`ErrorKind::StoreNotFound`] if there is no such bucket; [`ErrorKind::Transport`] and the like;
    /// [`ErrorKind::Unsupported`] if the answer does not say.
    pub async fn find_region(&self) -> Result<String> {
        let at = self.at(Op::Open, None);
        let answer = self.send(|| self.client().head_bucket().bucket(self.bucket()).send()).await;
        let found = match &answer {
            Ok(head) => head.bucket_region(),
            // Also in a refusal: with the wrong region nothing else can be learnt.
            Err(failed) => failed.raw_response().and_then(|raw| raw.headers().get("x-amz-bucket-region")),
        };
        if let Some(region) = found {
            return Ok(region.to_owned());
        }
        Err(at(match answer {
            Ok(_) => Error::new(ErrorKind::Unsupported).with_detail("the store does not say its region"),
            Err(failed) => classify(failed, of_bucket).with_effect(Effect::NotApplied),
        }))
    }

    /// Reads the settings on which promises depend, for a probe: needs `s3:GetBucketVersioning` and
    /// `s3:GetBucketObjectLockConfiguration`. What cannot be read is left unknown.
    ///
    /// From then on the [capabilities](objstore_core::ObjectStore::capabilities) say whether the bucket keeps versions;
    /// where it does not, naming one is [`ErrorKind::Unsupported`].
    ///
    /// # Errors
    /// [`ErrorKind::StoreNotFound`], [`ErrorKind::Unauthenticated`], and what keeps the store from being reached.
    pub async fn bucket_state(&self) -> Result<BucketState> {
        let mut state = BucketState::new();
        let answer = self.send(|| self.client().get_bucket_versioning().bucket(self.bucket()).send()).await;
        match answer {
            Ok(found) => {
                let kept = found.status() == Some(&BucketVersioningStatus::Enabled);
                state = state.with_versioning(if kept { Versioning::Enabled } else { Versioning::Disabled });
                self.set_versions(kept);
            }
            Err(failed) => untold(of_read(failed)).map_err(self.at(Op::Open, None))?,
        }
        let answer = self.send(|| self.client().get_object_lock_configuration().bucket(self.bucket()).send()).await;
        match answer {
            Ok(found) => {
                let rule = found.object_lock_configuration().and_then(|lock| lock.rule());
                state = state.with_default_retention(rule.is_some_and(|rule| rule.default_retention().is_some()));
            }
            Err(failed) => {
                let error = of_read(failed);
                match error.service_code() {
                    Some("ObjectLockConfigurationNotFoundError" | "ObjectLockConfigurationNotFound") => {
                        state = state.with_default_retention(false);
                    }
                    _ => untold(error).map_err(self.at(Op::Open, None))?,
                }
            }
        }
        Ok(state)
    }

    fn set_versions(&self, kept: bool) {
        let known = self.capabilities();
        let mut features = known.features().clone();
        features.versions = kept;
        self.set_capabilities((*known).clone().with_features(features));
    }
}

/// Whether one can go on without what was asked.
fn untold(error: Error) -> Result<()> {
    match error.kind() {
        ErrorKind::StoreNotFound
        | ErrorKind::Unauthenticated
        | ErrorKind::InvalidConfig
        | ErrorKind::Transport
        | ErrorKind::Timeout
        | ErrorKind::Unavailable
        | ErrorKind::RateLimited => Err(error),
        _ => Ok(()),
    }
}

/// A HEAD of a bucket has no document that says what is missing.
fn of_bucket(kind: ErrorKind) -> ErrorKind {
    if kind == ErrorKind::NotFound { ErrorKind::StoreNotFound } else { kind }
}
