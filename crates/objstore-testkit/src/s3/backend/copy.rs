//! Copying within the server.

use std::{ops::Range, sync::Arc};

use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    crypto::{Checksum as _, Md5},
    dto::{
        CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETag, ETagCondition,
        MetadataDirective, Timestamp, UploadPartCopyInput, UploadPartCopyOutput,
    },
};

use super::{
    Backend, Reply,
    conditions::{Change, Condition},
    put::{kept, protection},
    read::find,
};
use crate::s3::{
    body::{hasher_for, hex},
    bucket::{Kept, Object, Part},
    quirk::{Quirk, Site},
};

/// The largest object that one request copies.
const MAX_COPY: u64 = 5 << 30;

impl Backend {
    fn source(
        &self,
        source: &CopySource,
        matches: Option<&ETagCondition>,
        none_match: Option<&ETagCondition>,
    ) -> S3Result<Arc<Object>> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(S3ErrorCode::NotImplemented.into());
        };
        let shared = self.bucket(bucket)?;
        let bucket = shared.lock();
        let object = find(&bucket, key, version_id.as_deref())?.object.clone().ok_or(S3ErrorCode::NoSuchKey)?;
        let is = |condition: &ETagCondition| {
            condition.is_any() || condition.as_etag().is_some_and(|etag| etag.value() == object.etag)
        };
        if matches.is_some_and(|condition| !is(condition)) || none_match.is_some_and(is) {
            return Err(S3ErrorCode::PreconditionFailed.into());
        }
        Ok(object)
    }

    pub(super) async fn copy(&self, mut request: S3Request<CopyObjectInput>) -> Reply<CopyObjectOutput> {
        let shared = self.bucket(&request.input.bucket)?;
        // `s3s` has no fields for conditions on the destination.
        let condition = Condition::of_headers(&request.headers)?;
        let input = &mut request.input;
        let source = self.source(
            &input.copy_source,
            input.copy_source_if_match.as_ref(),
            input.copy_source_if_none_match.as_ref(),
        )?;
        if source.body.size() > MAX_COPY {
            let message = "The specified copy source is larger than the maximum allowable size";
            return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
        }
        let own: Kept = kept!(input);
        let replace = input.metadata_directive.take();
        let replace = replace.is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        let kept = if replace { own } else { copied(&source.kept, own) };
        let etag = hex(&md5_of(&source).await);
        let digests = source.digests.clone();
        let object = Object { body: source.body.clone(), etag: etag.clone(), digests: digests.clone(), kept };
        let protection = protection!(input);
        let (key, now) = (input.key.clone(), self.now());
        let change = Change { site: Site::Copy, key: &key, condition, size: source.body.size() };
        let version = self
            .change(&shared, change, |bucket| {
                let protection = self.protect(bucket, protection)?;
                bucket.insert(&key, object, protection, now)
            })
            .await?;
        let empty = self.quirks.has(Quirk::EmptyEtags);
        Ok(S3Response::new(CopyObjectOutput {
            version_id: version,
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(ETag::Strong(if empty { String::new() } else { etag })),
                last_modified: Some(Timestamp::from(now)),
                checksum_crc32: digests.checksum_crc32,
                checksum_crc32c: digests.checksum_crc32c,
                checksum_crc64nvme: digests.checksum_crc64nvme,
                checksum_sha1: digests.checksum_sha1,
                checksum_sha256: digests.checksum_sha256,
                checksum_type: digests.checksum_type,
            }),
            ..Default::default()
        }))
    }

    pub(super) async fn copy_part(&self, request: S3Request<UploadPartCopyInput>) -> Reply<UploadPartCopyOutput> {
        let input = request.input;
        let source = self.source(
            &input.copy_source,
            input.copy_source_if_match.as_ref(),
            input.copy_source_if_none_match.as_ref(),
        )?;
        let range = copied_range(input.copy_source_range.as_deref(), source.body.size())?;
        let body = source.body.slice(range);
        let mut part = Object { body, ..Object::default() };
        let md5 = md5_of(&part).await;
        let now = self.now();
        let part = |algorithm: Option<&str>| -> S3Result<Part> {
            let digests = part.body.digests(hasher_for(algorithm.unwrap_or("CRC64NVME"))?);
            Ok(Part { modified: now, body: std::mem::take(&mut part.body), md5, digests })
        };
        let shared = self.bucket(&input.bucket)?;
        let digests = self.add_part(&shared, &input.key, &input.upload_id, input.part_number, part)?;
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(CopyPartResult {
                e_tag: Some(ETag::Strong(hex(&md5))),
                last_modified: Some(Timestamp::from(now)),
                checksum_crc32: digests.checksum_crc32,
                checksum_crc32c: digests.checksum_crc32c,
                checksum_crc64nvme: digests.checksum_crc64nvme,
                checksum_sha1: digests.checksum_sha1,
                checksum_sha256: digests.checksum_sha256,
            }),
            ..Default::default()
        }))
    }
}

/// What a copy keeps: the source's, but storage class and encryption are its own.
fn copied(source: &Kept, own: Kept) -> Kept {
    Kept {
        storage_class: own.storage_class,
        encryption: own.encryption,
        encryption_key: own.encryption_key,
        bucket_key: own.bucket_key,
        ..source.clone()
    }
}

/// A copy is one piece: its ETag is the MD5 of the whole, also of what was written in parts.
async fn md5_of(object: &Object) -> [u8; 16] {
    use futures::StreamExt as _;
    let mut md5 = Md5::new();
    let mut stream = object.body.clone().stream();
    while let Some(Ok(chunk)) = stream.next().await {
        md5.update(&chunk);
    }
    md5.finalize()
}

fn copied_range(range: Option<&str>, size: u64) -> S3Result<Range<u64>> {
    let Some(text) = range else { return Ok(0..size) };
    let wrong = || S3Error::with_message(S3ErrorCode::InvalidArgument, "The x-amz-copy-source-range is not valid");
    let (first, last) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(wrong)?;
    let first: u64 = first.parse().map_err(|_| wrong())?;
    let last: u64 = last.parse().map_err(|_| wrong())?;
    if first > last || last >= size { Err(wrong()) } else { Ok(first..last.saturating_add(1)) }
}
