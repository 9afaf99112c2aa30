//! Reading.

use std::{ops::Range, sync::Arc, time::SystemTime};

use hyper::HeaderMap;
use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{
        self, ChecksumMode, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
        ObjectLockLegalHoldStatus, ObjectLockMode, ServerSideEncryption, StorageClass, Timestamp,
    },
};

use super::{Backend, Reply};
use crate::s3::bucket::{Bucket, Object, Protection, Version};

/// What a reader wants.
struct Wanted {
    key: String,
    version: Option<String>,
    matches: Option<ETagCondition>,
    none_match: Option<ETagCondition>,
    range: Option<dto::Range>,
}

/// An object as one reader finds it.
struct Found {
    object: Arc<Object>,
    modified: SystemTime,
    protection: Protection,
    /// Its version, where the bucket keeps them.
    version: Option<String>,
    range: Option<Range<u64>>,
}

/// The version that a read means.
pub(super) fn find<'b>(bucket: &'b Bucket, key: &str, version: Option<&str>) -> S3Result<&'b Version> {
    let found = match version {
        Some(id) => Some(bucket.version(key, id)?),
        None => bucket.latest(key),
    };
    match found {
        Some(found) if found.is_marker() => Err(marker_error(found, version.is_some())),
        Some(found) => Ok(found),
        None => Err(S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")),
    }
}

fn marker_error(marker: &Version, asked_for: bool) -> S3Error {
    let code = if asked_for { S3ErrorCode::MethodNotAllowed } else { S3ErrorCode::NoSuchKey };
    let mut error = S3Error::new(code);
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", hyper::header::HeaderValue::from_static("true"));
    if let Ok(id) = marker.id.parse() {
        headers.insert("x-amz-version-id", id);
    }
    error.set_headers(headers);
    error
}

impl Backend {
    fn find_for(&self, bucket: &str, wanted: &Wanted) -> S3Result<Found> {
        let shared = self.bucket(bucket)?;
        let bucket = shared.lock();
        let version = find(&bucket, &wanted.key, wanted.version.as_deref())?;
        let object = version.object.as_ref().ok_or(S3ErrorCode::NoSuchKey)?;
        check(wanted, &object.etag)?;
        let full = object.body.size();
        let range = wanted.range.map(|range| range.check(full)).transpose().map_err(|_| S3ErrorCode::InvalidRange)?;
        let kept = bucket.versioning != crate::s3::bucket::Versioning::Never;
        Ok(Found {
            object: Arc::clone(object),
            modified: version.modified,
            protection: version.protection.clone(),
            version: kept.then(|| version.id.clone()),
            range,
        })
    }

    pub(super) async fn get(&self, request: S3Request<GetObjectInput>) -> Reply<GetObjectOutput> {
        let input = request.input;
        let wanted = Wanted {
            key: input.key,
            version: input.version_id,
            matches: input.if_match,
            none_match: input.if_none_match,
            range: input.range,
        };
        let found = self.find_for(&input.bucket, &wanted)?;
        let full = found.object.body.size();
        let range = found.range.clone().unwrap_or(0..full);
        let whole = found.range.is_none();
        let body = found.object.body.slice(range.clone());
        let head = describe(found, digests_asked(input.checksum_mode.as_ref()) && whole);
        Ok(S3Response::new(GetObjectOutput {
            body: Some(body.stream()),
            content_length: i64::try_from(range.end.saturating_sub(range.start)).ok(),
            content_range: (!whole).then(|| format!("bytes {}-{}/{full}", range.start, range.end.saturating_sub(1))),
            accept_ranges: head.accept_ranges,
            bucket_key_enabled: head.bucket_key_enabled,
            cache_control: head.cache_control,
            checksum_crc32: head.checksum_crc32,
            checksum_crc32c: head.checksum_crc32c,
            checksum_crc64nvme: head.checksum_crc64nvme,
            checksum_sha1: head.checksum_sha1,
            checksum_sha256: head.checksum_sha256,
            checksum_type: head.checksum_type,
            content_disposition: head.content_disposition,
            content_encoding: head.content_encoding,
            content_language: head.content_language,
            content_type: head.content_type,
            e_tag: head.e_tag,
            last_modified: head.last_modified,
            metadata: head.metadata,
            object_lock_legal_hold_status: head.object_lock_legal_hold_status,
            object_lock_mode: head.object_lock_mode,
            object_lock_retain_until_date: head.object_lock_retain_until_date,
            parts_count: head.parts_count,
            ssekms_key_id: head.ssekms_key_id,
            server_side_encryption: head.server_side_encryption,
            storage_class: head.storage_class,
            version_id: head.version_id,
            ..Default::default()
        }))
    }

    pub(super) async fn head(&self, request: S3Request<HeadObjectInput>) -> Reply<HeadObjectOutput> {
        let input = request.input;
        let wanted = Wanted {
            key: input.key,
            version: input.version_id,
            matches: input.if_match,
            none_match: input.if_none_match,
            range: None,
        };
        let found = self.find_for(&input.bucket, &wanted)?;
        Ok(S3Response::new(describe(found, digests_asked(input.checksum_mode.as_ref()))))
    }
}

fn digests_asked(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

fn check(wanted: &Wanted, etag: &str) -> S3Result<()> {
    let is = |condition: &ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.value() == etag,
    };
    if wanted.matches.as_ref().is_some_and(|condition| !is(condition)) {
        return Err(S3ErrorCode::PreconditionFailed.into());
    }
    if wanted.none_match.as_ref().is_some_and(is) {
        return Err(S3ErrorCode::NotModified.into());
    }
    Ok(())
}

fn describe(found: Found, with_digests: bool) -> HeadObjectOutput {
    let Found { object, modified, protection, version, .. } = found;
    let kept = object.kept.clone();
    let digests = if with_digests { object.digests.clone() } else { dto::Checksum::default() };
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        bucket_key_enabled: kept.bucket_key,
        cache_control: kept.cache_control,
        checksum_crc32: digests.checksum_crc32,
        checksum_crc32c: digests.checksum_crc32c,
        checksum_crc64nvme: digests.checksum_crc64nvme,
        checksum_sha1: digests.checksum_sha1,
        checksum_sha256: digests.checksum_sha256,
        checksum_type: digests.checksum_type,
        content_disposition: kept.content_disposition,
        content_encoding: kept.content_encoding,
        content_language: kept.content_language,
        content_length: i64::try_from(object.body.size()).ok(),
        content_type: Some(kept.content_type.unwrap_or_else(|| "binary/octet-stream".to_owned())),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(Timestamp::from(modified)),
        metadata: Some(kept.metadata),
        object_lock_legal_hold_status: protection
            .hold
            .then(|| ObjectLockLegalHoldStatus::from_static(ObjectLockLegalHoldStatus::ON)),
        object_lock_mode: protection.mode.map(ObjectLockMode::from),
        object_lock_retain_until_date: protection.until.map(Timestamp::from),
        parts_count: None,
        ssekms_key_id: kept.encryption_key,
        server_side_encryption: kept.encryption.map(ServerSideEncryption::from),
        storage_class: kept.storage_class.filter(|class| class != "STANDARD").map(StorageClass::from),
        version_id: version,
        ..Default::default()
    }
}
