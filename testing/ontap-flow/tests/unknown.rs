//! A step whose read failed does nothing about it: every read of every start, unsent and rate limited.

use ontap_flow::flow::Guards;
use ontap_flow::scenario::Scenario;

const READS: [&str; 8] =
    ["nodes.get", "aggregates.get", "svm.get", "lif.get", "account.get", "login", "journal.get", "secret.get"];

/// The calls of the clean history, by name.
fn calls(scenario: Scenario) -> Vec<String> {
    let replay = scenario.kit(Guards::ALL).replay("clean").expect("a plan");
    assert_eq!(replay.finding, None, "{scenario:?}");
    let calls = replay.trace.iter().filter(|line| line.trim_start().starts_with("call "));
    calls.filter_map(|line| line.rsplit(": ").next()).map(str::to_owned).collect()
}

/// The step that a call belongs to, as far as its name says.
fn thing(call: &str) -> &str {
    call.split(['.', ' ']).next().unwrap_or(call)
}

#[test]
fn every_read_that_fails_holds_its_step() {
    let mut seen = std::collections::BTreeSet::new();
    for scenario in Scenario::ALL {
        let kit = scenario.kit(Guards::ALL);
        for (number, call) in (1..).zip(calls(scenario)).filter(|(_, call)| READS.contains(&call.as_str())) {
            for fault in ["err-unsent", "rate-limited=30"] {
                let line = format!("{fault}@{number}");
                let replay = kit.replay(&line).expect("a plan");
                // The world notes a write to something whose read failed in the same pass: an oracle of its own.
                assert_eq!(replay.finding, None, "{scenario:?} {line} at {call}");
                let failed = replay.trace.iter().position(|step| step.contains("<-")).expect("the fault struck");
                let rest = replay.trace[failed + 1..].iter().take_while(|step| !step.contains("claims"));
                let claim = replay.trace[failed..].iter().find(|step| step.contains("claims")).expect("a claim");
                assert!(claim.contains("NotReady"), "{scenario:?} {line}: it cannot know that it is ready");
                if matches!(call.as_str(), "svm.get" | "journal.get" | "nodes.get") {
                    // Nothing else of this thing is done in the pass, and nothing that needs it.
                    let later: Vec<_> = rest.filter(|step| step.contains(thing(&call))).collect();
                    assert!(later.iter().all(|step| !is_write(step)), "{scenario:?} {line}: {later:?}");
                }
                seen.insert(call.clone());
            }
        }
    }
    assert_eq!(seen.len(), READS.len(), "every kind of read was tried: {seen:?}");
}

fn is_write(step: &str) -> bool {
    !READS.iter().any(|read| step.trim_end().ends_with(read))
}
