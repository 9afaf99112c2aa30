//! Digests as S3 writes them: base64 of the big-endian bytes, with `-N` behind it where it is of N parts' digests.

use aws_sdk_s3::types::ChecksumType;
use aws_smithy_types::base64;
use bytes::Bytes;
use md5::{Digest as _, Md5};
use objstore_core::{ChecksumScope, Checksums, Error, ErrorKind, Hasher, Result};
use sha2::Sha256;

use crate::profiles::BodyDigest;

/// The headers that say that a body arrived whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct DigestHeaders {
    pub(crate) crc32c: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) md5: Option<String>,
}

impl DigestHeaders {
    /// Headers for what is known; only SHA-256, CRC-32C or MD5, because more than one checksum header is refused.
    pub(crate) fn of(checksums: &Checksums) -> Self {
        let crc32c = checksums.crc32c.map(crc32c_text);
        let sha256 = checksums.sha256.filter(|_| crc32c.is_none()).map(base64::encode);
        Self { crc32c, sha256, md5: checksums.md5.map(base64::encode) }
    }

    /// Headers for a body in memory.
    pub(crate) fn of_body(body: &[u8], crc32c: u32, digest: BodyDigest) -> Self {
        match digest {
            BodyDigest::Crc32c => Self { crc32c: Some(crc32c_text(crc32c)), ..Self::default() },
            BodyDigest::Md5 => Self { md5: Some(md5_text(body)), ..Self::default() },
        }
    }
}

pub(crate) fn crc32c_text(value: u32) -> String {
    base64::encode(value.to_be_bytes())
}

pub(crate) fn md5_text(body: &[u8]) -> String {
    base64::encode(Md5::digest(body))
}

/// Computes the digests of a body in memory, and compares them with what was announced.
pub(crate) fn check_body(chunks: &[Bytes], expect: &Checksums) -> Result<Checksums> {
    let mut digests = Digests::new(expect)?;
    chunks.iter().for_each(|chunk| digests.update(chunk));
    digests.finish(expect)
}

/// Digests of a body that arrives in pieces: CRC-32C, and what was announced.
#[derive(Debug)]
pub(crate) struct Digests {
    basic: Hasher,
    md5: Option<Md5>,
}

impl Digests {
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a digest that cannot be computed here.
    pub(crate) fn new(expect: &Checksums) -> Result<Self> {
        if expect.crc64nvme.is_some() || (!expect.is_empty() && expect.scope != ChecksumScope::Full) {
            let detail = "only crc32c, sha256 and md5 of the whole body can be checked before it is sent";
            return Err(Error::new(ErrorKind::Unsupported).with_detail(detail));
        }
        let basic = if expect.sha256.is_some() { Hasher::new().with_sha256() } else { Hasher::new() };
        Ok(Self { basic, md5: expect.md5.map(|_| Md5::new()) })
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.basic.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    /// # Errors
    /// [`ErrorKind::Integrity`] if the body is not what was announced.
    pub(crate) fn finish(self, expect: &Checksums) -> Result<Checksums> {
        let mut computed = self.basic.finish();
        computed.md5 = self.md5.map(|md5| md5.finalize().into());
        match computed.mismatch(expect) {
            None => Ok(computed),
            Some(kind) => {
                let detail = format!("the body does not have the {kind} announced");
                Err(Error::new(ErrorKind::Integrity).with_detail(detail))
            }
        }
    }
}

/// The digests of an answer.
pub(crate) fn stored(
    crc32c: Option<&str>,
    crc64nvme: Option<&str>,
    sha256: Option<&str>,
    kind: Option<&ChecksumType>,
) -> Checksums {
    let composite = kind == Some(&ChecksumType::Composite)
        || [crc32c, crc64nvme, sha256].into_iter().flatten().any(|text| text.contains('-'));
    let scope = if composite { ChecksumScope::Composite } else { ChecksumScope::Full };
    let mut checksums = Checksums::new().with_scope(scope);
    checksums.crc32c = crc32c.and_then(bytes_of).map(u32::from_be_bytes);
    checksums.crc64nvme = crc64nvme.and_then(bytes_of).map(u64::from_be_bytes);
    checksums.sha256 = sha256.and_then(bytes_of);
    if checksums.is_empty() { Checksums::default() } else { checksums }
}

fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digest = text.split('-').next().unwrap_or_default();
    base64::decode(digest).ok()?.try_into().ok()
}

/// Whether a body that was read is what the store says that it is.
pub(crate) struct Verifier {
    stored: Checksums,
    crc32c: Hasher,
    sha256: Option<Sha256>,
}

impl Verifier {
    /// `None` if the store keeps no digest of the whole body that can be checked.
    pub(crate) fn new(stored: &Checksums) -> Option<Self> {
        let checkable = stored.scope == ChecksumScope::Full && (stored.crc32c.is_some() || stored.sha256.is_some());
        let sha256 = stored.sha256.filter(|_| stored.crc32c.is_none()).map(|_| Sha256::new());
        checkable.then(|| Self { stored: *stored, crc32c: Hasher::new(), sha256 })
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.sha256 {
            Some(sha256) => sha256.update(bytes),
            None => self.crc32c.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        let mut found = Checksums::default();
        match self.sha256 {
            Some(sha256) => found.sha256 = Some(sha256.finalize().into()),
            None => found = self.crc32c.finish(),
        }
        match found.mismatch(&self.stored) {
            None => Ok(()),
            Some(kind) => {
                let detail = format!("the bytes read do not have the {kind} that the store keeps: read again");
                Err(Error::new(ErrorKind::Integrity).with_detail(detail))
            }
        }
    }
}
