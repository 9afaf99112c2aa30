//! Writing an object in one piece.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{
        Checksum, ETag, ObjectLockLegalHoldStatus, PutObjectInput, PutObjectOutput, ServerSideEncryption, Timestamp,
        TimestampFormat,
    },
};

use super::{
    Backend, Reply,
    conditions::{Change, Condition},
};
use crate::s3::{
    body::{Announced, hex, receive},
    bucket::{Bucket, Kept, Object, Protection},
    quirk::{Quirk, Site},
};

/// Takes what is kept with a body out of a request that can carry it.
macro_rules! kept {
    ($input:expr) => {
        Kept {
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            content_type: $input.content_type.take(),
            metadata: $input.metadata.take().unwrap_or_default(),
            storage_class: $input.storage_class.take().map(|class| class.as_str().to_owned()),
            encryption: $input.server_side_encryption.take().map(|sse| sse.as_str().to_owned()),
            encryption_key: $input.ssekms_key_id.take(),
            bucket_key: $input.bucket_key_enabled.take(),
        }
    };
}
pub(super) use kept;

/// Takes the lock out of a request that can carry one.
macro_rules! protection {
    ($input:expr) => {
        crate::s3::backend::put::protection_of(
            $input.object_lock_mode.take().map(|mode| mode.as_str().to_owned()),
            $input.object_lock_retain_until_date.take(),
            $input.object_lock_legal_hold_status.take(),
        )
    };
}
pub(super) use protection;

pub(super) fn protection_of(
    mode: Option<String>,
    until: Option<Timestamp>,
    hold: Option<ObjectLockLegalHoldStatus>,
) -> Protection {
    let hold = hold.is_some_and(|status| status.as_str() == ObjectLockLegalHoldStatus::ON);
    Protection { until: until.map(system_time), mode, hold }
}

/// `s3s` gives its times as text only.
pub(super) fn system_time(time: Timestamp) -> SystemTime {
    let mut text = Vec::new();
    let written = time.format(TimestampFormat::EpochSeconds, &mut text).ok();
    let seconds = written.and_then(|()| std::str::from_utf8(&text).ok()?.parse().ok()).unwrap_or_default();
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// The digests that a request announces.
macro_rules! announced {
    ($request:expr) => {
        Announced {
            length: $request.input.content_length.and_then(|length| u64::try_from(length).ok()),
            md5: $request.input.content_md5.take(),
            digests: Checksum {
                checksum_crc32: $request.input.checksum_crc32.take(),
                checksum_crc32c: $request.input.checksum_crc32c.take(),
                checksum_crc64nvme: $request.input.checksum_crc64nvme.take(),
                checksum_sha1: $request.input.checksum_sha1.take(),
                checksum_sha256: $request.input.checksum_sha256.take(),
                checksum_type: None,
            },
            algorithm: $request.input.checksum_algorithm.take().map(|name| name.as_str().to_owned()),
            trailers: $request.trailing_headers.take(),
        }
    };
}
pub(super) use announced;

impl Backend {
    pub(super) async fn put(&self, mut request: S3Request<PutObjectInput>) -> Reply<PutObjectOutput> {
        let shared = self.bucket(&request.input.bucket)?;
        let input = &mut request.input;
        let condition = Condition::parse(input.if_match.take(), input.if_none_match.take())?;
        let (kept, protection, body) = (kept!(input), protection!(input), input.body.take());
        let announced = announced!(request);
        let received = receive(body, announced, self.quirks.has(Quirk::CommitTruncated)).await?;
        let etag = hex(&received.md5);
        let (digests, encryption) = (received.digests.clone(), kept.encryption.clone());
        let size = received.chunks.size();
        let object = Object { body: received.chunks, etag: etag.clone(), digests: received.digests, kept };
        let (key, now) = (request.input.key.clone(), self.now());
        let change = Change { site: Site::Put, key: &key, condition, size };
        let version = self
            .change(&shared, change, |bucket| {
                let protection = self.protect(bucket, protection)?;
                bucket.insert(&key, object, protection, now)
            })
            .await?;
        let Checksum { checksum_crc32, checksum_crc32c, checksum_crc64nvme, checksum_sha1, checksum_sha256, .. } =
            digests;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            version_id: version,
            server_side_encryption: encryption.map(ServerSideEncryption::from),
            checksum_crc32,
            checksum_crc32c,
            checksum_crc64nvme,
            checksum_sha1,
            checksum_sha256,
            checksum_type: digests.checksum_type,
            ..Default::default()
        }))
    }

    /// The lock that an object gets: its own, or the bucket's default.
    pub(super) fn protect(&self, bucket: &Bucket, own: Protection) -> S3Result<Protection> {
        if own != Protection::default() && !bucket.lock && !self.quirks.has(Quirk::IgnoreLocks) {
            let message = "Bucket is missing Object Lock Configuration";
            return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
        }
        let Some((days, mode)) = bucket.default_retention.clone().filter(|_| own.mode.is_none()) else {
            return Ok(own);
        };
        let life = Duration::from_secs(u64::from(days).saturating_mul(86_400));
        Ok(Protection { until: self.now().checked_add(life), mode: Some(mode), hold: own.hold })
    }
}
