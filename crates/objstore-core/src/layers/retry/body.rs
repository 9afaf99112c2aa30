//! Bodies that are continued where they broke off.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};

use super::{Retries, RetryLoop, attempts::Attempts};
use crate::{Error, ErrorKind, Get, ObjectKey, ObjectStore, Op, ReadOptions, Result, Revision, rules::context};

/// After so many bytes the attempts are counted from one again. So a download cannot go on forever by small steps.
const PROGRESS_BYTES: u64 = 8 << 20;

struct Body {
    store: Arc<dyn ObjectStore>,
    rule: RetryLoop,
    key: ObjectKey,
    options: ReadOptions,
    revision: Revision,
    /// What is still to come.
    rest: Range<u64>,
    body: BoxStream<'static, Result<Bytes>>,
    /// Since the last progress.
    attempts: Option<Attempts>,
    /// Where the attempts began.
    from: u64,
}

/// The same, but its body goes on after it broke.
pub(super) fn resumable(retries: &Retries, key: &ObjectKey, options: &ReadOptions, get: Get) -> Get {
    let Get { meta, range, body } = get;
    let state = Body {
        store: Arc::clone(&retries.inner),
        rule: retries.rule.clone(),
        key: key.clone(),
        options: resume_options(options, &meta.revision),
        revision: meta.revision.clone(),
        rest: range.clone(),
        body,
        attempts: None,
        from: range.start,
    };
    let body = stream::unfold(Some(state), |state| async move {
        let mut state = state?;
        match state.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(state))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    Get::new(meta, range, body.boxed())
}

/// The same object state, or nothing.
fn resume_options(options: &ReadOptions, revision: &Revision) -> ReadOptions {
    let mut resume = ReadOptions::new().with_matches(revision.clone());
    resume.version.clone_from(&options.version);
    resume
}

impl Body {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let error = match self.body.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => continue,
                Some(Ok(chunk)) => return self.take(chunk).map(Some),
                Some(Err(error)) => error,
                None if self.rest.is_empty() => return Ok(None),
                None => Error::new(ErrorKind::Transport).with_detail("the body ended before its end"),
            };
            if self.rest.is_empty() {
                return Err(error); // all bytes came, and something is wrong with them
            }
            self.reopen(error).await?;
        }
    }

    fn take(&mut self, chunk: Bytes) -> Result<Bytes> {
        let next = self.rest.start.saturating_add(chunk.len() as u64);
        if next > self.rest.end {
            return Err(self.sign(damaged("the store sent more bytes than it announced")));
        }
        self.rest.start = next;
        if next.saturating_sub(self.from) >= PROGRESS_BYTES {
            self.attempts = None;
        }
        Ok(chunk)
    }

    /// Asks for the rest, after its turn.
    async fn reopen(&mut self, error: Error) -> Result<()> {
        let mut error = error;
        self.body = stream::empty().boxed(); // what it held, a connection or the turn of a call, is needed again
        loop {
            let from = &mut self.from;
            let attempts = self.attempts.get_or_insert_with(|| {
                *from = self.rest.start;
                self.rule.start()
            });
            if !attempts.again(&error).await {
                let error = attempts.sign(error);
                return Err(self.sign(error));
            }
            match self.store.get(&self.key, Some(self.rest.clone()), self.options.clone()).await {
                Ok(get) => return self.go_on_with(get),
                Err(changed) if matches!(changed.kind(), ErrorKind::PreconditionFailed | ErrorKind::NotFound) => {
                    let detail = "the object was changed while it was being read: read it again";
                    return Err(self.sign(changed.with_detail(detail).with_source(error)));
                }
                Err(next) => error = next,
            }
        }
    }

    fn go_on_with(&mut self, get: Get) -> Result<()> {
        if get.meta.revision != self.revision || get.range != self.rest {
            return Err(self.sign(damaged("the store went on with other bytes than it was asked for: read it again")));
        }
        self.body = get.body;
        Ok(())
    }

    fn sign(&self, error: Error) -> Error {
        context(Op::Read, &self.store, Some(&self.key))(error)
    }
}

fn damaged(detail: &str) -> Error {
    Error::new(ErrorKind::Integrity).with_detail(detail)
}
