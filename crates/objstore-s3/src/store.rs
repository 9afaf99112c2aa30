//! The store, and how its requests are sent.

use std::{
    fmt,
    future::Future,
    num::{NonZeroU32, NonZeroU64},
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use objstore_core::{
    Capabilities, Clock, Condition, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get,
    ListOptions, ListPage, ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest,
    Presigned, Promise, ReadOptions, Result, Upload, UploadId, UploadOptions, UploadPage, Verdict, WriteOptions,
    Written, layers::RetryLoop,
};

use crate::{
    builder::{S3StoreBuilder, WriteSettings},
    credentials::Keyring,
    errors::{Failed, Refused, Service, refused},
    profiles::Profile,
    upload::Dropped,
};

/// A bucket of S3, or of a store that speaks its language.
///
/// Clones share their connections, credentials and capabilities. Requests are made once: wrap it in the retry layer of
/// `objstore_core`. It must be used within a tokio runtime with time and I/O.
///
/// What it keeps of the contract beyond the letter:
/// - **Lost replies are looked into.** If the answer to a change does not arrive, a HEAD tells whether the change was
///   made, by a random token in the object's metadata (`x-amz-meta-objstore-token`). Only if that fails too is the
///   effect unknown.
/// - **Every body carries a digest**, parts included; some stores commit a body that was cut otherwise.
/// - **A condition that the store is not said to keep is refused** before anything is sent. What it is said to keep is
///   in [`capabilities`](ObjectStore::capabilities), at first by its [`Profile`]; tell it what a probe found with
///   [`set_capabilities`](Self::set_capabilities).
#[derive(Clone)]
pub struct S3Store {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) bucket: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: String,
    pub(crate) client: Client,
    pub(crate) keyring: Option<Keyring>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) profile: Profile,
    pub(crate) write: WriteSettings,
    /// Whether bodies go without a signature: their digest is verified, and nobody can change them on the way.
    pub(crate) unsigned_bodies: bool,
    pub(crate) part_size: Option<NonZeroU64>,
    pub(crate) in_flight: NonZeroU32,
    pub(crate) response_timeout: std::time::Duration,
    pub(crate) capabilities: RwLock<Arc<Capabilities>>,
    /// For requests that the contract does not show: the parts of an upload.
    pub(crate) retries: RetryLoop,
    pub(crate) dropped: Dropped,
}

impl S3Store {
    /// A store of this bucket, to be configured.
    pub fn builder(bucket: impl Into<String>) -> S3StoreBuilder {
        S3StoreBuilder::new(bucket.into())
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.shared.bucket
    }

    /// The endpoint in use, or `None` for that of AWS in the [`region`](Self::region).
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.shared.endpoint.as_deref()
    }

    /// The region that requests are signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.shared.region
    }

    /// How it speaks to the store.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.shared.profile
    }

    /// Replaces what is known about the store, for all clones: what a probe found decides from then on which
    /// conditions are refused.
    pub fn set_capabilities(&self, found: Capabilities) {
        *self.shared.capabilities.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Sends a request, and once more where it was refused for how it was signed.
    pub(crate) async fn send<T, E, F, Fut>(&self, request: F) -> Result<T, Failed<E>>
    where
        E: Service,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Failed<E>>>,
    {
        let age = match &self.shared.keyring {
            Some(keyring) => keyring.age().await,
            None => 0,
        };
        let failed = match Box::pin(request()).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        match (refused(&failed), &self.shared.keyring) {
            (None, _) => return Err(failed),
            (Some(Refused::Expired), Some(keyring)) => keyring.forget(age).await,
            (Some(_), _) => {}
        }
        Box::pin(request()).await
    }

    /// Adds where it happened to an error.
    pub(crate) fn at<'a>(&'a self, op: Op, key: Option<&'a ObjectKey>) -> impl Fn(Error) -> Error + 'a {
        move |error| {
            let error = error.with_op(op).with_store(self);
            match key {
                Some(key) => error.with_key(key),
                None => error,
            }
        }
    }

    /// Refuses a condition that the store does not keep.
    pub(crate) fn check_promise(&self, promise: Promise) -> Result<()> {
        let known = self.capabilities();
        let (name, verdict) = (promise.as_str(), known.verdict(promise));
        let detail = match verdict {
            Verdict::Ignored => format!("the store accepts {name} and ignores it"),
            Verdict::Racy => format!("{name} does not hold on this store when several write at once"),
            Verdict::Rejected => format!("the store refuses {name}"),
            Verdict::Unknown if !known.claims(promise) => format!("the store is not said to keep {name}"),
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Unsupported).with_detail(detail))
    }

    /// Refuses to name a version where none are kept.
    pub(crate) fn check_versions(&self, asked: bool) -> Result<()> {
        if asked && !self.capabilities().features().versions {
            return Err(Error::new(ErrorKind::Unsupported).with_detail("this bucket keeps no old versions"));
        }
        Ok(())
    }

    /// Refuses a condition on a write that the store does not keep.
    pub(crate) fn check_condition(&self, condition: Option<&Condition>) -> Result<()> {
        match condition {
            None => Ok(()),
            Some(Condition::Absent) => self.check_promise(Promise::CreateIfAbsent),
            Some(Condition::Matches(_)) => self.check_promise(Promise::UpdateIfMatch),
            Some(_) => Err(Error::new(ErrorKind::Unsupported).with_detail("this condition is not known here")),
        }
    }
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.shared.bucket)?;
        match &self.shared.endpoint {
            Some(endpoint) => write!(f, "?endpoint={endpoint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("bucket", &self.shared.bucket)
            .field("endpoint", &self.shared.endpoint)
            .field("region", &self.shared.region)
            .field("profile", &self.shared.profile.name)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for S3Store {
    fn capabilities(&self) -> Arc<Capabilities> {
        Arc::clone(&self.shared.capabilities.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        self.put_object(key, body, &options).await.map_err(self.at(Op::Put, Some(key)))
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let upload = self.upload(key, options).map_err(self.at(Op::StartUpload, Some(key)))?;
        Ok(Box::new(upload))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.head_object(key, &options).await.map_err(self.at(Op::Head, Some(key)))
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        self.get_object(key, range, &options).await.map_err(self.at(Op::Get, Some(key)))
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        self.delete_object(key, &options).await.map_err(self.at(Op::Delete, Some(key)))
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        self.delete_objects(items).await
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.list(prefix, &options).await.map_err(self.at(Op::List, None))
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        self.copy_object(from, to, &options).await.map_err(self.at(Op::Copy, Some(to)))
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        self.sign(&request).await.map_err(self.at(Op::Presign, Some(&request.key)))
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.list_uploads(prefix, after.as_ref()).await.map_err(self.at(Op::ListUploads, None))
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.abort_multipart(key, id).await.map_err(self.at(Op::AbortUpload, Some(key)))
    }

    async fn close(&self) -> Result<()> {
        self.shared.dropped.join().await.map_err(self.at(Op::Close, None))
    }
}
