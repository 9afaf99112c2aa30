//! `cargo deny`: bans, licences, sources. Advisories run by themselves: they change without us.

use judges::Part;

use crate::{
    report::{Counts, Outcome},
    workspace::{check, root},
};

pub(super) fn run() -> anyhow::Result<Outcome> {
    let deny = match Part::CargoDeny.find() {
        Ok(deny) => deny,
        Err(missing) => return Ok(Outcome::Missing { id: "cargo-deny", why: missing.to_string() }),
    };
    let mut command = deny.command();
    check(command.current_dir(root()).args([
        "--workspace",
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))?;
    Ok(Outcome::Ran(Counts { passed: 3, ..Counts::default() }))
}
