//! What has converged writes nothing, and a plan writes nothing ever.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use ontap_flow::flow::{AGAIN, Flow, Guards, Spec};
use ontap_flow::ontap::Habits;
use ontap_flow::scenario::{Scenario, settled};
use ontap_flow::wire::Wire;
use ontap_flow::world::World;
use reconcile::testkit::{Pairs, block_on};
use reconcile::{Outcome, Pass, Verdict};

fn flow() -> Flow {
    Flow::new(Spec::example())
}

fn run<'o>(world: &Arc<Mutex<World>>, pass: impl FnOnce(&Flow) -> Pass<'o>) -> Outcome {
    world.lock().unwrap().wait(AGAIN);
    let flow = flow();
    let pass = pass(&flow);
    block_on(flow.run(&pass, Wire::straight(Arc::clone(world))));
    pass.finish()
}

#[test]
fn ten_forced_passes_write_nothing() {
    for clusters in [1, 2] {
        let world = Arc::new(Mutex::new(settled(World::new(clusters, Habits::default()), Spec::example())));
        let before = world.lock().unwrap().writes();
        for pass in 1..=10 {
            let outcome = run(&world, Flow::pass);
            assert!(outcome.is_converged(), "pass {pass}: {outcome}");
            assert_eq!(outcome.writes(), 0, "pass {pass}");
        }
        assert_eq!(world.lock().unwrap().writes(), before, "the world counts the same");
        assert!(before > 0, "it has been busy before");
    }
}

#[test]
fn an_account_that_somebody_locked_is_left_to_people() {
    let world = Arc::new(Mutex::new(settled(World::new(1, Habits::default()), Spec::example())));
    world.lock().unwrap().clusters[0].someone_locks_accounts(true);
    for _ in 0..3 {
        let outcome = run(&world, Flow::pass);
        assert_eq!((outcome.code(), outcome.writes()), ("account-locked", 0), "no password is set anew: {outcome}");
    }
    world.lock().unwrap().clusters[0].someone_locks_accounts(false);
    assert!(run(&world, Flow::pass).is_converged());
}

#[test]
fn ten_passes_after_any_fault_write_nothing() {
    for scenario in Scenario::ALL {
        let report = scenario.kit(Guards::ALL).with_pairs(Pairs::None).with_quiet_passes(10).explore();
        assert!(report.is_clean(), "{scenario:?}: {report}");
    }
}

#[test]
fn a_plan_says_what_it_would_do_and_writes_nothing() {
    for scenario in [Scenario::OneCluster, Scenario::LostJournal, Scenario::Drifted] {
        let world = Arc::new(Mutex::new(scenario.world()));
        let before = world.lock().unwrap().writes();
        let outcome = run(&world, Flow::plan);
        assert!(matches!(outcome.verdict, Verdict::Planned { changes: 1.. }), "{scenario:?}: {outcome}");
        assert_eq!(world.lock().unwrap().writes(), before, "{scenario:?}");
    }
}
