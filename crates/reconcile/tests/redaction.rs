//! A secret value shows nowhere: a canary goes through everything that people and programs read.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use futures::executor::block_on;
use reconcile::{
    Change, Encrypted, Escrow, Journal as _, JournalKey, Kept, MemoryJournal, Observe, Observed, OsRandom, Pass,
    Payload, Random, RecordName, Records, RetryPolicy, RetryTable, Secret, Seen, Step, StepError, StepId, Stored,
    TracingObserver, conditions,
};
use support::Noted;

const CANARY: &str = "canary-4711";

/// A step that has the canary in every place that a step has.
struct Leaky<'p> {
    kept: &'p Seen<'p, Kept>,
    answer: u8,
}

impl Observe for Leaky<'_> {
    type Out = Secret;
    type Read = ();

    fn id(&self) -> StepId {
        "leaky".into()
    }

    async fn observe(&self, (): &()) -> Result<Observed<Secret>, StepError> {
        let value = self.kept.newest().clone();
        match self.answer {
            0 => Ok(Observed::Ready(value)),
            1 => Ok(Observed::Drifted { now: value, why: "old" }),
            2 => Ok(Observed::Absent),
            _ => Err(StepError::transient("no-answer")),
        }
    }
}

impl Step for Leaky<'_> {
    type Write = ();

    async fn apply(&self, (): &(), change: Change<'_, Secret>) -> Result<(), StepError> {
        match change {
            Change::Create => Err(StepError::needs_human("denied")),
            Change::Fix { .. } => Ok(()),
        }
    }
}

/// Where `tracing` writes to.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn free_of_the_canary(what: &str, text: &str) {
    assert!(!text.is_empty(), "{what} says nothing");
    assert!(!text.contains(CANARY) && !text.contains("4711"), "{what} shows it: {text}");
}

#[test]
fn the_canary_shows_in_no_log_condition_error_or_event() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let noted = Noted::default();
    let journal = MemoryJournal::new();
    let records = Records::new(Arc::new(journal.clone()), "flow");
    let escrow = Escrow::new(RecordName::new("password").unwrap(), || Ok(Secret::new(CANARY)));
    let mut shown = vec![("escrow", format!("{escrow:?}")), ("records", format!("{records:?}"))];
    let mut table = RetryTable::new(RetryPolicy::new(), 1);
    let _logging = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);

    for (answer, observer) in (0..4).flat_map(|answer| [(answer, true), (answer, false)]) {
        let pass = Pass::new("flow", ["password", "leaky"]);
        let pass = if observer { pass.with_observer(&noted) } else { pass.with_observer(&TracingObserver) };
        block_on(async {
            let kept = pass.step(&escrow, records.reader(), &records).await.unwrap();
            assert_eq!(kept.newest().expose(), CANARY);
            shown.push(("what was seen", format!("{kept:?} {:?}", kept.newest())));
            pass.step(&Leaky { kept: &kept, answer }, &(), &()).await;
        });
        shown.push(("a pass", format!("{pass:?}")));
        let outcome = pass.finish();
        shown.push(("an outcome", format!("{outcome} {outcome:?}")));
        let next = table.report("key", 1, &outcome, SystemTime::UNIX_EPOCH);
        next.tell("flow", &noted);
        next.tell("flow", &TracingObserver);
        let mut status = Vec::new();
        let _ = conditions::report(&mut status, &outcome, next.stalled.is_some(), Some(1), SystemTime::UNIX_EPOCH);
        shown.push(("conditions", serde_json::to_string(&status).unwrap()));
        shown.push(("retries", format!("{table:?} {}", serde_json::to_string(table.get(&"key").unwrap()).unwrap())));
    }
    shown.push(("events", noted.all().join("\n")));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("leaky") && logged.contains("writing failed"), "{logged}");
    shown.push(("the log", logged));
    shown.push(("a journal", format!("{journal:?}")));
    for (what, text) in &shown {
        free_of_the_canary(what, text);
    }
}

#[test]
fn the_canary_shows_in_no_type_that_holds_it() {
    let secret = Secret::new(CANARY);
    free_of_the_canary("a secret", &format!("{secret} {secret:?} {:#?}", Some(&secret)));
    let payload = Payload::secret(CANARY);
    free_of_the_canary("a payload", &format!("{payload:?}"));
    let stored = Stored::new(CANARY, reconcile::Revision::new("1"));
    free_of_the_canary("a stored record", &format!("{stored:?}"));
    let key = JournalKey::new(*b"canary-4711-canary-4711-canary-4");
    free_of_the_canary("a key", &format!("{key:?} {:?}", Encrypted::new(MemoryJournal::new(), &key)));
}

#[test]
fn the_canary_shows_in_no_error_about_a_record_that_holds_it() {
    let name = RecordName::new("password").unwrap();
    let bodies = [
        format!(r#"{{"format":1,"flow":"flow","body":"{CANARY}"}}"#),
        format!(r#"{{"format":1,"flow":"{CANARY}","body":1}}"#),
        format!(r#"{{"format":"{CANARY}"}}"#),
        format!(r#"{{"format":1,"flow":"flow","body":{{"candidates":[{{"x":"{CANARY}"}}]}}}}"#),
        CANARY.to_owned(),
    ];
    for body in bodies {
        let journal = MemoryJournal::new();
        block_on(journal.create(&name, &Payload::secret(body.as_str()))).unwrap();
        let records = Records::new(Arc::new(journal), "flow");
        let error = block_on(records.reader().get::<u32>(&name)).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        free_of_the_canary("an error", &format!("{error} {error:?} {source:?}"));
        free_of_the_canary("a step's error", &StepError::from(error).to_string());
    }
}

#[test]
fn fresh_values_are_of_their_alphabet_and_differ() {
    let one = Secret::generate(24, "ab", &OsRandom).unwrap();
    let other = Secret::generate(24, Secret::UNAMBIGUOUS, &OsRandom).unwrap();
    assert!(one.expose().chars().all(|c| matches!(c, 'a' | 'b')) && one.expose().len() == 24);
    assert_ne!(one, other);
    assert_eq!(Secret::generate(1, "", &OsRandom).unwrap_err(), StepError::config("empty-alphabet"));
    assert_eq!(Secret::generate(0, "ab", &OsRandom).unwrap_err(), StepError::config("empty-secret"));
    assert_eq!(Secret::generate(24, "abc", &Stuck).unwrap_err(), StepError::transient("no-randomness"));
    assert_eq!(Secret::generate(24, "ab", &NoRandom).unwrap_err().code, "none");
}

#[derive(Debug)]
struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), StepError> {
        Err(StepError::transient("none"))
    }
}

/// Each character is as likely as the other: no remainder favours the first.
/// It never gives anything that can be used.
#[derive(Debug)]
struct Stuck;

impl Random for Stuck {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), StepError> {
        bytes.fill(0xFF);
        Ok(())
    }
}

#[test]
fn no_character_is_favoured() {
    let text = Secret::generate(60_000, "abc", &OsRandom).unwrap();
    for c in ['a', 'b', 'c'] {
        let count = text.expose().chars().filter(|found| *found == c).count();
        // 20,000 expected, standard deviation 115: 8 of them is a chance of 10^-15.
        assert!((19_000..21_000).contains(&count), "{c}: {count}");
    }
}
