//! Trying again, and looking before it.

mod attempts;
mod batch;
mod body;
mod change;
mod look;
mod policy;
mod upload;

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;

pub use self::{
    attempts::RetryLoop,
    policy::{RetryBudget, RetryPolicy},
};
use self::{
    change::{CopyObject, DeleteObject, PutObject},
    upload::RetriedUpload,
};
use crate::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Get, ListOptions, ListPage, ObjectKey, ObjectMeta,
    ObjectStore, PageToken, Payload, Prefix, PresignRequest, Presigned, ReadOptions, Result, Upload, UploadId,
    UploadOptions, UploadPage, WriteOptions, WriteToken, Written, random::random_name,
};

/// A store whose requests are tried again: the one retry loop of a program (an SDK's own should be off).
///
/// # What is tried again
/// - What was **not applied**, if the store says that it may succeed later ([`Retry::After`](crate::Retry::After)); a
///   conflict (409) too. Never earlier than the store asked for.
/// - What is **not known** to be applied, only after a look at the object, or if a repetition changes nothing more:
///
/// | Change | What the look tells |
/// |---|---|
/// | put, upload, copy, with a write token | own token: it was applied, the call succeeds; otherwise as below |
/// | … created if absent | absent: sent again; another's object: [`AlreadyExists`](crate::ErrorKind::AlreadyExists) |
/// | … at a revision | still at it: sent again; at another: [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed), effect not known (ours may have been replaced since) |
/// | … without condition | not ours: sent again |
/// | delete at a revision | absent: done; still at it: sent again; at another: as for a put |
/// | delete, batch delete without condition | not looked at: sent again, as it changes nothing more |
///
/// When it gives up after an attempt of unknown outcome it looks too, so
/// [`Effect::Unknown`](crate::Effect::Unknown) remains where the look failed or could not tell. What a look cannot see:
/// a request that is still on its way and arrives later; an object of ours that was created and replaced by another
/// before the look (told as never created); by whom an object was deleted.
///
/// Write tokens are drawn for every put, upload and copy that has none, where the store keeps user metadata.
///
/// # What is not
/// - [`Retry::FromStart`](crate::Retry::FromStart): the bytes are gone, the caller begins anew.
/// - [`Upload::write`]: parts belong to the store, which runs them in a [`RetryLoop`] of its own.
/// - [`close`](ObjectStore::close).
///
/// # Downloads
/// A body that breaks off, or ends before its end, is continued from its offset at the same revision. If the object was
/// replaced meanwhile, the body ends with [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed), if it was
/// deleted with [`NotFound`](crate::ErrorKind::NotFound). A store that checks digests can check only whole bodies:
/// compare the digest that you expect.
///
/// # Limits
/// [`RetryPolicy`] for each call (for a body: for each 8 MiB of progress), [`RetryBudget`] for all together.
///
/// # Memory
/// The body of a put is held until it is done; nothing else.
///
/// # Cancel safety
/// As the store's. A wait between attempts can be dropped at any time.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{
///     MemoryStore, ObjectKey, ObjectStoreExt as _,
///     layers::{Retries, RetryLoop, RetryPolicy},
/// };
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let rule = RetryLoop::new().with_policy(RetryPolicy::new().with_max_attempts(4));
/// let store = Retries::new(Arc::new(MemoryStore::new())).with_loop(rule);
/// store.create(&ObjectKey::new("a")?, "hello").await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Retries {
    inner: Arc<dyn ObjectStore>,
    rule: RetryLoop,
    tokens: bool,
}

impl Retries {
    /// Tries again by the default policy.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, rule: RetryLoop::new(), tokens: true }
    }

    /// Sets the loop: policy, budget, timer, randomness.
    #[must_use]
    pub fn with_loop(mut self, rule: RetryLoop) -> Self {
        self.rule = rule;
        self
    }

    /// Draws no write tokens. Then only the caller's own tell after a lost reply whose object is there.
    #[must_use]
    pub fn without_tokens(mut self) -> Self {
        self.tokens = false;
        self
    }

    /// Adds a token where there is none and the store keeps them.
    fn mark(&self, mut options: WriteOptions) -> WriteOptions {
        if self.tokens && options.token.is_none() && self.inner.capabilities().features().user_metadata {
            options.token = Some(WriteToken::new(random_name(self.rule.random())));
        }
        options
    }
}

impl fmt::Display for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Retries {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, options: WriteOptions) -> Result<Written> {
        let options = self.mark(options);
        change::run(&self.rule, PutObject { retries: self, key, body, options }).await
    }

    async fn start_upload(&self, key: &ObjectKey, mut options: UploadOptions) -> Result<Box<dyn Upload>> {
        options.write = self.mark(options.write);
        let inner = self.rule.run_idempotent(|| self.inner.start_upload(key, options.clone())).await?;
        Ok(Box::new(RetriedUpload::new(self.clone(), key.clone(), options.write, inner)))
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.rule.run_idempotent(|| self.inner.head(key, options.clone())).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        let get = self.rule.run_idempotent(|| self.inner.get(key, range.clone(), options.clone())).await?;
        Ok(body::resumable(self, key, &options, get))
    }

    async fn delete(&self, key: &ObjectKey, options: DeleteOptions) -> Result<Deleted> {
        change::run(&self.rule, DeleteObject { retries: self, key, options }).await
    }

    async fn delete_many(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        batch::delete_many(self, items).await
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        self.rule.run_idempotent(|| self.inner.list_page(prefix, options.clone())).await
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, mut options: CopyOptions) -> Result<Written> {
        options.write = self.mark(options.write);
        change::run(&self.rule, CopyObject { retries: self, from, to, options }).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        self.rule.run_idempotent(|| self.inner.presign(request.clone())).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.rule.run_idempotent(|| self.inner.uploads_page(prefix, after.clone())).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.rule.run_idempotent(|| self.inner.abort_upload(key, id)).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
