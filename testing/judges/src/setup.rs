//! Fetching and building what the tests need. Called by `cargo xtask`, never by a test.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{Judge, Missing, Part, Pin, Settings, Source, cache, from_cargo, from_go, from_python, run_to_end};

/// A part that is there now.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ready {
    /// The program.
    pub judge: Judge,
    /// True if it was fetched or built by this call, false if it lay in the cache.
    pub made_now: bool,
    /// How long this call took.
    pub took: Duration,
}

/// Fetches or builds `part` into the cache folder, unless it is there, and checks by running it that it is the pinned version.
///
/// # Errors
/// [`Missing`] with the reason: no Go, no network, no package for this platform, another version than the pinned one.
pub fn ensure(part: Part) -> Result<Ready, Missing> {
    ensure_in(&Settings::from_env(), part)
}

/// As [`ensure`], with settings of the caller's.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_in(settings: &Settings, part: Part) -> Result<Ready, Missing> {
    let Some(pin) = part.pin() else { return Err(Missing::new(part, "judges.toml pins no version of it")) };
    let start = Instant::now();
    let made = cache::install(settings, pin, |dir| make(settings, pin, dir));
    match made {
        Ok(made_now) => {
            let judge = part.find_in(settings)?;
            check_version(pin, judge.path()).map_err(|error| Missing::new(part, format!("{error:#}")))?;
            Ok(Ready { judge, made_now, took: start.elapsed() })
        }
        Err(error) => {
            let why = format!("{error:#}");
            cache::note_why(settings, pin, &why);
            Err(Missing::new(part, why))
        }
    }
}

fn make(settings: &Settings, pin: &Pin, dir: &Path) -> anyhow::Result<()> {
    match &pin.source {
        Source::CargoPackage(package) => from_cargo::unpack(settings, pin, package, dir)?,
        Source::CargoInstall(name) => from_cargo::install(settings, pin, name, dir)?,
        Source::GoModule(module) => from_go::build(settings, pin, module, dir)?,
        Source::Python(source) => from_python::install(settings, pin, source, dir)?,
    }
    check_version(pin, &dir.join(&pin.name))
}

/// Runs the program: a failed download has been seen to leave another version in place without an error.
fn check_version(pin: &Pin, program: &Path) -> anyhow::Result<()> {
    let answer = run_to_end(Command::new(program).arg(&pin.ask), Duration::from_secs(60))
        .and_then(crate::Finished::success)
        .with_context(|| format!("{} does not run", program.display()))?;
    if !answer.stdout.lines().any(|line| line.trim() == pin.prints) {
        bail!("{} printed {:?} instead of {:?}", program.display(), answer.stdout.trim(), pin.prints);
    }
    Ok(())
}
