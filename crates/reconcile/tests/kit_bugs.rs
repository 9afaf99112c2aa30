//! Small controllers with known bugs, which the kit must find, each for the right reason; and a good one, which passes.

#![expect(clippy::future_not_send, reason = "the world is a model that stays on one thread")]

use std::cell::{Cell, RefCell};

use reconcile::testkit::{Call, Fault, Faults, Kit, Pairs, Reason};

const LOOK: Call = Call::read("GET /names");
const CREATE: Call = Call::write("POST /names");
const COUNT: Call = Call::write("POST /count");

/// A service with names, and a counter that anybody may raise.
#[derive(Default)]
struct World {
    names: RefCell<Vec<&'static str>>,
    count: Cell<u32>,
}

impl World {
    fn has(&self, name: &str) -> bool {
        self.names.borrow().contains(&name)
    }

    fn goal(&self) -> Result<(), String> {
        if self.has("svm") && self.has("secret") { Ok(()) } else { Err("something is missing".into()) }
    }

    fn no_doubles(&self) -> Result<(), String> {
        let names = self.names.borrow();
        let double = names.iter().any(|name| names.iter().filter(|other| *other == name).count() > 1);
        if double { Err("a name is there twice".into()) } else { Ok(()) }
    }
}

async fn has(world: &World, faults: &Faults, name: &str) -> Result<bool, Fault> {
    faults.call(LOOK, || world.has(name)).await
}

/// Creates without asking whether it exists.
async fn create(world: &World, faults: &Faults, name: &'static str) -> Result<(), Fault> {
    faults.call(CREATE, || world.names.borrow_mut().push(name)).await
}

fn kit<'k>(pass: impl AsyncFn(&World, Faults) -> Result<bool, Fault> + 'k) -> Kit<'k, World> {
    Kit::new(World::default, pass).with_goal(World::goal).with_safety(World::no_doubles)
}

async fn good(world: &World, faults: Faults) -> Result<bool, Fault> {
    for name in ["svm", "secret"] {
        if !has(world, &faults, name).await? {
            create(world, &faults, name).await?;
        }
    }
    Ok(has(world, &faults, "svm").await? && has(world, &faults, "secret").await?)
}

#[test]
fn a_good_controller_passes() {
    let kit = kit(good).with_end_state(|world| world.names.borrow().clone()).with_quiet_passes(10);
    let report = kit.with_pairs(Pairs::All).explore();
    report.assert_clean();
    assert!(report.all_pairs);
    assert!(report.points > 40, "{report}");
    assert!(report.pairs > 1000, "{report}");
    assert_eq!(report.end_states, 1);
}

/// The incident: that the first thing exists is taken as a sign that the second does.
async fn incident(world: &World, faults: Faults) -> Result<bool, Fault> {
    if has(world, &faults, "svm").await? {
        return has(world, &faults, "secret").await;
    }
    create(world, &faults, "svm").await?;
    create(world, &faults, "secret").await?;
    Ok(true)
}

#[test]
fn a_crash_between_two_creations_is_found() {
    let report = kit(incident).explore();
    report.assert_finds(Reason::NotConverged, "something is missing");
    assert_eq!(report.findings().len(), 1, "{report}");
}

#[test]
fn creating_without_looking_is_found() {
    let report = kit(async |world: &World, faults: Faults| {
        create(world, &faults, "svm").await?;
        create(world, &faults, "secret").await?;
        Ok(true)
    })
    .explore();
    report.assert_finds(Reason::Unsafe, "twice");
}

#[test]
fn a_pass_that_is_never_quiet_is_found() {
    let report = kit(async |world: &World, faults: Faults| {
        faults.call(COUNT, || world.count.set(world.count.get() + 1)).await?;
        good(world, faults).await
    })
    .explore();
    report.assert_finds(Reason::NotQuiet, "POST /count");
}
