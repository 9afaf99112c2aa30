//! What a pass observed, as proof.

use std::{fmt, marker::PhantomData, ops::Deref};

/// Proof that a thing was seen to be there and as it should be, *in this pass*. Derefs to what was seen.
///
/// Only a pass makes one, and it borrows the pass: it cannot be kept, cloned or made up. A step that needs something else
/// has a field of this type.
///
/// What the types cannot forbid, and a flow must not do:
/// - use it in *another* pass while its own is still open: finish one pass before the next begins;
/// - leak the pass ([`Box::leak`]): then what it saw lives for ever;
/// - undo in a later step what an earlier one has seen: it is true of the moment of the look.
///
/// ```
/// # use reconcile::{Observe, Observed, Seen, StepError, StepId};
/// struct Svm { uuid: String }
/// struct Account<'p> { svm: &'p Seen<'p, Svm> } // cannot be built before an SVM was seen
/// # impl Account<'_> { fn owner(&self) -> &str { &self.svm.uuid } }
/// ```
pub struct Seen<'p, S> {
    seen: S,
    pass: PhantomData<&'p ()>,
}

impl<S> Seen<'_, S> {
    pub(crate) const fn new(seen: S) -> Self {
        Self { seen, pass: PhantomData }
    }
}

impl<S> Deref for Seen<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.seen
    }
}

impl<S: fmt::Debug> fmt::Debug for Seen<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Seen").field(&self.seen).finish()
    }
}

/// Proof that a thing was seen to be absent, in this pass. What may only be removed after it has a field of this type.
pub struct Gone<'p, S> {
    pass: PhantomData<&'p ()>,
    of: PhantomData<fn() -> S>,
}

impl<S> Gone<'_, S> {
    pub(crate) const fn new() -> Self {
        Self { pass: PhantomData, of: PhantomData }
    }
}

impl<S> fmt::Debug for Gone<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gone")
    }
}

/// What a [`Removal`](crate::Removal) saw to be there, in whatever state. Derefs to what was seen.
///
/// It is no [`Seen`]: a step cannot be built on it.
pub struct Remains<'p, S> {
    now: S,
    pass: PhantomData<&'p ()>,
}

impl<S> Remains<'_, S> {
    pub(crate) const fn new(now: S) -> Self {
        Self { now, pass: PhantomData }
    }
}

impl<S> Deref for Remains<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.now
    }
}

impl<S: fmt::Debug> fmt::Debug for Remains<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remains").field(&self.now).finish()
    }
}

/// What a [`Removal`](crate::Removal) found when it only looked.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is there or it is not; all else is no answer")]
pub enum Found<'p, S> {
    /// It is there, as it should be or not.
    Here(Remains<'p, S>),
    /// It is not there.
    Gone(Gone<'p, S>),
}
