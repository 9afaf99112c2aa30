//! The suite on the stores of `objstore-core`: a test for each case of each store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use objstore_core::{FileStore, MemoryStore, ObjectStore};
use objstore_testkit::{
    FaultPlan, FaultStore,
    conformance::{Case, Outcome, Suite},
};

/// The least that must run, over all stores.
const FLOOR: usize = 130;

/// What a store needs to live.
type Made = (Arc<dyn ObjectStore>, Option<tempfile::TempDir>);

/// A store, and how to make it.
type Store = (&'static str, fn() -> Made);

fn memory() -> Made {
    (Arc::new(MemoryStore::new()), None)
}

fn file() -> Made {
    let folder = tempfile::tempdir().unwrap();
    (Arc::new(FileStore::open(folder.path().join("store")).unwrap()), Some(folder))
}

/// What a store runs through, `Arc` and `Box` included, must not change anything.
fn forwarded() -> Made {
    let inner: Box<dyn ObjectStore> = Box::new(Arc::new(MemoryStore::new()));
    (Arc::new(inner), None)
}

/// A layer of faults without any.
fn faults() -> Made {
    (Arc::new(FaultStore::new(memory().0, FaultPlan::new())), None)
}

fn trial(store: &str, make: fn() -> Made, case: &'static Case) -> Trial {
    let ignored = case.missing(&make().0.capabilities()).is_some();
    let run = move || -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (store, _kept) = make();
        match runtime.block_on(Suite::new().run_case(&store, case)).outcome {
            Outcome::Passed => Ok(()),
            Outcome::Ignored(why) | Outcome::Failed(why) => Err(why.into()),
            outcome => Err(format!("{outcome:?}").into()),
        }
    };
    Trial::test(format!("{store}::{}", case.name()), run).with_ignored_flag(ignored)
}

fn main() -> ExitCode {
    let stores: [Store; 4] = [("memory", memory), ("file", file), ("forwarded", forwarded), ("faults", faults)];
    let suite = Suite::new();
    let trials = stores.iter().flat_map(|(name, make)| suite.cases().iter().map(|case| trial(name, *make, case)));
    let trials: Vec<Trial> = trials.collect();
    let run = trials.iter().filter(|trial| !trial.has_ignored_flag()).count();
    assert!(run >= FLOOR, "only {run} cases run, of at least {FLOOR}");
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
