//! Conditions change when something changed, and only then.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, SystemTime};

use futures::executor::block_on;
use reconcile::{
    Observe, Observed, Outcome, Pass, StepError, StepId,
    conditions::{self, Changed, Condition, InvalidCondition, Status},
};

struct Says(&'static str, Result<Observed<()>, StepError>);

impl Observe for Says {
    type Out = ();
    type Read = ();

    fn id(&self) -> StepId {
        self.0.into()
    }

    async fn observe(&self, (): &()) -> Result<Observed<()>, StepError> {
        self.1.clone()
    }
}

fn outcome(answers: impl IntoIterator<Item = Result<Observed<()>, StepError>>) -> Outcome {
    let pass = Pass::new("flow", ["a", "b"]);
    for (id, answer) in ["a", "b"].into_iter().zip(answers) {
        block_on(pass.look(&Says(id, answer), &()));
    }
    pass.finish()
}

const READY: Result<Observed<()>, StepError> = Ok(Observed::Ready(()));

fn at(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + Duration::from_millis(millis)
}

fn all(conditions: &[Condition]) -> Vec<(&str, Status, &str)> {
    conditions.iter().map(|one| (one.kind.as_str(), one.status, one.reason.as_str())).collect()
}

#[test]
fn a_caller_adds_words_for_people() {
    let mut status = Vec::new();
    let blocked = outcome([READY, Ok(Observed::Absent)]);
    let words = "the SVM of another team has this name: ask them";
    for changed in [Changed::Flipped, Changed::No] {
        assert_eq!(conditions::report_in_words(&mut status, &blocked, false, None, at(0), &words), changed);
    }
    assert_eq!(status[0].message, format!("{words} ({blocked})"));
    assert_eq!(conditions::report(&mut status, &blocked, false, None, at(0)), Changed::Words);
    assert_eq!(status[0].message, blocked.to_string());
}

#[test]
fn a_plan_changes_nothing_whatever_its_verdict() {
    for answer in [READY, Ok(Observed::Absent), Err(StepError::needs_human("denied"))] {
        let mut status = Vec::new();
        let _ = conditions::report(&mut status, &outcome([READY, READY]), false, None, at(0));
        let before = status.clone();
        let plan = Pass::plan("flow", ["a", "never"]);
        block_on(plan.look(&Says("a", answer), &()));
        assert_eq!(conditions::report(&mut status, &plan.finish(), true, Some(2), at(5000)), Changed::No);
        assert_eq!(status, before);
    }
}

#[test]
fn each_outcome_has_its_three_conditions() {
    use Status::{False, True, Unknown};
    let transient = Err(StepError::transient("reset"));
    let config = Err(StepError::config("name-too-long"));
    let cases = [
        ("converged", outcome([READY, READY]), false, True, False, False, "Converged"),
        ("converged after a stall", outcome([READY, READY]), true, True, False, False, "Converged"),
        ("pending", outcome([READY, Ok(Observed::Pending(Duration::ZERO))]), false, False, True, False, "Progressing"),
        ("missing", outcome([READY, Ok(Observed::Absent)]), false, False, True, False, "Blocked"),
        ("nothing but a failed look", outcome([READY, transient.clone()]), false, Unknown, True, False, "Transient"),
        (
            "a failed look and what is wrong",
            outcome([Ok(Observed::Absent), transient]),
            false,
            False,
            True,
            False,
            "Transient",
        ),
        ("stalled", outcome([config, READY]), true, Unknown, False, True, "Config"),
        ("misused", outcome([READY]), true, False, False, True, "Misused"),
    ];
    for (what, outcome, stalled, ready, reconciling, is_stalled, reason) in cases {
        let mut status = Vec::new();
        let changed = conditions::report(&mut status, &outcome, stalled, Some(3), at(0));
        assert_eq!(changed, Changed::Flipped, "{what}");
        let expected =
            [("Ready", ready, reason), ("Reconciling", reconciling, reason), ("Stalled", is_stalled, reason)];
        assert_eq!(all(&status), expected, "{what}");
        assert!(status.iter().all(|one| one.observed_generation == Some(3)));
    }
}

#[test]
fn a_pass_that_ends_like_the_last_one_changes_nothing() {
    let pending = |seconds| outcome([READY, Ok(Observed::Pending(Duration::from_secs(seconds)))]);
    let mut status = Vec::new();
    assert!(conditions::report(&mut status, &pending(5), false, Some(1), at(0)).is_changed());
    let before = status.clone();
    for pass in 1..=10 {
        let changed = conditions::report(&mut status, &pending(5 + pass), false, Some(1), at(pass * 60_000));
        assert_eq!(changed, Changed::No, "pass {pass}");
    }
    assert_eq!(status, before);
    assert_eq!(status[0].message, "progressing; b: pending");
}

#[test]
fn the_transition_time_moves_on_a_flip_only_and_never_back() {
    let mut status = Vec::new();
    let set = |status: &mut Vec<Condition>, value, reason: &str, now| {
        conditions::set(status, Condition::new("Ready", value, reason, "").unwrap(), now)
    };
    assert_eq!(set(&mut status, Status::True, "Made", at(1_999)), Changed::Flipped);
    assert_eq!(status[0].last_transition_time, at(1_000), "whole seconds");
    assert_eq!(set(&mut status, Status::True, "Checked", at(60_000)), Changed::Words);
    assert_eq!(status[0].last_transition_time, at(1_000));
    assert_eq!(set(&mut status, Status::False, "Checked", at(70_000)), Changed::Flipped);
    assert_eq!(status[0].last_transition_time, at(70_000));
    assert_eq!(set(&mut status, Status::True, "Checked", at(10_000)), Changed::Flipped);
    assert_eq!(status[0].last_transition_time, at(70_000), "the clock went back, the condition did not");
    assert_eq!(status.len(), 1);
}

#[test]
fn a_new_generation_is_a_change_of_words() {
    let (mut status, done) = (Vec::new(), outcome([READY, READY]));
    let _ = conditions::report(&mut status, &done, false, Some(1), at(0));
    assert_eq!(conditions::report(&mut status, &done, false, Some(2), at(5_000)), Changed::Words);
    assert!(status.iter().all(|one| one.observed_generation == Some(2) && one.last_transition_time == at(0)));
}

#[test]
fn a_plan_changes_no_status() {
    let plan = Pass::plan("flow", ["a"]);
    let _ = block_on(plan.step(&Makes, &(), &()));
    let mut status = Vec::new();
    assert_eq!(conditions::report(&mut status, &plan.finish(), false, None, at(0)), Changed::No);
    assert!(status.is_empty());
}

struct Makes;

impl Observe for Makes {
    type Out = ();
    type Read = ();

    fn id(&self) -> StepId {
        "a".into()
    }

    async fn observe(&self, (): &()) -> Result<Observed<()>, StepError> {
        Ok(Observed::Absent)
    }
}

impl reconcile::Step for Makes {
    type Write = ();

    async fn apply(&self, (): &(), _: reconcile::Change<'_, ()>) -> Result<(), StepError> {
        panic!("a plan writes nothing")
    }
}

#[test]
fn other_conditions_are_left_alone() {
    let mut status = Vec::new();
    let _ = conditions::set(&mut status, Condition::new("example.com/Paid", Status::True, "Paid", "").unwrap(), at(0));
    let _ = conditions::report(&mut status, &outcome([READY, READY]), false, None, at(0));
    assert_eq!(all(&status)[0], ("example.com/Paid", Status::True, "Paid"));
    assert_eq!(status.len(), 4);
}

#[test]
fn it_reads_and_writes_what_kubernetes_does() {
    let text = r#"{"type":"Ready","status":"Unknown","observedGeneration":3,"lastTransitionTime":"2027-01-15T08:00:00Z","reason":"Transient","message":"m"}"#;
    let condition: Condition = serde_json::from_str(text).unwrap();
    assert_eq!(condition.last_transition_time, at(0));
    assert_eq!(serde_json::to_string(&condition).unwrap(), text);
    let without =
        r#"{"type":"Ready","status":"True","lastTransitionTime":"2027-01-15T08:00:00Z","reason":"R","message":""}"#;
    let condition: Condition = serde_json::from_str(without).unwrap();
    assert_eq!((condition.observed_generation, serde_json::to_string(&condition).unwrap().as_str()), (None, without));
}

#[test]
fn what_kubernetes_would_refuse_is_refused_here() {
    let long = "x".repeat(400);
    let new = |kind: &str, reason: &str| Condition::new(kind, Status::True, reason, "").map(|_| ());
    for kind in ["", "-Ready", "Ready-", "a/b/c", "/Ready", "Example.com/Ready", "a b", long.as_str()] {
        assert_eq!(new(kind, "R"), Err(InvalidCondition::Kind), "{kind}");
    }
    let long = "x".repeat(1025);
    for reason in ["", "1st", "No-Dash", "Ends:", "two words", long.as_str()] {
        assert_eq!(new("Ready", reason), Err(InvalidCondition::Reason), "{reason}");
    }
    for (kind, reason) in [("Ready", "R"), ("a-b.example.com/Is_ready.now", "No_such:svm,1")] {
        assert_eq!(new(kind, reason), Ok(()));
    }
    let message = "ä".repeat(40_000);
    assert_eq!(Condition::new("Ready", Status::True, "R", &message).unwrap().message.chars().count(), 32_768);
}
