//! Uploads that were dropped, and are given up in the background.

use std::sync::{Mutex, PoisonError};

use objstore_core::{Error, ErrorKind, Result};
use tokio::{runtime::Handle, task::JoinHandle};

#[derive(Debug, Default)]
pub(crate) struct Dropped {
    tasks: Mutex<Vec<JoinHandle<Result<()>>>>,
}

impl Dropped {
    /// Never blocks. On a runtime that has ended nothing happens, and a sweep finds the upload.
    pub(crate) fn spawn(&self, runtime: &Handle, task: impl Future<Output = Result<()>> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(runtime.spawn(task));
    }

    /// Waits for all.
    pub(crate) async fn join(&self) -> Result<()> {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut result = Ok(());
        for task in tasks {
            let ended = task.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Cancelled)));
            result = result.and(ended);
        }
        result
    }
}
