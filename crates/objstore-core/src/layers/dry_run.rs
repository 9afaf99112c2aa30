//! What would be done.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Capabilities, Checksums, Condition, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get, Hasher,
    ListOptions, ListPage, ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignMethod,
    PresignRequest, Presigned, ReadOptions, Result, Revision, Upload, UploadId, UploadOptions, UploadPage,
    WriteOptions, Written,
    rules::{check_change, check_delete, check_digest, check_read, context, unsupported},
};

/// A change that was asked for, and not made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Planned {
    /// An object would be written (in one piece or several).
    Write {
        /// Its key.
        key: ObjectKey,
        /// Its length in bytes.
        size: u64,
    },
    /// An object would be copied.
    Copy {
        /// The key that is read.
        from: ObjectKey,
        /// The key that is written.
        to: ObjectKey,
        /// Its length in bytes.
        size: u64,
    },
    /// An object would be deleted.
    Delete {
        /// Its key.
        key: ObjectKey,
    },
    /// An upload would be given up.
    AbortUpload {
        /// The key that it would have written.
        key: ObjectKey,
        /// Its name.
        id: UploadId,
    },
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { key, size } => write!(f, "would write {key} ({size} bytes)"),
            Self::Copy { from, to, size } => write!(f, "would copy {from} to {to} ({size} bytes)"),
            Self::Delete { key } => write!(f, "would delete {key}"),
            Self::AbortUpload { key, id } => write!(f, "would give up the upload {id} of {key}"),
        }
    }
}

/// A store that changes nothing: what would be changed is kept in a list. Reads and listings see the real store.
///
/// Conditions are compared with the real store, at that moment: a change that would fail now fails here too.
///
/// # Limits
/// - Nothing that was "written" is there afterwards. What reads its own writes sees the state before.
/// - The revision that a "write" returns is of no object: a condition on it fails.
/// - Uploads are taken and thrown away; they have no id. Of the digests announced, CRC-32C and SHA-256 are checked.
/// - Permissions, quotas, locks and what else the store would refuse by itself are not asked for.
/// - Signed URLs that would change something are [`ErrorKind::Unsupported`].
///
/// Clones share their list.
///
/// # Memory
/// The list, until [`take`](Self::take) empties it; no bodies.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{DeleteOptions, MemoryStore, ObjectKey, ObjectStore as _, ObjectStoreExt as _, layers::DryRun};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = DryRun::new(Arc::new(MemoryStore::new()));
/// store.put_bytes(&ObjectKey::new("a")?, "hello").await?;
/// store.delete(&ObjectKey::new("b")?, DeleteOptions::new()).await?;
/// let planned: Vec<_> = store.take().iter().map(ToString::to_string).collect();
/// assert_eq!(planned, ["would write a (5 bytes)", "would delete b"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct DryRun {
    inner: Arc<dyn ObjectStore>,
    planned: Arc<Mutex<Vec<Planned>>>,
}

impl DryRun {
    /// Changes nothing.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, planned: Arc::default() }
    }

    /// What would have been changed so far, in order; the list is empty afterwards.
    #[must_use]
    pub fn take(&self) -> Vec<Planned> {
        std::mem::take(&mut *self.planned.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn plan(&self, planned: Planned) {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
    }

    /// The object's revision, if somebody needs to know.
    async fn current(&self, key: &ObjectKey, condition: Option<&Condition>) -> Result<Option<Revision>> {
        if condition.is_none() {
            return Ok(None);
        }
        match self.inner.head(key, ReadOptions::new()).await {
            Ok(meta) => Ok(Some(meta.revision)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, key: &ObjectKey, size: u64, checksums: Checksums, options: &WriteOptions) -> Result<Written> {
        check_digest(&checksums, &options.expect)?;
        let current = self.current(key, options.condition.as_ref()).await?;
        check_change(options.condition.as_ref(), current.as_ref())?;
        self.plan(Planned::Write { key: key.clone(), size });
        Ok(Written::new(Revision::new("dry-run"), size).with_checksums(checksums))
    }

    async fn remove(&self, key: &ObjectKey, options: &DeleteOptions) -> Result<Deleted> {
        let current = self.current(key, options.condition.as_ref()).await?;
        check_delete(options.condition.as_ref(), current.as_ref())?;
        self.plan(Planned::Delete { key: key.clone() });
        Ok(Deleted::new())
    }

    async fn duplicate(&self, from: &ObjectKey, to: &ObjectKey, options: &CopyOptions) -> Result<Written> {
        let mut read = ReadOptions::new();
        read.version.clone_from(&options.source_version);
        let source = self.inner.head(from, read).await?;
        let wanted = ReadOptions { matches: options.source.clone(), ..ReadOptions::default() };
        check_read(&wanted, &source.revision)?;
        let current = self.current(to, options.write.condition.as_ref()).await?;
        check_change(options.write.condition.as_ref(), current.as_ref())?;
        self.plan(Planned::Copy { from: from.clone(), to: to.clone(), size: source.size });
        Ok(Written::new(Revision::new("dry-run"), source.size).with_checksums(source.checksums))
    }
}

fn hasher_for(options: &WriteOptions) -> Hasher {
    if options.expect.sha256.is_some() { Hasher::new().with_sha256() } else { Hasher::new() }
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for DryRun {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        let mut hasher = hasher_for(&options);
        body.chunks().iter().for_each(|chunk| hasher.update(chunk));
        let written = self.write(key, body.len(), hasher.finish(), &options).await;
        written.map_err(context(Op::Put, self, Some(key)))
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let hasher = hasher_for(&options.write);
        let (layer, key) = (self.clone(), key.clone());
        Ok(Box::new(DryUpload { layer, key, options: options.write, size: 0, hasher: Some(hasher) }))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.inner.head(key, options).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        self.inner.get(key, range, options).await
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        self.remove(key, &options).await.map_err(context(Op::Delete, self, Some(key)))
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        crate::rules::delete_each(self, items).await
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.inner.list_page(prefix, options).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        self.duplicate(from, to, &options).await.map_err(context(Op::Copy, self, Some(to)))
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        match request.method {
            PresignMethod::Get | PresignMethod::Head => self.inner.presign(request).await,
            PresignMethod::Put | PresignMethod::Delete => {
                let error = unsupported("a dry run signs no URL that would change something");
                Err(context(Op::Presign, self, Some(&request.key))(error))
            }
        }
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.inner.uploads_page(prefix, after).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.plan(Planned::AbortUpload { key: key.clone(), id: id.clone() });
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// Counts what it is given.
#[derive(Debug)]
struct DryUpload {
    layer: DryRun,
    key: ObjectKey,
    options: WriteOptions,
    size: u64,
    /// None when it has ended.
    hasher: Option<Hasher>,
}

impl DryUpload {
    fn ended(&self, op: Op) -> Error {
        let error = Error::new(ErrorKind::InvalidInput).with_detail("the upload has ended");
        context(op, &self.layer, Some(&self.key))(error)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for DryUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let Some(hasher) = &mut self.hasher else {
            return Err(self.ended(Op::Write));
        };
        hasher.update(&chunk);
        self.size = self.size.saturating_add(chunk.len() as u64);
        Ok(())
    }

    async fn finish(&mut self) -> Result<Written> {
        let hasher = self.hasher.take().ok_or_else(|| self.ended(Op::Finish))?;
        let written = self.layer.write(&self.key, self.size, hasher.finish(), &self.options).await;
        written.map_err(context(Op::Finish, &self.layer, Some(&self.key)))
    }

    async fn abort(&mut self) -> Result<()> {
        self.hasher = None;
        Ok(())
    }

    fn id(&self) -> Option<UploadId> {
        None
    }
}
