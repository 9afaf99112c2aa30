//! Programs built from Go modules, through a wrapper module: `go install` refuses those that have `replace` lines.

use std::{ffi::OsStr, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail, ensure};

use crate::{Finished, Pin, Settings, run_to_end};

const BUILD_LIMIT: Duration = Duration::from_secs(1800);

/// Builds the main package `module` into `dir/<name>`: static, without debug information.
pub(crate) fn build(settings: &Settings, pin: &Pin, module: &str, dir: &Path) -> anyhow::Result<()> {
    let wrapper = tempfile::tempdir_in(dir)?;
    let wanted = format!("{module}@v{}", pin.version);
    if go(&settings.go, wrapper.path(), &["version"]).is_err() {
        bail!("Go is needed to build it, and `go version` does not run");
    }
    go(&settings.go, wrapper.path(), &["mod", "init", "wrap/judge"])?;
    go(&settings.go, wrapper.path(), &["get", &wanted])?;
    let program = dir.join(&pin.name);
    let program = program.to_str().context("the cache folder's path is not UTF-8")?;
    go(&settings.go, wrapper.path(), &["build", "-trimpath", "-ldflags", "-s -w", "-o", program, module])?;
    if pin.prints.contains(&pin.version) {
        return Ok(());
    }
    let inside = go(&settings.go, wrapper.path(), &["version", "-m", program])?.stdout;
    check_inside(&inside, module, &wanted)
}

/// Looks in what Go wrote into a program that does not know its own version.
fn check_inside(inside: &str, module: &str, wanted: &str) -> anyhow::Result<()> {
    let version = wanted.rsplit_once('@').map(|(_, version)| version);
    let found = inside.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("mod")
            && words.next().is_some_and(|name| module.starts_with(name))
            && words.next() == version
    });
    ensure!(found, "it was not built from {wanted}: {inside}");
    Ok(())
}

fn go(program: &OsStr, dir: &Path, args: &[&str]) -> anyhow::Result<Finished> {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .args(args)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=mod")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off");
    run_to_end(&mut command, BUILD_LIMIT)?.success().with_context(|| format!("go {} failed", args.join(" ")))
}
