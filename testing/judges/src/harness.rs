//! A test harness whose cases say what they need; what is missing is shown as ignored, and why.

use std::{
    fmt,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::{Missing, Part, Settings};

type Run = Box<dyn FnOnce() -> Result<(), Failed> + Send>;

/// One test case of a file with `harness = false`.
pub struct Case {
    name: String,
    needs: Vec<Part>,
    run: Run,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("needs", &self.needs).finish_non_exhaustive()
    }
}

/// What a case may return: nothing (it fails by a panic), or a `Result` whose error is shown with all its causes.
pub trait IntoOutcome {
    /// The error as text.
    #[doc(hidden)]
    fn into_outcome(self) -> Result<(), String>;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Debug> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

impl Case {
    /// A case that runs only when everything in `needs` is in the cache.
    pub fn new<O: IntoOutcome>(
        name: impl Into<String>,
        needs: impl IntoIterator<Item = Part>,
        run: impl FnOnce() -> O + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            needs: needs.into_iter().collect(),
            run: Box::new(|| run().into_outcome().map_err(Failed::from)),
        }
    }

    fn into_trial(self, settings: &Settings, ran: &Arc<AtomicUsize>) -> Trial {
        let missing: Vec<Missing> = self.needs.iter().filter_map(|part| part.find_in(settings).err()).collect();
        let excused = missing.iter().all(|missing| settings.may_miss(missing.part()));
        let reason = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let ran = Arc::clone(ran);
        Trial::ignorable_test(self.name, move || {
            if reason.is_empty() {
                ran.fetch_add(1, Ordering::Relaxed);
                (self.run)().map(|()| Completion::Completed)
            } else if excused {
                Ok(Completion::ignored_with(reason))
            } else {
                Err(format!("{reason}; under CI only what DUNNAGE_MAY_MISS lists may be missing").into())
            }
        })
    }
}

/// Runs the cases as `cargo test` expects it, and prints how many ran.
///
/// `floor` is the number of cases that the list must at least have, so that a list that shrank by accident is noticed.
/// A case whose needs are missing is ignored; with `CI` set it fails, unless `DUNNAGE_MAY_MISS` lists what it misses.
#[expect(clippy::print_stdout, reason = "a test harness reports on standard output")]
pub fn harness(floor: usize, cases: Vec<Case>) -> ExitCode {
    let args = Arguments::from_args();
    let settings = Settings::from_env();
    let ran = Arc::new(AtomicUsize::new(0));
    let listed = cases.len();
    let trials = cases.into_iter().map(|case| case.into_trial(&settings, &ran)).collect();
    let conclusion = libtest_mimic::run(&args, trials);
    if args.list {
        return conclusion.exit_code();
    }
    println!("cases: {listed} listed, {} ran, {} ignored", ran.load(Ordering::Relaxed), conclusion.num_ignored);
    if listed < floor {
        println!("error: this file must list at least {floor} cases; change the number only with the cases");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
