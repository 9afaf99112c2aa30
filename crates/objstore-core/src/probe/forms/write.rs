//! Conditions on puts.

use super::super::{
    finding::{Finding, Held, refused},
    ground::{Ground, Shape, unwritable},
};
use crate::{DeleteOptions, Error, ObjectKey, ObjectStore as _, Promise, Revision};

impl Ground {
    pub(super) async fn try_writes(&self) {
        let mut creates = true;
        let mut updates = true;
        for (bytes, rounds) in self.settings.bodies.clone() {
            let one = Shape { bytes, width: 1, rounds: 1 };
            let many = Shape { bytes, width: self.settings.width, rounds };
            creates = creates && self.check(Promise::CreateIfAbsent, "put", one, self.create_once(bytes)).await;
            if creates {
                self.check(Promise::CreateIfAbsent, "race of puts", many, self.race_to_create(bytes, rounds)).await;
            }
            updates = updates && self.check(Promise::UpdateIfMatch, "put", one, self.update_once(bytes)).await;
            if updates {
                self.check(Promise::UpdateIfMatch, "race of puts", many, self.race_to_update(bytes, rounds)).await;
            }
        }
        let small = Shape::SMALL;
        self.check(Promise::UpdateIfMatch, "put on an absent key", small, self.update_absent()).await;
        self.check(Promise::UpdateIfMatch, "put on a deleted key", small, self.update_deleted()).await;
        self.check(Promise::CreateAfterDelete, "put", small, self.create_after_delete()).await;
    }

    async fn create_once(&self, bytes: u64) -> Held {
        let (key, first, second) = (self.key()?, self.number(), self.number());
        self.create(&key, first, bytes).await.map_err(stricter)?;
        refused(self.create(&key, second, bytes).await, "a second create of one key succeeded")?;
        self.expect_holder(&key, first, "a create was refused, and overwrote the object").await
    }

    async fn race_to_create(&self, bytes: u64, rounds: u32) -> Held {
        let start = || async { Ok((self.key()?, ())) };
        let write = |key: ObjectKey, (), mark| async move { self.create(&key, mark, bytes).await };
        self.race(self.settings.width, rounds, start, write).await
    }

    async fn update_once(&self, bytes: u64) -> Held {
        let (key, first, second, third) = (self.key()?, self.number(), self.number(), self.number());
        let old = self.put(&key, first, bytes).await.map_err(unwritable)?.revision;
        self.replace(&key, second, bytes, &old).await.map_err(stricter)?;
        refused(self.replace(&key, third, bytes, &old).await, "an update at an old revision succeeded")?;
        self.expect_holder(&key, second, "an update was refused, and overwrote the object").await
    }

    async fn race_to_update(&self, bytes: u64, rounds: u32) -> Held {
        let start = || async {
            let key = self.key()?;
            let written = self.put(&key, self.number(), bytes).await.map_err(unwritable)?;
            Ok((key, written.revision))
        };
        let write = |key: ObjectKey, at: Revision, mark| async move { self.replace(&key, mark, bytes, &at).await };
        self.race(self.settings.width, rounds, start, write).await
    }

    async fn update_absent(&self) -> Held {
        let (other, key) = (self.key()?, self.key()?);
        let bytes = Shape::SMALL.bytes;
        let revision = self.put(&other, self.number(), bytes).await.map_err(unwritable)?.revision;
        let taken = "an update at a revision succeeded where there was no object";
        refused(self.replace(&key, self.number(), bytes, &revision).await, taken)?;
        self.expect_absent(&key, "an update of an absent object was refused, and created it").await
    }

    async fn update_deleted(&self) -> Held {
        let (key, bytes) = (self.key()?, Shape::SMALL.bytes);
        let revision = self.put(&key, self.number(), bytes).await.map_err(unwritable)?.revision;
        self.store.delete(&key, DeleteOptions::new()).await.map_err(unwritable)?;
        let taken = "an update at the revision of a deleted object succeeded";
        refused(self.replace(&key, self.number(), bytes, &revision).await, taken)?;
        self.expect_absent(&key, "an update of a deleted object was refused, and created it").await
    }

    async fn create_after_delete(&self) -> Held {
        let (key, bytes, last) = (self.key()?, Shape::SMALL.bytes, self.number());
        self.create(&key, self.number(), bytes).await.map_err(stricter)?;
        self.store.delete(&key, DeleteOptions::new()).await.map_err(unwritable)?;
        self.create(&key, last, bytes).await.map_err(stricter)?;
        refused(self.create(&key, self.number(), bytes).await, "a create of a key that was created anew succeeded")?;
        self.expect_holder(&key, last, "a create was refused, and overwrote the object").await
    }
}

/// A condition that holds was refused: the store is stricter than promised, unless it was only busy.
pub(super) fn stricter(error: Error) -> Finding {
    let finding = Finding::from(error);
    Finding { note: format!("a condition that holds was refused: {}", finding.note), ..finding }
}
