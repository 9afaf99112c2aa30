//! The store behind the server: S3's operations on buckets in memory.

mod conditions;
mod configure;
mod copy;
mod delete;
mod list;
mod multipart;
mod put;
mod read;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use objstore_core::Clock;
use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result, dto::*};
use tokio::sync::Notify;

use super::{bucket::Bucket, quirk::Quirks};

type Reply<T> = S3Result<S3Response<T>>;

/// All buckets.
pub(super) struct Backend {
    buckets: RwLock<BTreeMap<String, Arc<Shared>>>,
    pub(super) quirks: Arc<Quirks>,
    clock: Arc<dyn Clock>,
    region: String,
}

/// One bucket: everything that is atomic is done under its one lock.
#[derive(Debug, Default)]
pub(super) struct Shared {
    bucket: Mutex<Bucket>,
    /// Racy writers that checked and did not act yet, by key.
    racing: Mutex<BTreeSet<(String, u64)>>,
    racers: AtomicU64,
    met: Notify,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn racing(&self) -> MutexGuard<'_, BTreeSet<(String, u64)>> {
        self.racing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until another writer of the key has checked too, or until the window closes.
    async fn meet(&self, key: &str, window: Duration) {
        let met = self.met.notified();
        tokio::pin!(met);
        met.as_mut().enable();
        let mine = (key.to_owned(), self.racers.fetch_add(1, Ordering::Relaxed));
        self.racing().insert(mine.clone());
        if self.racing().iter().any(|other| other.0 == key && *other != mine) {
            self.met.notify_waiters();
        } else {
            let _ = tokio::time::timeout(window, met).await;
        }
        // A moment more, so that all who come at once have checked.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.racing().remove(&mine);
    }
}

impl Backend {
    pub(super) fn new(quirks: Arc<Quirks>, clock: Arc<dyn Clock>, region: String) -> Self {
        Self { buckets: RwLock::default(), quirks, clock, region }
    }

    pub(super) fn bucket(&self, name: &str) -> S3Result<Arc<Shared>> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(buckets.get(name).ok_or(S3ErrorCode::NoSuchBucket)?))
    }

    /// Makes a bucket; one that is there stays as it is.
    pub(super) fn create(&self, name: &str) -> Arc<Shared> {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(buckets.entry(name.to_owned()).or_default())
    }

    /// Whole seconds: S3 keeps no more.
    fn now(&self) -> SystemTime {
        let since = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UNIX_EPOCH.checked_add(Duration::from_secs(since.as_secs())).unwrap_or(UNIX_EPOCH)
    }
}

/// Declares the operations, each a method of [`Backend`].
macro_rules! operations {
    ($($operation:ident => $method:ident: $input:ty, $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Serve {
            $(
                async fn $operation(&self, request: S3Request<$input>) -> Reply<$output> {
                    self.0.$method(request).await
                }
            )*
        }
    };
}

/// What `s3s` calls.
pub(super) struct Serve(pub(super) Arc<Backend>);

operations! {
    put_object => put: PutObjectInput, PutObjectOutput;
    get_object => get: GetObjectInput, GetObjectOutput;
    head_object => head: HeadObjectInput, HeadObjectOutput;
    delete_object => delete: DeleteObjectInput, DeleteObjectOutput;
    delete_objects => delete_batch: DeleteObjectsInput, DeleteObjectsOutput;
    list_objects_v2 => list: ListObjectsV2Input, ListObjectsV2Output;
    list_object_versions => list_versions: ListObjectVersionsInput, ListObjectVersionsOutput;
    copy_object => copy: CopyObjectInput, CopyObjectOutput;
    create_multipart_upload => create_upload: CreateMultipartUploadInput, CreateMultipartUploadOutput;
    upload_part => put_part: UploadPartInput, UploadPartOutput;
    upload_part_copy => copy_part: UploadPartCopyInput, UploadPartCopyOutput;
    complete_multipart_upload => complete: CompleteMultipartUploadInput, CompleteMultipartUploadOutput;
    abort_multipart_upload => abort: AbortMultipartUploadInput, AbortMultipartUploadOutput;
    list_multipart_uploads => list_uploads: ListMultipartUploadsInput, ListMultipartUploadsOutput;
    list_parts => list_parts: ListPartsInput, ListPartsOutput;
    head_bucket => head_bucket: HeadBucketInput, HeadBucketOutput;
    create_bucket => create_bucket: CreateBucketInput, CreateBucketOutput;
    list_buckets => list_buckets: ListBucketsInput, ListBucketsOutput;
    get_bucket_location => location: GetBucketLocationInput, GetBucketLocationOutput;
    get_bucket_versioning => versioning: GetBucketVersioningInput, GetBucketVersioningOutput;
    put_bucket_versioning => set_versioning: PutBucketVersioningInput, PutBucketVersioningOutput;
    get_object_lock_configuration => lock: GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput;
    put_object_lock_configuration => set_lock: PutObjectLockConfigurationInput, PutObjectLockConfigurationOutput;
    get_object_retention => retention: GetObjectRetentionInput, GetObjectRetentionOutput;
    put_object_retention => set_retention: PutObjectRetentionInput, PutObjectRetentionOutput;
    get_object_legal_hold => hold: GetObjectLegalHoldInput, GetObjectLegalHoldOutput;
    put_object_legal_hold => set_hold: PutObjectLegalHoldInput, PutObjectLegalHoldOutput;
}
