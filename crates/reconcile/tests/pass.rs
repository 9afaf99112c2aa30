//! What a pass does with each answer, and what it says of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::executor::block_on;
use reconcile::{
    BoxFuture, Class, Observed, Outcome, Pass, PassError, Seen, StepError, StepId, StepState, Timer, Verdict,
};
use support::{ABSENT, Calls, DRIFTED, Look, Noted, PENDING, READY, Scripted, failed, foreign, held, step};

const GONE_WRONG: StepError = StepError::transient("reset");

fn run(scripted: &Scripted) -> (Outcome, Vec<String>) {
    let calls = Calls::default();
    let pass = Pass::new("flow", [scripted.id.clone()]);
    block_on(pass.step(scripted, &calls, &calls));
    (pass.finish(), calls.all())
}

#[test]
fn each_answer_leads_to_its_calls_and_its_state() {
    let limited = StepError::rate_limited("slow-down", Duration::from_secs(9));
    let config = StepError::config("name-too-long");
    let human = StepError::needs_human("no-permission");
    let cases: [(&str, Scripted, &[&str], StepState); 15] = [
        ("there", step("a", [READY]), &["look a"], StepState::Ready),
        ("made", step("a", [ABSENT, READY]), &["look a", "create a", "look a"], StepState::Ready),
        ("mended", step("a", [DRIFTED, READY]), &["look a", "fix a size", "look a"], StepState::Ready),
        ("pending", step("a", [PENDING]), &["look a"], StepState::Waiting(Duration::from_secs(5))),
        (
            "being made",
            step("a", [ABSENT, PENDING]),
            &["look a", "create a", "look a"],
            StepState::Waiting(Duration::from_secs(5)),
        ),
        ("foreign", step("a", [foreign()]), &["look a"], StepState::Foreign("them".into())),
        (
            "made by others meanwhile",
            step("a", [ABSENT, foreign()]),
            &["look a", "create a", "look a"],
            StepState::Foreign("them".into()),
        ),
        ("not yet seen", step("a", [ABSENT]), &["look a", "create a", "look a"], StepState::NotYet(None)),
        ("mended in vain", step("a", [DRIFTED]), &["look a", "fix a size", "look a"], StepState::NotYet(None)),
        (
            "answer lost, made",
            step("a", [ABSENT, READY]).failing(GONE_WRONG),
            &["look a", "create a", "look a"],
            StepState::Ready,
        ),
        (
            "answer lost, not made",
            step("a", [ABSENT]).failing(GONE_WRONG),
            &["look a", "create a", "look a"],
            StepState::NotYet(Some(GONE_WRONG)),
        ),
        (
            "made, then unknown",
            step("a", [ABSENT, failed(GONE_WRONG)]),
            &["look a", "create a", "look a"],
            StepState::Unknown(GONE_WRONG),
        ),
        (
            "rate limited",
            step("a", [ABSENT, READY]).failing(limited),
            &["look a", "create a"],
            StepState::Refused(limited),
        ),
        ("refused", step("a", [ABSENT, READY]).failing(config), &["look a", "create a"], StepState::Refused(config)),
        ("denied", step("a", [ABSENT, READY]).failing(human), &["look a", "create a"], StepState::Refused(human)),
    ];
    for (name, scripted, calls, state) in cases {
        let (outcome, called) = run(&scripted);
        assert_eq!(called, calls, "{name}");
        assert_eq!(outcome.step(&"a".into()).unwrap().state, state, "{name}");
        assert_eq!(outcome.is_converged(), state == StepState::Ready, "{name}");
        assert_eq!(outcome.writes() as usize, called.len() - called.iter().filter(|call| *call == "look a").count());
    }
}

#[test]
fn a_failed_look_never_writes_whatever_its_class() {
    let after = Duration::from_secs(1);
    for class in [Class::Transient, Class::RateLimited(after), Class::Conflict, Class::Config, Class::NeedsHuman] {
        // Were it taken for absence, the look after the write would be ready.
        let error = StepError::new(class, "no-answer");
        let (outcome, calls) = run(&step("a", [failed(error), READY]));
        assert_eq!(calls, ["look a"], "{class:?}");
        assert_eq!(outcome.verdict, Verdict::Failed { step: "a".into(), error }, "{class:?}");
    }
}

#[test]
fn a_step_behind_a_held_one_is_not_reached_and_others_are() {
    block_on(async {
        let calls = Calls::default();
        let pass = Pass::new("flow", ["svm", "lif", "other"]);
        if pass.step(&step("svm", [failed(GONE_WRONG)]), &calls, &calls).await.is_some() {
            pass.step(&step("lif", [ABSENT, READY]), &calls, &calls).await;
        }
        pass.step(&step("other", [ABSENT, READY]), &calls, &calls).await;
        let outcome = pass.finish();
        assert_eq!(calls.all(), ["look svm", "look other", "create other", "look other"]);
        assert_eq!(held(&outcome), ["svm: unknown: reset (Transient)", "lif: not reached"]);
        assert_eq!(outcome.verdict, Verdict::Failed { step: "svm".into(), error: GONE_WRONG });
    });
}

#[test]
fn a_plan_writes_nothing_and_says_what_would_be_done() {
    block_on(async {
        let calls = Calls::default();
        let pass = Pass::plan("flow", ["ready", "absent", "drifted", "behind"]);
        pass.step(&step("ready", [READY]), &calls, &calls).await;
        if pass.step(&step("absent", [ABSENT, READY]), &calls, &calls).await.is_some() {
            pass.step(&step("behind", [READY]), &calls, &calls).await;
        }
        pass.step(&step("drifted", [DRIFTED, READY]), &calls, &calls).await;
        let outcome = pass.finish();
        assert_eq!(calls.writes(), Vec::<String>::new());
        assert_eq!(outcome.writes(), 0);
        assert_eq!(outcome.verdict, Verdict::Planned { changes: 2 });
        assert_eq!(held(&outcome), ["absent: would create", "drifted: would fix size", "behind: not reached"]);
        assert_eq!((outcome.exit_code(), outcome.delay()), (2, None));
    });
}

#[test]
fn a_plan_of_what_is_done_says_so() {
    block_on(async {
        let calls = Calls::default();
        let pass = Pass::plan("flow", ["ready"]);
        assert!(pass.is_plan());
        pass.step(&step("ready", [READY]), &calls, &calls).await;
        assert_eq!(pass.finish().verdict, Verdict::Converged);
    });
}

#[test]
fn what_is_only_looked_at_is_never_written_and_blocks() {
    let cases: [(Look, StepState); 6] = [
        (READY, StepState::Ready),
        (ABSENT, StepState::Missing),
        (DRIFTED, StepState::Drifted("size")),
        (PENDING, StepState::Waiting(Duration::from_secs(5))),
        (foreign(), StepState::Foreign("them".into())),
        (failed(GONE_WRONG), StepState::Unknown(GONE_WRONG)),
    ];
    for (look, state) in cases {
        let calls = Calls::default();
        let pass = Pass::new("flow", ["theirs"]);
        let seen = block_on(pass.look(&step("theirs", [look]), &calls)).is_some();
        assert_eq!(seen, state == StepState::Ready);
        let outcome = pass.finish();
        assert_eq!(outcome.step(&"theirs".into()).unwrap().state, state);
        assert_eq!(calls.all(), ["look theirs"]);
    }
}

/// Runs one step of each, under the goal.
fn misuse(goal: &[&'static str], steps: &[&'static str]) -> (Outcome, Vec<String>) {
    let calls = Calls::default();
    let pass = Pass::new("flow", goal.iter().copied());
    for id in steps {
        block_on(pass.step(&step(id, [ABSENT, READY]), &calls, &calls));
    }
    (pass.finish(), calls.writes())
}

#[test]
fn mistakes_in_a_flow_are_verdicts_and_nothing_is_applied_from_then_on() {
    type Ids = &'static [&'static str];
    let cases: [(Ids, Ids, PassError, Ids); 5] = [
        (&["a"], &["stranger", "a"], PassError::NotInGoal("stranger".into()), &[]),
        (&["a", "b"], &["a", "a", "b"], PassError::DuplicateStep("a".into()), &["create a"]),
        (&["a", "a"], &["a"], PassError::DuplicateGoal("a".into()), &[]),
        (&[], &["a"], PassError::EmptyGoal, &[]),
        (&["a", "b"], &["a"], PassError::NeverReached("b".into()), &["create a"]),
    ];
    for (goal, steps, error, writes) in cases {
        let (outcome, written) = misuse(goal, steps);
        assert_eq!(outcome.verdict, Verdict::Misused(error.clone()), "{goal:?} {steps:?}");
        assert_eq!(written, writes, "{error}");
        assert_eq!((outcome.is_converged(), outcome.exit_code(), outcome.code()), (false, 7, error.code()));
        let told = error.to_string();
        assert!(error.step().is_none_or(|step| told.contains(step.as_str())), "{told}");
    }
}

#[test]
fn a_step_that_started_before_the_mistake_does_not_write_after_it() {
    let calls = Calls::default();
    let pass = Pass::new("flow", ["a"]);
    let first = step("a", [ABSENT, READY]);
    {
        let mut running = pin!(pass.step(&first, &calls, &calls));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(running.as_mut().poll(&mut cx).is_pending(), "it waits for its look");
        block_on(pass.step(&step("a", [READY]), &calls, &calls));
        assert!(matches!(running.as_mut().poll(&mut cx), Poll::Ready(None)));
    }
    assert_eq!(calls.all(), ["look a"]);
    assert_eq!(pass.finish().verdict, Verdict::Misused(PassError::DuplicateStep("a".into())));
}

#[test]
fn a_step_that_was_dropped_is_not_done() {
    for polls in 1..4 {
        let calls = Calls::default();
        let pass = Pass::new("flow", ["a"]);
        {
            let scripted = step("a", [ABSENT, READY]).slow(1);
            let mut running = pin!(pass.step(&scripted, &calls, &calls));
            let mut cx = Context::from_waker(Waker::noop());
            (0..polls).for_each(|_| assert!(running.as_mut().poll(&mut cx).is_pending()));
        }
        let outcome = pass.finish();
        assert_eq!(outcome.step(&"a".into()).unwrap().state, StepState::Interrupted, "after {polls} polls");
        assert_eq!(outcome.writes() as usize, calls.writes().len(), "after {polls} polls");
        assert_eq!(outcome.code(), "interrupted");
    }
}

/// A time that has always passed already.
#[derive(Debug)]
struct Elapsed;

impl Timer for Elapsed {
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A time that never passes.
#[derive(Debug)]
struct Forever;

impl Timer for Forever {
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

#[test]
fn a_look_that_takes_too_long_is_unknown() {
    let calls = Calls::default();
    let limited = step("a", [ABSENT, READY]).with_timeout(Duration::from_secs(1));
    let pass = Pass::new("flow", ["a"]).with_timer(&Elapsed);
    assert!(block_on(pass.step(&limited, &calls, &calls)).is_none());
    assert_eq!(pass.finish().step(&"a".into()).unwrap().state, StepState::Unknown(StepError::transient("timeout")));
    assert_eq!(calls.all(), ["look a"]);

    let pass = Pass::new("flow", ["a"]).with_timer(&Forever);
    assert!(block_on(pass.step(&limited, &calls, &calls)).is_some());
}

#[test]
fn a_timeout_without_a_timer_is_a_mistake_and_no_timeout_needs_none() {
    let calls = Calls::default();
    let pass = Pass::new("flow", ["a"]);
    block_on(pass.step(&step("a", [ABSENT]).with_timeout(Duration::from_secs(1)), &calls, &calls));
    assert_eq!(calls.all(), Vec::<String>::new());
    assert_eq!(pass.finish().verdict, Verdict::Misused(PassError::NoTimer("a".into())));
}

#[test]
fn a_pass_has_a_timeout_for_steps_that_state_none() {
    let calls = Calls::default();
    let pass = Pass::new("flow", ["a"]).with_timer(&Elapsed).with_timeout(Duration::from_secs(30));
    block_on(pass.step(&step("a", [ABSENT, READY]), &calls, &calls));
    let state = StepState::Unknown(StepError::transient("timeout"));
    assert_eq!(pass.finish().step(&"a".into()).unwrap().state, state);

    let pass = Pass::new("flow", ["a"]).with_timeout(Duration::from_secs(30));
    assert!(block_on(pass.step(&step("a", [ABSENT]), &calls, &calls)).is_none());
    assert_eq!(pass.finish().verdict, Verdict::Misused(PassError::NoTimer("a".into())));
}

#[test]
fn the_verdict_tells_the_worst_and_never_more_than_was_seen() {
    let transient = failed(StepError::transient("reset"));
    let human = failed(StepError::needs_human("denied"));
    type Told = (&'static str, Option<Duration>, u8);
    let cases: [(&str, [Look; 2], Told); 8] = [
        ("all ready", [READY, READY], ("converged", None, 0)),
        ("one waits", [READY, PENDING], ("progressing", Some(Duration::from_secs(5)), 3)),
        ("one was made and is not seen", [PENDING, ABSENT], ("progressing", Some(Outcome::SOON), 3)),
        ("one is foreign", [foreign(), READY], ("blocked step=0", Some(Outcome::BLOCKED), 4)),
        ("blocked, and one waits", [foreign(), PENDING], ("blocked step=0", Some(Duration::from_secs(5)), 4)),
        (
            "one failed",
            [foreign(), transient.clone()],
            ("failed step=1 error=reset (Transient)", Some(Outcome::SOON), 5),
        ),
        (
            "two failed alike",
            [failed(GONE_WRONG), failed(StepError::transient("late"))],
            ("failed step=0 error=reset (Transient)", Some(Outcome::SOON), 5),
        ),
        ("two failed", [transient, human], ("failed step=1 error=denied (NeedsHuman)", None, 6)),
    ];
    for (name, looks, (verdict, delay, exit)) in cases {
        let calls = Calls::default();
        let ids = ["0", "1"];
        let pass = Pass::new("flow", ids);
        for (id, look) in ids.into_iter().zip(looks) {
            block_on(pass.step(&step(id, [look]), &calls, &calls));
        }
        let outcome = pass.finish();
        assert_eq!(outcome.verdict.to_string(), verdict, "{name}");
        assert_eq!((outcome.delay(), outcome.exit_code()), (delay, exit), "{name}");
    }
}

#[test]
fn ten_forced_passes_over_what_is_done_write_nothing() {
    let calls = Calls::default();
    let (a, b) = (step("a", [ABSENT, READY]), step("b", [DRIFTED, READY]));
    let mut writes = Vec::new();
    for _ in 0..11 {
        let pass = Pass::new("flow", ["a", "b"]);
        block_on(pass.step(&a, &calls, &calls));
        block_on(pass.step(&b, &calls, &calls));
        let outcome = pass.finish();
        assert!(outcome.is_converged());
        writes.push(outcome.writes());
    }
    assert_eq!(writes, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(calls.writes(), ["create a", "fix b size"]);
}

#[test]
fn an_observer_is_told_everything_in_order() {
    let (calls, noted) = (Calls::default(), Noted::default());
    let pass = Pass::new("flow", ["a"]).with_observer(&noted);
    block_on(pass.step(&step("a", [ABSENT, READY]), &calls, &calls));
    assert!(pass.finish().is_converged());
    let told: Vec<String> = noted.all().iter().map(|event| event.split(" {").next().unwrap().to_owned()).collect();
    assert_eq!(
        told,
        [
            "flow: PassStarted",
            "flow: StepStarted",
            "flow: Observed",
            "flow: Applying",
            "flow: Applied",
            "flow: Observed",
            "flow: StepEnded",
            "flow: PassEnded"
        ]
    );
}

#[test]
fn passes_can_be_spawned() {
    fn send<T: Send>(future: T) -> T {
        future
    }
    let calls = Calls::default();
    let scripted = step("a", [READY]);
    let pass = Pass::new("flow", ["a"]);
    let seen: Option<Seen<'_, u32>> = block_on(send(pass.step(&scripted, &calls, &calls)));
    assert_eq!(seen.map(|seen| *seen), Some(1));
    assert!(pass.finish().is_converged());
}

#[test]
fn steps_that_do_not_need_each_other_run_at_once() {
    let calls = Calls::default();
    let pass = Pass::new("flow", ["a", "b"]);
    let (a, b) = (step("a", [ABSENT, READY]), step("b", [ABSENT, READY]));
    let both = block_on(futures::future::join(pass.step(&a, &calls, &calls), pass.step(&b, &calls, &calls)));
    assert!(both.0.is_some() && both.1.is_some());
    assert_eq!(calls.all(), ["look a", "look b", "create a", "look a", "create b", "look b"]);
    assert!(pass.finish().is_converged());
}

#[test]
fn a_plan_finds_a_mistake_before_anything_is_written() {
    let calls = Calls::default();
    let pass = Pass::plan("flow", ["a", "b"]);
    for id in ["a", "b", "a"] {
        block_on(pass.step(&step(id, [ABSENT, READY]), &calls, &calls));
    }
    assert_eq!(pass.finish().verdict, Verdict::Misused(PassError::DuplicateStep("a".into())));
    assert_eq!(calls.writes(), Vec::<String>::new());
}

#[test]
fn an_owner_is_short_and_one_line() {
    let long = "x".repeat(1000);
    let Observed::<()>::Foreign(owner) = Observed::Foreign(format!("a\nb{long}").into()) else { unreachable!() };
    assert_eq!(owner.as_str().chars().count(), 128);
    assert!(owner.as_str().starts_with("a\u{FFFD}bx"));
    assert_eq!(StepId::indexed("lif", 3).to_string(), "lif/3");
}

#[test]
fn http_statuses_have_classes() {
    let after = Duration::from_secs(7);
    let cases = [
        (400, Class::Config),
        (401, Class::NeedsHuman),
        (403, Class::NeedsHuman),
        (404, Class::Config),
        (408, Class::Transient),
        (409, Class::Conflict),
        (412, Class::Conflict),
        (422, Class::Config),
        (425, Class::Transient),
        (429, Class::RateLimited(Duration::from_secs(60))),
        (500, Class::Transient),
        (503, Class::Transient),
        (504, Class::Transient),
        (507, Class::NeedsHuman),
    ];
    for (status, class) in cases {
        assert_eq!(Class::of_http(status, None), class, "{status}");
    }
    assert_eq!(Class::of_http(429, Some(after)), Class::RateLimited(after));
    assert_eq!(Class::of_http(503, Some(after)), Class::RateLimited(after));
}
