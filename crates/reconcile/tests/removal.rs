//! Removing: what was seen goes, what is unknown stays, and the order is that of the data.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use futures::executor::block_on;
use reconcile::{Found, Gone, Observe, Observed, PassError, Removal, Remove, StepError, StepId, StepState, Verdict};
use support::{ABSENT, Calls, DRIFTED, PENDING, READY, Scripted, failed, foreign, held, step};

const GONE_WRONG: StepError = StepError::transient("reset");

#[test]
fn each_answer_leads_to_its_calls_and_its_state() {
    let config = StepError::config("has-volumes");
    let cases: [(&str, Scripted, &[&str], StepState); 9] = [
        ("gone already", step("a", [ABSENT]), &["look a"], StepState::Gone),
        ("removed", step("a", [READY, ABSENT]), &["look a", "remove a", "look a"], StepState::Gone),
        ("removed though drifted", step("a", [DRIFTED, ABSENT]), &["look a", "remove a", "look a"], StepState::Gone),
        (
            "answer lost",
            step("a", [READY, ABSENT]).failing(GONE_WRONG),
            &["look a", "remove a", "look a"],
            StepState::Gone,
        ),
        ("being removed", step("a", [PENDING]), &["look a"], StepState::Waiting(Duration::from_secs(5))),
        ("still there", step("a", [READY]), &["look a", "remove a", "look a"], StepState::NotYet(None)),
        ("not ours", step("a", [foreign()]), &["look a"], StepState::Foreign("them".into())),
        ("unknown", step("a", [failed(GONE_WRONG), ABSENT]), &["look a"], StepState::Unknown(GONE_WRONG)),
        ("refused", step("a", [READY, ABSENT]).failing(config), &["look a", "remove a"], StepState::Refused(config)),
    ];
    for (name, scripted, calls, state) in cases {
        let called = Calls::default();
        let removal = Removal::new("flow", ["a"]);
        let gone = block_on(removal.remove(&scripted, &called, &called)).is_some();
        let outcome = removal.finish();
        assert_eq!(called.all(), calls, "{name}");
        assert_eq!(outcome.step(&"a".into()).unwrap().state, state, "{name}");
        assert_eq!((gone, outcome.is_converged()), (state == StepState::Gone, state == StepState::Gone), "{name}");
    }
}

/// Goes only after what stands on it.
struct Base<'p> {
    scripted: Scripted,
    _upper: &'p Gone<'p, u32>,
}

impl Observe for Base<'_> {
    type Out = u32;
    type Read = Calls;

    fn id(&self) -> StepId {
        self.scripted.id()
    }

    async fn observe(&self, read: &Calls) -> Result<Observed<u32>, StepError> {
        self.scripted.observe(read).await
    }
}

impl Remove for Base<'_> {
    type Write = Calls;

    async fn remove(&self, write: &Calls, now: &u32) -> Result<(), StepError> {
        self.scripted.remove(write, now).await
    }
}

async fn teardown(removal: &Removal<'_>, upper: &Scripted, calls: &Calls) {
    if let Some(upper) = removal.remove(upper, calls, calls).await {
        let base = Base { scripted: step("base", [READY, ABSENT]), _upper: &upper };
        removal.remove(&base, calls, calls).await;
    }
}

#[test]
fn what_stands_on_it_goes_first() {
    let calls = Calls::default();
    let removal = Removal::new("flow", ["upper", "base"]);
    block_on(teardown(&removal, &step("upper", [READY, ABSENT]), &calls));
    assert!(removal.finish().is_converged());
    assert_eq!(calls.writes(), ["remove upper", "remove base"]);
}

#[test]
fn an_unknown_thing_keeps_what_it_stands_on_and_the_end() {
    let calls = Calls::default();
    let removal = Removal::new("flow", ["upper", "base"]);
    block_on(teardown(&removal, &step("upper", [failed(GONE_WRONG)]), &calls));
    let outcome = removal.finish();
    assert_eq!(calls.writes(), Vec::<String>::new());
    assert_eq!(outcome.verdict, Verdict::Failed { step: "upper".into(), error: GONE_WRONG });
    assert_eq!(held(&outcome), ["upper: unknown: reset (Transient)", "base: not reached"]);
}

#[test]
fn what_is_only_looked_at_and_still_there_holds_the_removal() {
    let cases = [
        ("ready", READY, Some(1), "still there", "blocked step=a"),
        ("drifted", DRIFTED, Some(2), "still there", "blocked step=a"),
        ("unknown", failed(GONE_WRONG), None, "unknown: reset (Transient)", "failed step=a error=reset (Transient)"),
    ];
    for (name, answer, here, state, verdict) in cases {
        let calls = Calls::default();
        let removal = Removal::new("flow", ["a"]);
        let thing = step("a", [answer]);
        let found = match block_on(removal.look(&thing, &calls)) {
            Some(Found::Here(now)) => Some(*now),
            Some(Found::Gone(_)) => panic!("{name}: it is there"),
            None => None,
        };
        let outcome = removal.finish();
        assert_eq!(found, here, "{name}");
        assert_eq!((outcome.verdict.to_string(), held(&outcome)), (verdict.to_owned(), vec![format!("a: {state}")]));
        assert_eq!(calls.writes(), Vec::<String>::new());
    }
    let removal = Removal::new("flow", ["a"]);
    assert!(matches!(block_on(removal.look(&step("a", [ABSENT]), &Calls::default())), Some(Found::Gone(_))));
    assert!(removal.finish().is_converged());
}

#[test]
fn what_is_read_may_stay_but_must_be_known() {
    let cases = [
        ("here", READY, Verdict::Converged),
        ("drifted", DRIFTED, Verdict::Converged),
        ("absent", ABSENT, Verdict::Converged),
        ("unknown", failed(GONE_WRONG), Verdict::Failed { step: "where/read".into(), error: GONE_WRONG }),
    ];
    for (name, answer, verdict) in cases {
        let calls = Calls::default();
        let removal = Removal::new("flow", ["a"]);
        block_on(async {
            let place = removal.read(&step("where", [answer]), &calls).await;
            assert_eq!(place.is_some(), verdict == Verdict::Converged, "{name}");
            removal.remove(&step("a", [READY, ABSENT]), &calls, &calls).await;
        });
        assert_eq!(removal.finish().verdict, verdict, "{name}");
        assert_eq!(calls.writes(), ["remove a"], "{name}");
    }
}

#[test]
fn what_is_read_can_be_removed_in_the_end() {
    let calls = Calls::default();
    let removal = Removal::new("flow", ["where"]);
    block_on(async {
        removal.read(&step("where", [READY]), &calls).await.unwrap();
        removal.remove(&step("where", [READY, ABSENT]), &calls, &calls).await.unwrap();
    });
    assert!(removal.finish().is_converged());
}

#[test]
fn a_plan_removes_nothing() {
    let calls = Calls::default();
    let removal = Removal::plan("flow", ["upper", "base"]);
    block_on(teardown(&removal, &step("upper", [READY, ABSENT]), &calls));
    let outcome = removal.finish();
    assert_eq!(calls.writes(), Vec::<String>::new());
    assert_eq!(outcome.verdict, Verdict::Planned { changes: 1 });
    assert_eq!(held(&outcome), ["upper: would remove", "base: not reached"]);
}

#[test]
fn mistakes_are_verdicts_here_too() {
    let calls = Calls::default();
    let removal = Removal::new("flow", ["a"]);
    block_on(removal.remove(&step("b", [READY, ABSENT]), &calls, &calls));
    assert_eq!(removal.finish().verdict, Verdict::Misused(PassError::NotInGoal("b".into())));
    assert_eq!(calls.all(), Vec::<String>::new());
}
