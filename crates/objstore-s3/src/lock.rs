//! Retention periods and legal holds of objects that exist.

use std::time::SystemTime;

use aws_sdk_s3::{
    primitives::DateTime,
    types::{ObjectLockLegalHold, ObjectLockRetention, ObjectLockRetentionMode},
};
use objstore_core::{Effect, Error, ErrorKind, ObjectKey, Op, Promise, Result, RetentionMode, VersionId};

use crate::{errors::of_change, put, store::S3Store};

impl S3Store {
    /// Keeps an object, or one stored version of it, from being deleted before a time. A period can be made longer;
    /// shorter only with [`RetentionMode::Governance`] and a special permission, which is not used here.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where locks are not kept; [`ErrorKind::NotFound`]; [`ErrorKind::Locked`] or
    /// [`ErrorKind::PermissionDenied`] for a shorter period.
    pub async fn set_retention(
        &self,
        key: &ObjectKey,
        version: Option<&VersionId>,
        until: SystemTime,
        mode: RetentionMode,
    ) -> Result<()> {
        self.retain(key, version, until, mode).await.map_err(self.at(Op::Put, Some(key)))
    }

    async fn retain(
        &self,
        key: &ObjectKey,
        version: Option<&VersionId>,
        until: SystemTime,
        mode: RetentionMode,
    ) -> Result<()> {
        self.check_promise(Promise::Lock)?;
        let mode = match mode {
            RetentionMode::Governance => ObjectLockRetentionMode::Governance,
            RetentionMode::Compliance => ObjectLockRetentionMode::Compliance,
            _ => return Err(Error::new(ErrorKind::Unsupported).with_detail("this retention mode is not known here")),
        };
        let retention = ObjectLockRetention::builder().mode(mode).retain_until_date(DateTime::from(until)).build();
        let answer = self
            .send(|| {
                self.client()
                    .put_object_retention()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .set_version_id(version.map(ToString::to_string))
                    .retention(retention.clone())
                    .set_request_payer(self.payer())
                    .send()
            })
            .await;
        answer.map(drop).map_err(|failed| refusal(of_change(failed, None)))
    }

    /// Sets or lifts the legal hold on an object, or on one stored version of it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where locks are not kept; [`ErrorKind::NotFound`].
    pub async fn set_hold(&self, key: &ObjectKey, version: Option<&VersionId>, on: bool) -> Result<()> {
        self.hold(key, version, on).await.map_err(self.at(Op::Put, Some(key)))
    }

    async fn hold(&self, key: &ObjectKey, version: Option<&VersionId>, on: bool) -> Result<()> {
        self.check_promise(Promise::Lock)?;
        let hold = ObjectLockLegalHold::builder().status(put::hold(on)).build();
        let answer = self
            .send(|| {
                self.client()
                    .put_object_legal_hold()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .set_version_id(version.map(ToString::to_string))
                    .legal_hold(hold.clone())
                    .set_request_payer(self.payer())
                    .send()
            })
            .await;
        answer.map(drop).map_err(|failed| refusal(of_change(failed, None)))
    }
}

/// A bucket without locks is "invalid" in the store's words.
fn refusal(error: Error) -> Error {
    match (error.kind(), error.http_status()) {
        (ErrorKind::InvalidInput, Some(400)) if *error.effect() == Effect::NotApplied => {
            Error::new(ErrorKind::Unsupported).with_detail("the bucket keeps no locks").with_source(error)
        }
        _ => error,
    }
}
