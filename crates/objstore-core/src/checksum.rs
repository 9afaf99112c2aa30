//! Digests of bodies.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Digests of an object's body, as far as they are known.
///
/// Given to a write, they are what the body must have; returned by a store, they are what it computed or keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checksums {
    /// CRC-32C (Castagnoli, RFC 3720 appendix B.4), as a number.
    pub crc32c: Option<u32>,
    /// CRC-64/NVME, as a number.
    pub crc64nvme: Option<u64>,
    /// SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// MD5.
    pub md5: Option<[u8; 16]>,
    /// What these digests are of. A composite one says nothing about the whole body.
    pub scope: ChecksumScope,
}

/// What a digest was computed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChecksumScope {
    /// The whole body.
    #[default]
    Full,
    /// The digests of the parts of a multipart upload.
    Composite,
}

impl Checksums {
    /// None known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Computes CRC-32C and SHA-256 of a body in memory.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let mut hasher = Hasher::new().with_sha256();
        hasher.update(body);
        hasher.finish()
    }

    /// Sets the CRC-32C.
    #[must_use]
    pub fn with_crc32c(mut self, value: u32) -> Self {
        self.crc32c = Some(value);
        self
    }

    /// Sets the CRC-64/NVME.
    #[must_use]
    pub fn with_crc64nvme(mut self, value: u64) -> Self {
        self.crc64nvme = Some(value);
        self
    }

    /// Sets the SHA-256.
    #[must_use]
    pub fn with_sha256(mut self, value: [u8; 32]) -> Self {
        self.sha256 = Some(value);
        self
    }

    /// Sets the MD5.
    #[must_use]
    pub fn with_md5(mut self, value: [u8; 16]) -> Self {
        self.md5 = Some(value);
        self
    }

    /// Sets what the digests are of.
    #[must_use]
    pub fn with_scope(mut self, scope: ChecksumScope) -> Self {
        self.scope = scope;
        self
    }

    /// Whether no digest is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.crc32c.is_none() && self.crc64nvme.is_none() && self.sha256.is_none() && self.md5.is_none()
    }

    /// Compares digests of the same body: the first kind that both sides know and that differs, if any.
    ///
    /// Composite digests are not compared with those of a whole body.
    #[must_use]
    pub fn mismatch(&self, other: &Self) -> Option<&'static str> {
        fn differ<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
            matches!((a, b), (Some(a), Some(b)) if a != b)
        }
        if self.scope != other.scope {
            return None;
        }
        [
            ("sha256", differ(self.sha256, other.sha256)),
            ("crc64nvme", differ(self.crc64nvme, other.crc64nvme)),
            ("crc32c", differ(self.crc32c, other.crc32c)),
            ("md5", differ(self.md5, other.md5)),
        ]
        .into_iter()
        .find_map(|(name, differs)| differs.then_some(name))
    }
}

/// Computes digests of a body that arrives in pieces: CRC-32C always (it costs next to nothing), SHA-256 on request.
#[derive(Clone, Default)]
pub struct Hasher {
    crc32c: u32,
    sha256: Option<Sha256>,
}

impl Hasher {
    /// CRC-32C only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds SHA-256.
    #[must_use]
    pub fn with_sha256(mut self) -> Self {
        self.sha256 = Some(Sha256::new());
        self
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    /// The digests of all bytes taken so far.
    #[must_use]
    pub fn finish(self) -> Checksums {
        Checksums {
            crc32c: Some(self.crc32c),
            sha256: self.sha256.map(|sha256| sha256.finalize().into()),
            ..Checksums::default()
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("crc32c", &self.crc32c).field("sha256", &self.sha256.is_some()).finish()
    }
}
