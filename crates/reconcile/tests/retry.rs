//! When to try again, on a clock that the test turns.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use futures::executor::block_on;
use proptest::prelude::*;
use reconcile::{
    Change, Class, Gate, Observe, Observed, Outcome, Pass, RetryPolicy, RetryState, RetryTable, Step, StepError, StepId,
};

const KEY: &str = "object";

/// A thing that gives one answer.
#[derive(Debug, Clone)]
struct Says(Result<Observed<()>, StepError>);

impl Observe for Says {
    type Out = ();
    type Read = ();

    fn id(&self) -> StepId {
        "thing".into()
    }

    async fn observe(&self, (): &()) -> Result<Observed<()>, StepError> {
        self.0.clone()
    }
}

impl Step for Says {
    type Write = ();

    async fn apply(&self, (): &(), _: Change<'_, ()>) -> Result<(), StepError> {
        panic!("nothing here is to be written")
    }
}

fn outcome(answer: Result<Observed<()>, StepError>) -> Outcome {
    let pass = Pass::new("flow", ["thing"]);
    block_on(pass.look(&Says(answer), &()));
    pass.finish()
}

fn failed(class: Class) -> Outcome {
    outcome(Err(StepError::new(class, "failed")))
}

fn transient() -> Outcome {
    failed(Class::Transient)
}

fn converged() -> Outcome {
    outcome(Ok(Observed::Ready(())))
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Without the limit on all keys.
fn table() -> RetryTable<&'static str> {
    RetryTable::new(RetryPolicy::new().with_limit(Duration::ZERO, 1), 42)
}

#[test]
fn delays_double_up_to_the_cap_and_differ() {
    let bounds = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300];
    let mut drawn = Vec::new();
    for seed in 0..200 {
        let mut table = RetryTable::new(RetryPolicy::new().with_limit(Duration::ZERO, 1), seed);
        let mut now = at(0);
        for (failure, most) in bounds.into_iter().enumerate() {
            assert_eq!(table.gate(&KEY, 1, now), Gate::Run, "seed {seed}");
            let next = table.report(KEY, 1, &transient(), now);
            assert!(
                (seconds(1)..=seconds(most)).contains(&next.after),
                "seed {seed}, failure {failure}: {:?}",
                next.after
            );
            assert_eq!(next.failures as usize, failure + 1);
            now += next.after;
            if failure == 8 {
                drawn.push(next.after);
            }
        }
    }
    drawn.sort();
    let (least, middle, most) = (drawn[0], drawn[100], drawn[199]);
    assert!(least < seconds(15) && most > seconds(285), "{least:?} {most:?}");
    assert!((seconds(100)..seconds(200)).contains(&middle), "{middle:?}");
}

#[test]
fn an_early_trigger_neither_runs_nor_counts() {
    let mut table = table();
    assert_eq!(table.gate(&KEY, 1, at(0)), Gate::Run);
    let next = table.report(KEY, 1, &transient(), at(0));
    let before = table.get(&KEY).cloned();
    for _ in 0..1000 {
        assert_eq!(table.gate(&KEY, 1, at(0)), Gate::Wait(next.after));
    }
    assert_eq!(table.get(&KEY).cloned(), before);
    assert_eq!(table.gate(&KEY, 1, at(0) + next.after), Gate::Run);
}

#[test]
fn success_and_a_new_generation_reset_the_memory() {
    let mut table = table();
    for _ in 0..5 {
        let _ = table.report(KEY, 1, &transient(), at(0));
    }
    assert_eq!(table.gate(&KEY, 2, at(0)), Gate::Run);
    assert_eq!(table.report(KEY, 2, &transient(), at(0)).failures, 1);
    let next = table.report(KEY, 2, &converged(), at(1));
    assert_eq!((next.after, next.failures), (seconds(600), 0));
    assert_eq!(table.gate(&KEY, 2, at(1)), Gate::Run, "a trigger runs at once where nothing has failed");
    assert_eq!(table.report(KEY, 2, &transient(), at(2)).failures, 1);
}

#[test]
fn what_is_blocked_or_under_way_waits_flat_and_is_no_failure() {
    for (answer, after) in [
        (Ok(Observed::Absent), seconds(60)),
        (Ok(Observed::Foreign("them".into())), seconds(60)),
        (Ok(Observed::Pending(seconds(7))), seconds(7)),
        (Ok(Observed::Pending(Duration::ZERO)), seconds(1)),
        (Ok(Observed::Pending(Duration::MAX)), seconds(3600)),
    ] {
        let mut table = table();
        for n in 0..20 {
            let next = table.report(KEY, 1, &outcome(answer.clone()), at(n));
            assert_eq!((next.after, next.failures, next.stalled), (after, 0, None), "{answer:?}");
            assert_eq!(table.gate(&KEY, 1, at(n)), Gate::Wait(seconds(1)), "a pass must not trigger itself");
            assert_eq!(table.gate(&KEY, 1, at(n + 1)), Gate::Run, "a trigger may say that it is time");
        }
    }
}

#[test]
fn a_server_that_asks_for_time_gets_it_within_reason() {
    for (asked, least, most) in [(30, 30, 30), (7200, 3600, 3600), (0, 1, 2)] {
        let mut table = table();
        let next = table.report(KEY, 1, &failed(Class::RateLimited(seconds(asked))), at(0));
        assert!((seconds(least)..=seconds(most)).contains(&next.after), "{asked}: {:?}", next.after);
    }
}

#[test]
fn ten_failures_stall_once_and_attempts_go_on() {
    let mut table = table();
    let mut now = at(0);
    let mut stalled = Vec::new();
    for attempt in 1..=50 {
        assert_eq!(table.gate(&KEY, 1, now), Gate::Run);
        let next = table.report(KEY, 1, &transient(), now);
        assert!(next.after <= seconds(300));
        stalled.extend(next.stalled.map(|stalled| (attempt, stalled.failures, stalled.code, stalled.since)));
        now += next.after;
    }
    assert_eq!(stalled, [(10, 10, "failed", at(0))]);
    assert!(table.get(&KEY).unwrap().stalled);
    let _ = table.report(KEY, 1, &converged(), now);
    assert!(!table.get(&KEY).unwrap().stalled);
}

#[test]
fn half_an_hour_without_success_stalls_though_nothing_failed() {
    let mut table = table();
    let pending = outcome(Ok(Observed::Pending(seconds(60))));
    let stalls: Vec<u64> =
        (0..60).filter(|minute| table.report(KEY, 1, &pending, at(minute * 60)).stalled.is_some()).collect();
    assert_eq!(stalls, [30]);
}

#[test]
fn a_permanent_error_stalls_at_once_and_is_looked_at_every_hour() {
    for class in [Class::Config, Class::NeedsHuman] {
        let mut table = table();
        let next = table.report(KEY, 1, &failed(class), at(0));
        assert_eq!((next.after, next.stalled.map(|stalled| stalled.step)), (seconds(3600), Some(Some("thing".into()))));
        assert_eq!(table.gate(&KEY, 1, at(3599)), Gate::Wait(seconds(1)));
        assert_eq!(table.gate(&KEY, 1, at(3600)), Gate::Run);
        assert_eq!(table.report(KEY, 1, &failed(class), at(3600)).stalled, None);
        assert_eq!(table.gate(&KEY, 2, at(3601)), Gate::Run, "somebody changed the specification");
    }
}

#[test]
fn a_flow_that_is_wrong_stalls_at_once() {
    let next = table().report(KEY, 1, &Pass::new("flow", ["never"]).finish(), at(0));
    assert_eq!(next.stalled.map(|stalled| stalled.code), Some("goal-never-reached"));
}

#[test]
fn a_plan_is_no_attempt_whatever_its_verdict() {
    let mut table = table();
    let _ = table.report(KEY, 1, &transient(), at(0));
    let before = table.get(&KEY).cloned();
    let answers = [
        Ok(Observed::Absent),
        Ok(Observed::Ready(())),
        Ok(Observed::Pending(seconds(5))),
        Ok(Observed::Foreign("them".into())),
        Err(StepError::needs_human("denied")),
    ];
    for answer in answers {
        let plan = Pass::plan("flow", ["thing"]);
        block_on(plan.step(&Says(answer.clone()), &(), &()));
        let outcome = plan.finish();
        assert!(outcome.is_plan());
        assert_eq!(table.report(KEY, 1, &outcome, at(10)).stalled, None, "{answer:?}");
        assert_eq!(table.report("another", 1, &outcome, at(10)).stalled, None, "{answer:?}");
        assert_eq!((table.get(&KEY).cloned(), table.get(&"another")), (before.clone(), None), "{answer:?}");
    }
}

#[test]
fn a_clock_that_goes_back_is_said_once_and_nothing_runs_on_it() {
    let mut table = table();
    for _ in 0..12 {
        let _ = table.report(KEY, 1, &transient(), at(100_000));
    }
    let left = match table.gate(&KEY, 1, at(100_000)) {
        Gate::Wait(left) => left,
        other => panic!("{other:?}"),
    };
    assert_eq!(table.gate(&KEY, 1, at(10)), Gate::ClockWentBack { by: seconds(99_990), wait: left });
    assert_eq!(table.gate(&KEY, 1, at(10)), Gate::Wait(left));
    assert_eq!(table.gate(&KEY, 1, at(10) + left), Gate::Run);
    assert_eq!(table.get(&KEY).unwrap().failures, 12, "nothing is forgotten");
}

#[test]
fn a_clock_that_goes_back_during_a_pass_loses_no_outcome() {
    let mut table = table();
    let _ = table.report(KEY, 1, &transient(), at(100_000));
    let next = table.report(KEY, 1, &transient(), at(10));
    assert_eq!(next.failures, 2);
    assert_eq!(table.gate(&KEY, 1, at(10) + next.after), Gate::Run);
}

#[test]
fn a_memory_from_the_future_waits_no_longer_than_the_longest_delay() {
    let mut table = table();
    let text = r#"{"failures":3,"last":"2070-01-01T00:00:00Z","notBefore":"2090-01-01T00:00:00Z","generation":1}"#;
    table.restore(KEY, serde_json::from_str(text).unwrap());
    let Gate::ClockWentBack { wait, .. } = table.gate(&KEY, 1, at(0)) else { panic!("it must be noticed") };
    assert_eq!(wait, seconds(3600));
}

#[test]
fn a_memory_that_says_too_long_is_corrected_and_the_key_runs_in_time() {
    let mut table = table();
    let text = r#"{"failures":3,"last":"2026-01-01T00:00:00Z","notBefore":"2926-01-01T00:00:00Z","generation":1}"#;
    table.restore(KEY, serde_json::from_str(text).unwrap());
    assert_eq!(table.gate(&KEY, 1, at(0)), Gate::Wait(seconds(3600)));
    assert_eq!(table.gate(&KEY, 1, at(3599)), Gate::Wait(seconds(1)));
    assert_eq!(table.gate(&KEY, 1, at(3600)), Gate::Run);
}

#[test]
fn a_clock_that_is_set_right_does_not_stall() {
    let mut table = table();
    let pending = outcome(Ok(Observed::Pending(seconds(5))));
    let boot = SystemTime::UNIX_EPOCH + seconds(10);
    assert_eq!(table.report(KEY, 1, &pending, boot).stalled, None);
    assert_eq!(table.report(KEY, 1, &pending, at(0)).stalled, None, "it was 1970 a moment ago");
    let stalls: Vec<u64> =
        (1..60).filter(|minute| table.report(KEY, 1, &pending, at(minute * 60)).stalled.is_some()).collect();
    assert!(matches!(stalls[..], [20..=30]), "half an hour of passes stalls all the same: {stalls:?}");
}

#[test]
fn a_watcher_that_is_behind_neither_resets_nor_runs() {
    let mut table = table();
    let (mut runs, mut now) = (0, at(0));
    for n in 0..400 {
        let generation = if n % 2 == 0 { 2 } else { 1 };
        if table.gate(&KEY, generation, now) == Gate::Run {
            runs += 1;
            let _ = table.report(KEY, generation, &transient(), now);
        }
        now += seconds(1);
    }
    let state = table.get(&KEY).unwrap();
    assert_eq!((state.failures, state.generation), (runs, 2));
    assert!(runs < 20, "{runs} passes in 400 s");
    assert_eq!(table.gate(&KEY, 3, now), Gate::Run, "a newer one still does");
}

#[test]
fn what_holds_for_a_while_is_looked_at_in_time() {
    for (holds, after) in [(None, 600), (Some(90), 90), (Some(0), 1), (Some(86_400), 600)] {
        let pass = Pass::new("flow", ["backup"]);
        block_on(pass.look(&Backup(holds.map(seconds)), &()));
        let outcome = pass.finish();
        assert!(outcome.is_converged());
        assert_eq!(outcome.delay(), holds.map(seconds));
        assert_eq!(table().report(KEY, 1, &outcome, at(0)).after, seconds(after), "{holds:?}");
    }
}

/// It is young enough for so long.
struct Backup(Option<Duration>);

impl Observe for Backup {
    type Out = Duration;
    type Read = ();

    fn id(&self) -> StepId {
        "backup".into()
    }

    fn recheck(&self, young_for: &Duration) -> Option<Duration> {
        self.0.map(|_| *young_for)
    }

    async fn observe(&self, (): &()) -> Result<Observed<Duration>, StepError> {
        Ok(Observed::Ready(self.0.unwrap_or_default()))
    }
}

#[test]
fn whoever_waits_for_the_limit_is_told_a_time_of_his_own() {
    let mut table = RetryTable::new(RetryPolicy::new(), 1);
    let mut due: BTreeMap<SystemTime, Vec<u32>> = BTreeMap::from([(at(0), (0..2000).collect())]);
    let (mut asked, mut told) = (0, BTreeSet::new());
    let mut last = at(0);
    while let Some((now, keys)) = due.pop_first() {
        for key in keys {
            asked += 1;
            match table.gate(&key, 1, now) {
                Gate::Run => last = now,
                Gate::Wait(wait) => {
                    assert!(wait <= seconds(300), "{wait:?}");
                    told.extend((now == at(0)).then_some(wait));
                    due.entry(now + wait).or_default().push(key);
                }
                gate => panic!("{gate:?}"),
            }
        }
    }
    assert_eq!(told.len(), 1900, "all different");
    assert!(asked < 2 * 2000, "nobody asks often: {asked}");
    assert!(last <= at(191), "and all run as soon as the limit allows: {last:?}");
}

#[test]
fn all_keys_together_keep_the_limit() {
    let mut table = RetryTable::new(RetryPolicy::new(), 1);
    let runs = |table: &mut RetryTable<u32>, now| (0..1000).filter(|key| table.gate(key, 1, now) == Gate::Run).count();
    assert_eq!((0..100).filter(|key| table.gate(key, 1, at(0)) == Gate::Run).count(), 100);
    assert_eq!(table.gate(&0, 1, at(0)), Gate::Wait(Duration::from_millis(100)));
    assert_eq!(runs(&mut table, at(0)), 0);
    assert_eq!(runs(&mut table, at(1)), 10);
    assert_eq!(runs(&mut table, at(1000)), 100);
    assert_eq!(runs(&mut table, at(0)), 0, "a clock that goes back makes no tokens");
    assert_eq!(runs(&mut table, at(1)), 10, "nor does it take them for long");
}

#[test]
fn the_memory_survives_a_restart() {
    let mut before = table();
    for n in 0..11 {
        let _ = before.report(KEY, 7, &transient(), at(n) + Duration::from_millis(5));
    }
    let text = serde_json::to_string(before.get(&KEY).unwrap()).unwrap();
    assert!(text.contains(r#""failingSince":"2027-01-15T08:00:00.005Z""#), "{text}");
    let mut after = table();
    after.restore(KEY, serde_json::from_str(&text).unwrap());
    assert_eq!(after.get(&KEY), before.get(&KEY));
    assert_eq!(after.report(KEY, 7, &transient(), at(400)).stalled, None, "it was said before the restart");
    assert_eq!(after.iter().count(), 1);
    after.forget(&KEY);
    assert_eq!(after.gate(&KEY, 7, at(0)), Gate::Run);
}

#[test]
fn a_damaged_memory_is_an_error() {
    for text in ["{}", r#"{"failures":1,"last":"yesterday","notBefore":"2090-01-01T00:00:00Z","generation":1}"#] {
        assert!(serde_json::from_str::<RetryState>(text).is_err(), "{text}");
    }
}

/// What can happen to a table.
#[derive(Debug, Clone)]
enum Happens {
    Trigger,
    Ends(Outcome),
    Forward(u64),
    Back(u64),
    Edit,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        Just(Happens::Trigger),
        any::<u64>().prop_map(|time| Happens::Ends(outcome(Ok(Observed::Pending(Duration::from_secs(time)))))),
        any::<u64>().prop_map(|time| Happens::Ends(failed(Class::RateLimited(Duration::from_secs(time))))),
        Just(Happens::Ends(transient())),
        Just(Happens::Ends(failed(Class::Config))),
        Just(Happens::Ends(converged())),
        (0..10_000_u64).prop_map(Happens::Forward),
        (0..1_000_000_u64).prop_map(Happens::Back),
        Just(Happens::Edit),
    ]
}

proptest! {
    /// Whatever happens: nothing waits longer than the longest delay, what waits runs then, and it is stalled once between two
    /// successes.
    #[test]
    fn nothing_is_held_for_longer_than_the_longest_delay(seed: u64, history in prop::collection::vec(happens(), 1..80)) {
        let mut table = RetryTable::new(RetryPolicy::new().with_limit(Duration::ZERO, 1), seed);
        let (mut now, mut generation, mut stalled) = (at(10_000_000), 1, false);
        for event in history {
            match event {
                Happens::Forward(by) => now += seconds(by),
                Happens::Back(by) => now -= seconds(by),
                Happens::Edit => (generation, stalled) = (generation + 1, false),
                Happens::Ends(outcome) => {
                    stalled &= !outcome.is_converged();
                    let next = table.report(KEY, generation, &outcome, now);
                    prop_assert!(next.after <= seconds(3600), "{next:?}");
                    prop_assert!(!(stalled && next.stalled.is_some()), "stalled twice");
                    stalled |= next.stalled.is_some();
                }
                Happens::Trigger => match table.gate(&KEY, generation, now) {
                    Gate::Wait(wait) | Gate::ClockWentBack { wait, .. } => {
                        prop_assert!(wait <= seconds(3600), "{wait:?}");
                        prop_assert_eq!(table.gate(&KEY, generation, now + wait), Gate::Run);
                    }
                    gate => prop_assert_eq!(gate, Gate::Run),
                },
            }
        }
    }
}
