//! Answers that are bent do bend something: else the flow would be tried against less than it seems.

use ontap_flow::flow::Guards;
use ontap_flow::scenario::Scenario;
use reconcile::testkit::Replay;

fn replay(line: &str) -> Replay {
    let replay = Scenario::OneCluster.kit(Guards::ALL).replay(line).expect("a plan");
    assert_eq!(replay.finding, None, "{line}: {replay}");
    replay
}

/// The numbers of the calls of this name in the clean history.
fn numbers(name: &str) -> Vec<u32> {
    let clean = replay("clean");
    let calls = clean.trace.iter().filter(|line| line.ends_with(&format!(": {name}")));
    calls.filter_map(|line| line.trim().strip_prefix("call ")?.split(',').next()?.parse().ok()).collect()
}

fn count(replay: &Replay, part: &str) -> usize {
    replay.trace.iter().filter(|line| line.contains(part)).count()
}

#[test]
fn a_slow_job_takes_more_passes() {
    let line = format!("slow-job=5@{}", numbers("svm.post")[0]);
    assert_eq!(count(&replay(&line), "pass "), count(&replay("clean"), "pass ") + 5);
}

#[test]
fn a_cache_that_is_behind_hides_what_was_just_made() {
    let after_the_creation = numbers("secret.get")[1];
    let bent = replay(&format!("stale=1@{after_the_creation}"));
    assert_eq!(count(&bent, "claims NotReady"), count(&replay("clean"), "claims NotReady") + 1, "{bent}");
}

#[test]
fn a_record_that_is_missed_is_made_again_and_refused() {
    let last = *numbers("svm.get").last().expect("there is one");
    let bent = replay(&format!("page-missing@{last}"));
    assert_eq!(count(&bent, "svm.post"), 2, "{bent}");
}
