//! The object that a save writes: how it gets into the store, and out of it again when the save does not succeed.

use objstore_core::{DeleteOptions, Effect, ObjectKey, Upload, UploadOptions, WriteOptions};
use tokio::time::timeout;

use super::stop::{Ended, GRACE, Stop};
use super::stream::Received;
use crate::home::{CREATE_ONLY, Home};
use crate::store::store_error;
use crate::{Error, Result};

/// A key that nobody else knows yet.
pub(super) struct Place<'a> {
    pub(super) home: &'a Home,
    pub(super) name: String,
    pub(super) key: ObjectKey,
}

impl Place<'_> {
    /// Completes an upload that got all of its bytes, or gives it up. On any error nothing is left there, or the error says
    /// what.
    pub(super) async fn complete(
        &self,
        stop: &Stop<'_>,
        mut upload: Box<dyn Upload>,
        received: Result<Received>,
    ) -> Result<Received> {
        let received = match received {
            Ok(received) => received,
            Err(e) => return Err(self.abort(upload.as_mut(), e).await),
        };
        let failed = |e| store_error(format!("cannot complete the payload in {}", self.home), e);
        match stop.let_end(upload.finish()).await {
            Ended::Done(Ok(_)) => Ok(received),
            Ended::Done(Err(e)) if *e.effect() == Effect::NotApplied => {
                Err(self.abort(upload.as_mut(), failed(e)).await)
            }
            Ended::Done(Err(e)) => Err(self.take_away(self.abort(upload.as_mut(), failed(e)).await).await),
            Ended::Stopped { error, late: Some(Err(_)) } => {
                let error = self.abort(upload.as_mut(), error).await;
                Err(self.take_away(error).await)
            }
            Ended::Stopped { error, late: Some(Ok(_)) } => Err(self.take_away(error).await),
            Ended::Stopped { error, late: None } => {
                let error = self.take_away(error).await;
                Err(error
                    .and(&format!("the store did not answer, so that {} may still appear in {}", self.name, self.home)))
            }
        }
    }

    /// Begins to write.
    pub(super) async fn start(&self, stop: &Stop<'_>, size_hint: u64) -> Result<Box<dyn Upload>> {
        let write = WriteOptions::default().with_condition(CREATE_ONLY);
        let options = UploadOptions::default().with_write(write).with_size_hint(size_hint);
        let store = self.home.store();
        match stop.let_end(store.start_upload(&self.key, options)).await {
            Ended::Done(upload) => {
                upload.map_err(|e| store_error(format!("cannot begin to write into {}", self.home), e))
            }
            Ended::Stopped { error, late: Some(Ok(mut upload)) } => Err(self.abort(upload.as_mut(), error).await),
            Ended::Stopped { error, .. } => Err(error),
        }
    }

    /// Gives an upload up, because of `error`.
    async fn abort(&self, upload: &mut dyn Upload, error: Error) -> Error {
        let stays = || format!("the upload that was begun for {} in {} could not be given up", self.name, self.home);
        match timeout(GRACE, upload.abort()).await {
            Ok(Ok(())) => error,
            Ok(Err(e)) => {
                tracing::warn!(error = %e, "an upload could not be given up");
                error.and(&stays())
            }
            Err(_) => error.and(&stays()),
        }
    }

    /// Removes the payload, because of `error`.
    pub(super) async fn take_away(&self, error: Error) -> Error {
        let stays =
            || format!("{} may stay behind in {}, and is no backup: it could not be deleted", self.name, self.home);
        match timeout(GRACE, self.home.store().delete(&self.key, DeleteOptions::default())).await {
            Ok(Ok(_)) => error,
            Ok(Err(e)) => {
                tracing::warn!(error = %e, key = %self.key, "a payload could not be deleted");
                error.and(&stays())
            }
            Err(_) => error.and(&stays()),
        }
    }
}
