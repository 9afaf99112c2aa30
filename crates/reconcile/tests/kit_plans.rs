//! A plan is one line of text, both ways.

use proptest::prelude::*;
use reconcile::testkit::{At, Item, Kit, Plan, What};

fn plan(line: &str) -> Plan {
    line.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn refused(line: &str) -> String {
    line.parse::<Plan>().expect_err(line).to_string()
}

#[test]
fn every_word_reads_as_it_prints() {
    let line = "race,drop@31,crash-before@1,crash-after@7,err-unsent@2,err-lost@3,hang@4,hang-lost@5,rate-limited=30@6,\
                stale=2@8,page-missing@9,slow-job=5@10,switch@12,jump=-60@40,jump=60@p2,event:delete-lif=3@p2,event:x@9";
    assert_eq!(plan(line).to_string(), line);
    assert_eq!(plan(line).items().len(), 16);
    assert!(plan(line).is_race());
    let of_calls = plan(line).items().iter().filter(|item| item.what.is_of_calls()).count();
    assert_eq!(of_calls, 10);
}

#[test]
fn what_is_usual_is_left_out() {
    assert_eq!(plan("rate-limited=1@6,stale=1@2,slow-job=3@9").to_string(), "rate-limited@6,stale@2,slow-job@9");
    assert_eq!(plan(" err-lost@3 , drop@4 ").to_string(), "err-lost@3,drop@4");
}

#[test]
fn nothing_is_called_clean() {
    assert_eq!(plan("clean"), Plan::clean());
    assert_eq!(Plan::clean().to_string(), "clean");
    assert_eq!(plan("race"), Plan::race());
    assert!(!plan("race").is_clean());
}

#[test]
fn what_cannot_be_read_says_which_word_and_why() {
    for (line, word, why) in [
        ("crash-afer@7", "crash-afer@7", "unknown word; known are drop, crash-before"),
        ("err-lost@3,,drop@1", "``", "it says not where"),
        ("", "``", "it says not where"),
        ("drop", "`drop`", "it says not where"),
        ("drop@0", "drop@0", "counts begin at 1"),
        ("drop@p2", "drop@p2", "only jumps and events"),
        ("drop@x", "drop@x", "x is no place"),
        ("drop@-1", "drop@-1", "-1 is no place"),
        ("drop=2@1", "drop=2@1", "it takes no number"),
        ("drop@4294967296", "drop@4294967296", "is no place"),
        ("stale=many@2", "stale=many@2", "many is not a number that fits"),
        ("event:Über@2", "event:Über@2", "lower-case letters"),
        ("event:@2", "event:@2", "lower-case letters"),
        ("drop@1,race", "`race`", "it says not where"),
        ("drop@1,clean", "`clean`", "it says not where"),
    ] {
        let error = refused(line);
        assert!(error.contains(word) && error.contains(why), "{line:?}: {error}");
    }
    assert!(refused(&vec!["drop@1"; 65].join(",")).contains("more than 64 items"));
}

#[test]
fn an_event_that_the_kit_does_not_have_is_refused() {
    let kit = Kit::new(|| (), async |(): &(), _faults| true).with_event("known", |(), _| {});
    assert!(kit.replay("event:known=4@p2").is_ok());
    let error = kit.replay("event:unknown@p2").expect_err("there is no such event").to_string();
    assert!(error.contains("event:unknown") && error.contains("no such event"), "{error}");
}

fn item() -> impl Strategy<Value = Item> {
    let call = prop_oneof![
        Just(What::Drop),
        Just(What::CrashBefore),
        Just(What::CrashAfter),
        Just(What::ErrUnsent),
        Just(What::ErrLost),
        Just(What::Hang),
        Just(What::HangLost),
        any::<u32>().prop_map(What::RateLimited),
        any::<u32>().prop_map(What::Stale),
        Just(What::PageMissing),
        any::<u32>().prop_map(What::SlowJob),
        Just(What::Switch),
    ];
    let outside = prop_oneof![
        any::<i64>().prop_map(What::Jump),
        ("[a-z0-9-]{1,12}", any::<u64>()).prop_map(|(name, number)| What::Event(name.into(), number)),
    ];
    prop_oneof![
        (call, 1..u32::MAX).prop_map(|(what, index)| what.at(index)),
        (outside.clone(), 1..u32::MAX).prop_map(|(what, index)| what.at(index)),
        (outside, 1..u32::MAX).prop_map(|(what, pass)| what.before_pass(pass)),
    ]
}

proptest! {
    #[test]
    fn any_plan_reads_as_it_prints(race: bool, items in prop::collection::vec(item(), 0..20)) {
        let start = if race { Plan::race() } else { Plan::clean() };
        let plan = items.iter().cloned().fold(start, Plan::with);
        prop_assert_eq!(plan.to_string().parse::<Plan>(), Ok(plan));
    }

    #[test]
    fn no_line_panics(line in "[a-z@=:,p0-9-]{0,40}") {
        if let Ok(plan) = line.parse::<Plan>() {
            prop_assert!(plan.items().iter().all(|item| !matches!(item.at, At::Index(0) | At::Pass(0))));
        }
    }
}
