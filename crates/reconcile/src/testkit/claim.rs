//! What a pass says of itself.

/// What a pass says of the world when it returns.
///
/// Made from a `bool`, from a `Result` of one (an error is [`NotReady`](Self::NotReady)), from `()` (which says
/// [`Ready`](Self::Ready): a function that returns says that it is done), and from this crate's
/// [`Outcome`](crate::Outcome).
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

impl From<()> for Claim {
    fn from((): ()) -> Self {
        Self::Ready
    }
}

impl<T: Into<Self>, E> From<Result<T, E>> for Claim {
    fn from(result: Result<T, E>) -> Self {
        result.map_or(Self::NotReady, Into::into)
    }
}

impl From<crate::Outcome> for Claim {
    fn from(outcome: crate::Outcome) -> Self {
        outcome.is_converged().into()
    }
}
