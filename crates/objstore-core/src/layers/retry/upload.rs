//! An upload whose end is tried again.

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    Retries,
    change::{Change, run},
    look::Look,
};
use crate::{Error, ObjectKey, Op, Result, Upload, UploadId, WriteOptions, Written, rules::context};

#[derive(Debug)]
pub(super) struct RetriedUpload {
    retries: Retries,
    key: ObjectKey,
    options: WriteOptions,
    inner: Box<dyn Upload>,
}

impl RetriedUpload {
    pub(super) fn new(retries: Retries, key: ObjectKey, options: WriteOptions, inner: Box<dyn Upload>) -> Self {
        Self { retries, key, options, inner }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for RetriedUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk).await
    }

    async fn finish(&mut self) -> Result<Written> {
        let Self { retries, key, options, inner } = self;
        run(&retries.rule, Finish { retries, key, options, inner: &mut **inner }).await
    }

    async fn abort(&mut self) -> Result<()> {
        let mut attempts = self.retries.rule.start();
        loop {
            match self.inner.abort().await {
                Ok(()) => return Ok(()),
                Err(error) if !attempts.again(&error).await => return Err(attempts.sign(error)),
                Err(_) => {}
            }
        }
    }

    fn id(&self) -> Option<UploadId> {
        self.inner.id()
    }
}

/// The end of an upload. It may be called again when its outcome is not known ([`Upload::finish`]).
struct Finish<'a> {
    retries: &'a Retries,
    key: &'a ObjectKey,
    options: &'a WriteOptions,
    inner: &'a mut dyn Upload,
}

#[async_trait]
impl Change for Finish<'_> {
    type Done = Written;

    async fn send(&mut self) -> Result<Written> {
        self.inner.finish().await
    }

    async fn look(&mut self) -> Look<Written> {
        self.retries.look_for_write(self.key, self.options).await
    }

    fn is_idempotent(&self) -> bool {
        true
    }

    fn looks_first(&self) -> bool {
        true
    }

    fn sign(&self, error: Error) -> Error {
        context(Op::Finish, self.retries, Some(self.key))(error)
    }
}
