//! What a double says of its calls, and what the kit answers.

use std::{fmt, time::Duration};

/// A call that a double makes: its name, and which faults make sense for it.
///
/// Make it a constant beside the double: `const CREATE: Call = Call::write("POST /svm/svms").with_job();`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    name: &'static str,
    write: bool,
    stale: u32,
    pages: bool,
    job: bool,
    local: bool,
}

impl Call {
    /// A call that changes nothing. It can fail; what it would have answered is then not known.
    #[must_use]
    pub const fn read(name: &'static str) -> Self {
        Self { name, write: false, stale: 0, pages: false, job: false, local: false }
    }

    /// A call that may change something. It can fail before or after the change.
    #[must_use]
    pub const fn write(name: &'static str) -> Self {
        Self { name, write: true, stale: 0, pages: false, job: false, local: false }
    }

    /// The read can see the world up to `depth` writes ago: the double looks at [`Twist::stale`].
    #[must_use]
    pub const fn with_stale(mut self, depth: u32) -> Self {
        self.stale = depth;
        self
    }

    /// The answer is a collection of pages, one of which can be missing: the double looks at [`Twist::page_missing`].
    #[must_use]
    pub const fn with_pages(mut self) -> Self {
        self.pages = true;
        self
    }

    /// The call starts a job, which can take longer: the double looks at [`Twist::slow`].
    #[must_use]
    pub const fn with_job(mut self) -> Self {
        self.job = true;
        self
    }

    /// The call stays on this machine: it is never refused because of its rate.
    #[must_use]
    pub const fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it may change something.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        self.write
    }

    pub(super) const fn is_local(&self) -> bool {
        self.local
    }

    pub(super) const fn stale_depth(&self) -> u32 {
        self.stale
    }

    pub(super) const fn has_pages(&self) -> bool {
        self.pages
    }

    pub(super) const fn has_job(&self) -> bool {
        self.job
    }
}

/// How an answer is bent. Only calls that declared it get anything but the default, which bends nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Twist {
    pub(super) stale: u32,
    pub(super) page_missing: bool,
    pub(super) slow: u32,
}

impl Twist {
    /// Answer from the world as it was so many writes ago. See [`Versions`](super::Versions).
    #[must_use]
    pub fn stale(&self) -> usize {
        self.stale as usize
    }

    /// Leave out a page of the collection, and do not say so.
    #[must_use]
    pub fn page_missing(&self) -> bool {
        self.page_missing
    }

    /// Let the job take so many more looks until it is done.
    #[must_use]
    pub fn slow(&self) -> u32 {
        self.slow
    }
}

/// What the kit makes of a call instead of its answer. The double turns it into an error of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call was not delivered: nothing was changed.
    Unsent,
    /// The answer was lost: the change was made.
    Lost,
    /// The call was refused: come back after so long. Nothing was changed.
    RateLimited(Duration),
    /// The controller is dead, and the caller cannot wait for ever ([`Faults::call_sync`](super::Faults::call_sync)).
    Dead,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent => f.write_str("the call was not delivered"),
            Self::Lost => f.write_str("the answer was lost"),
            Self::RateLimited(after) => write!(f, "rate limited, retry after {} s", after.as_secs()),
            Self::Dead => f.write_str("the controller crashed"),
        }
    }
}

impl std::error::Error for Fault {}
