//! The requests of an upload in parts.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use objstore_core::{Checksums, Condition, Effect, ErrorKind, Hasher, ObjectKey, Result, Retry, UploadId, Written};

use crate::{
    checksum::{DigestHeaders, crc32c_text},
    errors::of_change,
    look::Look,
    profiles::BodyDigest,
    put::{ConditionHeaders, ObjectHead, revision, version},
    read::unreadable,
    store::S3Store,
};

/// A whole that is ready to become an object.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) parts: Vec<CompletedPart>,
    pub(crate) checksums: Checksums,
    pub(crate) size: u64,
}

impl S3Store {
    fn part_algorithm(&self) -> Option<ChecksumAlgorithm> {
        (self.shared.profile.digest == BodyDigest::Crc32c).then_some(ChecksumAlgorithm::Crc32C)
    }

    /// One digest over all parts, where the store can join them.
    fn whole_type(&self) -> Option<ChecksumType> {
        self.part_algorithm().filter(|_| self.shared.profile.full_object_crc).map(|_| ChecksumType::FullObject)
    }

    pub(crate) async fn create_multipart(&self, key: &ObjectKey, head: &ObjectHead) -> Result<UploadId> {
        let answer = self
            .send(|| {
                let head = head.clone();
                self.client()
                    .create_multipart_upload()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .set_checksum_algorithm(self.part_algorithm())
                    .set_checksum_type(self.whole_type())
                    .set_content_type(head.content_type)
                    .set_content_encoding(head.content_encoding)
                    .set_content_disposition(head.content_disposition)
                    .set_cache_control(head.cache_control)
                    .set_metadata(Some(head.metadata))
                    .set_server_side_encryption(head.encryption)
                    .set_ssekms_key_id(head.kms_key)
                    .set_bucket_key_enabled(head.bucket_key)
                    .set_storage_class(head.storage_class)
                    .set_acl(head.acl)
                    .set_request_payer(head.payer)
                    .set_object_lock_mode(head.lock_mode)
                    .set_object_lock_retain_until_date(head.retain_until)
                    .set_object_lock_legal_hold_status(head.hold)
                    .send()
            })
            .await
            // The object is not changed by it, whatever became of the request.
            .map_err(|failed| of_change(failed, None).with_effect(Effect::NotApplied))?;
        let id = answer.upload_id().filter(|id| !id.is_empty());
        id.map(UploadId::new).ok_or_else(|| unreadable("it does not name the upload"))
    }

    /// Sends a part. Sent again it replaces itself.
    pub(crate) async fn send_part(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        number: i32,
        body: Bytes,
    ) -> Result<CompletedPart> {
        let crc32c = crc32c_of(&body);
        let digests = DigestHeaders::of_body(&body, crc32c, self.shared.profile.digest);
        let answer = self
            .send(|| {
                let digests = digests.clone();
                let request = self
                    .client()
                    .upload_part()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .upload_id(id.as_str())
                    .part_number(number)
                    .body(ByteStream::from(body.clone()))
                    .set_checksum_crc32_c(digests.crc32c)
                    .set_content_md5(digests.md5)
                    .set_request_payer(self.payer());
                async move {
                    if self.shared.unsigned_bodies {
                        request.customize().disable_payload_signing().send().await
                    } else {
                        request.send().await
                    }
                }
            })
            .await
            .map_err(|failed| of_change(failed, None).with_effect(Effect::NotApplied))?;
        let etag = answer.e_tag().ok_or_else(|| unreadable("it does not name the part's ETag"))?;
        Ok(CompletedPart::builder().part_number(number).e_tag(etag).set_checksum_crc32_c(digests.crc32c).build())
    }

    /// Makes the object of its parts, if the condition holds.
    pub(crate) async fn complete_multipart(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        head: &ObjectHead,
        condition: Option<&Condition>,
        whole: &Whole,
    ) -> Result<Written> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(whole.parts.clone())).build();
        let headers = ConditionHeaders::of(self, condition);
        let whole_type = self.whole_type();
        let crc32c = whole.checksums.crc32c.filter(|_| whole_type.is_some()).map(crc32c_text);
        let answer = self
            .send(|| {
                self.client()
                    .complete_multipart_upload()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .upload_id(id.as_str())
                    .multipart_upload(parts.clone())
                    .set_checksum_crc32_c(crc32c.clone())
                    .set_checksum_type(whole_type.clone())
                    .set_if_match(headers.matches.clone())
                    .set_if_none_match(headers.none_match.clone())
                    .set_request_payer(self.payer())
                    .send()
            })
            .await;
        match answer {
            Ok(answer) => match answer.e_tag().and_then(revision) {
                Some(revision) => {
                    Ok(Written::new(revision, whole.size).with_version(answer.version_id().and_then(version)))
                }
                // Ceph 16.2 leaves it empty.
                None => self.find_written(key, &head.token).await,
            },
            Err(failed) => {
                let gone = matches!(&failed, aws_sdk_s3::error::SdkError::ServiceError(service)
                    if aws_sdk_s3::error::ProvideErrorMetadata::code(service.err()) == Some("NoSuchUpload"));
                let error = of_change(failed, condition.filter(|_| !gone));
                // An upload that is gone was completed, or given up by somebody.
                let error = if gone { error.with_effect(Effect::Unknown).with_retry(Retry::FromStart) } else { error };
                let error = match error.kind() {
                    // The parts are lost with it.
                    ErrorKind::Conflict => error.with_retry(Retry::FromStart),
                    _ => error,
                };
                self.look_after(error, Look::new(key, &head.token, condition)).await
            }
        }
        .map(|written| written.with_checksums(whole.checksums))
    }

    /// Done once more where its outcome is not known: the second one tells.
    pub(crate) async fn abort_multipart(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        match self.abort_once(key, id).await {
            Err(error) if *error.effect() == Effect::Unknown => self.abort_once(key, id).await,
            told => told,
        }
    }

    async fn abort_once(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        let answer = self
            .send(|| {
                self.client()
                    .abort_multipart_upload()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .upload_id(id.as_str())
                    .set_request_payer(self.payer())
                    .send()
            })
            .await;
        match answer.map_err(|failed| of_change(failed, None)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn crc32c_of(body: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(body);
    hasher.finish().crc32c.unwrap_or_default()
}
