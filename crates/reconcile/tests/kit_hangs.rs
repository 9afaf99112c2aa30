//! Calls that are never answered, and controllers that sleep beside each other.

#![expect(clippy::future_not_send, reason = "the world is a model that stays on one thread")]

use std::{cell::RefCell, pin::pin, time::Duration};

use futures::future::{Either, select};
use reconcile::testkit::{Call, Fault, Faults, Kit, Pairs, Reason};

const READ: Call = Call::read("GET /names");
const WRITE: Call = Call::write("POST /names");

type World = RefCell<Vec<&'static str>>;

/// Creates what is absent, and only then.
async fn good(world: &World, faults: &Faults) -> Result<bool, Fault> {
    if faults.call(READ, || world.borrow().contains(&"a")).await? {
        return Ok(true);
    }
    let create = || {
        let mut names = world.borrow_mut();
        if !names.contains(&"a") {
            names.push("a");
        }
    };
    faults.call(WRITE, create).await?;
    Ok(false)
}

fn kit<'k>(pass: impl AsyncFn(&World, Faults) -> Result<bool, Fault> + 'k) -> Kit<'k, World> {
    Kit::new(World::default, pass)
        .with_goal(|world| if world.borrow().len() == 1 { Ok(()) } else { Err("it is not there once".into()) })
        .with_end_state(|world| world.borrow().clone())
}

#[test]
fn good_controllers_that_sleep_pass_in_every_race() {
    let report = kit(async |world: &World, faults: Faults| {
        faults.sleep(Duration::from_secs(1)).await;
        good(world, &faults).await
    })
    .with_races(400)
    .explore();
    report.assert_clean();
    assert_eq!(report.races, 400);
}

#[test]
fn a_controller_without_a_timeout_is_found_if_it_must_have_one() {
    for sleeps in [false, true] {
        let kit = || {
            kit(async move |world: &World, faults: Faults| {
                if sleeps {
                    faults.sleep(Duration::from_secs(1)).await;
                }
                good(world, &faults).await
            })
        };
        kit().explore().assert_clean();
        let report = kit().with_timeouts_required().with_pairs(Pairs::None).explore();
        for call in ["GET /names", "POST /names"] {
            report.assert_finds(Reason::Stuck, &format!("never answered: {call}"));
        }
    }
}

#[test]
fn a_controller_that_gives_up_passes() {
    let report = kit(async |world: &World, faults: Faults| {
        let limit = pin!(faults.sleep(Duration::from_secs(30)));
        match select(pin!(good(world, &faults)), limit).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Ok(false),
        }
    })
    .with_timeouts_required()
    .with_pairs(Pairs::All)
    .explore();
    report.assert_clean();
}
