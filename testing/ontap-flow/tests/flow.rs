//! The flow passes every oracle, whatever happens to it once or twice.

use ontap_flow::flow::Guards;
use ontap_flow::scenario::Scenario;
use reconcile::testkit::Pairs;

#[test]
fn it_survives_every_single_fault() {
    for scenario in Scenario::ALL {
        let report = scenario.kit(Guards::ALL).with_pairs(Pairs::None).explore();
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
