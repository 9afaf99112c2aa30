//! What every store and every layer must do, as cases that run on any [`ObjectStore`].
//!
//! Each case works below a random prefix of its own, and deletes what it wrote. A case that needs a capability which
//! the store lacks ([`Capabilities`](objstore_core::Capabilities)) is *ignored*, and the report says what is missing: a
//! promise counts as there when it was seen to hold, so probe a bucket before. A promise that was seen not to hold must
//! be refused by the store; that is a case, too.
//!
//! - In tests: [`conformance_tests!`](crate::conformance_tests), or [`Suite::run`] and [`Report::assert_conforms`].
//! - In a program: [`Suite::run`], and print the [`Report`].
//! - In a test harness of your own: a test for each of [`Suite::cases`], with [`Case::missing`] and [`Suite::run_case`].
//!
//! The suite writes about 300 MB, most of it in races of large bodies. It sleeps nowhere.

mod case;
mod cases;
mod failure;
mod home;
mod report;

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

pub use case::{Case, Need};
pub use failure::Failure;
use futures::{FutureExt as _, StreamExt as _, stream};
use objstore_core::{ObjectStore, Prefix};
pub use report::{CaseReport, Outcome, Report};

use self::home::Home;

/// The cases, and how they are run.
#[derive(Debug, Clone)]
pub struct Suite {
    within: Prefix,
    concurrency: usize,
    timeout: Duration,
    skipped: Vec<(String, String)>,
}

impl Default for Suite {
    fn default() -> Self {
        Self::new()
    }
}

impl Suite {
    /// All cases, below `conformance/`, four at a time, two minutes for each.
    #[must_use]
    pub fn new() -> Self {
        let within = Prefix::new("conformance/").unwrap_or_else(|_| Prefix::root());
        Self { within, concurrency: 4, timeout: Duration::from_secs(120), skipped: Vec::new() }
    }

    /// Sets where the cases make their prefixes.
    #[must_use]
    pub fn with_prefix(mut self, within: Prefix) -> Self {
        self.within = within;
        self
    }

    /// Sets how many cases run at a time, at least 1.
    #[must_use]
    pub fn with_concurrency(mut self, cases: usize) -> Self {
        self.concurrency = cases.max(1);
        self
    }

    /// Sets how long a case may take. One that takes longer has failed.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Leaves a case out; the report shows it as ignored, with this reason.
    ///
    /// # Panics
    /// If there is no such case: a name that is misspelt, or gone.
    #[must_use]
    pub fn without(mut self, case: &str, reason: &str) -> Self {
        assert!(cases::ALL.iter().any(|there| there.name == case), "no case is named {case:?}");
        self.skipped.push((case.to_owned(), reason.to_owned()));
        self
    }

    /// The cases, in the order of the report.
    #[must_use]
    pub fn cases(&self) -> &'static [Case] {
        cases::ALL
    }

    /// Runs all cases.
    ///
    /// # Cancel safety
    /// What the cases at work wrote stays behind.
    pub async fn run(&self, store: &Arc<dyn ObjectStore>) -> Report {
        let runs = cases::ALL.iter().map(|case| self.run_case(store, case));
        let cases = stream::iter(runs).buffered(self.concurrency).collect().await;
        Report::new(store.to_string(), cases)
    }

    /// Runs one case.
    ///
    /// # Cancel safety
    /// What it wrote stays behind.
    pub async fn run_case(&self, store: &Arc<dyn ObjectStore>, case: &Case) -> CaseReport {
        let started = Instant::now();
        let skipped = self.skipped.iter().find(|(name, _)| name == case.name).map(|(_, reason)| reason.clone());
        let outcome = match skipped.or_else(|| case.missing(&store.capabilities())) {
            Some(reason) => Outcome::Ignored(reason),
            None => self.judge(store, case).await,
        };
        CaseReport { name: case.name, outcome, took: started.elapsed() }
    }

    async fn judge(&self, store: &Arc<dyn ObjectStore>, case: &Case) -> Outcome {
        let home = match Home::new(Arc::clone(store), &self.within, case.name) {
            Ok(home) => home,
            Err(failure) => return Outcome::Failed(failure.to_string()),
        };
        let found = self.guarded((case.run)(&home)).await;
        let cleaned = self.guarded(home.clean()).await;
        match (found, cleaned) {
            (Ok(()), Ok(())) => Outcome::Passed,
            (Ok(()), Err(failure)) => Outcome::Failed(format!("cleaning up: {failure}")),
            (Err(failure), _) if failure.ignored => Outcome::Ignored(failure.message().to_owned()),
            (Err(failure), _) => Outcome::Failed(failure.to_string()),
        }
    }

    /// Makes a failure of a panic, and of what takes too long.
    async fn guarded(&self, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        match tokio::time::timeout(self.timeout, AssertUnwindSafe(work).catch_unwind()).await {
            Ok(Ok(found)) => found,
            Ok(Err(panic)) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                Err(Failure::new(format!("the store panicked: {}", text.unwrap_or_default())))
            }
            Err(_) => Err(Failure::new(format!("not done after {} s", self.timeout.as_secs()))),
        }
    }
}

/// Declares a test, `NAME::conforms`, that runs the suite on a store, one case after another, and fails unless it
/// conforms and at least `floor` cases ran.
///
/// The expression makes a pair: the store, and whatever must live as long as it. It may await. tokio must be a
/// dependency, with its macros and its multi-threaded runtime.
///
/// ```
/// use objstore_core::MemoryStore;
///
/// objstore_testkit::conformance_tests! {
///     memory (floor = 20): (MemoryStore::new(), ());
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($($name:ident (floor = $floor:expr): $subject:expr;)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "what the expression names")]
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn conforms() {
                let (store, _kept) = $subject;
                let store: ::std::sync::Arc<dyn $crate::__private::ObjectStore> = ::std::sync::Arc::new(store);
                let suite = $crate::conformance::Suite::new().with_concurrency(1);
                let report = suite.run(&store).await;
                ::std::println!("{report}");
                report.assert_conforms($floor);
            }
        }
    )+};
}
