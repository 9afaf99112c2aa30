//! Writing an object from memory.

use std::collections::HashMap;

use aws_sdk_s3::{
    primitives::{ByteStream, DateTime},
    types::{
        ChecksumAlgorithm, ObjectCannedAcl, ObjectLockLegalHoldStatus, ObjectLockMode, RequestPayer,
        ServerSideEncryption, StorageClass,
    },
};
use bytes::Bytes;
use objstore_core::{
    Checksums, Condition, Error, ErrorKind, ObjectKey, Payload, Promise, Protection, Result, RetentionMode, Revision,
    VersionId, WriteOptions, WriteToken, Written,
};

use crate::{
    checksum::{self, DigestHeaders},
    errors::of_change,
    look::Look,
    metadata,
    profiles::MAX_PUT,
    store::S3Store,
};

impl S3Store {
    pub(crate) async fn put_object(&self, key: &ObjectKey, body: Payload, options: &WriteOptions) -> Result<Written> {
        self.check_write(options)?;
        if body.len() > MAX_PUT {
            return Err(Error::new(ErrorKind::TooLarge).with_detail("one put takes 5 GiB: use an upload"));
        }
        let checksums = checksum::check_body(body.chunks(), &options.expect)?;
        self.put_checked(key, body.into_bytes(), checksums, options).await
    }

    /// Writes a body whose digests are known.
    pub(crate) async fn put_checked(
        &self,
        key: &ObjectKey,
        body: Bytes,
        checksums: Checksums,
        options: &WriteOptions,
    ) -> Result<Written> {
        let size = body.len() as u64;
        let head = ObjectHead::new(self, options)?;
        let token = head.token.clone();
        let condition = ConditionHeaders::of(self, options.condition.as_ref());
        let digests = DigestHeaders::of_body(&body, checksums.crc32c.unwrap_or_default(), self.shared.profile.digest);
        let answer = self
            .send(|| {
                let (head, digests, condition) = (head.clone(), digests.clone(), condition.clone());
                let request = self.client().put_object().bucket(self.bucket()).key(key.as_str());
                let request = request
                    .body(ByteStream::from(body.clone()))
                    // Some look for this name, not for the digest, before they take an object under a lock.
                    .set_checksum_algorithm(digests.crc32c.as_ref().map(|_| ChecksumAlgorithm::Crc32C))
                    .set_checksum_crc32_c(digests.crc32c)
                    .set_content_md5(digests.md5)
                    .set_if_match(condition.matches)
                    .set_if_none_match(condition.none_match)
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
                    .set_object_lock_legal_hold_status(head.hold);
                async move {
                    if self.shared.unsigned_bodies {
                        request.customize().disable_payload_signing().send().await
                    } else {
                        request.send().await
                    }
                }
            })
            .await;
        let written = match answer {
            Ok(answer) => match answer.e_tag().and_then(revision) {
                Some(revision) => Ok(Written::new(revision, size).with_version(answer.version_id().and_then(version))),
                None => self.find_written(key, &token).await,
            },
            Err(failed) => {
                let error = of_change(failed, options.condition.as_ref());
                self.look_after(error, Look::new(key, &token, options.condition.as_ref())).await
            }
        };
        written.map(|written| written.with_checksums(checksums))
    }

    /// Refuses early what would be refused, or ignored, by the store.
    pub(crate) fn check_write(&self, options: &WriteOptions) -> Result<()> {
        self.check_condition(options.condition.as_ref())?;
        metadata::check(&options.headers)?;
        if options.protection != Protection::default() {
            self.check_promise(Promise::Lock)?;
        }
        Ok(())
    }
}

/// A condition as headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConditionHeaders {
    pub(crate) matches: Option<String>,
    pub(crate) none_match: Option<String>,
}

impl ConditionHeaders {
    pub(crate) fn of(store: &S3Store, condition: Option<&Condition>) -> Self {
        match condition {
            Some(Condition::Absent) => Self { none_match: Some("*".to_owned()), ..Self::default() },
            Some(Condition::Matches(revision)) => Self { matches: Some(store.etag(revision)), ..Self::default() },
            _ => Self::default(),
        }
    }
}

impl S3Store {
    /// A revision as a header.
    pub(crate) fn etag(&self, revision: &Revision) -> String {
        if self.shared.profile.bare_etags { revision.to_string() } else { format!("\"{revision}\"") }
    }

    /// Who pays for a request.
    pub(crate) fn payer(&self) -> Option<RequestPayer> {
        self.shared.write.requester_pays.then_some(RequestPayer::Requester)
    }
}

/// An ETag without its quotes; none if it is empty.
pub(crate) fn revision(etag: &str) -> Option<Revision> {
    let bare = etag.trim().trim_start_matches("W/").trim_matches('"');
    (!bare.is_empty()).then(|| Revision::new(bare))
}

/// A version id; none outside of buckets that keep versions.
pub(crate) fn version(id: &str) -> Option<VersionId> {
    (!id.is_empty() && id != "null").then(|| VersionId::new(id))
}

/// What goes with a new object beside its body.
#[derive(Debug, Clone)]
pub(crate) struct ObjectHead {
    pub(crate) token: WriteToken,
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) encryption: Option<ServerSideEncryption>,
    pub(crate) kms_key: Option<String>,
    pub(crate) bucket_key: Option<bool>,
    pub(crate) storage_class: Option<StorageClass>,
    pub(crate) acl: Option<ObjectCannedAcl>,
    pub(crate) payer: Option<RequestPayer>,
    pub(crate) lock_mode: Option<ObjectLockMode>,
    pub(crate) retain_until: Option<DateTime>,
    pub(crate) hold: Option<ObjectLockLegalHoldStatus>,
}

impl ObjectHead {
    pub(crate) fn new(store: &S3Store, options: &WriteOptions) -> Result<Self> {
        let token = match &options.token {
            Some(token) => token.clone(),
            None => metadata::new_token()?,
        };
        let (write, headers, protection) = (&store.shared.write, &options.headers, &options.protection);
        let (encryption, kms_key, bucket_key) = write.encryption.parts();
        let mode = protection.retain_until.map(|_| protection.mode.unwrap_or(RetentionMode::Governance));
        Ok(Self {
            content_type: headers.content_type.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_disposition: headers.content_disposition.clone(),
            cache_control: headers.cache_control.clone(),
            metadata: metadata::encode(&headers.metadata, &token),
            token,
            encryption,
            kms_key,
            bucket_key,
            storage_class: write.storage_class.as_deref().map(StorageClass::from),
            acl: write.acl.as_deref().map(ObjectCannedAcl::from),
            payer: store.payer(),
            lock_mode: mode.map(lock_mode).transpose()?,
            retain_until: protection.retain_until.map(DateTime::from),
            hold: protection.hold.map(hold),
        })
    }
}

fn lock_mode(mode: RetentionMode) -> Result<ObjectLockMode> {
    match mode {
        RetentionMode::Governance => Ok(ObjectLockMode::Governance),
        RetentionMode::Compliance => Ok(ObjectLockMode::Compliance),
        _ => Err(Error::new(ErrorKind::Unsupported).with_detail("this retention mode is not known here")),
    }
}

pub(crate) fn hold(on: bool) -> ObjectLockLegalHoldStatus {
    if on { ObjectLockLegalHoldStatus::On } else { ObjectLockLegalHoldStatus::Off }
}
