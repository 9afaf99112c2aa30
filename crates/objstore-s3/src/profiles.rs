//! What is special about whom: one table.
//!
//! A row sets how requests are made and what is claimed. It never counts as an observation: all claims are
//! [`Verdict::Unknown`] until a probe looked at the actual bucket.

use std::time::Duration;

use objstore_core::{Capabilities, Features, Limits, Promise, RevisionStrength, Verdict};

/// How to speak to one kind of store, and what it is said to do.
///
/// Chosen by the endpoint's host, or by name ([`find`](Self::find)). [`GENERIC`](Self::GENERIC) is for all others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Whether this project's tests run against it. The other rows come from documentation and reports.
    pub tested: bool,
    /// Ends of host names by which it is recognised.
    pub(crate) hosts: &'static [&'static str],
    /// The region to sign for when none is given and the environment has none.
    pub(crate) region: Option<&'static str>,
    /// Whether the bucket stands in the path instead of the host name.
    pub(crate) path_style: bool,
    /// What says that a body arrived whole.
    pub(crate) digest: BodyDigest,
    /// Whether an upload in parts gets one CRC-32C over all.
    pub(crate) full_object_crc: bool,
    /// Whether a digest is verified well enough for bodies to go unsigned over TLS and on this machine.
    pub(crate) unsigned_bodies: bool,
    /// Whether a batch of deletions needs `Content-MD5` in place of a CRC.
    pub(crate) batch_md5: bool,
    /// Whether `If-Match` wants the ETag without quotes.
    pub(crate) bare_etags: bool,
    /// How a condition on the destination of a copy is written.
    pub(crate) copy_conditions: CopyConditions,
    /// The most parts of one upload.
    pub(crate) parts: u32,
    /// Whether all parts but the last must have one size.
    pub(crate) equal_parts: bool,
    /// Whether stored versions can be listed, read and deleted.
    pub(crate) versions: bool,
    /// What it is said to hold.
    pub(crate) claims: Claims,
}

/// The digest that goes with every body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyDigest {
    /// `x-amz-checksum-crc32c`.
    Crc32c,
    /// `Content-MD5`, which the oldest stores know too.
    Md5,
}

/// How a copy names the condition on its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyConditions {
    /// `If-Match`, `If-None-Match`.
    Standard,
    /// `cf-copy-destination-if-match` and so on.
    Cloudflare,
}

/// The promises that are claimed beside those that all stores make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a table")]
pub(crate) struct Claims {
    create: bool,
    update: bool,
    complete: bool,
    delete: bool,
    batch_delete: bool,
    conditional_batch: bool,
    copy: bool,
    lock: bool,
    sorted: bool,
}

const ALL: Claims = Claims {
    create: true,
    update: true,
    complete: true,
    delete: true,
    batch_delete: true,
    conditional_batch: true,
    copy: true,
    lock: true,
    sorted: true,
};

/// Conditions on writes, and no more.
const WRITES: Claims = Claims { delete: false, conditional_batch: false, copy: false, lock: false, ..ALL };

/// No conditions.
const PLAIN: Claims = Claims { create: false, update: false, complete: false, ..WRITES };

const BASE: Profile = Profile {
    name: "generic",
    tested: false,
    hosts: &[],
    region: Some("us-east-1"),
    path_style: true,
    digest: BodyDigest::Crc32c,
    full_object_crc: false,
    unsigned_bodies: false,
    batch_md5: false,
    bare_etags: false,
    copy_conditions: CopyConditions::Standard,
    parts: 10_000,
    equal_parts: true, // ours always are
    versions: true,
    claims: ALL,
};

impl Profile {
    /// A store that nothing is known about: it is asked for everything, carefully. What it makes of that a probe
    /// finds out.
    pub const GENERIC: Self = BASE;

    /// All rows.
    pub const TABLE: &'static [Self] = &[
        BASE,
        Self {
            name: "aws",
            hosts: &["amazonaws.com", "amazonaws.com.cn"],
            region: None,
            path_style: false,
            full_object_crc: true,
            unsigned_bodies: true,
            ..BASE
        },
        // Archived upstream. No condition on the destination of a copy, none in a batch.
        Self {
            name: "minio",
            tested: true,
            full_object_crc: true,
            unsigned_bodies: true,
            claims: Claims { delete: false, conditional_batch: false, copy: false, ..ALL },
            ..BASE
        },
        Self {
            name: "versitygw",
            tested: true,
            full_object_crc: true,
            claims: Claims { conditional_batch: false, copy: false, ..ALL },
            ..BASE
        },
        // Parts of equal size; conditions on a copy under names of its own.
        Self {
            name: "r2",
            hosts: &["r2.cloudflarestorage.com"],
            region: Some("auto"),
            copy_conditions: CopyConditions::Cloudflare,
            versions: false,
            claims: Claims { delete: false, conditional_batch: false, lock: false, ..ALL },
            ..BASE
        },
        // Conditions only in the store's own API.
        Self {
            name: "gcs-interop",
            hosts: &["storage.googleapis.com"],
            region: Some("auto"),
            digest: BodyDigest::Md5,
            versions: false,
            claims: Claims { batch_delete: false, ..PLAIN },
            ..BASE
        },
        // 16.2: If-Match only without quotes, conditions ignored on completion and in versioned buckets, digests of
        // newer kinds not looked at.
        Self {
            name: "ceph",
            digest: BodyDigest::Md5,
            bare_etags: true,
            claims: Claims { complete: false, lock: true, ..WRITES },
            ..BASE
        },
        // Conditions are answered with 501.
        Self {
            name: "b2",
            hosts: &["backblazeb2.com"],
            region: None,
            digest: BodyDigest::Md5,
            batch_md5: true,
            claims: Claims { lock: true, ..PLAIN },
            ..BASE
        },
        Self {
            name: "wasabi",
            hosts: &["wasabisys.com"],
            digest: BodyDigest::Md5,
            claims: Claims { lock: true, ..PLAIN },
            ..BASE
        },
        Self { name: "digitalocean", hosts: &["digitaloceanspaces.com"], claims: PLAIN, path_style: false, ..BASE },
        // 1,000 parts.
        Self { name: "scaleway", hosts: &["scw.cloud"], region: None, parts: 1000, claims: WRITES, ..BASE },
        // Conditions and locks are accepted and ignored.
        Self { name: "garage", region: Some("garage"), versions: false, claims: PLAIN, ..BASE },
        Self { name: "seaweedfs", claims: Claims { delete: true, ..WRITES }, ..BASE },
        Self { name: "rustfs", claims: Claims { lock: true, ..WRITES }, ..BASE },
        Self {
            name: "ovh",
            hosts: &["io.cloud.ovh.net"],
            region: None,
            claims: Claims { delete: true, ..WRITES },
            ..BASE
        },
        Self { name: "exoscale", hosts: &["exo.io"], region: None, claims: Claims { delete: true, ..WRITES }, ..BASE },
        // Create-if-absent only, and not with parts.
        Self {
            name: "oci",
            hosts: &["oraclecloud.com"],
            region: None,
            digest: BodyDigest::Md5,
            batch_md5: true,
            claims: Claims { update: false, complete: false, ..WRITES },
            ..BASE
        },
        // Path style is refused; batches need Content-MD5.
        Self {
            name: "alibaba",
            hosts: &["aliyuncs.com"],
            region: None,
            path_style: false,
            digest: BodyDigest::Md5,
            batch_md5: true,
            claims: PLAIN,
            ..BASE
        },
        // Conditions and locks are accepted and ignored; `//` is refused.
        Self { name: "rclone", tested: true, versions: false, claims: PLAIN, ..BASE },
    ];

    /// The row of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::TABLE.iter().find(|row| row.name == name)
    }

    /// The row of an endpoint's host; no endpoint is AWS.
    pub(crate) fn of_host(host: Option<&str>) -> &'static Self {
        let Some(host) = host else { return Self::find("aws").unwrap_or(&Self::GENERIC) };
        let host = host.to_ascii_lowercase();
        let known =
            |end: &&'static str| host.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        Self::TABLE.iter().find(|row| row.hosts.iter().any(known)).unwrap_or(&Self::GENERIC)
    }

    /// What is claimed, before anybody looked.
    pub(crate) fn capabilities(&self) -> Capabilities {
        let mut limits = Limits::default();
        limits.object_bytes = Some(self.parts_bytes());
        limits.put_bytes = Some(MAX_PUT);
        limits.parts = Some(self.parts);
        limits.min_part_bytes = Some(MIN_PART);
        limits.max_part_bytes = Some(MAX_PART);
        limits.equal_parts = self.equal_parts;
        limits.batch_items = Some(BATCH_ITEMS);
        limits.page_items = Some(PAGE_ITEMS);
        limits.presign = Some(MAX_LIFE);
        let mut features = Features::default();
        features.versions = self.versions;
        features.user_metadata = true;
        features.http_headers = true;
        features.presign = true;
        features.key_beside_folder = true;
        features.stored_checksums = self.digest == BodyDigest::Crc32c;
        let start = Capabilities::new().with_revisions(RevisionStrength::Content);
        self.promises().into_iter().fold(start.with_limits(limits).with_features(features), |known, promise| {
            known.with_promise(promise, Verdict::Unknown)
        })
    }

    fn promises(&self) -> Vec<Promise> {
        let claims = self.claims;
        [
            (claims.create, Promise::CreateIfAbsent),
            (claims.create, Promise::CreateAfterDelete),
            (claims.update, Promise::UpdateIfMatch),
            (claims.complete, Promise::ConditionalComplete),
            (claims.delete, Promise::ConditionalDelete),
            (claims.conditional_batch, Promise::ConditionalBatchDelete),
            (claims.copy, Promise::ConditionalCopy),
            (true, Promise::ReadAfterWrite),
            (true, Promise::ListAfterWrite),
            (claims.sorted, Promise::ListOrdered),
            (claims.batch_delete, Promise::BatchDelete),
            (claims.lock, Promise::Lock),
        ]
        .into_iter()
        .filter_map(|(claimed, promise)| claimed.then_some(promise))
        .collect()
    }

    fn parts_bytes(&self) -> u64 {
        MAX_PART.saturating_mul(u64::from(self.parts)).min(MAX_OBJECT)
    }
}

/// 5 GiB: one request.
pub(crate) const MAX_PUT: u64 = 5 << 30;
/// 5 GiB.
pub(crate) const MAX_PART: u64 = 5 << 30;
/// 5 MiB, but for the last.
pub(crate) const MIN_PART: u64 = 5 << 20;
/// 50 TB since December 2025.
const MAX_OBJECT: u64 = 50_000_000_000_000;
/// Keys in one DeleteObjects.
pub(crate) const BATCH_ITEMS: u32 = 1000;
/// Entries of one page.
pub(crate) const PAGE_ITEMS: u32 = 1000;
/// Seven days: signature version 4.
pub(crate) const MAX_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
