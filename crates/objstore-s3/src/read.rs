//! Reading: what is known about an object, and its bytes.

use std::{ops::Range, time::Duration};

use aws_sdk_s3::{
    operation::{get_object::GetObjectOutput, head_object::HeadObjectOutput},
    primitives::{ByteStream, DateTime},
    types::{ObjectLockLegalHoldStatus, ObjectLockMode},
};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use objstore_core::{
    Error, ErrorKind, Get, Headers, ObjectKey, ObjectMeta, Op, Protection, ReadOptions, Result, RetentionMode,
};

use crate::{
    checksum::{self, Verifier},
    errors::of_read,
    metadata,
    put::{revision, version},
    store::S3Store,
};

impl S3Store {
    pub(crate) async fn head_object(&self, key: &ObjectKey, options: &ReadOptions) -> Result<ObjectMeta> {
        self.check_versions(options.version.is_some())?;
        let answer = self
            .send(|| {
                let request = self
                    .client()
                    .head_object()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .set_version_id(options.version.as_ref().map(ToString::to_string))
                    .set_if_match(options.matches.as_ref().map(|revision| self.etag(revision)))
                    .set_if_none_match(options.differs.as_ref().map(|revision| self.etag(revision)))
                    .set_request_payer(self.payer());
                // The header alone: by the SDK's own setting it would also check bodies, and log what it cannot check.
                request.customize().mutate_request(want_checksums).send()
            })
            .await
            .map_err(of_read)?;
        meta_of_head(key, &answer)
    }

    pub(crate) async fn get_object(
        &self,
        key: &ObjectKey,
        range: Option<Range<u64>>,
        options: &ReadOptions,
    ) -> Result<Get> {
        self.check_versions(options.version.is_some())?;
        let asked = range.as_ref().map(range_header).transpose()?;
        let answer = self
            .send(|| {
                let request = self
                    .client()
                    .get_object()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .set_range(asked.clone())
                    .set_version_id(options.version.as_ref().map(ToString::to_string))
                    .set_if_match(options.matches.as_ref().map(|revision| self.etag(revision)))
                    .set_if_none_match(options.differs.as_ref().map(|revision| self.etag(revision)))
                    .set_request_payer(self.payer());
                request.customize().mutate_request(want_checksums).send()
            })
            .await
            .map_err(of_read)?;
        let (meta, found) = meta_of_get(key, &answer, range.is_some())?;
        if range.as_ref().is_some_and(|range| range.start != found.start) {
            return Err(unreadable("it sent another range than was asked for"));
        }
        // Digests are of the whole object.
        let whole = found == (0..meta.size);
        let verifier = if whole { Verifier::new(&meta.checksums) } else { None };
        let body = Body {
            bytes: answer.body,
            left: found.end.saturating_sub(found.start),
            verifier,
            patience: self.shared.response_timeout,
            at: Box::new({
                let (store, key) = (self.clone(), key.clone());
                move |error| error.with_op(Op::Read).with_store(&store).with_key(&key)
            }),
        };
        Ok(Get::new(meta, found, body.stream()))
    }
}

fn want_checksums(request: &mut aws_smithy_runtime_api::http::Request) {
    request.headers_mut().insert("x-amz-checksum-mode", "ENABLED");
}

/// `bytes=a-b`, whose end is part of it.
fn range_header(range: &Range<u64>) -> Result<String> {
    // Stores parse the numbers with a sign.
    const FAR: u64 = i64::MAX as u64;
    match range.end.checked_sub(1) {
        Some(last) if last >= range.start && last < FAR => Ok(format!("bytes={}-{last}", range.start)),
        Some(last) if last >= range.start => Ok(format!("bytes={}-", range.start)),
        _ => Err(Error::new(ErrorKind::InvalidInput).with_detail("the range is empty")),
    }
}

/// What is said of an object: HEAD and GET say it alike, in types of their own.
macro_rules! described {
    ($answer:ident, $key:ident, $size:ident) => {{
        let revision = $answer.e_tag().and_then(revision).ok_or_else(|| unreadable("it does not name the ETag"))?;
        let (user, token) = metadata::decode($answer.metadata());
        let mut headers = Headers::new().with_metadata(user);
        headers.content_type = $answer.content_type().map(str::to_owned);
        headers.content_encoding = $answer.content_encoding().map(str::to_owned);
        headers.content_disposition = $answer.content_disposition().map(str::to_owned);
        headers.cache_control = $answer.cache_control().map(str::to_owned);
        let checksums = checksum::stored(
            $answer.checksum_crc32_c(),
            $answer.checksum_crc64_nvme(),
            $answer.checksum_sha256(),
            $answer.checksum_type(),
        );
        let protection = protection(
            $answer.object_lock_mode(),
            $answer.object_lock_retain_until_date(),
            $answer.object_lock_legal_hold_status(),
        );
        ObjectMeta::new($key.clone(), $size, revision)
            .with_last_modified($answer.last_modified().and_then(time))
            .with_version($answer.version_id().and_then(version))
            .with_checksums(checksums)
            .with_headers(headers)
            .with_token(token)
            .with_storage_class($answer.storage_class().map(|class| class.as_str().to_owned()))
            .with_protection(protection)
    }};
}

fn meta_of_head(key: &ObjectKey, head: &HeadObjectOutput) -> Result<ObjectMeta> {
    if head.delete_marker() == Some(true) {
        return Err(Error::new(ErrorKind::NotFound).with_detail("the version says that the object was deleted"));
    }
    let size = head.content_length().and_then(|length| u64::try_from(length).ok());
    let size = size.ok_or_else(|| unreadable("it does not say how long the object is"))?;
    Ok(described!(head, key, size))
}

/// What a GET says of the object, and which bytes it brings.
fn meta_of_get(key: &ObjectKey, get: &GetObjectOutput, ranged: bool) -> Result<(ObjectMeta, Range<u64>)> {
    let length = get.content_length().and_then(|length| u64::try_from(length).ok());
    let length = length.ok_or_else(|| unreadable("it does not say how long the body is"))?;
    let (range, size) = match get.content_range() {
        Some(text) => content_range(text).ok_or_else(|| unreadable("its Content-Range makes no sense"))?,
        None if ranged => return Err(unreadable("it does not say which range it sent")),
        None => (0..length, length),
    };
    if range.end.saturating_sub(range.start) != length {
        return Err(unreadable("the body is not as long as its range"));
    }
    let meta = described!(get, key, size);
    Ok((meta, range))
}

/// `bytes a-b/size`.
fn content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, size) = text.strip_prefix("bytes")?.trim_start_matches([' ', '=']).split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, size): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, size.parse().ok()?);
    (first <= last && last < size).then(|| (first..last.saturating_add(1), size))
}

pub(crate) fn time(time: &DateTime) -> Option<std::time::SystemTime> {
    (*time).try_into().ok()
}

fn protection(
    mode: Option<&ObjectLockMode>,
    until: Option<&DateTime>,
    hold: Option<&ObjectLockLegalHoldStatus>,
) -> Protection {
    let mut protection = Protection::new();
    if let Some(until) = until.and_then(time) {
        let mode = mode.map(|mode| match mode {
            ObjectLockMode::Governance => RetentionMode::Governance,
            _ => RetentionMode::Compliance, // the stricter, for what is not known
        });
        protection = protection.with_retention(until, mode);
    }
    match hold {
        Some(hold) => protection.with_hold(*hold != ObjectLockLegalHoldStatus::Off),
        None => protection,
    }
}

pub(crate) fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::Other).with_detail(format!("the store's answer cannot be used: {what}"))
}

/// A body that is on its way.
struct Body {
    bytes: ByteStream,
    left: u64,
    verifier: Option<Verifier>,
    patience: Duration,
    at: Box<dyn Fn(Error) -> Error + Send + Sync>,
}

impl Body {
    fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        stream::unfold(Some(self), async |state| {
            let mut body = state?;
            match body.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(body))),
                Ok(None) => None,
                Err(error) => Some((Err((body.at)(error)), None)),
            }
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        let next = tokio::time::timeout(self.patience, self.bytes.next()).await;
        let next = next.map_err(|_| Error::new(ErrorKind::Timeout).with_detail("the body came to a halt"))?;
        match next {
            Some(Ok(bytes)) => self.take(bytes).map(Some),
            Some(Err(error)) => {
                Err(Error::new(ErrorKind::Transport).with_detail("the body broke off").with_source(error))
            }
            None if self.left > 0 => {
                Err(Error::new(ErrorKind::Transport).with_detail(format!("the body ended {} bytes early", self.left)))
            }
            None => self.verifier.take().map_or(Ok(()), Verifier::finish).map(|()| None),
        }
    }

    fn take(&mut self, bytes: Bytes) -> Result<Bytes> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            return Err(Error::new(ErrorKind::Integrity).with_detail("the body is longer than announced"));
        };
        self.left = left;
        if let Some(verifier) = &mut self.verifier {
            verifier.update(&bytes);
        }
        Ok(bytes)
    }
}
