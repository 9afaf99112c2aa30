//! What a flow is made of: things to look at, to bring about, and to remove.

use std::{borrow::Cow, fmt, time::Duration};

use crate::{StepError, StepId};

/// The five answers of a look. That the look failed is none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "steps are decided on all five, and a sixth would change every flow")]
pub enum Observed<S> {
    /// It is not there. Say so only after an answer that says so.
    Absent,
    /// It is being made, or changed, or removed, by us or by others: look again after this time.
    Pending(Duration),
    /// It is there, ours, and as it should be.
    Ready(S),
    /// It is there, ours, and not as it should be.
    Drifted {
        /// What it is now.
        now: S,
        /// What is wrong with it: a short name of few.
        why: &'static str,
    },
    /// Its name is taken by something that does not carry our mark.
    Foreign(Owner),
}

/// What a step is asked to do. It cannot be asked to act on what is unknown, pending or foreign.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "apply must handle both")]
pub enum Change<'a, S> {
    /// It was seen to be absent: make it.
    Create,
    /// It was seen to have drifted: mend it.
    Fix {
        /// What it was seen to be.
        now: &'a S,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl<S> Clone for Change<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Change<'_, S> {}

/// Who holds a name that we wanted: at most 128 characters, no control characters.
///
/// It shows in reports and conditions. Take a name for it, never a value.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Owner(Cow<'static, str>);

impl Owner {
    /// The most characters that are kept.
    pub const MAX_CHARS: usize = 128;

    /// Nobody knows whose it is: it has no mark at all.
    pub const UNKNOWN: Self = Self(Cow::Borrowed("unknown"));

    /// Takes a name, cut to [`MAX_CHARS`](Self::MAX_CHARS), control characters replaced.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        let clean = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
        Self(Cow::Owned(name.as_ref().chars().take(Self::MAX_CHARS).map(clean).collect()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Owner {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Owner {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// One external thing that can be looked at.
///
/// What it needs to know of other things are *fields* of type `&Seen<'p, _>`: then it cannot be built on an assumption,
/// because only a pass makes a [`Seen`](crate::Seen), and only of what it has just observed.
pub trait Observe: Sync {
    /// What is known of it once it is there. Dependent steps receive this, as a [`Seen`](crate::Seen).
    type Out: Send + Sync;
    /// The client to look with. Choose one that *cannot* write.
    type Read: Sync + ?Sized;

    /// Its name in the pass.
    fn id(&self) -> StepId;

    /// The longest that one call of it may take (a look, or a change, each); `None` for as long as it takes.
    ///
    /// A look that takes longer is unknown. A change that takes longer may have been made: the pass looks again. The pass
    /// needs a [`Timer`](crate::Timer) for it.
    fn timeout(&self) -> Option<Duration> {
        None
    }

    /// How long what was seen to be ready stays so by itself: a certificate that expires, a backup that gets old. `None` if
    /// it stays until somebody changes it.
    ///
    /// The smallest of all steps is [`Outcome::recheck`](crate::Outcome::recheck), by which the next pass is due in time.
    fn recheck(&self, _ready: &Self::Out) -> Option<Duration> {
        None
    }

    /// Looks at it. Writes nothing: also not to verify something (log in, compare a hash; do not "set it again").
    ///
    /// # Errors
    /// Whatever kept it from an answer: the step is then *unknown* and nothing is done about it in this pass. An error is
    /// never a sign of absence; of several places to look into, one that failed makes the whole unknown.
    fn observe(&self, read: &Self::Read) -> impl Future<Output = Result<Observed<Self::Out>, StepError>> + Send;
}

/// One external thing that is to be there: looked at, then made or mended, then looked at again.
pub trait Step: Observe {
    /// The client to write with.
    type Write: Sync + ?Sized;

    /// Makes it, or mends it. It returns nothing to go on with: only looking again counts.
    ///
    /// Give everything a name that is known beforehand, create only what is absent, and change only the revision that was
    /// seen: the look that led here may be old by now.
    ///
    /// # Errors
    /// [`Class::Config`](crate::Class::Config) and [`NeedsHuman`](crate::Class::NeedsHuman) say that it was refused, and
    /// [`RateLimited`](crate::Class::RateLimited) that it was not even tried: the step ends. After any other error the
    /// change may have been made, and the pass looks again.
    ///
    /// # Cancel safety
    /// The future may be dropped at any await: by a timeout, a shutdown, a crash. The next pass sees what came of it.
    fn apply(
        &self,
        write: &Self::Write,
        change: Change<'_, Self::Out>,
    ) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// One external thing that is to be gone. What must go before it are fields of type `&Gone<'p, _>`.
pub trait Remove: Observe {
    /// The client to write with.
    type Write: Sync + ?Sized;

    /// Removes it. As with [`Step::apply`], only looking again counts.
    ///
    /// # Errors
    /// As [`Step::apply`].
    ///
    /// # Cancel safety
    /// As [`Step::apply`].
    fn remove(&self, write: &Self::Write, now: &Self::Out) -> impl Future<Output = Result<(), StepError>> + Send;
}
