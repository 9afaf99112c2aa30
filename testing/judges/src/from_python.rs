//! Programs out of Python packages, in a virtual environment of their own.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail};

use crate::{Finished, Pin, PythonSource, Settings, from_cargo::make_executable, run_to_end};

const ASK_LIMIT: Duration = Duration::from_secs(60);
const INSTALL_LIMIT: Duration = Duration::from_secs(900);

/// The folder of the virtual environment, beside the program.
const ENVIRONMENT: &str = "venv";

/// Installs exactly the packages of the pin, and makes `dir/<name>`, a script that starts the program.
///
/// The folder is renamed later. So nothing in it may name it: the script finds its environment beside itself.
pub(crate) fn install(settings: &Settings, pin: &Pin, source: &PythonSource, dir: &Path) -> anyhow::Result<()> {
    if run(Command::new(&settings.python).arg("--version"), ASK_LIMIT).is_err() {
        bail!("Python is needed, and `{} --version` does not run", settings.python.display());
    }
    let environment = dir.join(ENVIRONMENT);
    run(Command::new(&settings.python).args(["-m", "venv"]).arg(&environment), INSTALL_LIMIT)?;
    let python = environment.join("bin/python");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"];
    run(Command::new(&python).args(pip).args(["--only-binary", ":all:"]).args(&source.packages), INSTALL_LIMIT)?;
    let program = dir.join(&pin.name);
    fs::write(&program, script(pin, source)?)?;
    make_executable(&program)
}

fn run(command: &mut Command, limit: Duration) -> anyhow::Result<Finished> {
    // What this process runs in must not reach into the environment.
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").env_remove("VIRTUAL_ENV");
    run_to_end(command, limit)?.success()
}

/// `exec` keeps the number of the process, so that who kills the program kills it and not a shell.
fn script(pin: &Pin, source: &PythonSource) -> anyhow::Result<String> {
    let (name, here) = (&pin.name, format!("$(dirname \"$0\")/{ENVIRONMENT}/bin"));
    let Some(module) = &source.module else { return Ok(format!("#!/bin/sh\nexec \"{here}/{name}\" \"$@\"\n")) };
    let first = source.packages.first().context("the pin lists no package")?;
    let package = first.split("==").next().unwrap_or(first);
    // The module has no option that tells its version.
    let tell =
        format!("from importlib.metadata import version; import {module}; print('{name}', version('{package}'))");
    Ok(format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exec \"{here}/python\" -c \"{tell}\"\n\
         exec \"{here}/python\" -m {module} \"$@\"\n"
    ))
}
