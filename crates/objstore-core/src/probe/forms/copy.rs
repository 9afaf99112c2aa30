//! Conditions on the destination of a copy.

use super::{
    super::{
        finding::{Held, refused},
        ground::{Ground, Shape, absent, matches, unwritable},
    },
    write::stricter,
};
use crate::{CopyOptions, ObjectKey, ObjectStore as _, Promise, Result, WriteOptions, Written};

impl Ground {
    pub(super) async fn try_copies(&self) {
        let promise = Promise::ConditionalCopy;
        let rounds = self.settings.bodies.first().map_or(1, |(_, rounds)| *rounds);
        let many = Shape { width: self.settings.width, rounds, ..Shape::SMALL };
        if self.check(promise, "create by copy", Shape::SMALL, self.create_by_copy()).await {
            self.check(promise, "race of copies", many, self.race_of_copies(rounds)).await;
        }
        self.check(promise, "update by copy", Shape::SMALL, self.update_by_copy()).await;
    }

    async fn create_by_copy(&self) -> Held {
        let (to, first, second) = (self.key()?, self.number(), self.number());
        self.copy_of(first, &to, absent()).await.map_err(stricter)?;
        refused(self.copy_of(second, &to, absent()).await, "a second create of one key by copy succeeded")?;
        self.expect_holder(&to, first, "a create by copy was refused, and overwrote the object").await
    }

    async fn update_by_copy(&self) -> Held {
        let (to, second) = (self.key()?, self.number());
        let old = self.put(&to, self.number(), Shape::SMALL.bytes).await.map_err(unwritable)?.revision;
        self.copy_of(second, &to, matches(&old)).await.map_err(stricter)?;
        let late = self.copy_of(self.number(), &to, matches(&old)).await;
        refused(late, "an update by copy at an old revision succeeded")?;
        self.expect_holder(&to, second, "an update by copy was refused, and overwrote the object").await
    }

    async fn race_of_copies(&self, rounds: u32) -> Held {
        let start = || async { Ok((self.key()?, ())) };
        let write = |to: ObjectKey, (), mark| async move { self.copy_of(mark, &to, absent()).await };
        self.race(self.settings.width, rounds, start, write).await
    }

    /// Copies a new object with this mark.
    async fn copy_of(&self, mark: u64, to: &ObjectKey, write: WriteOptions) -> Result<Written> {
        let from = self.key().map_err(|finding| crate::rules::invalid(&finding.note))?;
        self.put(&from, mark, Shape::SMALL.bytes).await?;
        self.store.copy(&from, to, CopyOptions::new().with_write(write)).await
    }
}
