//! What a probe found.

use std::{collections::BTreeMap, fmt};

use super::finding::badness;
use crate::{Capabilities, Error, ErrorKind, Promise, Result, Verdict, capabilities::shortfall};

/// What a probe found out about a bucket.
///
/// `Display` is a table for people. With the feature `serde` it is JSON whose `promises` is an object of promise to
/// verdict (`{"create_if_absent": "verified", …}`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ProbeReport {
    /// The store, as its `Display` shows it.
    pub store: String,
    /// Where the probe wrote.
    pub prefix: String,
    /// Every promise, with the worst verdict of its forms.
    pub promises: BTreeMap<Promise, Verdict>,
    /// What the bucket was set to.
    pub state: BucketState,
    /// Every form that was looked at.
    pub evidence: Vec<Evidence>,
    /// What a reader should know beyond that: what stopped the probe, or what it could not remove.
    pub notes: Vec<String>,
}

/// Settings of a bucket on which promises depend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BucketState {
    /// Whether it keeps old versions.
    pub versioning: Versioning,
    /// Whether it protects every new object for a while, so that what a probe writes could not be deleted again.
    pub default_retention: Option<bool>,
}

impl BucketState {
    /// Nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether it keeps old versions.
    #[must_use]
    pub fn with_versioning(mut self, versioning: Versioning) -> Self {
        self.versioning = versioning;
        self
    }

    /// Sets whether it protects every new object.
    #[must_use]
    pub fn with_default_retention(mut self, protects: bool) -> Self {
        self.default_retention = Some(protects);
        self
    }
}

/// Whether a bucket keeps old versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Versioning {
    /// It keeps them.
    Enabled,
    /// It does not, or not any more.
    Disabled,
    /// Not known.
    #[default]
    Unknown,
}

impl Versioning {
    /// Its name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Versioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One form of a promise, and how it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Evidence {
    /// The promise.
    pub promise: Promise,
    /// What was tried, `put` or `race of puts` for one.
    pub form: String,
    /// With bodies of so many bytes.
    pub body_bytes: u64,
    /// By so many at once.
    pub width: u32,
    /// So many times.
    pub rounds: u32,
    /// How it came out.
    pub verdict: Verdict,
    /// What was seen, unless it held.
    pub note: Option<String>,
}

impl ProbeReport {
    pub(super) fn new(store: String, prefix: String, state: BucketState) -> Self {
        let promises = Promise::ALL.iter().map(|promise| (*promise, Verdict::Unknown)).collect();
        Self { store, prefix, promises, state, evidence: Vec::new(), notes: Vec::new() }
    }

    /// Adds what was seen, and judges every promise anew.
    pub(super) fn add(&mut self, evidence: Vec<Evidence>) {
        self.evidence.extend(evidence);
        for (promise, verdict) in &mut self.promises {
            let forms = self.evidence.iter().filter(|evidence| evidence.promise == *promise);
            let worst = forms.map(|evidence| evidence.verdict).max_by_key(|verdict| badness(*verdict));
            *verdict = worst.unwrap_or_default();
        }
    }

    /// The verdict on a promise.
    #[must_use]
    pub fn verdict(&self, promise: Promise) -> Verdict {
        self.promises.get(&promise).copied().unwrap_or_default()
    }

    /// Demands that promises hold: for the start of a program that relies on them.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless all are [`Verdict::Verified`]; the message names each that is not, what was
    /// seen, and what to do.
    pub fn require(&self, promises: &[Promise]) -> Result<()> {
        let missing: Vec<_> = promises.iter().filter_map(|promise| self.complaint(*promise)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported).with_store(&self.store).with_detail(missing.join("; ")))
    }

    fn complaint(&self, promise: Promise) -> Option<String> {
        let verdict = self.verdict(promise);
        let complaint = shortfall(promise, verdict)?;
        let seen = self.evidence.iter().find(|evidence| evidence.promise == promise && evidence.verdict == verdict);
        let note = seen.and_then(|evidence| evidence.note.as_ref());
        Some(note.map_or_else(|| complaint.clone(), |note| format!("{complaint} (seen: {note})")))
    }

    /// Capabilities with these verdicts in the place of theirs. What the probe could not look at keeps the verdict that
    /// it had.
    #[must_use]
    pub fn apply(&self, capabilities: &Capabilities) -> Capabilities {
        let seen = self.promises.iter().filter(|(_, verdict)| **verdict != Verdict::Unknown);
        seen.fold(capabilities.clone(), |capabilities, (promise, verdict)| {
            capabilities.with_verdict(*promise, *verdict)
        })
    }
}

impl fmt::Display for ProbeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (versioning {})", self.store, self.state.versioning)?;
        for (promise, verdict) in &self.promises {
            writeln!(f, "  {promise:<25} {verdict}")?;
            let odd = self.evidence.iter().filter(|evidence| evidence.promise == *promise);
            for evidence in odd.filter(|evidence| evidence.verdict != Verdict::Verified) {
                let Evidence { form, body_bytes, verdict, note, .. } = evidence;
                let note = note.as_deref().unwrap_or_default();
                writeln!(f, "    {form}, {body_bytes} bytes: {verdict}: {note}")?;
            }
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  note: {note}"))
    }
}

/// The same capabilities with every promise claimed and none seen: with these a store sends every condition, so that a
/// probe can see what becomes of it.
#[must_use]
pub fn unproven(capabilities: &Capabilities) -> Capabilities {
    Promise::ALL
        .iter()
        .fold(capabilities.clone(), |capabilities, promise| capabilities.with_promise(*promise, Verdict::Unknown))
}
