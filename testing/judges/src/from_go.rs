//! Programs built from Go modules that `go install` refuses because of their `replace` lines: through a wrapper module.

use std::{ffi::OsStr, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail};

use crate::{Pin, Settings, run_to_end};

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
    go(&settings.go, wrapper.path(), &["build", "-trimpath", "-ldflags", "-s -w", "-o", program, module])
}

fn go(program: &OsStr, dir: &Path, args: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .args(args)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=mod")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off");
    run_to_end(&mut command, BUILD_LIMIT)?.success().with_context(|| format!("go {} failed", args.join(" ")))?;
    Ok(())
}
