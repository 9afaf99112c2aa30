//! What a pass says of itself.

use std::fmt;

/// What a pass says of the world when it returns.
///
/// What a pass returns becomes one by [`Returned`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the goal is claimed to be reached, or it is not")]
pub enum Claim {
    /// The goal is reached. The kit looks whether that is true.
    Ready,
    /// It is not, or not known to be.
    NotReady,
}

impl From<bool> for Claim {
    fn from(ready: bool) -> Self {
        if ready { Self::Ready } else { Self::NotReady }
    }
}

impl<T: Into<Self>, E> From<Result<T, E>> for Claim {
    fn from(result: Result<T, E>) -> Self {
        result.map_or(Self::NotReady, Into::into)
    }
}

/// What a pass may return: a [`Claim`], a `bool`, `()` (which says [`Ready`](Claim::Ready): a function that returns says that
/// it is done), this crate's [`Outcome`](crate::Outcome), and a `Result` of one of these: an error is
/// [`NotReady`](Claim::NotReady).
pub trait Returned {
    /// What is claimed.
    fn claim(&self) -> Claim;

    /// Appends what whoever logs it would show: the texts of an error. It is searched for
    /// [secrets](super::Kit::with_secrets).
    fn show(&self, _shown: &mut String) {}
}

impl Returned for Claim {
    fn claim(&self) -> Claim {
        *self
    }
}

impl Returned for bool {
    fn claim(&self) -> Claim {
        (*self).into()
    }
}

impl Returned for () {
    fn claim(&self) -> Claim {
        Claim::Ready
    }
}

impl<T: Returned, E: fmt::Debug + fmt::Display> Returned for Result<T, E> {
    fn claim(&self) -> Claim {
        self.as_ref().map_or(Claim::NotReady, Returned::claim)
    }

    fn show(&self, shown: &mut String) {
        match self {
            Ok(value) => value.show(shown),
            Err(error) => shown.push_str(&format!("{error} {error:?} {error:#?}\n")),
        }
    }
}

impl Returned for crate::Outcome {
    fn claim(&self) -> Claim {
        self.is_converged().claim()
    }

    fn show(&self, shown: &mut String) {
        shown.push_str(&format!("{self} {self:?}\n"));
    }
}
