//! What a history is: every await edge, every kind of fault, the clock, replays, and the end of a controller.

#![expect(clippy::future_not_send, reason = "the world is a model that stays on one thread")]

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::{pending, poll_fn},
    task::Poll,
    time::Duration,
};

use futures::future::{Either, join, select};
use reconcile::testkit::{Call, Claim, Fault, Faults, Kit, Pairs, Reason, Replay, Twist, Versions};

const READ: Call = Call::read("GET /x");
const WRITE: Call = Call::write("PUT /x");

fn replay<W>(kit: &Kit<'_, W>, line: &str) -> Replay {
    kit.replay(line).unwrap_or_else(|error| panic!("{error}"))
}

/// What each pass saw, in a world that survives.
type Log = RefCell<Vec<String>>;

fn log(world: &Log, line: impl Into<String>) {
    world.borrow_mut().push(line.into());
}

/// One write, then one read; says what it got.
async fn write_and_read(world: &Log, faults: Faults) -> bool {
    let wrote = faults.call(WRITE, || log(world, "effect")).await;
    log(world, format!("{wrote:?}"));
    let read = faults.call(READ, || ()).await;
    log(world, format!("{read:?}"));
    wrote.is_ok() && read.is_ok()
}

/// The world after the line was replayed, and what was found.
fn after(line: &str, pass: impl AsyncFn(&Log, Faults) -> bool) -> Vec<String> {
    let end = RefCell::new(Vec::new());
    let kit = Kit::new(Log::default, pass).with_quiet_passes(0).with_safety(|world: &Log| {
        end.replace(world.borrow().clone());
        Ok(())
    });
    let replay = replay(&kit, line);
    assert_eq!(replay.finding, None, "{line}: {replay}");
    drop(kit);
    end.into_inner()
}

#[test]
fn each_kind_of_fault_does_what_its_word_says() {
    let good = ["effect", "Ok(())", "Ok(())"];
    for (line, first) in [
        ("clean", vec![]),
        ("crash-before@1", vec![]),
        ("crash-after@1", vec!["effect"]),
        ("crash-before@2", vec!["effect", "Ok(())"]),
        ("err-unsent@1", vec!["Err(Unsent)", "Ok(())"]),
        ("err-lost@1", vec!["effect", "Err(Lost)", "Ok(())"]),
        ("err-lost@2", vec!["effect", "Ok(())", "Err(Lost)"]),
        ("rate-limited=30@1", vec!["Err(RateLimited(30s))", "Ok(())"]),
        ("hang@1", vec![]),
        ("hang-lost@1", vec!["effect"]),
        ("drop@1", vec![]),
        ("drop@2", vec!["effect"]),
        ("drop@3", vec!["effect", "Ok(())"]),
        ("drop@4", vec!["effect", "Ok(())"]),
        ("drop@5", good.to_vec()),
        ("drop@6", vec![]),
        ("err-lost@9", vec![]),
        ("err-unsent@1,err-lost@2", vec!["Err(Unsent)", "Err(Lost)"]),
        ("crash-after@1,crash-after@2", vec!["effect", "effect"]),
    ] {
        let mut expected = first;
        expected.extend(good);
        assert_eq!(after(line, write_and_read), expected, "{line}");
    }
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn an_effect_that_takes_several_polls_can_be_cut() {
    let pass = async |world: &Log, faults: Faults| {
        let effect = async |_| {
            log(world, "begun");
            yield_now().await;
            log(world, "done");
        };
        faults.around(WRITE, effect).await.is_ok()
    };
    assert_eq!(after("drop@2", pass), ["begun", "begun", "done"]);
    assert_eq!(after("drop@3", pass), ["begun", "done", "begun", "done"]);
    assert_eq!(after("crash-after@1", pass), ["begun", "done", "begun", "done"]);
}

#[test]
fn every_await_edge_is_a_crash_point() {
    let seen = RefCell::new(BTreeSet::new());
    let kit = Kit::new(Log::default, async |world: &Log, faults: Faults| {
        for step in ["a", "b", "c"] {
            faults.call(WRITE, || log(world, step)).await?;
        }
        Ok::<_, Fault>(true)
    })
    .with_pairs(Pairs::None)
    .with_quiet_passes(0)
    .with_safety(|world| {
        seen.borrow_mut().insert(world.borrow().concat());
        Ok(())
    });
    let report = kit.explore();
    report.assert_clean();
    assert_eq!((report.calls, report.polls), (3, 7));
    // After each crash, the passes begin anew: every prefix is followed by the whole.
    for crashed in ["aabc", "ababc", "abcabc"] {
        assert!(seen.borrow().contains(crashed), "{crashed}: {seen:?}");
    }
}

#[test]
fn a_call_that_hangs_meets_the_timeout_around_it() {
    let pass = async |world: &Log, faults: Faults| {
        let call = std::pin::pin!(faults.call(WRITE, || log(world, "effect")));
        let timeout = std::pin::pin!(faults.sleep(Duration::from_secs(30)));
        match select(call, timeout).await {
            Either::Left((made, _)) => made.is_ok(),
            Either::Right(((), _)) => {
                log(world, format!("timeout at {:?}", faults.now()));
                false
            }
        }
    };
    assert_eq!(after("clean", pass), ["effect"]);
    assert_eq!(after("hang@1", pass), ["timeout at 30s", "effect"]);
    assert_eq!(after("hang-lost@1,jump=60@p1", pass), ["effect", "timeout at 90s", "effect"]);
    let kit = Kit::new(Log::default, pass).with_quiet_passes(0);
    // With a timeout around the call, a hang is not the same as a crash: two kinds more.
    let report = kit.explore();
    assert_eq!((report.polls, report.points), (3, 3 + 5), "{report}");
}

#[test]
fn sleeping_takes_no_time_and_moves_the_clock() {
    let pass = async |world: &Log, faults: Faults| {
        let (short, long) = (faults.sleep(Duration::from_secs(5)), faults.sleep(Duration::from_secs(3600)));
        join(
            async {
                short.await;
                log(world, format!("{:?}", faults.now()))
            },
            long,
        )
        .await;
        log(world, format!("{:?}", faults.now()));
        true
    };
    assert_eq!(after("clean", pass), ["5s", "3600s"]);
    assert_eq!(after("jump=-60@p1", pass), ["5s", "3600s"]);
    // A pass in which the clock jumped is no clean one: another follows.
    assert_eq!(after("jump=100@1", pass), ["100s", "3600s", "3605s", "7200s"]);
}

#[test]
fn a_pass_that_waits_for_nothing_is_found() {
    let kit = Kit::new(|| (), async |(): &(), _faults: Faults| pending::<bool>().await);
    kit.explore().assert_finds(Reason::Stuck, "nothing wakes it");
}

#[test]
fn a_pass_that_never_ends_is_found() {
    let kit = Kit::new(
        || (),
        async |(): &(), faults: Faults| -> bool {
            loop {
                let _answer = faults.call(READ, || ()).await;
            }
        },
    );
    kit.with_poll_limit(500).explore().assert_finds(Reason::Endless, "more than 500 polls");
}

#[test]
fn a_panic_is_a_finding_with_its_plan() {
    let kit = Kit::new(
        || (),
        async |(): &(), faults: Faults| {
            if let Err(fault) = faults.call(WRITE, || ()).await {
                assert_ne!(fault, Fault::Lost, "I never thought of that");
            }
            true
        },
    );
    let report = kit.with_quiet_passes(0).explore();
    report.assert_finds(Reason::Panicked, "I never thought of that");
    assert_eq!(report.findings()[0].plans[0].to_string(), "err-lost@1");
}

#[test]
fn a_panic_while_it_is_dropped_is_a_finding() {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            panic!("I cannot be dropped");
        }
    }
    let kit = Kit::new(
        || (),
        async |(): &(), faults: Faults| {
            let guard = Guard;
            let _answer = faults.call(READ, || ()).await;
            std::mem::forget(guard);
            true
        },
    );
    kit.explore().assert_finds(Reason::Panicked, "when it was dropped: I cannot be dropped");
}

#[test]
fn what_outlives_a_crash_is_dead() {
    #[derive(Default)]
    struct World {
        kept: RefCell<Option<Faults>>,
        effects: Cell<u32>,
    }
    let kit = Kit::new(World::default, async |world: &World, faults: Faults| {
        let before = world.kept.replace(Some(faults.clone()));
        faults.call(WRITE, || ()).await?;
        if let Some(dead) = before {
            assert!(!dead.is_alive());
            assert_eq!(dead.call_sync(WRITE, |_| world.effects.set(1)), Err(Fault::Dead));
            let never = std::pin::pin!(dead.call(WRITE, || world.effects.set(1)));
            let late = std::pin::pin!(faults.sleep(Duration::from_secs(1)));
            assert!(matches!(select(never, late).await, Either::Right(_)));
        }
        Ok::<_, Fault>(Claim::Ready)
    })
    .with_quiet_passes(0)
    .with_goal(|world| if world.effects.get() == 0 { Ok(()) } else { Err("the dead wrote".into()) });
    for line in ["crash-after@1", "crash-before@1", "drop@2"] {
        let replay = replay(&kit, line);
        assert_eq!(replay.finding, None, "{line}: {replay}");
    }
}

/// What the first pass saw of a listing that can be bent, of a plain read, and of a job.
fn bent(line: &str) -> String {
    const LIST: Call = Call::read("GET /x").with_stale(2).with_pages();
    const JOB: Call = Call::write("POST /x").with_job();
    let first = RefCell::new(String::new());
    let pass = async |world: &RefCell<Versions<i32>>, faults: Faults| {
        for n in 1..=3 {
            faults.call(WRITE, || world.borrow_mut().update(|value| *value = n)).await?;
        }
        let value = |twist: Twist| (*world.borrow().behind(twist.stale()), twist.page_missing());
        let list = faults.call_with(LIST, value).await?;
        let plain = faults.call_with(READ, value).await?;
        let slow = faults.call_with(JOB, |twist| twist.slow()).await?;
        if first.borrow().is_empty() {
            first.replace(format!("{list:?} {plain:?} {slow}"));
        }
        Ok::<_, Fault>(true)
    };
    let kit = Kit::new(|| RefCell::new(Versions::new(0, 2)), pass).with_quiet_passes(0);
    assert_eq!(replay(&kit, line).finding, None);
    drop(kit);
    first.into_inner()
}

#[test]
fn answers_are_bent_only_where_the_call_allows_it() {
    for (line, seen) in [
        ("clean", "(3, false) (3, false) 0"),
        ("stale@4", "(2, false) (3, false) 0"),
        ("stale=2@4", "(1, false) (3, false) 0"),
        ("stale=9@4", "(1, false) (3, false) 0"),
        ("page-missing@4", "(3, true) (3, false) 0"),
        ("stale@5,page-missing@1,slow-job@2", "(3, false) (3, false) 0"),
        ("slow-job@6", "(3, false) (3, false) 3"),
        ("slow-job=7@6", "(3, false) (3, false) 7"),
    ] {
        assert_eq!(bent(line), seen, "{line}");
    }
}

#[test]
fn a_replay_shows_what_happened() {
    let kit = Kit::new(Log::default, write_and_read)
        .with_event("edit", |world, number| log(world, format!("edit {number}")))
        .with_goal(|world| if world.borrow().len() < 9 { Ok(()) } else { Err("too much was logged".into()) });
    let replay = replay(&kit, "err-lost@1,event:edit=4@p2");
    let text = replay.to_string();
    let expected = "\
pass 1, controller 0
  call 1, poll 2: PUT /x  <- err-lost
  call 2, poll 4: GET /x
  claims NotReady
event edit=4
pass 2, controller 0
  call 3, poll 7: PUT /x
  call 4, poll 9: GET /x
  claims Ready
pass 3, controller 0
  call 5, poll 12: PUT /x
  call 6, poll 14: GET /x
  claims Ready
dishonest: ready, but too much was logged";
    assert_eq!(text, expected, "{text}");
}
