//! What is done to one history, as one line of text.

use std::{fmt, str::FromStr, sync::Arc};

/// The most items that a plan may have.
const MAX_ITEMS: usize = 64;

/// What is done to one history: faults, events, and who runs when. One line of text, which re-runs it exactly.
///
/// ```
/// use reconcile::testkit::Plan;
/// let plan: Plan = "crash-after@7,err-lost@9,event:delete-lif=2@p3".parse()?;
/// assert_eq!(plan.items().len(), 3);
/// assert_eq!(plan.to_string().parse::<Plan>()?, plan);
/// # Ok::<(), reconcile::testkit::PlanError>(())
/// ```
///
/// Items are separated by commas. An item is a word, perhaps `=` and a number, then `@` and where:
/// `@7` is the seventh of its kind in the whole history (calls for faults of calls, polls for the rest), `@p3` is before
/// the third pass. All counts begin at 1. A plan that does nothing is `clean`.
///
/// | item | what happens |
/// |---|---|
/// | `drop@31` | the controller crashes after the 31st poll: its future is dropped |
/// | `crash-before@7` | it crashes at the seventh call, which has no effect |
/// | `crash-after@7` | it crashes when the seventh call has had its effect |
/// | `err-unsent@7` | the call fails and has no effect |
/// | `err-lost@7` | the call has its effect, and its answer is lost |
/// | `hang@7` | the call is never answered and has no effect |
/// | `hang-lost@7` | the call has its effect and is never answered |
/// | `rate-limited=30@7` | the call is refused: come back in 30 s (1 without a number) |
/// | `stale=2@7` | a read that sees the world as it was two writes ago (1 without a number) |
/// | `page-missing@7` | a listing that lacks a page, and does not say so |
/// | `slow-job=5@7` | a job that takes five more looks to finish (3 without a number) |
/// | `race` | two controllers run; begins with the first |
/// | `switch@12` | after the twelfth poll the other controller runs |
/// | `jump=-60@40`, `jump=60@p2` | the kit's clock jumps, in seconds |
/// | `event:name=5@40`, `event:name@p2` | what the user registered under that name, with its number (0 without one) |
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Plan {
    race: bool,
    items: Vec<Item>,
}

/// One item of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Item {
    /// What happens.
    pub what: What,
    /// Where it happens.
    pub at: At,
}

/// What a plan can do. The words are in [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum What {
    /// The future is dropped after this poll.
    Drop,
    /// A crash before the effect of this call.
    CrashBefore,
    /// A crash after the effect of this call.
    CrashAfter,
    /// This call fails without an effect.
    ErrUnsent,
    /// This call has its effect and fails.
    ErrLost,
    /// This call is never answered and has no effect.
    Hang,
    /// This call has its effect and is never answered.
    HangLost,
    /// This call is refused for so many seconds.
    RateLimited(u32),
    /// This read sees the world so many writes ago.
    Stale(u32),
    /// This listing lacks a page.
    PageMissing,
    /// This job takes so many more looks.
    SlowJob(u32),
    /// The other controller runs after this poll.
    Switch,
    /// The kit's clock jumps by so many seconds.
    Jump(i64),
    /// An event of the user's.
    Event(Arc<str>, u64),
}

/// Where an item happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the two ways to count")]
pub enum At {
    /// At this call, or after this poll, of the whole history; the first is 1.
    Index(u32),
    /// Before this pass; the first is 1.
    Pass(u32),
}

impl What {
    const WORDS: &str = "drop, crash-before, crash-after, err-unsent, err-lost, hang, hang-lost, rate-limited, stale, \
                         page-missing, slow-job, switch, jump, event:<name>, and race or clean by themselves";

    /// Whether it happens to a call, and is counted by calls.
    #[must_use]
    pub fn is_of_calls(&self) -> bool {
        !matches!(self, Self::Drop | Self::Switch | Self::Jump(_) | Self::Event(..))
    }

    /// Whether it may be placed before a pass.
    fn may_be_of_passes(&self) -> bool {
        matches!(self, Self::Jump(_) | Self::Event(..))
    }

    /// It happens at this call, or after this poll.
    #[must_use]
    pub fn at(self, index: u32) -> Item {
        Item { what: self, at: At::Index(index) }
    }

    /// It happens before this pass. Only jumps and events can.
    #[must_use]
    pub fn before_pass(self, pass: u32) -> Item {
        Item { what: self, at: At::Pass(pass) }
    }

    fn parse(word: &str, number: Option<&str>) -> Result<Self, String> {
        if let Some(name) = word.strip_prefix("event:") {
            check_event_name(name)?;
            return Ok(Self::Event(name.into(), parse_or(number, 0)?));
        }
        let what = match word {
            "rate-limited" => return Ok(Self::RateLimited(parse_or(number, 1)?)),
            "stale" => return Ok(Self::Stale(parse_or(number, 1)?)),
            "slow-job" => return Ok(Self::SlowJob(parse_or(number, 3)?)),
            "jump" => return Ok(Self::Jump(parse_or(number, 0)?)),
            "drop" => Self::Drop,
            "crash-before" => Self::CrashBefore,
            "crash-after" => Self::CrashAfter,
            "err-unsent" => Self::ErrUnsent,
            "err-lost" => Self::ErrLost,
            "hang" => Self::Hang,
            "hang-lost" => Self::HangLost,
            "page-missing" => Self::PageMissing,
            "switch" => Self::Switch,
            _ => return Err(format!("unknown word; known are {}", Self::WORDS)),
        };
        number.map_or(Ok(what), |_| Err("it takes no number".into()))
    }
}

/// Event names are words of plans: they must not hold what separates items.
pub(super) fn check_event_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(fits) {
        return Err("the name of an event is lower-case letters, digits and hyphens".into());
    }
    Ok(())
}

fn parse_or<T: FromStr>(number: Option<&str>, default: T) -> Result<T, String> {
    number.map_or(Ok(default), |text| text.parse().map_err(|_invalid| format!("{text} is not a number that fits")))
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Drop => "drop",
            Self::CrashBefore => "crash-before",
            Self::CrashAfter => "crash-after",
            Self::ErrUnsent => "err-unsent",
            Self::ErrLost => "err-lost",
            Self::Hang => "hang",
            Self::HangLost => "hang-lost",
            Self::RateLimited(1) => "rate-limited",
            Self::RateLimited(seconds) => return write!(f, "rate-limited={seconds}"),
            Self::Stale(1) => "stale",
            Self::Stale(behind) => return write!(f, "stale={behind}"),
            Self::PageMissing => "page-missing",
            Self::SlowJob(3) => "slow-job",
            Self::SlowJob(looks) => return write!(f, "slow-job={looks}"),
            Self::Switch => "switch",
            Self::Jump(seconds) => return write!(f, "jump={seconds}"),
            Self::Event(name, 0) => return write!(f, "event:{name}"),
            Self::Event(name, number) => return write!(f, "event:{name}={number}"),
        };
        f.write_str(word)
    }
}

impl Item {
    fn parse(text: &str) -> Result<Self, String> {
        let (what, at) = text.split_once('@').ok_or("it says not where: @7 is a call or a poll, @p2 a pass")?;
        let (word, number) = what.split_once('=').map_or((what, None), |(word, number)| (word, Some(number)));
        let what = What::parse(word, number)?;
        let at = At::parse(at)?;
        if matches!(at, At::Pass(_)) && !what.may_be_of_passes() {
            return Err("only jumps and events can be placed before a pass".into());
        }
        Ok(Self { what, at })
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            At::Index(index) => write!(f, "{}@{index}", self.what),
            At::Pass(pass) => write!(f, "{}@p{pass}", self.what),
        }
    }
}

impl At {
    fn parse(text: &str) -> Result<Self, String> {
        let (digits, make): (_, fn(u32) -> Self) =
            text.strip_prefix('p').map_or((text, Self::Index), |digits| (digits, Self::Pass));
        match digits.parse() {
            Ok(0) => Err("counts begin at 1".into()),
            Ok(count) => Ok(make(count)),
            Err(_invalid) => Err(format!("{text} is no place: @7 is a call or a poll, @p2 a pass")),
        }
    }
}

impl Plan {
    /// The plan that does nothing.
    #[must_use]
    pub fn clean() -> Self {
        Self::default()
    }

    /// Two controllers, and nothing else.
    #[must_use]
    pub fn race() -> Self {
        Self { race: true, items: Vec::new() }
    }

    /// Adds an item.
    #[must_use]
    pub fn with(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    /// Its items.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether two controllers run.
    #[must_use]
    pub fn is_race(&self) -> bool {
        self.race || self.items.iter().any(|item| item.what == What::Switch)
    }

    /// Whether it does nothing, with one controller.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.race && self.items.is_empty()
    }

    /// The same events, clock and controllers, without any fault: what a history is compared with.
    pub(super) fn without_faults(&self) -> Self {
        let keep = |item: &&Item| item.what.may_be_of_passes();
        Self { race: false, items: self.items.iter().filter(keep).cloned().collect() }
    }

    pub(super) fn items_mut(&mut self) -> &mut Vec<Item> {
        &mut self.items
    }

    pub(super) fn set_race(&mut self, race: bool) {
        self.race = race;
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        if self.race {
            f.write_str("race")?;
            comma = ",";
        } else if self.items.is_empty() {
            f.write_str("clean")?;
        }
        for item in &self.items {
            write!(f, "{comma}{item}")?;
            comma = ",";
        }
        Ok(())
    }
}

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let mut plan = Self::clean();
        if text.trim() == "clean" {
            return Ok(plan);
        }
        for (n, word) in text.split(',').map(str::trim).enumerate() {
            if n == 0 && word == "race" {
                plan.race = true;
                continue;
            }
            plan.items.push(Item::parse(word).map_err(|why| PlanError::new(word, why))?);
        }
        if plan.items.len() > MAX_ITEMS {
            return Err(PlanError::new(text, format!("more than {MAX_ITEMS} items")));
        }
        Ok(plan)
    }
}

/// A line that is not a plan, or not one of this kit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    word: String,
    why: String,
}

impl PlanError {
    pub(super) fn new(word: impl Into<String>, why: impl Into<String>) -> Self {
        Self { word: word.into(), why: why.into() }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}` in the plan: {}", self.word, self.why)
    }
}

impl std::error::Error for PlanError {}
