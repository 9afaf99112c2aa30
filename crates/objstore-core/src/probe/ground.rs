//! The place where a probe tries things, and what it saw there.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::{
    ProbeSettings,
    finding::{Finding, Held},
    report::Evidence,
};
use crate::{
    Condition, ObjectKey, ObjectStore, ObjectStoreExt as _, Payload, Prefix, Promise, Result, Revision, Verdict,
    WriteOptions, Written,
};

/// Each body begins with its writer's number in hexadecimal.
pub(super) const MARK_BYTES: u64 = 16;

/// All bodies are made of this much memory.
const FILLER_BYTES: usize = 64 << 10;

pub(super) struct Ground {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) home: Prefix,
    pub(super) settings: ProbeSettings,
    filler: Bytes,
    numbers: AtomicU64,
    made: Mutex<Vec<ObjectKey>>,
    evidence: Mutex<Vec<Evidence>>,
}

/// How a form was tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) bytes: u64,
    pub(super) width: u32,
    pub(super) rounds: u32,
}

impl Shape {
    /// One after the other, with a small body.
    pub(super) const SMALL: Self = Self { bytes: 64, width: 1, rounds: 1 };
}

impl Ground {
    pub(super) fn new(store: Arc<dyn ObjectStore>, home: Prefix, settings: ProbeSettings) -> Self {
        Self {
            store,
            home,
            settings,
            filler: Bytes::from(vec![b'.'; FILLER_BYTES]),
            numbers: AtomicU64::new(0),
            made: Mutex::default(),
            evidence: Mutex::default(),
        }
    }

    /// Tries a form and writes down how it came out.
    pub(super) async fn check(
        &self,
        promise: Promise,
        form: &str,
        shape: Shape,
        trial: impl Future<Output = Held> + Send,
    ) -> bool {
        let (verdict, note) = match trial.await {
            Ok(()) => (Verdict::Verified, None),
            Err(Finding { verdict, note }) => (verdict, Some(note)),
        };
        let Shape { bytes: body_bytes, width, rounds } = shape;
        let evidence = Evidence { promise, form: form.to_owned(), body_bytes, width, rounds, verdict, note };
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner).push(evidence);
        verdict == Verdict::Verified
    }

    pub(super) fn take_evidence(&self) -> Vec<Evidence> {
        std::mem::take(&mut *self.evidence.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A key that nobody has used.
    pub(super) fn key(&self) -> Held<ObjectKey> {
        self.named(&format!("{:04}", self.number()))
    }

    /// A key of this name.
    pub(super) fn named(&self, name: &str) -> Held<ObjectKey> {
        let key = self.home.key(name).map_err(|error| Finding::unknown(error.to_string()))?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(key.clone());
        Ok(key)
    }

    /// All keys that were ever given out.
    pub(super) fn made(&self) -> Vec<ObjectKey> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A body that tells whose it is. Of all bodies together only the filler takes memory.
    pub(super) fn body(&self, mark: u64, bytes: u64) -> Payload {
        let mut body = Payload::from(format!("{mark:016x}"));
        let mut rest = usize::try_from(bytes.saturating_sub(MARK_BYTES)).unwrap_or(0);
        while rest > 0 {
            let piece = rest.min(self.filler.len());
            body.push(self.filler.slice(..piece));
            rest = rest.saturating_sub(piece);
        }
        body
    }

    /// Whose body an object has.
    pub(super) async fn holder(&self, key: &ObjectKey) -> Held<u64> {
        let mark = self.store.get_range(key, 0..MARK_BYTES).await.map_err(unreadable)?;
        let text = std::str::from_utf8(&mark).ok();
        let number = text.and_then(|text| u64::from_str_radix(text, 16).ok());
        number.ok_or_else(|| Finding::unknown("an object of the probe has a body that nobody wrote"))
    }

    /// Demands that an object has this body.
    pub(super) async fn expect_holder(&self, key: &ObjectKey, mark: u64, otherwise: &str) -> Held {
        if self.holder(key).await? == mark { Ok(()) } else { Err(Finding::ignored(otherwise)) }
    }

    /// Demands that there is no object.
    pub(super) async fn expect_absent(&self, key: &ObjectKey, otherwise: &str) -> Held {
        match self.store.exists(key).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(Finding::ignored(otherwise)),
            Err(error) => Err(unreadable(error)),
        }
    }

    pub(super) async fn put(&self, key: &ObjectKey, mark: u64, bytes: u64) -> Result<Written> {
        self.store.put(key, self.body(mark, bytes), WriteOptions::new()).await
    }

    pub(super) async fn create(&self, key: &ObjectKey, mark: u64, bytes: u64) -> Result<Written> {
        self.store.put(key, self.body(mark, bytes), absent()).await
    }

    pub(super) async fn replace(&self, key: &ObjectKey, mark: u64, bytes: u64, at: &Revision) -> Result<Written> {
        self.store.put(key, self.body(mark, bytes), matches(at)).await
    }
}

/// A plain read that failed says nothing about a condition.
fn unreadable(error: crate::Error) -> Finding {
    Finding::unknown(error.to_string())
}

/// A plain write that failed says nothing about a condition.
pub(super) fn unwritable(error: crate::Error) -> Finding {
    Finding::unknown(error.to_string())
}

pub(super) fn absent() -> WriteOptions {
    WriteOptions::new().with_condition(Condition::Absent)
}

pub(super) fn matches(at: &Revision) -> WriteOptions {
    WriteOptions::new().with_condition(Condition::Matches(at.clone()))
}
