//! The four flows that were once believed to be right fail, each for the reason for which it failed.

use std::time::Duration;

use ontap_flow::flow::{Guards, Spec};
use ontap_flow::historic::Historic;
use ontap_flow::ontap::Habits;
use ontap_flow::oracle;
use ontap_flow::site::Site;
use ontap_flow::world::World;
use reconcile::testkit::{Faults, Kit, Pairs, Reason, Report};

/// A job takes longer than the time between two passes: whoever comes back finds an SVM that does not run yet.
fn kit(model: Historic, clusters: u8) -> Kit<'static, Site> {
    let habits = Habits { svm_job: Duration::from_secs(15), ..Habits::default() };
    let make = move || Site::new(World::new(clusters, habits), Spec::example(), Guards::ALL);
    Kit::new(make, async move |site: &Site, faults: Faults| site.historic(model, faults).await.is_ok())
        .with_goal(oracle::provided)
        .with_pairs(Pairs::None)
}

/// The first plan that leads to this, run again: what it showed.
fn replayed(kit: &Kit<'_, Site>, report: &Report, reason: Reason, detail: &str) -> String {
    report.assert_finds(reason, detail);
    let alike = report.findings().iter().find(|group| group.reason == reason && group.detail.contains(detail));
    let line = alike.expect("it was found").plans[0].to_string();
    assert!(report.to_string().contains(&format!("kit.replay(\"{line}\")")), "the report shows the line {line}");
    let replay = kit.replay(&line).expect("the line is a plan");
    let again = replay.finding.as_ref().expect("it is found again");
    assert_eq!(again.reason, reason, "{line}");
    assert!(again.detail.contains(detail), "{line}: {again}");
    replay.to_string()
}

#[test]
fn without_a_fault_three_of_them_look_right() {
    for model in [Historic::Before55, Historic::Fix55, Historic::Head] {
        let replay = kit(model, 1).replay("clean").expect("a plan");
        assert_eq!(replay.finding, None, "{model:?}");
    }
}

#[test]
fn the_incident_is_stuck_for_ever_at_a_secret_that_nobody_makes() {
    let kit = kit(Historic::Before55, 1);
    let report = kit.explore();
    for missing in ["0 of 3 LIFs", "the account is missing", "the seed secret is missing"] {
        let shown = replayed(&kit, &report, Reason::NotConverged, missing);
        assert!(shown.ends_with(&format!("not ready after 25 passes without faults: {}", tail(missing))), "{shown}");
        let stops: Vec<&str> = shown.lines().filter(|line| line.contains("stopped at")).collect();
        assert!(stops.len() >= 25 && stops.iter().all(|line| line.contains("secret-missing")), "{shown}");
    }
    let crashes = report.findings().iter().flat_map(|group| &group.plans).filter(|plan| is_a_crash(plan)).count();
    assert!(crashes > 0, "a crash is enough: {report}");
}

fn is_a_crash(plan: &reconcile::testkit::Plan) -> bool {
    plan.to_string().starts_with("drop@")
}

fn tail(missing: &str) -> String {
    if missing.contains("LIFs") { format!("{missing} are as they should be") } else { missing.to_owned() }
}

#[test]
fn the_first_fix_reports_success_with_lifs_missing() {
    let kit = kit(Historic::Fix55, 1);
    let report = kit.explore();
    for missing in ["0 of 3 LIFs", "1 of 3 LIFs", "2 of 3 LIFs"] {
        replayed(&kit, &report, Reason::Dishonest, missing);
    }
    assert!(!report.finds(Reason::NotConverged, ""), "it is not stuck any more, which looked like a fix: {report}");
}

#[test]
fn the_second_fix_is_never_quiet_because_it_verifies_by_setting() {
    let kit = kit(Historic::Matrix63, 1);
    let shown = replayed(&kit, &kit.explore(), Reason::NotQuiet, "password.post");
    assert!(shown.contains("secret.update"), "a new password in every pass: {shown}");
    // Whoever does not mind the writes finds nothing else.
    kit.with_quiet_passes(0).explore().assert_clean();
}

#[test]
fn the_head_reports_success_with_two_svms_on_two_clusters() {
    let kit = kit(Historic::Head, 2);
    let report = kit.explore();
    let shown = replayed(&kit, &report, Reason::Dishonest, "there are two SVMs");
    assert_eq!(shown.matches("svm.post").count(), 2, "{shown}");
    let plans: Vec<String> = report.findings().iter().flat_map(|group| &group.plans).map(ToString::to_string).collect();
    assert!(plans.iter().any(|plan| plan.starts_with("drop@")), "by a crash: {report}");
}

#[test]
fn the_head_takes_a_cluster_that_does_not_answer_for_an_empty_one() {
    let kit = kit(Historic::Head, 2);
    let calls = kit.explore().calls;
    let two_svms = |call: &u32| {
        let replay = kit.replay(&format!("err-unsent@{call}")).expect("a plan");
        replay.finding.is_some_and(|finding| finding.detail.contains("two SVMs"))
    };
    assert!((1..=calls).any(|call| two_svms(&call)), "one read that fails is enough");
}

#[test]
fn the_head_passes_on_one_cluster() {
    kit(Historic::Head, 1).with_pairs(Pairs::All).explore().assert_clean();
}
