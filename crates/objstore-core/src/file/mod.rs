//! Objects in files.

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

use async_trait::async_trait;

use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Get, ListOptions, ListPage, ObjectKey, ObjectMeta,
    ObjectStore, PageToken, Payload, Prefix, PresignRequest, Presigned, ReadOptions, Result, Upload, UploadId,
    UploadOptions, UploadPage, WriteOptions, Written,
    disk::{Disk, OsDisk},
    rules::unsupported,
};

/// A store in the files of a folder.
#[derive(Debug, Clone)]
pub struct FileStore {
    root: PathBuf,
    disk: Arc<dyn Disk>,
}

/// Settings of a [`FileStore`].
#[derive(Debug, Clone)]
pub struct FileStoreBuilder {
    root: PathBuf,
    disk: Arc<dyn Disk>,
}

impl FileStore {
    /// A store rooted at an absolute folder, which is created when something is first written.
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
}

impl FileStoreBuilder {
    /// Uses another file system than the operating system's.
    #[must_use]
    pub fn with_disk(mut self, disk: impl Disk) -> Self {
        self.disk = Arc::new(disk);
        self
    }

    /// The store. Nothing is read or written.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for a relative path.
    pub fn build(self) -> Result<FileStore> {
        Ok(FileStore { root: self.root, disk: self.disk })
    }
}

impl fmt::Display for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file://{}", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for FileStore {
    fn capabilities(&self) -> Arc<Capabilities> {
        Arc::new(Capabilities::new())
    }
    async fn put(&self, _: &ObjectKey, _: Payload, _: WriteOptions) -> Result<Written> {
        Err(unsupported("under construction"))
    }
    async fn start_upload(&self, _: &ObjectKey, _: UploadOptions) -> Result<Box<dyn Upload>> {
        Err(unsupported("under construction"))
    }
    async fn head(&self, _: &ObjectKey, _: ReadOptions) -> Result<ObjectMeta> {
        Err(unsupported("under construction"))
    }
    async fn get(&self, _: &ObjectKey, _: Option<Range<u64>>, _: ReadOptions) -> Result<Get> {
        Err(unsupported("under construction"))
    }
    async fn delete(&self, _: &ObjectKey, _: DeleteOptions) -> Result<Deleted> {
        Err(unsupported("under construction"))
    }
    async fn delete_many(&self, _: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        Vec::new()
    }
    async fn list_page(&self, _: &Prefix, _: ListOptions) -> Result<ListPage> {
        Err(unsupported("under construction"))
    }
    async fn copy(&self, _: &ObjectKey, _: &ObjectKey, _: CopyOptions) -> Result<Written> {
        Err(unsupported("under construction"))
    }
    async fn presign(&self, _: PresignRequest) -> Result<Presigned> {
        Err(unsupported("a file has no signed URL"))
    }
    async fn uploads_page(&self, _: &Prefix, _: Option<PageToken>) -> Result<UploadPage> {
        Err(unsupported("under construction"))
    }
    async fn abort_upload(&self, _: &ObjectKey, _: &UploadId) -> Result<()> {
        Err(unsupported("under construction"))
    }
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}
