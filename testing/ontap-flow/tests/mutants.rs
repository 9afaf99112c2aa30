//! The flow without one of its guards is found, for each of them, and by the oracle that is to find it.

use ontap_flow::mutants::MUTANTS;
use reconcile::testkit::Pairs;

#[test]
fn every_guard_is_missed() {
    let mut unfound = Vec::new();
    for mutant in &MUTANTS {
        let report = mutant.kit().with_pairs(Pairs::None).explore();
        if !report.finds(mutant.reason, mutant.detail) {
            unfound.push(format!("{:?} in {:?}: {report}", mutant.lacks, mutant.scenario));
        }
    }
    assert!(unfound.is_empty(), "not found as expected:\n{}", unfound.join("\n"));
}
