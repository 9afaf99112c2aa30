//! Copying within the bucket.

use aws_sdk_s3::types::{CompletedPart, MetadataDirective};
use aws_smithy_runtime_api::http::Request;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use objstore_core::{
    ChecksumScope, Checksums, Condition, CopyOptions, Effect, Error, ErrorKind, ObjectKey, ObjectMeta, Promise,
    ReadOptions, Result, UploadId, UploadOptions, WriteOptions, Written,
};

use crate::{
    errors::of_change,
    escape::encode_path,
    look::Look,
    profiles::{CopyConditions, MAX_PUT},
    put::{ConditionHeaders, ObjectHead, revision, version},
    read::unreadable,
    store::S3Store,
    upload::{Whole, part_size},
};

/// Parts of a copy are of the store's bytes, not of ours: large ones cost nothing here.
const COPIED_PART: u64 = 512 << 20;

impl S3Store {
    pub(crate) async fn copy_object(&self, from: &ObjectKey, to: &ObjectKey, options: &CopyOptions) -> Result<Written> {
        self.check_write(&options.write)?;
        if options.write.condition.is_some() {
            self.check_promise(Promise::ConditionalCopy)?;
        }
        self.check_versions(options.source_version.is_some())?;
        let mut look = ReadOptions::new();
        look.matches.clone_from(&options.source);
        look.version.clone_from(&options.source_version);
        let source = self.head_object(from, &look).await?;
        check_source(&source, &options.write.expect)?;
        let mut write = options.write.clone();
        if write.headers.is_empty() {
            write.headers.clone_from(&source.headers);
        }
        let head = ObjectHead::new(self, &write)?;
        let origin = self.origin(&source, options);
        let written = if source.size > MAX_PUT {
            self.copy_parts(to, &source, &origin, &head, &write).await
        } else {
            self.copy_whole(to, &source, &origin, &head, &write).await
        };
        let known = if source.checksums.scope == ChecksumScope::Full { source.checksums } else { Checksums::default() };
        Ok(written?.with_checksums(known))
    }

    /// `bucket/key`, perhaps with its version.
    fn origin(&self, source: &ObjectMeta, options: &CopyOptions) -> String {
        let key = encode_path(source.key.as_str());
        match &options.source_version {
            Some(version) => format!("{}/{key}?versionId={}", self.bucket(), encode_path(version.as_str())),
            None => format!("{}/{key}", self.bucket()),
        }
    }

    async fn copy_whole(
        &self,
        to: &ObjectKey,
        source: &ObjectMeta,
        origin: &str,
        head: &ObjectHead,
        write: &WriteOptions,
    ) -> Result<Written> {
        let condition = ConditionHeaders::of(self, write.condition.as_ref());
        let own = self.shared.profile.copy_conditions == CopyConditions::Cloudflare;
        let standard = if own { ConditionHeaders::default() } else { condition.clone() };
        let answer = self
            .send(|| {
                let (head, standard, condition) = (head.clone(), standard.clone(), condition.clone());
                self.client()
                    .copy_object()
                    .bucket(self.bucket())
                    .key(to.as_str())
                    .copy_source(origin)
                    // The state that was looked at, so that its length is right.
                    .copy_source_if_match(self.etag(&source.revision))
                    .metadata_directive(MetadataDirective::Replace)
                    .set_if_match(standard.matches)
                    .set_if_none_match(standard.none_match)
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
                    .customize()
                    .mutate_request(move |request| {
                        if own {
                            cloudflare_conditions(request, &condition)
                        }
                    })
                    .send()
            })
            .await;
        match answer {
            Ok(answer) => match answer.copy_object_result().and_then(|result| result.e_tag()).and_then(revision) {
                Some(revision) => {
                    Ok(Written::new(revision, source.size).with_version(answer.version_id().and_then(version)))
                }
                None => self.find_written(to, &head.token).await,
            },
            Err(failed) => {
                let error = of_change(failed, None);
                let error = self.which_condition(error, to, write.condition.as_ref()).await;
                self.look_after(error, Look::new(to, &head.token, write.condition.as_ref())).await
            }
        }
    }

    /// A 412 of a copy is about the source or about the destination.
    async fn which_condition(&self, error: Error, to: &ObjectKey, condition: Option<&Condition>) -> Error {
        if error.kind() != ErrorKind::PreconditionFailed || condition != Some(&Condition::Absent) {
            return error;
        }
        match self.head_object(to, &ReadOptions::new()).await {
            Ok(_) => Error::new(ErrorKind::AlreadyExists).with_source(error),
            Err(_) => error,
        }
    }

    /// Copies what is too long for one request.
    async fn copy_parts(
        &self,
        to: &ObjectKey,
        source: &ObjectMeta,
        origin: &str,
        head: &ObjectHead,
        write: &WriteOptions,
    ) -> Result<Written> {
        if write.condition.is_some() {
            self.check_promise(Promise::ConditionalComplete)?;
        }
        let least =
            part_size(None, UploadOptions::new().with_size_hint(source.size).size_hint, self.shared.profile.parts)?;
        let size = COPIED_PART.max(least as u64);
        let id = self.create_multipart(to, head).await?;
        let count = source.size.div_ceil(size);
        let copies = (0..count).map(|index| {
            let start = index.saturating_mul(size);
            let last = start.saturating_add(size).min(source.size).saturating_sub(1);
            let (number, id) = (i32::try_from(index.saturating_add(1)).unwrap_or(i32::MAX), &id);
            let rule = &self.shared.retries;
            async move { rule.run_idempotent(|| self.copy_part(to, id, number, origin, source, (start, last))).await }
        });
        let at_a_time = self.shared.in_flight.get() as usize;
        let parts: Result<Vec<_>> = stream::iter(copies).buffered(at_a_time).try_collect().await;
        let written = match parts {
            Ok(parts) => {
                let whole = Whole { parts, checksums: Checksums::default(), size: source.size };
                self.complete_multipart(to, &id, head, write.condition.as_ref(), &whole).await
            }
            Err(error) => Err(error),
        };
        if written.as_ref().is_err_and(|error| *error.effect() == Effect::NotApplied) {
            // What is left of it a sweep finds.
            drop(self.abort_multipart(to, &id).await);
        }
        written
    }

    async fn copy_part(
        &self,
        to: &ObjectKey,
        id: &UploadId,
        number: i32,
        origin: &str,
        source: &ObjectMeta,
        (start, last): (u64, u64),
    ) -> Result<CompletedPart> {
        let answer = self
            .send(|| {
                self.client()
                    .upload_part_copy()
                    .bucket(self.bucket())
                    .key(to.as_str())
                    .upload_id(id.as_str())
                    .part_number(number)
                    .copy_source(origin)
                    .copy_source_if_match(self.etag(&source.revision))
                    .copy_source_range(format!("bytes={start}-{last}"))
                    .set_request_payer(self.payer())
                    .send()
            })
            .await
            .map_err(|failed| of_change(failed, None).with_effect(Effect::NotApplied))?;
        let result = answer.copy_part_result().ok_or_else(|| unreadable("it does not describe the part"))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(result.e_tag().map(str::to_owned))
            .set_checksum_crc32_c(result.checksum_crc32_c().map(str::to_owned))
            .build())
    }
}

/// A copy is not read here, so only what the store keeps of the source can be compared.
fn check_source(source: &ObjectMeta, expect: &Checksums) -> Result<()> {
    if expect.is_empty() {
        return Ok(());
    }
    if let Some(kind) = source.checksums.mismatch(expect) {
        let detail = format!("the source does not have the {kind} announced");
        return Err(Error::new(ErrorKind::Integrity).with_detail(detail));
    }
    let known = &source.checksums;
    let told = known.scope == expect.scope
        && (expect.crc32c.is_none() || known.crc32c.is_some())
        && (expect.crc64nvme.is_none() || known.crc64nvme.is_some())
        && (expect.sha256.is_none() || known.sha256.is_some())
        && (expect.md5.is_none() || known.md5.is_some());
    if told {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Unsupported).with_detail("the store keeps no such digest of the source"))
    }
}

fn cloudflare_conditions(request: &mut Request, condition: &ConditionHeaders) {
    let own = [
        ("cf-copy-destination-if-match", &condition.matches),
        ("cf-copy-destination-if-none-match", &condition.none_match),
    ];
    for (name, value) in own {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.clone());
        }
    }
}
