//! Uploads in parts.

use std::sync::Arc;

use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    crypto::{Checksum as _, Md5},
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, Checksum, ChecksumAlgorithm, ChecksumType,
        CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput, Part as ListedPart, Timestamp,
        UploadPartInput, UploadPartOutput,
    },
};

use super::{
    Backend, Reply, Shared,
    conditions::{Change, Condition},
    put::{announced, kept, protection},
};
use crate::s3::{
    body::{Announced, Chunks, decode, each, hasher_for, hex, receive},
    bucket::{Bucket, Kept, Object, Part, Pending},
    quirk::{Quirk, Site},
};

/// The smallest part but the last.
const MIN_PART: u64 = 5 << 20;

/// The most parts.
const MAX_PARTS: u32 = 10_000;

fn no_such_upload() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed.",
    )
}

fn pending<'b>(bucket: &'b Bucket, key: &str, id: &str) -> S3Result<&'b Pending> {
    bucket.uploads.get(&(key.to_owned(), id.to_owned())).ok_or_else(no_such_upload)
}

impl Backend {
    pub(super) async fn create_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Reply<CreateMultipartUploadOutput> {
        let mut input = request.input;
        let shared = self.bucket(&input.bucket)?;
        let algorithm = input.checksum_algorithm.take().map(|name| name.as_str().to_owned());
        let kind = input.checksum_type.take().map(|kind| kind.as_str().to_owned());
        let composite = match (kind.as_deref(), algorithm.as_deref()) {
            (Some(ChecksumType::COMPOSITE), Some("CRC64NVME"))
            | (Some(ChecksumType::FULL_OBJECT), Some("SHA1" | "SHA256")) => {
                let message = "The checksum type cannot be used with this checksum algorithm";
                return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
            }
            (Some(kind), _) => kind == ChecksumType::COMPOSITE,
            (None, algorithm) => !matches!(algorithm, None | Some("CRC64NVME")),
        };
        let upload = Pending {
            started: self.now(),
            kept: kept!(input),
            protection: protection!(input),
            algorithm: algorithm.clone(),
            composite,
            parts: std::collections::BTreeMap::new(),
        };
        let mut bucket = shared.lock();
        let id = bucket.next_id();
        bucket.uploads.insert((input.key.clone(), id.clone()), upload);
        let kind = if composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_type: algorithm.is_some().then(|| ChecksumType::from_static(kind)),
            checksum_algorithm: algorithm.map(ChecksumAlgorithm::from),
            ..Default::default()
        }))
    }

    fn max_parts(&self) -> u32 {
        self.quirks
            .find(|quirk| if let Quirk::MaxParts(parts) = quirk { Some(parts) } else { None })
            .unwrap_or(MAX_PARTS)
    }

    /// Keeps a part, in place of an earlier one of the same number.
    pub(super) fn add_part(
        &self,
        shared: &Shared,
        key: &str,
        id: &str,
        number: i32,
        make: impl FnOnce(Option<&str>) -> S3Result<Part>,
    ) -> S3Result<Checksum> {
        let most = self.max_parts();
        if !u32::try_from(number).is_ok_and(|number| (1..=most).contains(&number)) {
            let message = format!("Part number must be an integer between 1 and {most}, inclusive");
            return Err(S3Error::with_message(S3ErrorCode::InvalidArgument, message));
        }
        let mut bucket = shared.lock();
        let upload = bucket.uploads.get_mut(&(key.to_owned(), id.to_owned())).ok_or_else(no_such_upload)?;
        let part = make(upload.algorithm.as_deref())?;
        let digests = part.digests.clone();
        upload.parts.insert(number, part);
        Ok(digests)
    }

    pub(super) async fn put_part(&self, mut request: S3Request<UploadPartInput>) -> Reply<UploadPartOutput> {
        let shared = self.bucket(&request.input.bucket)?;
        let (key, id) = (request.input.key.clone(), request.input.upload_id.clone());
        let algorithm = pending(&shared.lock(), &key, &id)?.algorithm.clone();
        let body = request.input.body.take();
        let mut announced: Announced = announced!(request);
        announced.algorithm = announced.algorithm.or(algorithm);
        let received = receive(body, announced, self.quirks.has(Quirk::CommitTruncated)).await?;
        let (md5, now) = (received.md5, self.now());
        let digests = self.add_part(&shared, &key, &id, request.input.part_number, |_| {
            Ok(Part { modified: now, body: received.chunks, md5, digests: received.digests })
        })?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(hex(&md5))),
            checksum_crc32: digests.checksum_crc32,
            checksum_crc32c: digests.checksum_crc32c,
            checksum_crc64nvme: digests.checksum_crc64nvme,
            checksum_sha1: digests.checksum_sha1,
            checksum_sha256: digests.checksum_sha256,
            ..Default::default()
        }))
    }

    pub(super) async fn complete(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Reply<CompleteMultipartUploadOutput> {
        let input = request.input;
        let shared = self.bucket(&input.bucket)?;
        let condition = Condition::parse(input.if_match, input.if_none_match)?;
        if self.quirks.strikes(|quirk| if let Quirk::ErrorIn200 { every } = quirk { Some(every) } else { None }) {
            let mut error = S3Error::with_message(S3ErrorCode::InternalError, "We encountered an internal error");
            error.set_status_code(hyper::StatusCode::OK);
            return Err(error);
        }
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let announced = [
            ("CRC32", input.checksum_crc32),
            ("CRC32C", input.checksum_crc32c),
            ("CRC64NVME", input.checksum_crc64nvme),
            ("SHA1", input.checksum_sha1),
            ("SHA256", input.checksum_sha256),
        ];
        let (object, protection) = {
            let bucket = shared.lock();
            let upload = pending(&bucket, &input.key, &input.upload_id)?;
            (assemble(upload, &named, self.quirks.has(Quirk::EqualParts))?, upload.protection.clone())
        };
        check_announced(&object.digests, &announced)?;
        if input.mpu_object_size.is_some_and(|size| u64::try_from(size).ok() != Some(object.body.size())) {
            let message = "The object size does not match the one that was announced";
            return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
        }
        let (etag, digests, size) = (object.etag.clone(), object.digests.clone(), object.body.size());
        let (key, now) = (input.key.clone(), self.now());
        let place = (input.key.clone(), input.upload_id.clone());
        let change = Change { site: Site::Complete, key: &key, condition, size };
        let version = self
            .change(&shared, change, |bucket| {
                // Gone if it was completed or aborted meanwhile.
                bucket.uploads.remove(&place).ok_or_else(no_such_upload)?;
                let protection = self.protect(bucket, protection)?;
                bucket.insert(&key, object, protection, now)
            })
            .await?;
        let empty = self.quirks.has(Quirk::EmptyEtags);
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(if empty { String::new() } else { etag })),
            version_id: version,
            checksum_crc32: digests.checksum_crc32,
            checksum_crc32c: digests.checksum_crc32c,
            checksum_crc64nvme: digests.checksum_crc64nvme,
            checksum_sha1: digests.checksum_sha1,
            checksum_sha256: digests.checksum_sha256,
            checksum_type: digests.checksum_type,
            ..Default::default()
        }))
    }

    pub(super) async fn abort(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Reply<AbortMultipartUploadOutput> {
        let input = request.input;
        let shared: Arc<Shared> = self.bucket(&input.bucket)?;
        shared.lock().uploads.remove(&(input.key, input.upload_id)).ok_or_else(no_such_upload)?;
        Ok(S3Response::with_status(AbortMultipartUploadOutput::default(), hyper::StatusCode::NO_CONTENT))
    }

    pub(super) async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Reply<ListPartsOutput> {
        let input = request.input;
        let shared = self.bucket(&input.bucket)?;
        let bucket = shared.lock();
        let upload = pending(&bucket, &input.key, &input.upload_id)?;
        let after = input.part_number_marker.unwrap_or(0);
        let limit = usize::try_from(input.max_parts.unwrap_or(1000)).unwrap_or(1000).min(1000);
        let rest = upload.parts.range(after.saturating_add(1)..);
        let mut parts: Vec<_> =
            rest.take(limit.saturating_add(1)).map(|(number, part)| listed(*number, part)).collect();
        let truncated = parts.len() > limit;
        parts.truncate(limit);
        let last = parts.last().and_then(|part| part.part_number);
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            is_truncated: Some(truncated),
            next_part_number_marker: last.filter(|_| truncated),
            part_number_marker: input.part_number_marker,
            max_parts: i32::try_from(limit).ok(),
            parts: Some(parts),
            ..Default::default()
        }))
    }
}

fn listed(number: i32, part: &Part) -> ListedPart {
    let digests = part.digests.clone();
    ListedPart {
        part_number: Some(number),
        size: i64::try_from(part.body.size()).ok(),
        e_tag: Some(ETag::Strong(hex(&part.md5))),
        last_modified: Some(Timestamp::from(part.modified)),
        checksum_crc32: digests.checksum_crc32,
        checksum_crc32c: digests.checksum_crc32c,
        checksum_crc64nvme: digests.checksum_crc64nvme,
        checksum_sha1: digests.checksum_sha1,
        checksum_sha256: digests.checksum_sha256,
    }
}

/// Makes the object of the parts that the request names.
fn assemble(upload: &Pending, named: &[CompletedPart], equal: bool) -> S3Result<Object> {
    let parts = chosen(upload, named)?;
    check_sizes(&parts, equal)?;
    let (mut body, mut md5s) = (Chunks::default(), Md5::new());
    for part in &parts {
        body.append(&part.body);
        md5s.update(&part.md5);
    }
    let etag = format!("{}-{}", hex(&md5s.finalize()), parts.len());
    let algorithm = upload.algorithm.as_deref().unwrap_or("CRC64NVME");
    let digests = if upload.composite {
        composite(&parts, algorithm)?
    } else {
        let kind = Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT));
        Checksum { checksum_type: kind, ..body.digests(hasher_for(algorithm)?) }
    };
    Ok(Object { body, etag, digests, kept: upload.kept.clone() })
}

fn chosen<'u>(upload: &'u Pending, named: &[CompletedPart]) -> S3Result<Vec<&'u Part>> {
    if named.is_empty() {
        return Err(S3ErrorCode::MalformedXML.into());
    }
    if !named.is_sorted_by(|a, b| a.part_number < b.part_number) {
        return Err(S3ErrorCode::InvalidPartOrder.into());
    }
    let find = |named: &CompletedPart| {
        let part = upload.parts.get(&named.part_number?)?;
        let same = named.e_tag.as_ref().is_some_and(|etag| etag.value() == hex(&part.md5));
        same.then_some(part)
    };
    let parts: Option<Vec<&Part>> = named.iter().map(find).collect();
    parts.ok_or_else(|| S3ErrorCode::InvalidPart.into())
}

fn check_sizes(parts: &[&Part], equal: bool) -> S3Result<()> {
    let Some((last, others)) = parts.split_last() else { return Ok(()) };
    if others.iter().any(|part| part.body.size() < MIN_PART) {
        return Err(S3ErrorCode::EntityTooSmall.into());
    }
    let Some(first) = others.first().filter(|_| equal) else { return Ok(()) };
    let size = first.body.size();
    if others.iter().any(|part| part.body.size() != size) || last.body.size() > size {
        let message = "All non-trailing parts must have the same length";
        return Err(S3Error::with_message(S3ErrorCode::InvalidPart, message));
    }
    Ok(())
}

/// The digest of the parts' digests.
fn composite(parts: &[&Part], algorithm: &str) -> S3Result<Checksum> {
    let mut all = Chunks::default();
    for part in parts {
        let digest = each(&part.digests).into_iter().find_map(|(name, value)| value.filter(|_| name == algorithm));
        let digest = digest.ok_or_else(|| {
            S3Error::with_message(S3ErrorCode::InvalidRequest, format!("A part was sent without its {algorithm}"))
        })?;
        all.push(decode(digest)?.into());
    }
    let count = |value: String| format!("{value}-{}", parts.len());
    let digests = all.digests(hasher_for(algorithm)?);
    Ok(Checksum {
        checksum_crc32: digests.checksum_crc32.map(count),
        checksum_crc32c: digests.checksum_crc32c.map(count),
        checksum_crc64nvme: digests.checksum_crc64nvme.map(count),
        checksum_sha1: digests.checksum_sha1.map(count),
        checksum_sha256: digests.checksum_sha256.map(count),
        checksum_type: Some(ChecksumType::from_static(ChecksumType::COMPOSITE)),
    })
}

fn check_announced(digests: &Checksum, announced: &[(&str, Option<String>); 5]) -> S3Result<()> {
    for ((name, announced), (_, computed)) in announced.iter().zip(each(digests)) {
        if announced.as_ref().is_some_and(|announced| Some(announced) != computed) {
            return Err(S3Error::with_message(S3ErrorCode::BadDigest, format!("The {name} did not match")));
        }
    }
    Ok(())
}
