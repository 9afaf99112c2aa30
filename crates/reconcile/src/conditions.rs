//! Conditions of a status, as Kubernetes has them, without a dependency on it.
//!
//! ```
//! use std::time::SystemTime;
//! use reconcile::{Pass, conditions};
//! let mut status = Vec::new();
//! let outcome = Pass::new("flow", ["step"]).finish();
//! let changed = conditions::report(&mut status, &outcome, false, Some(3), SystemTime::UNIX_EPOCH);
//! assert!(changed.is_changed());
//! let changed = conditions::report(&mut status, &outcome, false, Some(3), SystemTime::UNIX_EPOCH);
//! assert!(!changed.is_changed()); // then write nothing
//! ```

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{Outcome, StepState, Verdict, rfc3339};

/// The type of the condition that says whether all is as it should be.
pub const READY: &str = "Ready";
/// The type of the condition that says whether something is still being done.
pub const RECONCILING: &str = "Reconciling";
/// The type of the condition that says whether somebody should look.
pub const STALLED: &str = "Stalled";

/// The longest type, in characters.
pub const MAX_KIND: usize = 316;
/// The longest reason, in characters.
pub const MAX_REASON: usize = 1024;
/// The longest message, in characters. Longer ones are cut.
pub const MAX_MESSAGE: usize = 32768;

/// One condition: the six fields of Kubernetes' `metav1.Condition`, with its names and limits
/// (apimachinery, `meta/v1/types.go`, 1.36).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Condition {
    /// Its type: one condition of each type. At most [`MAX_KIND`] characters.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: Status,
    /// The generation of the specification that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When `status` last became what it is, in whole seconds.
    #[serde(with = "rfc3339")]
    pub last_transition_time: SystemTime,
    /// Why, in one word for programs. At most [`MAX_REASON`] characters.
    pub reason: String,
    /// Why, for people. At most [`MAX_MESSAGE`] characters.
    pub message: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "Kubernetes has these three")]
pub enum Status {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody knows.
    Unknown,
}

/// Whether a status must be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "a status that did not change must not be written: it would trigger the next pass"]
#[expect(clippy::exhaustive_enums, reason = "nothing, the words, or the status")]
pub enum Changed {
    /// All is as it was: write nothing.
    No,
    /// Reason, message or generation changed.
    Words,
    /// A status changed.
    Flipped,
}

impl Changed {
    /// Whether anything changed.
    #[must_use]
    pub const fn is_changed(self) -> bool {
        !matches!(self, Self::No)
    }
}

/// A condition that Kubernetes would refuse; its message says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCondition {
    /// The type is empty, too long, or not a name like `Ready` or `example.com/Ready`.
    Kind,
    /// The reason is empty, too long, or not a word like `NoSuchSvm`.
    Reason,
}

impl fmt::Display for InvalidCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "not the type of a condition: use letters, digits, '-', '_', '.', at most 316, perhaps after a domain and '/'",
            Self::Reason => "not the reason of a condition: use a word of letters, digits, '_', ',' and ':', beginning with a letter",
        })
    }
}

impl std::error::Error for InvalidCondition {}

impl Condition {
    /// A condition; its time is set by [`set`].
    ///
    /// # Errors
    /// If Kubernetes would refuse its type or its reason. A message that is too long is cut.
    pub fn new(kind: &str, status: Status, reason: &str, message: &str) -> Result<Self, InvalidCondition> {
        if !is_kind(kind) {
            return Err(InvalidCondition::Kind);
        }
        if !is_reason(reason) {
            return Err(InvalidCondition::Reason);
        }
        Ok(Self::known(kind, status, reason, message))
    }

    /// Sets the generation of the specification that it speaks of.
    #[must_use]
    pub const fn with_observed_generation(mut self, generation: Option<i64>) -> Self {
        self.observed_generation = generation;
        self
    }

    fn known(kind: &str, status: Status, reason: &str, message: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            status,
            observed_generation: None,
            last_transition_time: SystemTime::UNIX_EPOCH,
            reason: reason.to_owned(),
            message: message.chars().take(MAX_MESSAGE).collect(),
        }
    }
}

/// Puts a condition in the place of the one of its type, or adds it. The transition time changes only if the status does,
/// and never goes back.
pub fn set(conditions: &mut Vec<Condition>, mut new: Condition, now: SystemTime) -> Changed {
    let now = rfc3339::whole_seconds(now);
    let Some(old) = conditions.iter_mut().find(|old| old.kind == new.kind) else {
        new.last_transition_time = now;
        conditions.push(new);
        return Changed::Flipped;
    };
    let flipped = old.status != new.status;
    new.last_transition_time = if flipped { now.max(old.last_transition_time) } else { old.last_transition_time };
    if *old == new {
        return Changed::No;
    }
    *old = new;
    if flipped { Changed::Flipped } else { Changed::Words }
}

/// Sets [`READY`], [`RECONCILING`] and [`STALLED`] by what came of a pass, as kstatus reads them. A plan changes nothing.
///
/// `stalled` is what the [retry table](crate::RetryState::stalled) says. `Ready` is `Unknown`, and not `False`, if nothing
/// was seen to be wrong and only looks failed. Words come from names and codes of steps; times are not among them, so that
/// a pass that ends like the last one changes nothing.
pub fn report(
    conditions: &mut Vec<Condition>,
    outcome: &Outcome,
    stalled: bool,
    generation: Option<i64>,
    now: SystemTime,
) -> Changed {
    report_in_words(conditions, outcome, stalled, generation, now, &"")
}

/// As [`report`], with words of the caller's before those of the outcome in the message of [`READY`]: what a person should
/// know beyond names and codes.
///
/// They show: put no values into them. Nor times or counts, unless the status is to be written whenever they change.
pub fn report_in_words(
    conditions: &mut Vec<Condition>,
    outcome: &Outcome,
    stalled: bool,
    generation: Option<i64>,
    now: SystemTime,
    words: &dyn fmt::Display,
) -> Changed {
    if outcome.is_plan() {
        return Changed::No;
    }
    let reason = match &outcome.verdict {
        Verdict::Planned { .. } => return Changed::No,
        Verdict::Converged => "Converged",
        Verdict::Progressing { .. } => "Progressing",
        Verdict::Blocked { .. } => "Blocked",
        Verdict::Failed { error, .. } => error.class.name(),
        Verdict::Misused(_) => "Misused",
    };
    let words = words.to_string();
    let message = if words.is_empty() { outcome.to_string() } else { format!("{words} ({outcome})") };
    let done = outcome.is_converged();
    let set = [
        Condition::known(READY, ready(outcome), reason, &message),
        Condition::known(RECONCILING, holds(!done && !stalled), reason, ""),
        Condition::known(STALLED, holds(!done && stalled), reason, ""),
    ];
    let changes = set.map(|one| self::set(conditions, one.with_observed_generation(generation), now));
    changes.into_iter().fold(Changed::No, Changed::max)
}

fn ready(outcome: &Outcome) -> Status {
    let unseen =
        |state: &StepState| matches!(state, StepState::Unknown(_) | StepState::NotReached | StepState::Interrupted);
    match &outcome.verdict {
        Verdict::Converged => Status::True,
        Verdict::Failed { .. } if outcome.held().all(|report| unseen(&report.state)) => Status::Unknown,
        _ => Status::False,
    }
}

const fn holds(it: bool) -> Status {
    if it { Status::True } else { Status::False }
}

/// `^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.…)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`
fn is_kind(kind: &str) -> bool {
    let (domain, name) = kind.split_once('/').map_or((None, kind), |(domain, name)| (Some(domain), name));
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = alphanumeric(name.chars().next()) && alphanumeric(name.chars().last()) && name.chars().all(inner);
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(inner)
    };
    kind.len() <= MAX_KIND && name && domain.is_none_or(|domain| domain.split('.').all(label))
}

/// `^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`
fn is_reason(reason: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ',' | ':');
    reason.len() <= MAX_REASON
        && reason.starts_with(|c: char| c.is_ascii_alphabetic())
        && reason.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && reason.chars().all(inner)
}
