//! Formatting, clippy, documentation: no warning anywhere.

use crate::{
    report::{Counts, Outcome},
    workspace::{cargo, check, members, read},
};

pub(super) fn fmt() -> anyhow::Result<Outcome> {
    if read(&mut cargo(&["fmt", "--version"])).is_err() {
        let why = "rustfmt is not installed: `rustup component add rustfmt`".to_owned();
        return Ok(Outcome::Missing { id: "rustfmt", why });
    }
    check(&mut cargo(&["fmt", "--all", "--check"]))?;
    Ok(Outcome::PASSED)
}

pub(super) fn clippy() -> anyhow::Result<Outcome> {
    if !has_clippy() {
        return Ok(no_clippy());
    }
    check(&mut cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    let mut counts = Counts::PASSED;
    for member in members()?.iter().filter(|member| !member.features.is_empty()) {
        let args =
            ["clippy", "--quiet", "--locked", "--no-default-features", "-p", &member.name, "--", "-D", "warnings"];
        check(&mut cargo(&args))?;
        counts.add(Counts::PASSED);
    }
    Ok(Outcome::Ran(counts))
}

pub(super) fn docs() -> anyhow::Result<Outcome> {
    let mut command = cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--locked"]);
    check(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::PASSED)
}

pub(super) fn has_clippy() -> bool {
    read(&mut cargo(&["clippy", "--version"])).is_ok()
}

pub(super) fn no_clippy() -> Outcome {
    Outcome::Missing { id: "clippy", why: "clippy is not installed: `rustup component add clippy`".to_owned() }
}
