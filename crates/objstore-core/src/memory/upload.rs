//! A body that arrives in pieces, kept until it is finished.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use super::MemoryStore;
use crate::{
    Error, ErrorKind, ObjectKey, Op, Payload, Result, Retry, Upload, UploadId, WriteOptions, Written,
    rules::{context, invalid},
};

pub(super) struct MemoryUpload {
    store: MemoryStore,
    key: ObjectKey,
    options: WriteOptions,
    body: Payload,
    id: Option<UploadId>,
    ended: bool,
}

impl MemoryUpload {
    pub(super) fn new(store: MemoryStore, key: ObjectKey, options: WriteOptions) -> Self {
        Self { store, key, options, body: Payload::new(), id: None, ended: false }
    }

    fn check_open(&self, op: Op) -> Result<()> {
        if self.ended {
            return Err(context(op, &self.store, Some(&self.key))(invalid("the upload has ended")));
        }
        Ok(())
    }

    /// Whether nobody else ended it before.
    fn end(&mut self) -> bool {
        self.ended = true;
        self.body = Payload::new();
        self.id.take().is_none_or(|id| self.store.state().forget_upload(&self.key, &id))
    }

    fn publish(&mut self) -> Result<Written> {
        let body = std::mem::take(&mut self.body);
        if !self.end() {
            let error = Error::new(ErrorKind::NotFound).with_retry(Retry::FromStart);
            return Err(error.with_detail("the upload was given up by somebody else"));
        }
        self.store.store(&self.key, body, &self.options)
    }
}

#[async_trait]
impl Upload for MemoryUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.check_open(Op::Write)?;
        if chunk.is_empty() {
            return Ok(());
        }
        if self.id.is_none() {
            let now = self.store.shared.clock.now();
            self.id = Some(self.store.state().start_upload(&self.key, now));
        }
        self.body.push(chunk);
        Ok(())
    }

    async fn finish(&mut self) -> Result<Written> {
        self.check_open(Op::Finish)?;
        self.publish().map_err(context(Op::Finish, &self.store, Some(&self.key)))
    }

    async fn abort(&mut self) -> Result<()> {
        self.end();
        Ok(())
    }

    fn id(&self) -> Option<UploadId> {
        self.id.clone()
    }
}

impl Drop for MemoryUpload {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for MemoryUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUpload").field("key", &self.key).field("len", &self.body.len()).finish_non_exhaustive()
    }
}
