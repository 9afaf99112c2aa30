//! `cargo xtask test`: everything, set-up included.

mod deny;
mod features;
mod fuzz;
mod lints;
mod msrv;
mod package;
mod style;
mod suites;
mod tree;

use std::process::ExitCode;

use clap::ValueEnum;
use judges::{Part, Settings};

use crate::{
    report::{Counts, Outcome, Report},
    servers,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these steps; all otherwise
    #[arg(long, value_delimiter = ',')]
    only: Vec<Step>,
}

/// A step of `cargo xtask test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Fetch or build the real programs that the tests run against
    Servers,
    /// The formatting
    Fmt,
    /// Each lint of the workspace's table fires on code that breaks it
    Lints,
    /// No warning from clippy
    Clippy,
    /// The documentation builds without a warning
    Docs,
    /// Unit, integration and documentation tests of the whole workspace
    Tests,
    /// Each package by itself, with each of its features
    Features,
    /// The fuzz targets compile
    Fuzz,
    /// What may not be in a package's dependencies is not there
    Tree,
    /// The stated minimum Rust version holds for every dependency
    Msrv,
    /// Everything builds with exactly that Rust version
    MsrvBuild,
    /// The packaged crates build outside this tree
    Package,
    /// Bans, licences and sources of all dependencies
    Deny,
}

/// Runs the steps; the last line counts.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut report = Report::new(Settings::from_env());
    for &step in Step::value_variants() {
        if args.only.is_empty() || args.only.contains(&step) {
            report.step(&name(step), advice(step), || go(step));
        }
    }
    report.finish()
}

fn go(step: Step) -> anyhow::Result<Outcome> {
    match step {
        Step::Servers => Ok(prepare()),
        Step::Fmt => style::fmt(),
        Step::Lints => lints::run(),
        Step::Clippy => style::clippy(),
        Step::Docs => style::docs(),
        Step::Tests => suites::run(),
        Step::Features => features::run(),
        Step::Fuzz => fuzz::run(),
        Step::Tree => tree::run(),
        Step::Msrv => msrv::run(),
        Step::MsrvBuild => msrv::build(),
        Step::Package => package::run(),
        Step::Deny => deny::run(),
    }
}

fn prepare() -> Outcome {
    let parts = Part::all();
    let failed = servers::prepare(&parts) as u64;
    let there = parts.iter().filter(|part| part.find().is_ok()).count() as u64;
    Outcome::Ran(Counts { passed: there, failed, skipped: parts.len() as u64 - there - failed })
}

fn name(step: Step) -> String {
    step.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn advice(step: Step) -> &'static str {
    match step {
        Step::Servers => "see the reasons in the table; list what may be missing in DUNNAGE_MAY_MISS",
        Step::Fmt => "run `cargo fmt --all`",
        Step::Lints => "mend [workspace.lints] in Cargo.toml or clippy.toml, or the sample in xtask/src/test/lints.rs",
        Step::Clippy | Step::Docs => "mend what is reported above",
        Step::Tests => "look at the first failure above; one file again: `cargo test -p PACKAGE --test FILE`",
        Step::Features => "the command above fails by itself too: a feature is missing a dependency or a `cfg`",
        Step::Fuzz => "`cargo update --manifest-path fuzz/Cargo.toml --workspace` if only its lockfile is old",
        Step::Tree => "`cargo tree -p PACKAGE -i DEPENDENCY` shows who brings it in",
        Step::Msrv => {
            "take an older version of the dependency, or raise rust-version in Cargo.toml with a changelog line"
        }
        Step::MsrvBuild => "something newer than rust-version in Cargo.toml is used: see above",
        Step::Package => "look for a file outside the package's folder, or a dependency without a version",
        Step::Deny => "mend the dependency, or deny.toml with a reason",
    }
}
