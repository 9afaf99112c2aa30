//! Retention.

use std::time::Duration;

use super::super::{
    finding::{Finding, Held},
    ground::{Ground, Shape, unwritable},
};
use crate::{
    DeleteOptions, Error, ErrorKind, ObjectKey, ObjectStore as _, Promise, Protection, ReadOptions, RetentionMode,
    WriteOptions, Written,
};

/// How long the object of the probe is protected. Stores take whole seconds, and their clocks are read off an object
/// that was just written.
const RETENTION: Duration = Duration::from_secs(10);

impl Ground {
    pub(super) async fn try_lock(&self) {
        self.check(Promise::Lock, "delete under retention", Shape::SMALL, self.delete_under_retention()).await;
    }

    async fn delete_under_retention(&self) -> Held {
        let control = self.key()?;
        let written = self.put(&control, self.number(), Shape::SMALL.bytes).await.map_err(unwritable)?;
        let now = self.store.head(&control, ReadOptions::new()).await.map_err(unwritable)?.last_modified;
        let Some(now) = now else {
            return Err(Finding::unknown("the store does not tell its time"));
        };
        self.delete_written(&control, &written).await.map_err(unwritable)?;

        let key = self.key()?;
        let protection = Protection::new().with_retention(now + RETENTION, Some(RetentionMode::Governance));
        let options = WriteOptions::new().with_protection(protection);
        let body = self.body(self.number(), Shape::SMALL.bytes);
        let written = self.store.put(&key, body, options).await.map_err(refused)?;
        match self.delete_written(&key, &written).await {
            Ok(()) => Err(Finding::ignored("an object under retention was deleted")),
            Err(error) if matches!(error.kind(), ErrorKind::Locked | ErrorKind::PermissionDenied) => {
                self.outlast(&key, &written).await;
                Ok(())
            }
            Err(error) => Err(unwritable(error)),
        }
    }

    /// Deletes what was written for good: its version, where there are some.
    async fn delete_written(&self, key: &ObjectKey, written: &Written) -> crate::Result<()> {
        let mut options = DeleteOptions::new();
        options.version.clone_from(&written.version);
        self.store.delete(key, options).await.map(drop)
    }

    /// Waits until the retention is over. What cannot be deleted then is found when the probe cleans up.
    async fn outlast(&self, key: &ObjectKey, written: &Written) {
        self.settings.timer.sleep(RETENTION + Duration::from_secs(2)).await;
        let _ = self.delete_written(key, written).await;
    }
}

/// The bucket takes other objects, and the key is new: what is wrong, or locked, is that it has no lock. S3 says
/// `InvalidRequest`.
fn refused(error: Error) -> Finding {
    match error.kind() {
        ErrorKind::InvalidConfig | ErrorKind::Locked => Finding::rejected(error.to_string()),
        _ => error.into(),
    }
}
