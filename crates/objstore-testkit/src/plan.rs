//! Which call or request fails, and how: one line of text.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

/// How a request to a server, or a call of a store, goes wrong.
///
/// | fault | written as | what happens |
/// |---|---|---|
/// | [`NotDelivered`](Self::NotDelivered) | `not-delivered` | the connection breaks before anything is done |
/// | [`ReplyLost`](Self::ReplyLost) | `reply-lost` | it is done, and the connection breaks before the answer |
/// | [`Reset`](Self::Reset) | `reset` | the connection breaks in the middle of the body, of the request if it has one |
/// | [`Truncated`](Self::Truncated) | `truncated` | half of the body arrives, and passes for the whole |
/// | [`ServerError`](Self::ServerError) | `500` | nothing is done, the answer is 500 |
/// | [`SlowDown`](Self::SlowDown) | `503:2` | nothing is done, the answer is 503 with `Retry-After`, in seconds |
/// | [`TooManyRequests`](Self::TooManyRequests) | `429:2` | the same with 429 |
/// | [`Slow`](Self::Slow) | `slow:50` | it is done after so many milliseconds |
/// | [`ExpiredToken`](Self::ExpiredToken) | `expired-token` | nothing is done, the credentials have expired |
/// | [`Hang`](Self::Hang) | `hang` | it is done, and no answer comes, ever |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The connection breaks before anything is done.
    NotDelivered,
    /// It is done, and the connection breaks before the answer.
    ReplyLost,
    /// The connection breaks in the middle of the request's body; of the answer's, where the request has none; before
    /// the answer, where neither has.
    Reset,
    /// Half of a body arrives, and passes for the whole. What was cut off is noticed by a digest or a length, if by
    /// anything. Which body is as with [`Reset`](Self::Reset).
    Truncated,
    /// 500, and nothing is done.
    ServerError,
    /// 503 with `Retry-After` in whole seconds, and nothing is done.
    SlowDown(Duration),
    /// 429 with `Retry-After` in whole seconds, and nothing is done.
    TooManyRequests(Duration),
    /// It is done, but only after so long, in whole milliseconds.
    Slow(Duration),
    /// The credentials have expired; nothing is done.
    ExpiredToken,
    /// It is done, and no answer comes, ever.
    Hang,
}

impl Fault {
    /// One of each that ends by itself, with short times: what an enumeration goes through.
    pub const EACH: &'static [Self] = &[
        Self::NotDelivered,
        Self::ReplyLost,
        Self::Reset,
        Self::Truncated,
        Self::ServerError,
        Self::SlowDown(Duration::from_secs(1)),
        Self::TooManyRequests(Duration::from_secs(1)),
        Self::Slow(Duration::from_millis(20)),
        Self::ExpiredToken,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDelivered => f.write_str("not-delivered"),
            Self::ReplyLost => f.write_str("reply-lost"),
            Self::Reset => f.write_str("reset"),
            Self::Truncated => f.write_str("truncated"),
            Self::ServerError => f.write_str("500"),
            Self::SlowDown(after) => write!(f, "503:{}", after.as_secs()),
            Self::TooManyRequests(after) => write!(f, "429:{}", after.as_secs()),
            Self::Slow(by) => write!(f, "slow:{}", by.as_millis()),
            Self::ExpiredToken => f.write_str("expired-token"),
            Self::Hang => f.write_str("hang"),
        }
    }
}

impl FromStr for Fault {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| PlanError(text.to_owned()));
        Ok(match text.split_once(':') {
            Some(("503", after)) => Self::SlowDown(Duration::from_secs(number(after)?)),
            Some(("429", after)) => Self::TooManyRequests(Duration::from_secs(number(after)?)),
            Some(("slow", by)) => Self::Slow(Duration::from_millis(number(by)?)),
            Some(_) => return Err(PlanError(text.to_owned())),
            None => match text {
                "not-delivered" => Self::NotDelivered,
                "reply-lost" => Self::ReplyLost,
                "reset" => Self::Reset,
                "truncated" => Self::Truncated,
                "500" => Self::ServerError,
                "expired-token" => Self::ExpiredToken,
                "hang" => Self::Hang,
                _ => return Err(PlanError(text.to_owned())),
            },
        })
    }
}

/// Which requests or calls go wrong, counted from 1, and how. Text such as `2=reply-lost,3=503:1` says it all.
///
/// ```
/// use objstore_testkit::{Fault, FaultPlan};
/// let plan: FaultPlan = "2=reply-lost,3=503:1".parse()?;
/// assert_eq!(plan.fault(2), Some(Fault::ReplyLost));
/// assert_eq!(plan.to_string(), "2=reply-lost,3=503:1");
/// # Ok::<(), objstore_testkit::PlanError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FaultPlan(BTreeMap<u32, Fault>);

impl FaultPlan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault at the call of this number, the first being 1.
    #[must_use]
    pub fn with(mut self, call: u32, fault: Fault) -> Self {
        self.0.insert(call, fault);
        self
    }

    /// What happens to the call of this number.
    #[must_use]
    pub fn fault(&self, call: u32) -> Option<Fault> {
        self.0.get(&call).copied()
    }

    /// The number of the last call that goes wrong; 0 for none. A run that made fewer calls did not meet the whole plan.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.0.last_key_value().map_or(0, |(call, _)| *call)
    }

    /// Each of `faults` at each of the first `calls` calls.
    #[must_use]
    pub fn singles(calls: u32, faults: &[Fault]) -> Vec<Self> {
        let at = |call| faults.iter().map(move |fault| Self::new().with(call, *fault));
        (1..=calls).flat_map(at).collect()
    }

    /// This plan, and one fault more: each of `faults` at each call after its last, up to `calls`.
    #[must_use]
    pub fn and_then(&self, calls: u32, faults: &[Fault]) -> Vec<Self> {
        let at = |call| faults.iter().map(move |fault| self.clone().with(call, *fault));
        (self.last().saturating_add(1)..=calls).flat_map(at).collect()
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (call, fault)) in self.0.iter().enumerate() {
            write!(f, "{}{call}={fault}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for FaultPlan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let items = text.split(',').filter(|item| !item.is_empty());
        items
            .map(|item| {
                let (call, fault) = item.split_once('=').ok_or_else(|| PlanError(item.to_owned()))?;
                let call = call.parse().ok().filter(|call| *call > 0).ok_or_else(|| PlanError(item.to_owned()))?;
                Ok((call, fault.parse()?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// A text that is not a plan; the message shows the part that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a fault, {0:?}: write 2=reply-lost,3=503:1")]
pub struct PlanError(String);
