//! The forms of each promise.

mod complete;
mod copy;
mod delete;
mod lock;
mod read;
mod write;

use super::ground::Ground;

impl Ground {
    /// Tries everything. The order is that of rising cost.
    pub(super) async fn try_all(&self) {
        self.try_reads().await;
        self.try_writes().await;
        self.try_deletes().await;
        self.try_copies().await;
        self.try_uploads().await;
        self.try_lock().await;
    }
}
