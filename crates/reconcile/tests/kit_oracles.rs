//! What an oracle says, also when it panics, and what must not show in it.

#![expect(clippy::future_not_send, reason = "the world is a model that stays on one thread")]

use std::cell::RefCell;

use reconcile::testkit::{Call, Fault, Faults, Kit, Reason, Report};

const READ: Call = Call::read("GET /names");
const WRITE: Call = Call::write("POST /names");
const CANARY: &str = "canary-hunter2";

type World = RefCell<Vec<&'static str>>;

/// Tries again at once, so that a lost answer makes a second one.
async fn hasty(world: &World, faults: Faults) -> Result<bool, Fault> {
    if faults.call(READ, || !world.borrow().is_empty()).await? {
        return Ok(true);
    }
    if faults.call(WRITE, || world.borrow_mut().push("a")).await.is_err() {
        faults.call(WRITE, || world.borrow_mut().push("a")).await?;
    }
    Ok(true)
}

fn at_most_one(world: &World) -> Result<(), String> {
    assert!(world.borrow().len() < 2, "two of them");
    Ok(())
}

#[test]
fn an_oracle_that_panics_is_a_finding_with_its_plan() {
    let kit = || Kit::new(World::default, hasty);
    let kits = [
        ("the safety oracle", kit().with_safety(at_most_one)),
        ("the goal oracle", kit().with_goal(at_most_one)),
        ("the end state", kit().with_end_state(at_most_one)),
        (
            "what collects what was shown",
            kit().with_secrets([CANARY], |world, shown| shown.push_str(&format!("{:?}", at_most_one(world)))),
        ),
    ];
    for (oracle, kit) in kits {
        let report = kit.explore();
        report.assert_finds(Reason::Panicked, &format!("{oracle} panicked: two of them"));
        let line = report.findings()[0].plans[0].to_string();
        let replay = kit.replay(&line).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(replay.finding.map(|finding| finding.reason), Some(Reason::Panicked), "{line}");
    }
}

fn explore(pass: impl AsyncFn(&World, Faults) -> Result<bool, String>) -> Report {
    let report = Kit::new(World::default, pass).with_secrets([CANARY], |_: &World, _| {}).explore();
    assert!(!format!("{report} {report:?}").contains(CANARY), "a finding shows no secret");
    report
}

#[test]
fn a_secret_in_the_error_that_a_pass_returns_is_found() {
    let report = explore(async |world: &World, faults: Faults| {
        hasty(world, faults).await.map_err(|fault| format!("PUT password={CANARY}: {fault}"))
    });
    report.assert_finds(Reason::Leaked, "secret 1 of the kit is shown");
}

#[test]
fn a_secret_in_the_text_of_a_panic_is_a_leak_and_is_not_printed() {
    let report = explore(async |world: &World, faults: Faults| match hasty(world, faults).await {
        Ok(ready) => Ok(ready),
        Err(fault) => panic!("PUT password={CANARY}: {fault}"),
    });
    report.assert_finds(Reason::Leaked, "secret 1 of the kit is in the text of a panic");
}

#[test]
fn a_secret_in_the_words_of_an_oracle_is_left_out() {
    let kit = Kit::new(World::default, hasty)
        .with_safety(|world| if world.borrow().len() < 2 { Ok(()) } else { Err(format!("set twice: {CANARY}")) })
        .with_secrets([CANARY], |_: &World, _| {});
    kit.explore().assert_finds(Reason::Unsafe, "set twice: [redacted]");
}

/// The rarer bug does not become the other one while its plan is made smaller.
#[test]
fn a_plan_is_made_smaller_for_what_it_was_found_for() {
    let report = Kit::new(World::default, async |world: &World, faults: Faults| -> Result<bool, Fault> {
        faults.call(READ, || world.borrow().len()).await?;
        Ok(true)
    })
    .with_event("a", |world: &World, _| world.borrow_mut().push("a"))
    .with_event("b", |world: &World, _| world.borrow_mut().push("b"))
    .with_goal(|world| match (world.borrow().contains(&"a"), world.borrow().contains(&"b")) {
        (true, true) => Err("the data is lost".into()),
        (false, false) => Ok(()),
        _ => Err("a label is wrong".into()),
    })
    .with_random(2_000)
    .explore();
    report.assert_finds(Reason::Dishonest, "a label is wrong");
    report.assert_finds(Reason::Dishonest, "the data is lost");
}
