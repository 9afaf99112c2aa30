//! A running server with a bucket.

use std::time::Duration;

use anyhow::Context as _;
use judges::StoreServer;
use objstore_core::{ObjectStore as _, probe::unproven};
use objstore_s3::{AccessKey, Credentials, Profile, S3Store};
use objstore_testkit::s3::{Quirk, S3Server, Site};

use crate::{BucketKind, Row, bucket};

const BUCKET: &str = "test-bucket";

/// A server of a row with a bucket. It dies with this value.
#[derive(Debug)]
pub struct Place {
    endpoint: String,
    access_key: String,
    secret_key: String,
    _running: Running,
}

#[derive(Debug)]
#[expect(dead_code, reason = "kept for their destructors")]
enum Running {
    Own(Box<S3Server>),
    Judge(StoreServer),
}

impl Place {
    /// Starts the server of a row, and makes its bucket.
    ///
    /// # Errors
    /// When the judge is missing or does not start, or the bucket is refused.
    pub async fn start(row: &Row) -> anyhow::Result<Self> {
        let Some(part) = row.server.part() else { return Self::own(row).await };
        let server = StoreServer::start(&part.find()?)?;
        let key = bucket::Key { id: server.access_key(), secret: server.secret_key() };
        bucket::make(&server.endpoint(), &key, BUCKET, row.bucket).context("cannot make the bucket")?;
        Ok(Self {
            endpoint: server.endpoint(),
            access_key: server.access_key().to_owned(),
            secret_key: server.secret_key().to_owned(),
            _running: Running::Judge(server),
        })
    }

    async fn own(row: &Row) -> anyhow::Result<Self> {
        let mut builder = match row.bucket {
            BucketKind::Plain => S3Server::builder().with_bucket(BUCKET),
            BucketKind::Versioned => S3Server::builder().with_versioned_bucket(BUCKET),
            BucketKind::Locked => S3Server::builder().with_locked_bucket(BUCKET),
        };
        if let Some(name) = &row.quirk {
            builder = builder.with_quirk(quirk(name).with_context(|| format!("no quirk is named {name:?}"))?);
        }
        let server = builder.start().await?;
        let key = server.credentials();
        Ok(Self {
            endpoint: server.endpoint(),
            access_key: key.access_key().to_owned(),
            secret_key: key.expose_secret_key().to_owned(),
            _running: Running::Own(Box::new(server)),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A store of the bucket, of which nothing is known.
    ///
    /// # Errors
    /// Those of the builder.
    pub async fn store(&self) -> anyhow::Result<S3Store> {
        self.store_at(&self.endpoint).await
    }

    /// The same through something that stands between.
    ///
    /// # Errors
    /// Those of the builder.
    pub async fn store_at(&self, endpoint: &str) -> anyhow::Result<S3Store> {
        let store = S3Store::builder(BUCKET)
            .endpoint(endpoint)
            .region(bucket::REGION)
            .credentials(Credentials::Key(AccessKey::new(&*self.access_key, &*self.secret_key)))
            .profile(&Profile::GENERIC)
            .build()
            .await?;
        store.set_capabilities(unproven(&store.capabilities()));
        Ok(store)
    }
}

/// The quirk of this name in `promises.toml`.
fn quirk(name: &str) -> Option<Quirk> {
    Some(match name {
        "ignore-conditions" => Quirk::IgnoreConditions,
        "ignore-conditions-on-complete" => Quirk::IgnoreConditionsOn(Site::Complete),
        "ignore-conditions-when-versioned" => Quirk::IgnoreConditionsWhenVersioned,
        "reject-conditions" => Quirk::RejectConditions,
        "reject-conditions-on-delete" => Quirk::RejectConditionsOn(Site::Delete),
        "racy-when-versioned" => Quirk::RacyWhenVersioned,
        "atomic-up-to-64-kib" => Quirk::AtomicUpTo(64 << 10),
        "conflicts" => Quirk::Conflicts { every: 5 },
        "lost-replies" => Quirk::LostReplies { every: 7 },
        "error-in-200" => Quirk::ErrorIn200 { every: 3 },
        "max-parts" => Quirk::MaxParts(1000),
        "equal-parts" => Quirk::EqualParts,
        "unquoted-etags" => Quirk::UnquotedEtags,
        "empty-etags" => Quirk::EmptyEtags,
        "pages-of-2" => Quirk::PageSize(2),
        "repeated-page-token" => Quirk::RepeatedPageToken,
        "require-content-md5" => Quirk::RequireContentMd5,
        "no-batch-delete" => Quirk::NoBatchDelete,
        "slow" => Quirk::Slow(Duration::from_millis(2)),
        "reset-bodies" => Quirk::ResetBodies { every: 4 },
        "commit-truncated" => Quirk::CommitTruncated,
        "markers-count" => Quirk::MarkersCount,
        "ignore-locks" => Quirk::IgnoreLocks,
        "unsorted-listings" => Quirk::UnsortedListings,
        "late-listings" => Quirk::LateListings,
        "no-upload-list" => Quirk::NoUploadList,
        _ => return None,
    })
}
