//! Layers in the order that works.

use std::sync::Arc;

use super::{DryRun, Limit, Meter, PrefixStore, ReadOnly, Recorder, Retries, RetryLoop, TimeLimits, Timeouts};
use crate::{
    ObjectStore, Prefix,
    probe::{ProbeReport, Probed},
};

/// Puts layers around a store, in the order of the [module's documentation](super), whatever the order of the calls.
///
/// A layer that is not asked for is not there, but for time limits and retries: their defaults apply unless taken away.
///
/// ```
/// use std::sync::Arc;
///
/// use objstore_core::{MemoryStore, ObjectKey, ObjectStoreExt as _, Prefix, layers::StoreBuilder};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let store = StoreBuilder::new(Arc::new(MemoryStore::new()))
///     .with_calls(32)
///     .with_prefix(Prefix::new("backups/")?)
///     .build();
/// store.create(&ObjectKey::new("a")?, "hello").await?;
/// assert_eq!(store.to_string(), "memory:///backups/");
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StoreBuilder {
    inner: Arc<dyn ObjectStore>,
    limits: Option<TimeLimits>,
    calls: Option<usize>,
    bytes: Option<u64>,
    retries: Option<RetryLoop>,
    report: Option<ProbeReport>,
    prefix: Option<Prefix>,
    recorder: Option<Arc<dyn Recorder>>,
    read_only: bool,
}

impl StoreBuilder {
    /// Default time limits and retries around a store.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            limits: Some(TimeLimits::default()),
            calls: None,
            bytes: None,
            retries: Some(RetryLoop::new()),
            report: None,
            prefix: None,
            recorder: None,
            read_only: false,
        }
    }

    /// Sets the time limits, or takes them away.
    #[must_use]
    pub fn with_time_limits(mut self, limits: impl Into<Option<TimeLimits>>) -> Self {
        self.limits = limits.into();
        self
    }

    /// Sets the loop of [`Retries`], or takes it away.
    #[must_use]
    pub fn with_retries(mut self, rule: impl Into<Option<RetryLoop>>) -> Self {
        self.retries = rule.into();
        self
    }

    /// Sets how many calls run at a time ([`Limit::with_calls`]).
    #[must_use]
    pub fn with_calls(mut self, calls: usize) -> Self {
        self.calls = Some(calls);
        self
    }

    /// Sets how many bytes are being sent at a time ([`Limit::with_bytes`]).
    #[must_use]
    pub fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// Refuses what a probe did not see hold ([`Probed`]).
    #[must_use]
    pub fn with_report(mut self, report: ProbeReport) -> Self {
        self.report = Some(report);
        self
    }

    /// Shows only what lies below a prefix ([`PrefixStore`]).
    #[must_use]
    pub fn with_prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// Tells a recorder about every call ([`Meter`]).
    #[must_use]
    pub fn with_recorder(mut self, recorder: Arc<dyn Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Refuses every change ([`ReadOnly`]).
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The store with its layers.
    #[must_use]
    pub fn build(self) -> Arc<dyn ObjectStore> {
        let mut store = self.inner;
        if let Some(limits) = self.limits {
            store = Arc::new(Timeouts::new(store).with_limits(limits));
        }
        if self.calls.is_some() || self.bytes.is_some() {
            let mut limit = Limit::new(store);
            if let Some(calls) = self.calls {
                limit = limit.with_calls(calls);
            }
            if let Some(bytes) = self.bytes {
                limit = limit.with_bytes(bytes);
            }
            store = Arc::new(limit);
        }
        if let Some(rule) = self.retries {
            store = Arc::new(Retries::new(store).with_loop(rule));
        }
        if let Some(report) = self.report {
            store = Arc::new(Probed::new(store, &report));
        }
        if let Some(prefix) = self.prefix {
            store = Arc::new(PrefixStore::new(store, prefix));
        }
        if let Some(recorder) = self.recorder {
            store = Arc::new(Meter::new(store, recorder));
        }
        if self.read_only {
            store = Arc::new(ReadOnly::new(store));
        }
        store
    }

    /// The store with its layers, as a [`DryRun`] whose list can be taken.
    #[must_use]
    pub fn build_dry_run(self) -> DryRun {
        DryRun::new(self.build())
    }
}
