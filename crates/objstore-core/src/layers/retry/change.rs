//! One change, until it is made, is certain not to be made, or nobody can tell.

use async_trait::async_trait;

use super::{Retries, RetryLoop, attempts::Attempts, look::Look};
use crate::{
    CopyOptions, DeleteOptions, Deleted, Effect, Error, Hasher, ObjectKey, ObjectStore as _, Op, Payload, Result,
    WriteOptions, Written, rules::context,
};

/// A change to one object, as the loop sees it.
#[async_trait]
pub(super) trait Change: Send {
    /// What it returns.
    type Done: Send;

    /// Sends the request.
    async fn send(&mut self) -> Result<Self::Done>;

    /// Looks whether it was made.
    async fn look(&mut self) -> Look<Self::Done>;

    /// Whether sending it twice changes nothing more than sending it once.
    fn is_idempotent(&self) -> bool;

    /// Whether to look before it is sent again. Not where the request costs no more than the look.
    fn looks_first(&self) -> bool;

    /// Says in an error of a look where it happened.
    fn sign(&self, error: Error) -> Error;
}

/// What an error of an attempt came to.
pub(super) enum Review<T> {
    Done(T),
    /// May be sent again.
    Again(Error),
    Over(Error),
}

/// Runs a change in the loop.
pub(super) async fn run<C: Change>(rule: &RetryLoop, mut change: C) -> Result<C::Done> {
    let mut attempts = rule.start();
    let mut in_doubt = false;
    loop {
        let error = match change.send().await {
            Ok(done) => {
                attempts.succeeded();
                return Ok(done);
            }
            Err(error) => error,
        };
        match review(&mut change, error, &mut in_doubt).await {
            Review::Done(done) => return Ok(done),
            Review::Over(error) => return Err(attempts.sign(error)),
            Review::Again(error) => {
                if !attempts.again(&error).await {
                    return give_up(&mut change, error, in_doubt, &attempts).await;
                }
            }
        }
    }
}

/// Decides on an error. `in_doubt` is whether this attempt or one before may have been applied.
pub(super) async fn review<C: Change>(change: &mut C, error: Error, in_doubt: &mut bool) -> Review<C::Done> {
    if matches!(error.effect(), Effect::Applied(_)) {
        return Review::Over(error);
    }
    *in_doubt |= *error.effect() == Effect::Unknown;
    let error = match *in_doubt && change.looks_first() {
        true => match settle(change, error).await {
            Review::Again(error) => error,
            settled => return settled,
        },
        false => error,
    };
    match error.effect() {
        Effect::Unknown if !change.is_idempotent() => Review::Over(error),
        _ => Review::Again(error),
    }
}

/// Ends a change that may not be sent again: if it was in doubt, a look says what became of it.
pub(super) async fn give_up<C: Change>(
    change: &mut C,
    error: Error,
    in_doubt: bool,
    attempts: &Attempts,
) -> Result<C::Done> {
    if !in_doubt || change.looks_first() {
        return Err(attempts.sign(error));
    }
    match settle(change, error).await {
        Review::Done(done) => Ok(done),
        Review::Over(error) | Review::Again(error) => Err(attempts.sign(error)),
    }
}

async fn settle<C: Change>(change: &mut C, error: Error) -> Review<C::Done> {
    match change.look().await {
        Look::Applied(done) => Review::Done(done),
        Look::NotApplied => Review::Again(error.with_effect(Effect::NotApplied)),
        Look::Over(found) => Review::Over(change.sign(found).with_source(error)),
        Look::Unclear => Review::Again(error.with_effect(Effect::Unknown)),
    }
}

/// A put.
pub(super) struct PutObject<'a> {
    pub(super) retries: &'a Retries,
    pub(super) key: &'a ObjectKey,
    pub(super) body: Payload,
    pub(super) options: WriteOptions,
}

#[async_trait]
impl Change for PutObject<'_> {
    type Done = Written;

    async fn send(&mut self) -> Result<Written> {
        self.retries.inner.put(self.key, self.body.clone(), self.options.clone()).await
    }

    async fn look(&mut self) -> Look<Written> {
        let look = self.retries.look_for_write(self.key, &self.options).await;
        match look {
            Look::Applied(written) if written.checksums.is_empty() => {
                let mut hasher = Hasher::new();
                self.body.chunks().iter().for_each(|chunk| hasher.update(chunk));
                Look::Applied(written.with_checksums(hasher.finish()))
            }
            other => other,
        }
    }

    fn is_idempotent(&self) -> bool {
        self.options.condition.is_none()
    }

    fn looks_first(&self) -> bool {
        self.options.condition.is_some() || self.options.token.is_some()
    }

    fn sign(&self, error: Error) -> Error {
        context(Op::Put, self.retries, Some(self.key))(error)
    }
}

/// A delete.
pub(super) struct DeleteObject<'a> {
    pub(super) retries: &'a Retries,
    pub(super) key: &'a ObjectKey,
    pub(super) options: DeleteOptions,
}

#[async_trait]
impl Change for DeleteObject<'_> {
    type Done = Deleted;

    async fn send(&mut self) -> Result<Deleted> {
        self.retries.inner.delete(self.key, self.options.clone()).await
    }

    async fn look(&mut self) -> Look<Deleted> {
        self.retries.look_for_delete(self.key, &self.options).await
    }

    fn is_idempotent(&self) -> bool {
        self.options.condition.is_none()
    }

    fn looks_first(&self) -> bool {
        self.options.condition.is_some()
    }

    fn sign(&self, error: Error) -> Error {
        context(Op::Delete, self.retries, Some(self.key))(error)
    }
}

/// A copy.
pub(super) struct CopyObject<'a> {
    pub(super) retries: &'a Retries,
    pub(super) from: &'a ObjectKey,
    pub(super) to: &'a ObjectKey,
    pub(super) options: CopyOptions,
}

#[async_trait]
impl Change for CopyObject<'_> {
    type Done = Written;

    async fn send(&mut self) -> Result<Written> {
        self.retries.inner.copy(self.from, self.to, self.options.clone()).await
    }

    async fn look(&mut self) -> Look<Written> {
        self.retries.look_for_write(self.to, &self.options.write).await
    }

    fn is_idempotent(&self) -> bool {
        self.options.write.condition.is_none()
    }

    fn looks_first(&self) -> bool {
        self.options.write.condition.is_some() || self.options.write.token.is_some()
    }

    fn sign(&self, error: Error) -> Error {
        context(Op::Copy, self.retries, Some(self.to))(error)
    }
}
