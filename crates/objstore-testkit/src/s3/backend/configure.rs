//! Buckets, their settings, and locks on objects.

use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, dto::*};

use super::{Backend, Reply, put::system_time};
use crate::s3::bucket::{Protection, Versioning};

impl Backend {
    pub(super) async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Reply<HeadBucketOutput> {
        self.bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(self.region.clone()), ..Default::default() }))
    }

    pub(super) async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> Reply<CreateBucketOutput> {
        let input = request.input;
        if self.bucket(&input.bucket).is_ok() {
            return Err(S3ErrorCode::BucketAlreadyOwnedByYou.into());
        }
        let shared = self.create(&input.bucket);
        if input.object_lock_enabled_for_bucket == Some(true) {
            let mut bucket = shared.lock();
            bucket.lock = true;
            bucket.versioning = Versioning::Enabled;
        }
        let location = Some(format!("/{}", input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    pub(super) async fn list_buckets(&self, _request: S3Request<ListBucketsInput>) -> Reply<ListBucketsOutput> {
        let buckets = self.buckets.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let buckets = buckets.keys().map(|name| Bucket { name: Some(name.clone()), ..Default::default() });
        Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets.collect()), ..Default::default() }))
    }

    pub(super) async fn location(&self, request: S3Request<GetBucketLocationInput>) -> Reply<GetBucketLocationOutput> {
        self.bucket(&request.input.bucket)?;
        // us-east-1 is the empty location.
        let region = Some(self.region.clone()).filter(|region| region != "us-east-1");
        let location_constraint = region.map(BucketLocationConstraint::from);
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    pub(super) async fn versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> Reply<GetBucketVersioningOutput> {
        let status = match self.bucket(&request.input.bucket)?.lock().versioning {
            Versioning::Never => None,
            Versioning::Enabled => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED)),
            Versioning::Suspended => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::SUSPENDED)),
        };
        Ok(S3Response::new(GetBucketVersioningOutput { status, mfa_delete: None }))
    }

    pub(super) async fn set_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> Reply<PutBucketVersioningOutput> {
        let shared = self.bucket(&request.input.bucket)?;
        let mut bucket = shared.lock();
        let status = request.input.versioning_configuration.status;
        bucket.versioning = match status.as_ref().map(BucketVersioningStatus::as_str) {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) if bucket.lock => {
                let message = "An Object Lock configuration is present on this bucket, so the versioning state cannot \
                               be changed.";
                return Err(S3Error::with_message(S3ErrorCode::InvalidBucketState, message));
            }
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            _ => return Err(S3ErrorCode::MalformedXML.into()),
        };
        Ok(S3Response::new(PutBucketVersioningOutput::default()))
    }

    pub(super) async fn lock(
        &self,
        request: S3Request<GetObjectLockConfigurationInput>,
    ) -> Reply<GetObjectLockConfigurationOutput> {
        let shared = self.bucket(&request.input.bucket)?;
        let bucket = shared.lock();
        if !bucket.lock {
            return Err(S3ErrorCode::ObjectLockConfigurationNotFoundError.into());
        }
        let rule = bucket.default_retention.clone().map(|(days, mode)| ObjectLockRule {
            default_retention: Some(DefaultRetention {
                days: i32::try_from(days).ok(),
                mode: Some(ObjectLockRetentionMode::from(mode)),
                years: None,
            }),
        });
        let enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
        let configuration = ObjectLockConfiguration { object_lock_enabled: enabled, rule };
        Ok(S3Response::new(GetObjectLockConfigurationOutput { object_lock_configuration: Some(configuration) }))
    }

    pub(super) async fn set_lock(
        &self,
        request: S3Request<PutObjectLockConfigurationInput>,
    ) -> Reply<PutObjectLockConfigurationOutput> {
        let shared = self.bucket(&request.input.bucket)?;
        let mut bucket = shared.lock();
        if !bucket.versioned() {
            let message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
            return Err(S3Error::with_message(S3ErrorCode::InvalidBucketState, message));
        }
        bucket.lock = true;
        let rule = request.input.object_lock_configuration.and_then(|configuration| configuration.rule);
        bucket.default_retention = rule.and_then(|rule| rule.default_retention).and_then(|default| {
            let years =
                default.years.and_then(|years| u32::try_from(years).ok()).map(|years| years.saturating_mul(365));
            let days = default.days.and_then(|days| u32::try_from(days).ok()).or(years)?;
            Some((days, default.mode?.as_str().to_owned()))
        });
        Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
    }

    pub(super) async fn retention(
        &self,
        request: S3Request<GetObjectRetentionInput>,
    ) -> Reply<GetObjectRetentionOutput> {
        let input = request.input;
        let protection = self.protection(&input.bucket, &input.key, input.version_id.as_deref())?;
        let mode = protection.mode.ok_or(S3ErrorCode::NoSuchObjectLockConfiguration)?;
        let retention = ObjectLockRetention {
            mode: Some(ObjectLockRetentionMode::from(mode)),
            retain_until_date: protection.until.map(Timestamp::from),
        };
        Ok(S3Response::new(GetObjectRetentionOutput { retention: Some(retention) }))
    }

    pub(super) async fn set_retention(
        &self,
        request: S3Request<PutObjectRetentionInput>,
    ) -> Reply<PutObjectRetentionOutput> {
        let input = request.input;
        let (shared, now) = (self.bucket(&input.bucket)?, self.now());
        let mut bucket = shared.lock();
        if !bucket.lock {
            return Err(S3ErrorCode::InvalidRequest.into());
        }
        let version = bucket.version_mut(&input.key, input.version_id.as_deref())?;
        let wanted = input.retention.unwrap_or_default();
        let until = wanted.retain_until_date.map(system_time);
        let shorter = until < version.protection.until || wanted.mode.is_none();
        let retained = Protection { hold: false, ..version.protection.clone() };
        if shorter && retained.holds(now, input.bypass_governance_retention == Some(true)) {
            return Err(S3ErrorCode::AccessDenied.into());
        }
        version.protection.until = until;
        version.protection.mode = wanted.mode.map(|mode| mode.as_str().to_owned());
        Ok(S3Response::new(PutObjectRetentionOutput::default()))
    }

    pub(super) async fn hold(&self, request: S3Request<GetObjectLegalHoldInput>) -> Reply<GetObjectLegalHoldOutput> {
        let input = request.input;
        let hold = self.protection(&input.bucket, &input.key, input.version_id.as_deref())?.hold;
        let status = if hold { ObjectLockLegalHoldStatus::ON } else { ObjectLockLegalHoldStatus::OFF };
        let legal_hold = ObjectLockLegalHold { status: Some(ObjectLockLegalHoldStatus::from_static(status)) };
        Ok(S3Response::new(GetObjectLegalHoldOutput { legal_hold: Some(legal_hold) }))
    }

    pub(super) async fn set_hold(
        &self,
        request: S3Request<PutObjectLegalHoldInput>,
    ) -> Reply<PutObjectLegalHoldOutput> {
        let input = request.input;
        let shared = self.bucket(&input.bucket)?;
        let mut bucket = shared.lock();
        if !bucket.lock {
            return Err(S3ErrorCode::InvalidRequest.into());
        }
        let version = bucket.version_mut(&input.key, input.version_id.as_deref())?;
        let status = input.legal_hold.and_then(|hold| hold.status);
        version.protection.hold = status.is_some_and(|status| status.as_str() == ObjectLockLegalHoldStatus::ON);
        Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
    }

    fn protection(&self, bucket: &str, key: &str, version: Option<&str>) -> s3s::S3Result<Protection> {
        let shared = self.bucket(bucket)?;
        let mut bucket = shared.lock();
        if !bucket.lock {
            return Err(S3ErrorCode::InvalidRequest.into());
        }
        Ok(bucket.version_mut(key, version)?.protection.clone())
    }
}
