//! The contract.

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Get, ListOptions, ListPage, ObjectKey, ObjectMeta,
    PageToken, Payload, Prefix, PresignRequest, Presigned, ReadOptions, Result, UploadId, UploadOptions, UploadPage,
    WriteOptions, Written,
};

/// A store of objects.
///
/// This is what stores and layers implement; callers find comfort in [`ObjectStoreExt`](crate::ObjectStoreExt), and
/// hold an `Arc<dyn ObjectStore>`. No method has a default body, so that no layer forgets to pass one on.
///
/// `Display` names the store for people (`memory://x`, `s3://bucket`), without secrets.
///
/// # Errors
/// Every error says whether the store was changed ([`Error::effect`](crate::Error::effect)). A condition or an option
/// that the store cannot honour is [`Unsupported`](crate::ErrorKind::Unsupported) before anything is changed.
///
/// # Cancel safety
/// A future that is dropped leaves the object as it was or as it was to be, never half of each. Which of the two is
/// not known: look, or write again with the same condition.
#[async_trait]
pub trait ObjectStore: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What the store can do. A probe may replace them while the store is in use.
    fn capabilities(&self) -> Arc<Capabilities>;

    /// Writes an object from memory, atomically: readers see the old one or the new one, whole.
    ///
    /// When it returns, the object is as durable as the store makes it.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists), [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed)
    /// by its condition; [`Integrity`](crate::ErrorKind::Integrity) if the body is not what `expect` says;
    /// [`TooLarge`](crate::ErrorKind::TooLarge), [`StorageFull`](crate::ErrorKind::StorageFull).
    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written>;

    /// Starts writing an object whose bytes arrive in pieces. Nothing is visible before [`Upload::finish`].
    ///
    /// A store may do nothing here: a small body can become one put.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if a condition cannot be kept for an upload.
    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>>;

    /// What is known about an object.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed),
    /// [`NotModified`](crate::ErrorKind::NotModified) by its options.
    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta>;

    /// Reads an object, or the bytes `range` of it (half open; what lies beyond the end is cut off).
    ///
    /// The body does not borrow the store. It is one state of the object, also if it is overwritten meanwhile; where a
    /// store cannot promise that, the body ends with an error instead.
    ///
    /// # Errors
    /// As [`head`](Self::head); [`RangeNotSatisfiable`](crate::ErrorKind::RangeNotSatisfiable) if the range begins at
    /// or after the end; [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is empty.
    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get>;

    /// Deletes an object. That it was absent is no error.
    ///
    /// # Errors
    /// [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed) by its condition, also if it is absent;
    /// [`Locked`](crate::ErrorKind::Locked).
    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted>;

    /// Deletes several objects: one batch, one result for each, in order. At most
    /// [`Limits::batch_items`](crate::Limits::batch_items).
    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>>;

    /// One page of the objects below a prefix.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a token that is not this listing's;
    /// [`StoreNotFound`](crate::ErrorKind::StoreNotFound) where a store can miss as a whole.
    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage>;

    /// Copies an object within the store, without its bytes passing through here where the store can.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for the source; as [`put`](Self::put) for the destination.
    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written>;

    /// Makes a URL that allows one operation without other credentials.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported); [`InvalidInput`](crate::ErrorKind::InvalidInput) for a life
    /// longer than the store's.
    async fn presign(&self, request: PresignRequest) -> Result<Presigned>;

    /// One page of uploads below a prefix that were started and neither finished nor aborted, also by other processes.
    ///
    /// # Errors
    /// As [`list_page`](Self::list_page).
    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage>;

    /// Gives up an upload, whoever started it, and frees what it stored. One that is not there (any more) is no error.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not of this store.
    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()>;

    /// Waits until uploads that were dropped have been given up. The store remains usable.
    ///
    /// # Errors
    /// If some could not be given up: they are then found by [`uploads_page`](Self::uploads_page).
    async fn close(&self) -> Result<()>;
}

/// An object that is being written in pieces, in bounded memory.
///
/// Dropping it without [`finish`](Self::finish) gives it up in the background; [`ObjectStore::close`] waits for that.
/// After [`finish`](Self::finish) or [`abort`](Self::abort) succeeded, or after an error that left nothing to go on
/// with, further calls are [`InvalidInput`](crate::ErrorKind::InvalidInput).
///
/// # Cancel safety
/// A `write` whose future was dropped may have taken its bytes or not: abort then. A dropped `finish` may have finished.
#[async_trait]
pub trait Upload: fmt::Debug + Send {
    /// Takes the next bytes; returns when there is room for more, not when they are stored.
    ///
    /// # Errors
    /// Those of writing, perhaps for bytes of an earlier call.
    async fn write(&mut self, chunk: Bytes) -> Result<()>;

    /// Makes the object visible, whole, if its condition holds.
    ///
    /// If the error's effect is [`Unknown`](crate::Effect::Unknown) it may be called again, to look.
    ///
    /// # Errors
    /// As [`ObjectStore::put`].
    async fn finish(&mut self) -> Result<Written>;

    /// Gives up and frees what was stored.
    ///
    /// # Errors
    /// If that failed; the upload is then found by [`ObjectStore::uploads_page`].
    async fn abort(&mut self) -> Result<()>;

    /// Its name in the store, once something was stored.
    fn id(&self) -> Option<UploadId>;
}

macro_rules! deref_store {
    ($($type:ty),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: ObjectStore + ?Sized> ObjectStore for $type {
            fn capabilities(&self) -> Arc<Capabilities> {
                (**self).capabilities()
            }

            async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
                (**self).put(key, body, options).await
            }

            async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
                (**self).start_upload(key, options).await
            }

            async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
                (**self).head(key, options).await
            }

            async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
                (**self).get(key, range, options).await
            }

            async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
                (**self).delete(key, options).await
            }

            async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
                (**self).delete_many(items).await
            }

            async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
                (**self).list_page(prefix, options).await
            }

            async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
                (**self).copy(from, to, options).await
            }

            async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
                (**self).presign(request).await
            }

            async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
                (**self).uploads_page(prefix, after).await
            }

            async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
                (**self).abort_upload(key, id).await
            }

            async fn close(&self) -> Result<()> {
                (**self).close().await
            }
        }
    )*};
}

deref_store!(Arc<T>, Box<T>);
