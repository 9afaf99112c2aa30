//! The flow without one of its guards is found, for each of them, and by the oracle that is to find it.

use std::collections::HashSet;

use ontap_flow::flow::{Guard, Guards};
use ontap_flow::mutants::{MUTANTS, Mutant};
use reconcile::testkit::{Pairs, Reason};

/// The line that runs it again, if the oracle that is to find it does.
fn found(mutant: &Mutant) -> Result<String, String> {
    let kit = mutant.kit();
    let report = kit.explore();
    let expected = |reason: Reason, detail: &str| reason == mutant.reason && detail.contains(mutant.detail);
    let group = report.findings().iter().find(|group| expected(group.reason, &group.detail));
    let line = group.ok_or_else(|| report.to_string())?.plans[0].to_string();
    let replay = kit.replay(&line).map_err(|error| error.to_string())?;
    match replay.finding {
        _ if words(&line) != mutant.needs => Err(format!("by {line}, not by {}", mutant.needs)),
        Some(again) if expected(again.reason, &again.detail) => Ok(line),
        _ => Err(format!("{line} does not find it again: {replay}")),
    }
}

/// A plan without its numbers.
fn words(line: &str) -> String {
    let words: Vec<&str> = line.split(',').filter_map(|item| item.split(['@', '=']).next()).collect();
    words.join(",")
}

#[test]
fn every_guard_is_missed() {
    let mut unfound = Vec::new();
    for mutant in &MUTANTS {
        match found(mutant) {
            Ok(line) => println!("{:?} in {:?}: {} by {line}", mutant.lacks, mutant.scenario, mutant.reason),
            Err(why) => unfound.push(format!("{:?} in {:?}: {why}", mutant.lacks, mutant.scenario)),
        }
    }
    assert!(unfound.is_empty(), "not found as expected:\n{}", unfound.join("\n"));
}

#[test]
fn there_is_a_mutant_for_each_guard() {
    let lacking: HashSet<Guard> = MUTANTS.iter().map(|mutant| mutant.lacks).collect();
    assert_eq!(lacking.len(), MUTANTS.len(), "each one once");
    assert_eq!(MUTANTS.len(), Guard::RemovalSparesForeigners as usize + 1, "the last guard of the list");
}

/// What finds a mutant says nothing of the flow itself.
#[test]
fn with_all_guards_the_same_explorations_find_nothing() {
    for scenario in MUTANTS.iter().map(|mutant| mutant.scenario).collect::<HashSet<_>>() {
        let report = scenario.kit(Guards::ALL).with_pairs(Pairs::None).explore();
        assert!(report.is_clean(), "{scenario:?}: {report}");
    }
}
