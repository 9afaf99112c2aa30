//! A store below a prefix of another.

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Error, ErrorKind, Get, ListOptions, ListPage,
    ObjectKey, ObjectMeta, ObjectStore, Op, PageToken, Payload, Prefix, PresignRequest, Presigned, ReadOptions, Result,
    Upload, UploadId, UploadInfo, UploadOptions, UploadPage, WriteOptions, Written, rules::invalid,
};

/// The store of what lies below a prefix of another: its keys are the rest of theirs.
///
/// Keys in results and errors are relative; what an error says beyond that, and a signed URL, may show the whole key. An
/// object whose key is the prefix itself (a "folder marker") is not in this store. Page tokens are good for this prefix
/// only: others are refused, so that no listing goes on at a place of another.
///
/// A key may be as long as the whole leaves room for, otherwise it is [`ErrorKind::InvalidInput`].
///
/// # Memory
/// None beside the store's.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{MemoryStore, ObjectKey, ObjectStoreExt as _, Prefix, layers::PrefixStore};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let all = Arc::new(MemoryStore::new());
/// let team = PrefixStore::new(all.clone(), Prefix::new("teams/a/")?);
/// team.put_bytes(&ObjectKey::new("x")?, "hello").await?;
/// assert!(all.exists(&ObjectKey::new("teams/a/x")?).await?);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PrefixStore {
    inner: Arc<dyn ObjectStore>,
    prefix: Prefix,
}

impl PrefixStore {
    /// What lies below `prefix`.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, prefix: Prefix) -> Self {
        Self { inner, prefix }
    }

    /// Where it lies.
    #[must_use]
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    fn whole(&self, op: Op, key: &ObjectKey) -> Result<ObjectKey> {
        self.prefix.key(key.as_str()).map_err(|error| self.sign(Error::from(error).with_op(op), Some(key)))
    }

    fn whole_prefix(&self, op: Op, prefix: &Prefix) -> Result<Prefix> {
        if prefix.is_root() {
            return Ok(self.prefix.clone());
        }
        self.prefix.child(prefix.as_str()).map_err(|error| self.sign(Error::from(error).with_op(op), None))
    }

    /// Makes an error of the store below one of this.
    fn sign(&self, error: Error, key: Option<&ObjectKey>) -> Error {
        let error = error.with_store(self);
        match key {
            Some(key) => error.with_key(key),
            None => error,
        }
    }

    fn relative(&self, key: &ObjectKey) -> Result<ObjectKey> {
        let name = self.prefix.relative(key).ok_or_else(|| self.outside(key.as_str()))?;
        ObjectKey::new(name).map_err(Error::from)
    }

    fn outside(&self, name: &str) -> Error {
        let detail = format!("the store listed {name:?}, which is not below the prefix: do not trust its listings");
        self.sign(Error::new(ErrorKind::Integrity).with_op(Op::List).with_detail(detail), None)
    }

    fn meta(&self, mut meta: ObjectMeta, key: &ObjectKey) -> ObjectMeta {
        meta.key = key.clone();
        meta
    }

    /// The token that a caller gets: good for this prefix only.
    fn wrap(&self, token: &PageToken) -> PageToken {
        PageToken::new(format!("{}{token}", self.mark()))
    }

    fn unwrap(&self, op: Op, token: &PageToken) -> Result<PageToken> {
        let inner = token.as_str().strip_prefix(&self.mark());
        let refused = || self.sign(invalid("the page token is not of this prefix").with_op(op), None);
        inner.map(PageToken::new).ok_or_else(refused)
    }

    fn mark(&self) -> String {
        format!("{:08x}:", crc32c::crc32c(self.prefix.as_str().as_bytes()))
    }

    fn page(&self, page: ListPage) -> Result<ListPage> {
        let mut objects = Vec::with_capacity(page.objects.len());
        for meta in page.objects {
            if meta.key.as_str() != self.prefix.as_str() {
                let key = self.relative(&meta.key)?;
                objects.push(ObjectMeta { key, ..meta });
            }
        }
        let prefixes = page.prefixes.iter().map(|prefix| self.below(prefix)).collect::<Result<_>>()?;
        let strip = |name: String| name.strip_prefix(self.prefix.as_str()).map(str::to_owned).unwrap_or(name);
        let invalid: Vec<_> = page.invalid.into_iter().map(strip).collect();
        let next = page.next.as_ref().map(|token| self.wrap(token));
        Ok(ListPage { objects, prefixes, invalid, next })
    }

    fn below(&self, prefix: &Prefix) -> Result<Prefix> {
        let name = prefix.as_str().strip_prefix(self.prefix.as_str()).ok_or_else(|| self.outside(prefix.as_str()))?;
        Prefix::new(name).map_err(Error::from)
    }
}

impl fmt::Display for PrefixStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.inner, self.prefix)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for PrefixStore {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        let whole = self.whole(Op::Put, key)?;
        self.inner.put(&whole, body, options).await.map_err(|error| self.sign(error, Some(key)))
    }

    async fn start_upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let whole = self.whole(Op::StartUpload, key)?;
        let started = self.inner.start_upload(&whole, options).await;
        let inner = started.map_err(|error| self.sign(error, Some(key)))?;
        Ok(Box::new(PrefixUpload { layer: self.clone(), key: key.clone(), inner }))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        let whole = self.whole(Op::Head, key)?;
        let meta = self.inner.head(&whole, options).await.map_err(|error| self.sign(error, Some(key)))?;
        Ok(self.meta(meta, key))
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        use futures::{StreamExt as _, TryStreamExt as _};
        let whole = self.whole(Op::Get, key)?;
        let get = self.inner.get(&whole, range, options).await.map_err(|error| self.sign(error, Some(key)))?;
        let (layer, name) = (self.clone(), key.clone());
        let body = get.body.map_err(move |error| layer.sign(error, Some(&name)));
        Ok(Get::new(self.meta(get.meta, key), get.range, body.boxed()))
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        let whole = self.whole(Op::Delete, key)?;
        self.inner.delete(&whole, options).await.map_err(|error| self.sign(error, Some(key)))
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        let mut results = Vec::with_capacity(items.len());
        let (mut batch, mut keys) = (Vec::new(), Vec::new());
        for item in items {
            match self.whole(Op::Delete, &item.key) {
                Ok(key) => {
                    results.push(Ok(Deleted::new())); // its place
                    keys.push((results.len().saturating_sub(1), item.key));
                    batch.push(DeleteItem { key, options: item.options });
                }
                Err(error) => results.push(Err(error)),
            }
        }
        let mut answers = self.inner.delete_many(batch).await.into_iter();
        for (place, key) in keys {
            let answer = answers.next().unwrap_or_else(|| Err(super::no_answer()));
            if let Some(slot) = results.get_mut(place) {
                *slot = answer.map_err(|error| self.sign(error, Some(&key)));
            }
        }
        results
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        let whole = self.whole_prefix(Op::List, prefix)?;
        let mut inner = options;
        inner.after = inner.after.map(|token| self.unwrap(Op::List, &token)).transpose()?;
        inner.start_after = inner.start_after.map(|key| self.whole(Op::List, &key)).transpose()?;
        let page = self.inner.list_page(&whole, inner).await.map_err(|error| self.sign(error, None))?;
        self.page(page)
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, options: CopyOptions) -> Result<Written> {
        let (source, target) = (self.whole(Op::Copy, from)?, self.whole(Op::Copy, to)?);
        self.inner.copy(&source, &target, options).await.map_err(|error| self.sign(error, Some(to)))
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        let key = request.key.clone();
        let request = PresignRequest { key: self.whole(Op::Presign, &key)?, ..request };
        self.inner.presign(request).await.map_err(|error| self.sign(error, Some(&key)))
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        let whole = self.whole_prefix(Op::ListUploads, prefix)?;
        let after = after.map(|token| self.unwrap(Op::ListUploads, &token)).transpose()?;
        let page = self.inner.uploads_page(&whole, after).await.map_err(|error| self.sign(error, None))?;
        let relative = |info: UploadInfo| Ok::<_, Error>(UploadInfo { key: self.relative(&info.key)?, ..info });
        let uploads = page.uploads.into_iter().map(relative).collect::<Result<Vec<_>>>()?;
        Ok(UploadPage { uploads, next: page.next.as_ref().map(|token| self.wrap(token)) })
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        let whole = self.whole(Op::AbortUpload, key)?;
        self.inner.abort_upload(&whole, id).await.map_err(|error| self.sign(error, Some(key)))
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await.map_err(|error| self.sign(error, None))
    }
}

#[derive(Debug)]
struct PrefixUpload {
    layer: PrefixStore,
    key: ObjectKey,
    inner: Box<dyn Upload>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for PrefixUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk).await.map_err(|error| self.layer.sign(error, Some(&self.key)))
    }

    async fn finish(&mut self) -> Result<Written> {
        self.inner.finish().await.map_err(|error| self.layer.sign(error, Some(&self.key)))
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await.map_err(|error| self.layer.sign(error, Some(&self.key)))
    }

    fn id(&self) -> Option<UploadId> {
        self.inner.id()
    }
}
