//! Each package by itself: in a build of the whole workspace one package's features hide what another forgot.

use crate::{
    report::{Counts, Outcome},
    workspace::{Member, cargo, check, members},
};

pub(super) fn run() -> anyhow::Result<Outcome> {
    let mut counts = Counts::default();
    for member in members()? {
        for features in choices(&member) {
            let mut args = vec!["check", "--quiet", "--locked", "-p", member.name.as_str()];
            args.extend(features.iter().map(String::as_str));
            check(&mut cargo(&args))?;
            counts.add(Counts::PASSED);
        }
    }
    Ok(Outcome::Ran(counts))
}

/// The default, and then none, each one alone, and all.
fn choices(member: &Member) -> Vec<Vec<String>> {
    let mut choices = vec![Vec::new()];
    if member.features.is_empty() {
        return choices;
    }
    let none = "--no-default-features".to_owned();
    choices.push(vec![none.clone()]);
    if let [_, _, ..] = member.features[..] {
        choices.extend(member.features.iter().map(|one| vec![none.clone(), format!("--features={one}")]));
    }
    choices.push(vec!["--all-features".to_owned()]);
    choices
}
