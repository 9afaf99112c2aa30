//! The fuzz targets compile. What they call runs in the ordinary tests, over a corpus and seeded mutations.

use std::process::Command;

use crate::{
    report::Outcome,
    workspace::{cargo, check, read, root, target_dir},
};

pub(super) fn run() -> anyhow::Result<Outcome> {
    if read(Command::new("c++").arg("--version")).is_err() {
        let why = "libFuzzer is C++, and no C++ compiler (`c++`) is installed".to_owned();
        return Ok(Outcome::Missing { id: "c++", why });
    }
    let manifest = root().join("fuzz/Cargo.toml");
    let mut command = cargo(&["check", "--quiet", "--locked", "--manifest-path"]);
    // Into our own folder: the fuzzer's is for its own compiler and flags.
    check(command.arg(manifest).env("CARGO_TARGET_DIR", target_dir()?.join("fuzz-check")))?;
    Ok(Outcome::PASSED)
}
