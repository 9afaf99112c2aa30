//! Reading only.

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;

use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get, ListOptions, ListPage,
    ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignMethod, PresignRequest, Presigned,
    ReadOptions, Result, Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written, rules::context,
};

/// A store that refuses every change with [`ErrorKind::PermissionDenied`], before anything is sent: for programs that
/// restore, verify and list. Signed URLs that would change something are refused too.
///
/// [`capabilities`](ObjectStore::capabilities) are the store's: they say what the bucket holds to.
///
/// # Memory
/// None beside the store's.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{ErrorKind, MemoryStore, ObjectKey, ObjectStoreExt as _, layers::ReadOnly};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = ReadOnly::new(Arc::new(MemoryStore::new()));
/// let refused = store.put_bytes(&ObjectKey::new("a")?, "hello").await.unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReadOnly {
    inner: Arc<dyn ObjectStore>,
}

impl ReadOnly {
    /// Refuses every change.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner }
    }

    fn refuse<T>(&self, op: Op, key: &ObjectKey) -> Result<T> {
        let error = Error::new(ErrorKind::PermissionDenied).with_detail("the store was opened for reading only");
        Err(context(op, self, Some(key))(error))
    }
}

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for ReadOnly {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, _body: Payload, _options: WriteOptions) -> Result<Written> {
        self.refuse(Op::Put, key)
    }

    async fn start_upload(&self, key: &ObjectKey, _options: UploadOptions) -> Result<Box<dyn Upload>> {
        self.refuse(Op::StartUpload, key)
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.inner.head(key, options).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        self.inner.get(key, range, options).await
    }

    async fn delete(&self, key: &ObjectKey, _options: DeleteOptions) -> Result<Deleted> {
        self.refuse(Op::Delete, key)
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        items.iter().map(|item| self.refuse(Op::Delete, &item.key)).collect()
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.inner.list_page(prefix, options).await
    }

    async fn copy(&self, _from: &ObjectKey, to: &ObjectKey, _options: CopyOptions) -> Result<Written> {
        self.refuse(Op::Copy, to)
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        match request.method {
            PresignMethod::Get | PresignMethod::Head => self.inner.presign(request).await,
            PresignMethod::Put | PresignMethod::Delete => self.refuse(Op::Presign, &request.key),
        }
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.inner.uploads_page(prefix, after).await
    }

    async fn abort_upload(&self, key: &ObjectKey, _id: &UploadId) -> Result<()> {
        self.refuse(Op::AbortUpload, key)
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
