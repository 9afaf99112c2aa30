//! An upload, each call of which can fail.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use objstore_core::{Condition, ObjectKey, Op, Result, Upload, UploadId, Written};

use super::{FaultyStore, lock};
use crate::testkit::Call;

const WRITE: Call = Call::write("upload write");
const FINISH: Call = Call::write("upload finish");
const ABORT: Call = Call::write("upload abort");

pub(super) struct FaultyUpload {
    store: FaultyStore,
    key: ObjectKey,
    condition: Option<Condition>,
    /// Always there until it is dropped.
    inner: Option<Box<dyn Upload>>,
}

impl FaultyUpload {
    pub(super) fn new(
        store: FaultyStore,
        key: ObjectKey,
        condition: Option<Condition>,
        inner: Box<dyn Upload>,
    ) -> Self {
        Self { store, key, condition, inner: Some(inner) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for FaultyUpload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let Some(inner) = &mut self.inner else { return Ok(()) };
        self.store.run(WRITE, Op::Write, Some(&self.key), inner.write(chunk)).await
    }

    async fn finish(&mut self) -> Result<Written> {
        let Self { store, key, condition, inner } = self;
        let effect = async {
            let Some(inner) = inner else {
                return Err(objstore_core::Error::new(objstore_core::ErrorKind::InvalidInput));
            };
            let written = inner.finish().await?;
            store.recent().written(key, condition.as_ref());
            Ok(written)
        };
        store.run(FINISH, Op::Finish, Some(key), effect).await
    }

    async fn abort(&mut self) -> Result<()> {
        let Some(inner) = &mut self.inner else { return Ok(()) };
        self.store.run(ABORT, Op::Abort, Some(&self.key), inner.abort()).await
    }

    fn id(&self) -> Option<UploadId> {
        self.inner.as_ref().and_then(|inner| inner.id())
    }
}

/// A process that crashed gives nothing up: its upload stays in the store.
impl Drop for FaultyUpload {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take()
            && self.store.faults.as_ref().is_some_and(|faults| !faults.is_alive())
        {
            lock(&self.store.world.left).push(inner);
        }
    }
}

impl fmt::Debug for FaultyUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
