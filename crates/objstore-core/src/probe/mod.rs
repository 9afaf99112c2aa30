//! Finding out what a bucket really does.
//!
//! Stores that speak one protocol keep its promises differently: some accept a condition and ignore it, some reject it,
//! some hold it only while nobody else writes, some only for small bodies or without versioning. What a store says of
//! itself, and which store it is, is no evidence. So a [`Probe`] tries every [`Promise`] on the bucket itself, one after
//! the other and at once, and says what it saw.
//!
//! | Verdict | What was seen |
//! |---|---|
//! | [`Verified`](Verdict::Verified) | every form held |
//! | [`Rejected`](Verdict::Rejected) | the store refuses, or is stricter than promised |
//! | [`Racy`](Verdict::Racy) | it held one after the other, not at once |
//! | [`Ignored`](Verdict::Ignored) | the store accepts, and does otherwise |
//! | [`Unknown`](Verdict::Unknown) | it could not be looked at: no permission, or the store was ill or busy |
//!
//! A promise with several forms has the worst of their verdicts, in this order: verified, unknown, rejected, racy,
//! ignored. Busy (429) and ill (5xx) answers are tried again, and never are a verdict.
//!
//! A verdict is about the bucket as it was set while the probe ran: turning versioning on can take a promise away. Who
//! relies on a promise demands it at the start ([`ProbeReport::require`]), or wraps the store in [`Probed`], which refuses
//! what was not seen to hold. Racy behaviour that needs rarer timing than a probe's remains unseen.

mod cleanup;
mod finding;
mod forms;
mod ground;
mod race;
mod report;

use std::sync::Arc;

pub use self::report::{BucketState, Evidence, ProbeReport, Versioning, unproven};
use self::{finding::Held, ground::Ground};
mod probed;
pub use self::probed::Probed;
#[cfg(feature = "serde")]
mod cache;
#[cfg(feature = "serde")]
pub use self::cache::{ProbeCache, ProbeKey};
use crate::{
    Error, ErrorKind, ObjectKey, ObjectStore, Prefix, Random, ReadOptions, Result, SystemRandom, Timer, TokioTimer,
    layers::{Retries, RetryBudget, RetryLoop, Timeouts},
    random::random_name,
};
#[cfg(doc)]
use crate::{Promise, Verdict};

/// What a probe does, beside the components that it uses.
#[derive(Debug, Clone)]
struct ProbeSettings {
    width: u32,
    bodies: Vec<(u64, u32)>,
    timer: Arc<dyn Timer>,
}

/// Tries on a bucket what it promises.
///
/// It writes some 150 objects with some 250 MB in all (with the default bodies) below a random prefix
/// `objstore-probe-…/`, and removes them. If it is stopped before that, what begins with this name can be removed.
/// Commands that only read should not probe.
///
/// A store whose own checks refuse conditions that it does not claim must be told to send them first ([`unproven`]).
///
/// # Memory
/// Bodies share 64 KiB; what the store makes of them may be the body's size times the width. Uploads hold four parts of
/// 5 MiB.
///
/// # Cancel safety
/// If the future is dropped, what was written stays.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{MemoryStore, Promise, Verdict, probe::Probe};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let report = Probe::new(Arc::new(MemoryStore::new())).with_bodies([(64, 2)]).run().await?;
/// report.require(&[Promise::CreateIfAbsent, Promise::UpdateIfMatch])?;
/// assert_eq!(report.verdict(Promise::Lock), Verdict::Rejected);
/// println!("{report}");
/// # Ok::<(), objstore_core::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Probe {
    store: Arc<dyn ObjectStore>,
    place: Prefix,
    settings: ProbeSettings,
    rule: RetryLoop,
    random: Arc<dyn Random>,
    state: BucketState,
    takes_retention: bool,
}

impl Probe {
    /// A probe of this store: eight writers at once; bodies of 64 bytes (4 rounds), 256 KiB (2) and 8 MiB (1).
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        let timer: Arc<dyn Timer> = Arc::new(TokioTimer::new());
        Self {
            store,
            place: Prefix::root(),
            settings: ProbeSettings { width: 8, bodies: vec![(64, 4), (256 << 10, 2), (8 << 20, 1)], timer },
            rule: RetryLoop::new().with_budget(Arc::new(RetryBudget::new(1000))),
            random: Arc::new(SystemRandom),
            state: BucketState::default(),
            takes_retention: false,
        }
    }

    /// Sets below which prefix it writes.
    #[must_use]
    pub fn with_prefix(mut self, prefix: Prefix) -> Self {
        self.place = prefix;
        self
    }

    /// Sets how many write at once, at least two.
    #[must_use]
    pub fn with_width(mut self, width: u32) -> Self {
        self.settings.width = width.max(2);
        self
    }

    /// Sets with bodies of how many bytes it races, and how many rounds with each. Some stores are atomic for small
    /// bodies only. A body has at least 16 bytes.
    #[must_use]
    pub fn with_bodies(mut self, bodies: impl IntoIterator<Item = (u64, u32)>) -> Self {
        let whole = |(bytes, rounds): (u64, u32)| (bytes.max(ground::MARK_BYTES), rounds.max(1));
        self.settings.bodies = bodies.into_iter().map(whole).collect();
        self
    }

    /// Says what is known about the bucket. What is not is found out from what the probe writes.
    #[must_use]
    pub fn with_state(mut self, state: BucketState) -> Self {
        self.state = state;
        self
    }

    /// Allows to write into a bucket that protects every new object for a while. What the probe writes stays there for
    /// that long.
    #[must_use]
    pub fn accept_default_retention(mut self) -> Self {
        self.takes_retention = true;
        self
    }

    /// Sets the loop in which requests are tried again: the default policy and a budget of 1,000 unless set.
    #[must_use]
    pub fn with_retries(mut self, rule: RetryLoop) -> Self {
        self.rule = rule;
        self
    }

    /// Sets what is waited by.
    #[must_use]
    pub fn with_timer(mut self, timer: Arc<dyn Timer>) -> Self {
        self.settings.timer = timer;
        self
    }

    /// Sets what the name of its prefix is drawn from.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Tries everything.
    ///
    /// # Errors
    /// If the bucket cannot be written to at all, for another reason than [`ErrorKind::PermissionDenied`] (then all
    /// verdicts are unknown): those of [`ObjectStore::put`]. [`ErrorKind::Unsupported`] if new objects are protected and
    /// that was not accepted.
    pub async fn run(&self) -> Result<ProbeReport> {
        let home = self.place.child(format!("objstore-probe-{}", random_name(&*self.random)))?;
        let mut report = ProbeReport::new(self.store.to_string(), home.to_string(), self.state.clone());
        if self.state.default_retention == Some(true) {
            self.check_retention()?;
        }
        let timed = Timeouts::new(Arc::clone(&self.store)).with_timer(Arc::clone(&self.settings.timer));
        let store = Retries::new(Arc::new(timed)).with_loop(self.rule.clone());
        let ground = Ground::new(Arc::new(store), home, self.settings.clone());
        match self.open(&ground, &mut report.state).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                report.notes.push(format!("nothing could be looked at: {error}"));
                return Ok(report);
            }
            Err(error) => return Err(error),
        }
        ground.try_all().await;
        report.add(ground.take_evidence());
        report.notes.extend(ground.clean_up().await);
        Ok(report)
    }

    /// Writes one object, and learns from it how the bucket is set.
    async fn open(&self, ground: &Ground, state: &mut BucketState) -> Result<()> {
        let key = key_of(ground.key())?;
        let written = ground.put(&key, ground.number(), ground::MARK_BYTES).await?;
        if state.versioning == Versioning::Unknown {
            state.versioning = if written.version.is_some() { Versioning::Enabled } else { Versioning::Disabled };
        }
        let protects = match ground.store.head(&key, ReadOptions::new()).await {
            Ok(meta) => *state.default_retention.get_or_insert(meta.protection.retain_until.is_some()),
            Err(error) if error.is_not_found() => false, // a store whose reads are late
            Err(error) => return Err(error),
        };
        if protects { self.check_retention() } else { Ok(()) }
    }

    fn check_retention(&self) -> Result<()> {
        if self.takes_retention {
            return Ok(());
        }
        let detail = "the bucket protects every new object for a while, so what a probe writes could not be removed: \
                      allow that, or probe a bucket without default retention";
        Err(Error::new(ErrorKind::Unsupported).with_store(&self.store).with_detail(detail))
    }
}

fn key_of(key: Held<ObjectKey>) -> Result<ObjectKey> {
    key.map_err(|finding| crate::rules::invalid(&finding.note))
}
