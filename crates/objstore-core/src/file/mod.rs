//! Objects in files.

mod blocking;
mod errors;
mod files;
mod layout;
mod list;
mod publish;
mod read;
mod staged;
mod upload;

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use self::{files::Files, layout::staged_path, list::PAGE_ITEMS, staged::Staged, upload::FileUpload};
use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Effect, Error, ErrorKind, Features, Get, Limits,
    ListOptions, ListPage, ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest,
    Presigned, Promise, ReadOptions, Result, RevisionStrength, Upload, UploadId, UploadOptions, UploadPage, Verdict,
    WriteOptions, Written,
    disk::{Disk, OsDisk},
    rules::{context, delete_each, unsupported},
};

/// A store in the files of a folder: one file per object, at its key, with its bytes and nothing else.
///
/// # What holds
/// - **Conditions are atomic, between processes too.** [`Condition::Absent`](crate::Condition::Absent) is a hard link,
///   [`Condition::Matches`](crate::Condition::Matches) a comparison and a rename under a lock of the folder. Where the
///   file system has no hard links (some FUSE and SMB mounts), or no locks on folders (NFS), the condition is
///   [`Unsupported`](crate::ErrorKind::Unsupported) before anything is visible.
/// - **Crash-safe.** A body is written to a file of its own that no listing shows, synced, then linked or renamed, then
///   the folders are synced. So after a crash or a power failure an object is the old one or the new one, and what was
///   acknowledged is there. What a dead writer leaves behind is found by
///   [`uploads_page`](ObjectStore::uploads_page) and removed by [`abort_upload`](ObjectStore::abort_upload).
/// - **Private.** Files get mode 0600, folders 0700.
/// - **Bounded memory.** An upload holds at most twice [`UploadOptions::part_size`] (1 MiB unless chosen) and
///   two chunks of its caller; a read holds 2 MiB.
///
/// # What does not
/// - A key cannot be a folder of another (`x` beside `x/y`): the second is refused with
///   [`InvalidInput`](crate::ErrorKind::InvalidInput). Keys must be portable
///   ([`ObjectKey::check_portable`]), and no segment may begin with `.objstore`, which the store uses for itself. On a
///   file system that ignores case, so do keys.
/// - Links inside the folder are not followed and not listed: they are no objects. (The folder itself may be a link.)
///   This is no defence against somebody who replaces folders while the store works.
/// - Checksums are not remembered: [`Written`] has the CRC-32C of what was written, a listing or a
///   [`head`](ObjectStore::head) has none. User metadata is refused, other headers are dropped.
/// - A revision is made of the time stamp, inode and length. A file that something else changes has a new one, unless it
///   sets the time stamp back.
/// - An empty folder is no object; folders that a delete leaves empty are removed.
/// - A listing reads each folder on its way as a whole, and sorts it in memory.
///
/// The folder is made when something is first written; until then the store is empty.
///
/// All methods need a tokio runtime: the file system is used on its threads for blocking work.
///
/// ```
/// use objstore_core::{FileStore, ObjectKey, ObjectStoreExt as _};
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("backups");
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = FileStore::open(folder)?;
/// let key = ObjectKey::new("a/b")?;
/// store.create(&key, "hello").await?;
/// assert_eq!(store.get_range(&key, 1..3).await?, "el");
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FileStore {
    files: Arc<Files>,
    capabilities: Arc<Capabilities>,
}

/// Settings of a [`FileStore`].
#[derive(Debug, Clone)]
pub struct FileStoreBuilder {
    root: PathBuf,
    disk: Arc<dyn Disk>,
}

impl FileStore {
    /// A store rooted at an absolute folder. Nothing is read or written yet.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for a relative path.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        Self::builder(root).build()
    }

    /// Settings for a store rooted at an absolute folder.
    pub fn builder(root: impl Into<PathBuf>) -> FileStoreBuilder {
        FileStoreBuilder { root: root.into(), disk: Arc::new(OsDisk::new()) }
    }

    /// Does work that blocks.
    async fn work<T: Send + 'static>(
        &self,
        op: Op,
        key: Option<&ObjectKey>,
        work: impl FnOnce(&Arc<Files>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = Arc::clone(&self.files);
        let result = blocking::run(move || work(&files)).await;
        result.map_err(context(op, self, key))
    }
}

impl FileStoreBuilder {
    /// Uses another file system than the operating system's.
    #[must_use]
    pub fn with_disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// The store. Nothing is read or written yet.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for a relative path.
    pub fn build(self) -> Result<FileStore> {
        if !self.root.is_absolute() {
            let detail = format!("the folder of a file store must be an absolute path, {} is not", self.root.display());
            return Err(Error::new(ErrorKind::InvalidConfig).with_op(Op::Open).with_detail(detail));
        }
        Ok(FileStore { files: Arc::new(Files::new(self.root, self.disk)), capabilities: Arc::new(capabilities()) })
    }
}

impl fmt::Display for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file://{}", self.files.root.display())
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileStore").field(&self.files.root).finish()
    }
}

/// The verdicts are what this code holds by its own means: a file system that cannot carry a condition makes it
/// Unsupported, never ignored.
fn capabilities() -> Capabilities {
    let limits = Limits { batch_items: Some(PAGE_ITEMS), page_items: Some(PAGE_ITEMS), ..Limits::default() };
    let start = Capabilities::new()
        .with_revisions(RevisionStrength::Unique)
        .with_features(Features::default())
        .with_limits(limits);
    Promise::ALL
        .iter()
        .filter(|promise| **promise != Promise::Lock)
        .fold(start, |capabilities, promise| capabilities.with_promise(*promise, Verdict::Verified))
        .with_verdict(Promise::Lock, Verdict::Rejected)
}

impl Files {
    fn put(self: &Arc<Self>, key: &ObjectKey, body: &[Bytes], options: &WriteOptions) -> Result<Written> {
        let mut staged = Staged::create(Arc::clone(self), key, options, None)?;
        staged.write(body)?;
        staged.publish()
    }

    fn copy(self: &Arc<Self>, from: &ObjectKey, to: &ObjectKey, options: &CopyOptions) -> Result<Written> {
        const PIECE_BYTES: usize = 1 << 20;
        let mut read = ReadOptions::new();
        read.matches.clone_from(&options.source);
        read.version.clone_from(&options.source_version);
        let (source, metadata, _) = self.open(from, &read)?;
        let mut staged = Staged::create(Arc::clone(self), to, &options.write, Some(metadata.len))?;
        let mut offset = 0;
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let read = source.read_at(&mut piece, offset).map_err(|error| {
                Error::new(ErrorKind::Other).with_detail("could not read the source of the copy").with_source(error)
            })?;
            piece.truncate(read);
            if read == 0 {
                return staged.publish();
            }
            offset = offset.saturating_add(read as u64);
            staged.write(&[piece.into()])?;
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FileStore {
    fn capabilities(&self) -> Arc<Capabilities> {
        Arc::clone(&self.capabilities)
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        let name = key.clone();
        self.work(Op::Put, Some(key), move |files| files.put(&name, body.chunks(), &options)).await
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let (name, write) = (key.clone(), options.write.clone());
        self.work(Op::StartUpload, Some(key), move |files| files.check_start(&name, &write)).await?;
        Ok(Box::new(FileUpload::new(self.clone(), key.clone(), options)))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        let name = key.clone();
        self.work(Op::Head, Some(key), move |files| files.head(&name, &options)).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let name = key.clone();
        self.work(Op::Get, Some(key), move |files| files.get(&name, range, &options)).await
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        let name = key.clone();
        self.work(Op::Delete, Some(key), move |files| files.delete(&name, &options)).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        delete_each(self, items).await
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        let prefix = prefix.clone();
        self.work(Op::List, None, move |files| files.list(&prefix, &options)).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        let (source, target) = (from.clone(), to.clone());
        self.work(Op::Copy, Some(to), move |files| files.copy(&source, &target, &options)).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        Err(context(Op::Presign, self, Some(&request.key))(unsupported("files have no signed URL")))
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        let prefix = prefix.clone();
        self.work(Op::ListUploads, None, move |files| files.uploads(&prefix, after.as_ref())).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        let (name, id) = (key.clone(), id.clone());
        self.work(Op::AbortUpload, Some(key), move |files| files.remove_staged(&staged_path(&files.root, &name, &id)?))
            .await
    }

    async fn close(&self) -> Result<()> {
        // The sender is `self.files`: it lives.
        let mut ending = self.files.ending.subscribe();
        let _done = ending.wait_for(|count| *count == 0).await;
        match self.files.take_left_behind() {
            0 => Ok(()),
            count => {
                let detail = format!(
                    "{count} files of uploads that were given up could not be removed: list the uploads and abort them"
                );
                let error = Error::new(ErrorKind::Other).with_detail(detail).with_effect(Effect::NotApplied);
                Err(context(Op::Close, self, None)(error))
            }
        }
    }
}
