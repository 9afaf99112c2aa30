//! The flow passes every oracle, whatever happens to it once or twice.

use ontap_flow::flow::{Guards, Spec};
use ontap_flow::journal::Shelf;
use ontap_flow::ontap::Habits;
use ontap_flow::oracle;
use ontap_flow::scenario::{Scenario, among_others};
use ontap_flow::site::Site;
use ontap_flow::world::World;
use reconcile::testkit::{Faults, Kit, Pairs, Reason};

/// What everything that is drawn here is drawn from. It is in the report, which is in the message of a failure.
const SEED: u64 = 20_261;

#[test]
fn it_survives_every_fault_from_every_start() {
    for scenario in Scenario::ALL {
        let report = scenario.kit(Guards::ALL).with_pairs(Pairs::None).explore();
        assert!(report.is_clean() && report.points > 0, "{scenario:?}: {report}");
    }
}

#[test]
fn it_survives_pairs_of_faults_from_every_start() {
    for scenario in Scenario::ALL {
        let report = scenario.kit(Guards::ALL).with_pairs(Pairs::Drawn(1_000)).with_seed(SEED).explore();
        assert!(report.is_clean(), "{scenario:?}: {report}");
    }
}

#[test]
fn it_survives_every_pair_of_faults_on_one_cluster() {
    let report = Scenario::OneCluster.kit(Guards::ALL).with_pairs(Pairs::All).explore();
    report.assert_clean();
    assert!(report.all_pairs && report.pairs > 10_000, "{report}");
}

#[test]
fn it_survives_every_pair_of_faults_on_two_clusters() {
    let report = Scenario::TwoClusters.kit(Guards::ALL).with_pairs(Pairs::All).explore();
    report.assert_clean();
    assert!(report.all_pairs && report.pairs > 10_000, "{report}");
}

#[test]
fn it_survives_every_pair_of_faults_among_calls_that_are_never_answered() {
    let report = Scenario::Silent.kit(Guards::ALL).with_pairs(Pairs::All).explore();
    report.assert_clean();
    assert!(report.all_pairs && report.pairs > 50_000, "{report}");
}

/// The test of that: where steps wait for as long as it takes, a call that is never answered is a finding.
#[test]
fn a_flow_without_timeouts_is_found() {
    let make = || Site::new(World::new(1, Habits::default()), Spec::example(), Guards::ALL);
    let kit = Kit::new(make, async |site: &Site, faults: Faults| site.provide(faults).await);
    let report = kit.with_timeouts_required().with_pairs(Pairs::None).explore();
    report.assert_finds(Reason::Stuck, "no timeout around a call that is never answered");
}

#[test]
fn it_survives_every_pair_of_faults_while_it_repairs_what_others_did() {
    let report = Scenario::Drifted.kit(Guards::ALL).with_pairs(Pairs::All).explore();
    report.assert_clean();
    assert!(report.all_pairs && report.pairs > 10_000, "{report}");
}

#[test]
fn its_removal_survives_every_pair_of_faults() {
    let report = Scenario::Removal.kit(Guards::ALL).with_pairs(Pairs::All).explore();
    report.assert_clean();
    assert!(report.all_pairs && report.pairs > 1_000, "{report}");
}

#[test]
fn it_survives_edits_of_others_and_a_clock_that_jumps() {
    for clusters in [1, 2] {
        let kit = among_others(clusters).with_pairs(Pairs::None).with_random(4_000).with_seed(SEED);
        kit.explore().assert_clean();
    }
}

#[test]
fn two_of_it_work_beside_each_other() {
    for scenario in [Scenario::OneCluster, Scenario::TwoClusters] {
        let report = scenario.kit(Guards::ALL).with_pairs(Pairs::None).with_races(4_000).with_seed(SEED).explore();
        assert!(report.is_clean() && report.races == 4_000, "{scenario:?}: {report}");
    }
}

/// The test of the races: here only a race is bad, and the races find it.
#[test]
fn two_of_it_need_a_journal_that_heeds_conditions() {
    let mut world = World::new(1, Habits::default());
    world.shelf = Shelf::ignoring_conditions();
    let make = move || Site::new(world.clone(), Spec::example(), Guards::ALL);
    let kit = Kit::new(make, async |site: &Site, faults: Faults| site.provide(faults).await)
        .with_safety(oracle::safe)
        .with_goal(oracle::provided)
        .with_pairs(Pairs::None);
    kit.explore().assert_clean();
    let report = kit.with_races(4_000).with_seed(SEED).explore();
    report.assert_finds(Reason::Unsafe, "the password in use is not written down");
}

#[test]
fn a_call_that_is_never_answered_is_given_up() {
    let kit = Scenario::Silent.kit(Guards::ALL);
    for line in ["hang@1", "hang@9", "hang-lost@9"] {
        let replay = kit.replay(line).expect("a plan");
        assert_eq!(replay.finding, None, "{line}: {replay}");
        assert!(replay.trace.iter().any(|step| step.contains("<- hang")), "it struck: {replay}");
        assert!(!replay.to_string().contains("is no more"), "the pass goes on after the timeout: {replay}");
    }
}
