//! Conditions on deletes, and batches.

use futures::future::join;

use super::{
    super::{
        finding::{Finding, Held, refused, says_nothing},
        ground::{Ground, Shape, unwritable},
    },
    write::stricter,
};
use crate::{Condition, DeleteItem, DeleteOptions, Deleted, ObjectStore as _, Promise, Result, Revision};

/// How many objects a batch has.
const BATCH: usize = 5;

impl Ground {
    pub(super) async fn try_deletes(&self) {
        let rounds = self.settings.bodies.first().map_or(1, |(_, rounds)| *rounds);
        let many = Shape { width: 2, rounds, ..Shape::SMALL };
        if self.check(Promise::ConditionalDelete, "delete", Shape::SMALL, self.delete_once()).await {
            let race = self.race_with_a_write(rounds);
            self.check(Promise::ConditionalDelete, "race with a put", many, race).await;
        }
        self.check(Promise::BatchDelete, "batch", Shape::SMALL, self.delete_batch()).await;
        self.check(Promise::ConditionalBatchDelete, "batch", Shape::SMALL, self.delete_batch_at_revisions()).await;
    }

    async fn delete_once(&self) -> Held {
        let (key, bytes, mark) = (self.key()?, Shape::SMALL.bytes, self.number());
        let old = self.put(&key, self.number(), bytes).await.map_err(unwritable)?.revision;
        let new = self.put(&key, mark, bytes).await.map_err(unwritable)?.revision;
        refused(self.store.delete(&key, at(&old)).await, "a delete at an old revision succeeded")?;
        self.expect_still_there(&key, mark, "a delete was refused, and deleted the object").await?;
        self.store.delete(&key, at(&new)).await.map_err(stricter)?;
        self.expect_absent(&key, "a delete at the object's revision succeeded, and did not delete it").await
    }

    /// A write that comes while the object is being deleted at its old revision must survive, whoever is first.
    async fn race_with_a_write(&self, rounds: u32) -> Held {
        let bytes = Shape::SMALL.bytes;
        for _ in 0..rounds {
            let (key, mark) = (self.key()?, self.number());
            let old = self.put(&key, self.number(), bytes).await.map_err(unwritable)?.revision;
            let (deleted, written) = join(self.store.delete(&key, at(&old)), self.put(&key, mark, bytes)).await;
            written.map_err(unwritable)?;
            if let Err(error) = deleted
                && says_nothing(&error)
            {
                return Err(error.into());
            }
            let lost = "an object was written while its old revision was being deleted, and is gone";
            match self.store.head(&key, crate::ReadOptions::new()).await {
                Ok(_) => {}
                Err(error) if error.is_not_found() => return Err(Finding::racy(lost)),
                Err(error) => return Err(unwritable(error)),
            }
        }
        Ok(())
    }

    async fn delete_batch(&self) -> Held {
        let mut items = Vec::new();
        for place in 0..BATCH {
            let key = self.key()?;
            if place > 0 {
                self.put(&key, self.number(), Shape::SMALL.bytes).await.map_err(unwritable)?;
            } // the first is absent, which is no error
            items.push(DeleteItem::new(key));
        }
        let keys: Vec<_> = items.iter().map(|item| item.key.clone()).collect();
        self.batch(items).await?.into_iter().collect::<Result<Vec<_>>>()?;
        for key in &keys {
            self.expect_absent(key, "a batch of deletes succeeded, and an object is still there").await?;
        }
        Ok(())
    }

    async fn delete_batch_at_revisions(&self) -> Held {
        let (stale, fresh, mark, bytes) = (self.key()?, self.key()?, self.number(), Shape::SMALL.bytes);
        let old = self.put(&stale, self.number(), bytes).await.map_err(unwritable)?.revision;
        self.put(&stale, mark, bytes).await.map_err(unwritable)?;
        let current = self.put(&fresh, self.number(), bytes).await.map_err(unwritable)?.revision;
        let items = vec![
            DeleteItem::new(stale.clone()).with_options(at(&old)),
            DeleteItem::new(fresh.clone()).with_options(at(&current)),
        ];
        let mut results = self.batch(items).await?.into_iter();
        let (first, second) = (results.next(), results.next());
        refused(first.unwrap_or_else(|| Ok(Deleted::new())), "a batch deleted an object at an old revision")?;
        self.expect_still_there(&stale, mark, "a delete in a batch was refused, and deleted the object").await?;
        if let Some(Err(error)) = second {
            return Err(stricter(error));
        }
        self.expect_absent(&fresh, "a batch deleted an object at its revision, and it is still there").await
    }

    async fn batch(&self, items: Vec<DeleteItem>) -> Held<Vec<Result<Deleted>>> {
        let wanted = items.len();
        let results = self.store.delete_many(items).await;
        if results.len() == wanted {
            Ok(results)
        } else {
            Err(Finding::rejected(format!("a batch of {wanted} deletes had {} results", results.len())))
        }
    }

    /// As [`expect_holder`](Self::expect_holder), where an object that is gone is the thing to find out.
    async fn expect_still_there(&self, key: &crate::ObjectKey, mark: u64, otherwise: &str) -> Held {
        match self.store.head(key, crate::ReadOptions::new()).await {
            Err(error) if error.is_not_found() => Err(Finding::ignored(otherwise)),
            Err(error) => Err(unwritable(error)),
            Ok(_) => self.expect_holder(key, mark, otherwise).await,
        }
    }
}

fn at(revision: &Revision) -> DeleteOptions {
    DeleteOptions::new().with_condition(Condition::Matches(revision.clone()))
}
