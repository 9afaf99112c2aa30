//! Bodies: received with their digests, kept as the chunks that came.

use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use s3s::{
    S3Error, S3ErrorCode, S3Result, TrailingHeaders,
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256},
    dto::{Checksum, ChecksumType, StreamingBlob},
};

/// Bytes in memory, as they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunks {
    chunks: Vec<Bytes>,
    size: u64,
}

impl Chunks {
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.size = self.size.saturating_add(chunk.len() as u64);
        self.chunks.push(chunk);
    }

    pub(super) fn append(&mut self, other: &Self) {
        other.chunks.iter().cloned().for_each(|chunk| self.push(chunk));
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of a range that lies within.
    pub(super) fn slice(&self, range: Range<u64>) -> Self {
        let (mut slice, mut start) = (Self::default(), 0_u64);
        for chunk in &self.chunks {
            let end = start.saturating_add(chunk.len() as u64);
            let (from, to) = (range.start.clamp(start, end), range.end.clamp(start, end));
            if from < to {
                let within = |place: u64| usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX);
                slice.push(chunk.slice(within(from)..within(to)));
            }
            start = end;
        }
        slice
    }

    pub(super) fn stream(self) -> StreamingBlob {
        StreamingBlob::wrap(stream::iter(self.chunks.into_iter().map(Ok::<_, std::io::Error>)))
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    /// Computes the digests that are asked for.
    pub(super) fn digests(&self, mut hasher: ChecksumHasher) -> Checksum {
        self.chunks.iter().for_each(|chunk| hasher.update(chunk));
        hasher.finalize()
    }
}

/// What a request says about its body.
#[derive(Debug, Default)]
pub(super) struct Announced {
    pub(super) length: Option<u64>,
    pub(super) md5: Option<String>,
    pub(super) digests: Checksum,
    /// `CRC32`, …: to be computed and kept although no value came.
    pub(super) algorithm: Option<String>,
    pub(super) trailers: Option<TrailingHeaders>,
}

impl Announced {
    /// Computes what may have to be compared or kept. Which digests trail a body is known at its end only.
    fn hasher(&self) -> ChecksumHasher {
        let trailing = self.trailers.is_some();
        let named = |name: &str| self.algorithm.as_deref() == Some(name);
        let (digests, mut hasher) = (&self.digests, ChecksumHasher::default());
        // S3's default, kept where nothing else is announced.
        hasher.crc64nvme = Some(Crc64Nvme::new());
        hasher.crc32 = (trailing || named("CRC32") || digests.checksum_crc32.is_some()).then(Crc32::new);
        hasher.crc32c = (trailing || named("CRC32C") || digests.checksum_crc32c.is_some()).then(Crc32c::new);
        hasher.sha1 = (trailing || named("SHA1") || digests.checksum_sha1.is_some()).then(Sha1::new);
        hasher.sha256 = (trailing || named("SHA256") || digests.checksum_sha256.is_some()).then(Sha256::new);
        hasher
    }
}

/// A body with what was computed of it.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) chunks: Chunks,
    pub(super) md5: [u8; 16],
    pub(super) digests: Checksum,
}

/// Takes a body, and refuses it unless it is what was announced.
pub(super) async fn receive(body: Option<StreamingBlob>, announced: Announced, keep_cut: bool) -> S3Result<Received> {
    let (mut hasher, mut md5, mut chunks) = (announced.hasher(), Md5::new(), Chunks::default());
    let (mut body, mut cut) = (body, None);
    while let Some(chunk) = match &mut body {
        Some(body) => body.next().await,
        None => None,
    } {
        match chunk {
            Ok(chunk) => {
                hasher.update(&chunk);
                md5.update(&chunk);
                chunks.push(chunk);
            }
            Err(error) => {
                cut = Some(body_error(&*error));
                break;
            }
        }
    }
    let md5 = md5.finalize();
    let computed = hasher.finalize();
    let trailing = announced.trailers.as_ref().and_then(|trailers| trailers.read(trailing_digests));
    let wanted = merge(announced.digests, trailing.unwrap_or_default());
    let bound = announced.md5.is_some() || names(&wanted).next().is_some();
    let cut = cut.or_else(|| announced.length.filter(|length| *length != chunks.size()).map(|_| (incomplete(), false)));
    match cut {
        Some((error, signed)) if bound || signed || !keep_cut => return Err(error),
        _ => {}
    }
    if announced.md5.is_some_and(|wanted| wanted != STANDARD.encode(md5)) {
        return Err(S3ErrorCode::BadDigest.into());
    }
    let digests = keep(computed, &wanted, announced.algorithm.as_deref())?;
    Ok(Received { chunks, md5, digests })
}

fn incomplete() -> S3Error {
    S3ErrorCode::IncompleteBody.into()
}

/// The error of a body that could not be read to its end, and whether its signature covers it. `s3s` 0.14.1 keeps the
/// types of these errors to itself, so the text must do.
fn body_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> (S3Error, bool) {
    let text = error.to_string();
    let signed = text.starts_with("UploadStreamError") || text.starts_with("AwsChunkedStreamError");
    let error = if text.contains("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let mut error = S3Error::with_message(code, "The provided 'x-amz-content-sha256' header does not match");
        error.set_status_code(hyper::StatusCode::BAD_REQUEST);
        error
    } else if text.contains("SignatureMismatch") {
        S3ErrorCode::SignatureDoesNotMatch.into()
    } else {
        incomplete()
    };
    (error, signed)
}

/// A hasher for the algorithm of this name; the default of S3 if there is none.
pub(super) fn hasher_for(algorithm: &str) -> S3Result<ChecksumHasher> {
    let mut hasher = ChecksumHasher::default();
    match algorithm {
        "CRC32" => hasher.crc32 = Some(Crc32::new()),
        "CRC32C" => hasher.crc32c = Some(Crc32c::new()),
        "CRC64NVME" => hasher.crc64nvme = Some(Crc64Nvme::new()),
        "SHA1" => hasher.sha1 = Some(Sha1::new()),
        "SHA256" => hasher.sha256 = Some(Sha256::new()),
        _ => return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, "unknown checksum algorithm")),
    }
    Ok(hasher)
}

fn trailing_digests(headers: &hyper::HeaderMap) -> Checksum {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Checksum {
        checksum_crc32: value("x-amz-checksum-crc32"),
        checksum_crc32c: value("x-amz-checksum-crc32c"),
        checksum_crc64nvme: value("x-amz-checksum-crc64nvme"),
        checksum_sha1: value("x-amz-checksum-sha1"),
        checksum_sha256: value("x-amz-checksum-sha256"),
        checksum_type: None,
    }
}

fn merge(first: Checksum, second: Checksum) -> Checksum {
    Checksum {
        checksum_crc32: first.checksum_crc32.or(second.checksum_crc32),
        checksum_crc32c: first.checksum_crc32c.or(second.checksum_crc32c),
        checksum_crc64nvme: first.checksum_crc64nvme.or(second.checksum_crc64nvme),
        checksum_sha1: first.checksum_sha1.or(second.checksum_sha1),
        checksum_sha256: first.checksum_sha256.or(second.checksum_sha256),
        checksum_type: first.checksum_type.or(second.checksum_type),
    }
}

/// The digests of a set, by the name of the algorithm.
pub(super) fn each(digests: &Checksum) -> [(&'static str, Option<&String>); 5] {
    [
        ("CRC32", digests.checksum_crc32.as_ref()),
        ("CRC32C", digests.checksum_crc32c.as_ref()),
        ("CRC64NVME", digests.checksum_crc64nvme.as_ref()),
        ("SHA1", digests.checksum_sha1.as_ref()),
        ("SHA256", digests.checksum_sha256.as_ref()),
    ]
}

fn names(digests: &Checksum) -> impl Iterator<Item = &'static str> {
    each(digests).into_iter().filter_map(|(name, value)| value.map(|_| name))
}

/// Compares the digests that were announced, and keeps those, or the algorithm named, or S3's default.
fn keep(computed: Checksum, wanted: &Checksum, algorithm: Option<&str>) -> S3Result<Checksum> {
    let mut kept: Vec<&str> = Vec::new();
    for ((name, wanted), (_, computed)) in each(wanted).into_iter().zip(each(&computed)) {
        if let Some(wanted) = wanted {
            if Some(wanted) != computed {
                return Err(S3Error::with_message(S3ErrorCode::BadDigest, format!("The {name} did not match")));
            }
            kept.push(name);
        }
    }
    if kept.is_empty() {
        kept.push(algorithm.unwrap_or("CRC64NVME"));
    }
    let pick = |name: &str, value: Option<String>| value.filter(|_| kept.contains(&name));
    Ok(Checksum {
        checksum_crc32: pick("CRC32", computed.checksum_crc32),
        checksum_crc32c: pick("CRC32C", computed.checksum_crc32c),
        checksum_crc64nvme: pick("CRC64NVME", computed.checksum_crc64nvme),
        checksum_sha1: pick("SHA1", computed.checksum_sha1),
        checksum_sha256: pick("SHA256", computed.checksum_sha256),
        checksum_type: Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
    })
}

/// Decodes the base64 of a digest.
pub(super) fn decode(text: &str) -> S3Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| S3ErrorCode::InvalidDigest.into())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
