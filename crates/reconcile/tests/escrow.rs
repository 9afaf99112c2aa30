//! Choices and credentials are written down before they are used, and never lost by a change.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeSet,
    future::ready,
    sync::{Arc, Mutex},
};

use futures::executor::block_on;
use reconcile::{
    Change, Decision, Escrow, Found, Journal as _, Kept, Login, MemoryJournal, Observe, Observed, Pass, Payload,
    RecordName, Recorded, Records, Removal, Secret, Seen, Step, StepError, StepId, StepState, Verdict, Verified,
};

fn name(text: &str) -> RecordName {
    RecordName::new(text).unwrap()
}

fn records(journal: &MemoryJournal) -> Records {
    Records::new(Arc::new(journal.clone()), "storage")
}

/// Gives `fresh-1`, `fresh-2`, …
fn mint(count: &Mutex<u32>) -> impl Fn() -> Result<Secret, StepError> + Sync + '_ {
    || {
        let mut count = count.lock().unwrap();
        *count += 1;
        Ok(Secret::new(format!("fresh-{count}")))
    }
}

fn exposed(kept: &Kept) -> Vec<&str> {
    kept.candidates().map(Secret::expose).collect()
}

/// A server that lets in whoever has this password. The step says that it is ready whatever came of it.
struct LogIn<'p> {
    kept: &'p Seen<'p, Kept>,
    with: &'p str,
}

impl Observe for LogIn<'_> {
    type Out = Login;
    type Read = ();

    fn id(&self) -> StepId {
        "login".into()
    }

    async fn observe(&self, (): &()) -> Result<Observed<Login>, StepError> {
        Ok(Observed::Ready(self.kept.log_in(|secret| ready(Ok(secret.expose() == self.with))).await?))
    }
}

impl Step for LogIn<'_> {
    type Write = ();

    async fn apply(&self, (): &(), _: Change<'_, Login>) -> Result<(), StepError> {
        Ok(())
    }
}

#[test]
fn what_no_login_worked_with_is_never_noted() {
    let (journal, count) = (MemoryJournal::new(), Mutex::new(0));
    let records = records(&journal);
    let escrow = Escrow::new(name("password"), mint(&count));
    let goal = ["password", "login", "password/verified"];
    let pass = Pass::new("storage", goal);
    block_on(async {
        let kept = pass.step(&escrow, records.reader(), &records).await.unwrap();
        let login = pass.step(&LogIn { kept: &kept, with: "fresh-1" }, &(), &()).await.unwrap();
        pass.step(&Verified::new(&login), records.reader(), &records).await.unwrap();
        // A rotation writes the next value down, and crashes before it is set.
        let kept = escrow.observe(records.reader()).await.unwrap();
        let Observed::Ready(kept) = kept else { panic!("it is there") };
        records.add_candidate(&name("password"), &kept, &Secret::new("never-set")).await.unwrap();
    });
    assert!(pass.finish().is_converged());

    for (with, state) in [
        ("lost", StepState::Unknown(StepError::config("no-login-seen"))), // a step that says ready without a login
        ("fresh-1", StepState::Ready),
    ] {
        let pass = Pass::new("storage", goal);
        block_on(async {
            let kept = pass.step(&escrow, records.reader(), &records).await.unwrap();
            assert_eq!(exposed(&kept), ["never-set", "fresh-1"]);
            let login = pass.step(&LogIn { kept: &kept, with }, &(), &()).await.unwrap();
            pass.step(&Verified::new(&login), records.reader(), &records).await;
        });
        assert_eq!(pass.finish().step(&"password/verified".into()).unwrap().state, state);
    }
    let Observed::Ready(kept) = block_on(escrow.observe(records.reader())).unwrap() else { panic!("it is there") };
    assert_eq!(exposed(&kept), ["fresh-1"]);
}

#[test]
fn the_verified_value_stays_however_many_are_added() {
    let count = Mutex::new(0);
    let records = records(&MemoryJournal::new());
    let escrow = Escrow::new(name("password"), mint(&count));
    let pass = Pass::new("storage", ["password", "login", "password/verified"]);
    block_on(async {
        let kept = pass.step(&escrow, records.reader(), &records).await.unwrap();
        let login = pass.step(&LogIn { kept: &kept, with: "fresh-1" }, &(), &()).await.unwrap();
        pass.step(&Verified::new(&login), records.reader(), &records).await.unwrap();
    });
    for n in 2..22 {
        let Observed::Ready(kept) = block_on(escrow.observe(records.reader())).unwrap() else { panic!("it is there") };
        assert_eq!(kept.verified().map(Secret::expose), Some("fresh-1"), "before {n}");
        block_on(records.add_candidate(&name("password"), &kept, &Secret::new(format!("fresh-{n}")))).unwrap();
    }
    let Observed::Ready(kept) = block_on(escrow.observe(records.reader())).unwrap() else { panic!("it is there") };
    let newest = ["fresh-21", "fresh-20", "fresh-19", "fresh-18", "fresh-17", "fresh-16", "fresh-15", "fresh-1"];
    assert_eq!(exposed(&kept), newest);
    assert_eq!(kept.verified().map(Secret::expose), Some("fresh-1"));
}

#[test]
fn the_first_choice_stays() {
    let records = records(&MemoryJournal::new());
    for choice in ["cluster-a", "cluster-b"] {
        let pass = Pass::new("storage", ["placement"]);
        let decision = Decision::new(name("placement"), choice.to_owned());
        let placed = block_on(pass.step(&decision, records.reader(), &records)).unwrap();
        assert_eq!(placed.value, "cluster-a");
    }
}

#[test]
fn a_choice_that_was_made_meanwhile_is_taken() {
    let records = records(&MemoryJournal::new());
    let decision = Decision::new(name("placement"), "cluster-b".to_owned());
    let seen = block_on(decision.observe(records.reader())).unwrap();
    assert_eq!(seen, Observed::Absent);
    block_on(records.create(&name("placement"), &"cluster-a")).unwrap();
    let late = block_on(decision.apply(&records, Change::Create)).unwrap_err();
    assert_eq!(late, StepError::conflict("journal-exists"));
    let pass = Pass::new("storage", ["placement"]);
    assert_eq!(block_on(pass.step(&decision, records.reader(), &records)).unwrap().value, "cluster-a");
}

#[test]
fn a_credential_is_made_once_and_verified_once() {
    let (journal, count) = (MemoryJournal::new(), Mutex::new(0));
    let records = records(&journal);
    for passes in 1..4 {
        let pass = Pass::new("storage", ["password", "login", "password/verified"]);
        let escrow = Escrow::new(name("password"), mint(&count));
        block_on(async {
            let kept = pass.step(&escrow, records.reader(), &records).await.unwrap();
            assert_eq!(exposed(&kept), ["fresh-1"]);
            let login = pass.step(&LogIn { kept: &kept, with: "fresh-1" }, &(), &()).await.unwrap();
            let verified = Verified::new(&login);
            let kept = pass.step(&verified, records.reader(), &records).await.unwrap();
            assert_eq!(kept.verified().map(Secret::expose), Some("fresh-1"));
        });
        let outcome = pass.finish();
        assert!(outcome.is_converged());
        assert_eq!(outcome.writes(), if passes == 1 { 2 } else { 0 });
    }
    assert_eq!(journal.writes(), 2);
}

#[test]
fn another_value_is_added_and_what_worked_is_kept_until_it_is_seen_to_work() {
    let count = Mutex::new(0);
    let records = records(&MemoryJournal::new());
    let escrow = Escrow::new(name("password"), mint(&count));
    let kept = |records: &Records| match block_on(escrow.observe(records.reader())).unwrap() {
        Observed::Ready(kept) => kept,
        other => panic!("{other:?}"),
    };
    block_on(escrow.apply(&records, Change::Create)).unwrap();
    for n in 2..12 {
        block_on(records.add_candidate(&name("password"), &kept(&records), &Secret::new(format!("fresh-{n}"))))
            .unwrap();
    }
    let now = kept(&records);
    assert_eq!(now.newest().expose(), "fresh-11");
    assert_eq!(
        exposed(&now),
        ["fresh-11", "fresh-10", "fresh-9", "fresh-8", "fresh-7", "fresh-6", "fresh-5", "fresh-4"]
    );
    assert_eq!((now.candidates().len(), now.verified()), (Kept::MAX_CANDIDATES, None));

    let pass = Pass::new("storage", ["password", "login", "password/verified"]);
    block_on(async {
        let seen = pass.step(&escrow, records.reader(), &records).await.unwrap();
        let login = pass.step(&LogIn { kept: &seen, with: "fresh-9" }, &(), &()).await.unwrap();
        let kept = pass.step(&Verified::new(&login), records.reader(), &records).await.unwrap();
        assert_eq!(exposed(&kept), ["fresh-9"]);
        assert_eq!(kept.verified(), login.works());
    });

    // One that is added later does not take the verified one away.
    let fresh = Secret::new("fresh-12");
    block_on(records.add_candidate(&name("password"), &kept(&records), &fresh)).unwrap();
    let now = kept(&records);
    assert_eq!((exposed(&now), now.verified().map(Secret::expose)), (vec!["fresh-12", "fresh-9"], Some("fresh-9")));
}

#[test]
fn what_was_added_meanwhile_is_not_forgotten() {
    let count = Mutex::new(0);
    let records = records(&MemoryJournal::new());
    let escrow = Escrow::new(name("password"), mint(&count));
    let pass = Pass::new("storage", ["password", "login", "password/verified"]);
    block_on(async {
        let seen = pass.step(&escrow, records.reader(), &records).await.unwrap();
        let login = pass.step(&LogIn { kept: &seen, with: "fresh-1" }, &(), &()).await.unwrap();
        records.add_candidate(&name("password"), &seen, &Secret::new("other")).await.unwrap();
        let late = records.add_candidate(&name("password"), &seen, &Secret::new("late")).await;
        assert_eq!(late.unwrap_err().kind(), reconcile::JournalErrorKind::Changed);
        assert!(pass.step(&Verified::new(&login), records.reader(), &records).await.is_none());
    });
    let outcome = pass.finish();
    let conflict = StepError::conflict("journal-changed");
    assert_eq!(outcome.step(&"password/verified".into()).unwrap().state, StepState::NotYet(Some(conflict)));
    let Observed::Ready(kept) = block_on(escrow.observe(records.reader())).unwrap() else { panic!("it is there") };
    assert_eq!(exposed(&kept), ["other", "fresh-1"]);
}

/// The passwords that a server took, and the account that it has.
#[derive(Debug, Default)]
struct Server {
    set: Mutex<Vec<String>>,
    seen_before: Mutex<BTreeSet<String>>,
}

struct Account<'p> {
    kept: &'p Seen<'p, Kept>,
}

impl Observe for Account<'_> {
    type Out = Login;
    type Read = Server;

    fn id(&self) -> StepId {
        "account".into()
    }

    async fn observe(&self, server: &Server) -> Result<Observed<Login>, StepError> {
        let set = server.set.lock().unwrap().last().cloned();
        let Some(set) = set else { return Ok(Observed::Absent) };
        let login = self.kept.log_in(|secret| ready(Ok(secret.expose() == set))).await?;
        Ok(login.observed("no-login"))
    }
}

impl Step for Account<'_> {
    type Write = Server;

    async fn apply(&self, server: &Server, _: Change<'_, Login>) -> Result<(), StepError> {
        let password = self.kept.newest().expose().to_owned();
        if !server.seen_before.lock().unwrap().insert(password.clone()) {
            return Err(StepError::config("password-was-used"));
        }
        server.set.lock().unwrap().push(password);
        Ok(())
    }
}

#[test]
fn an_account_is_made_with_what_is_written_down_and_logs_in() {
    let (count, server) = (Mutex::new(0), Server::default());
    let records = records(&MemoryJournal::new());
    let escrow = Escrow::new(name("password"), mint(&count));
    let goal = ["password", "account", "password/verified"];
    for writes in [3, 0] {
        let pass = Pass::new("storage", goal);
        block_on(async {
            let kept = pass.step(&escrow, records.reader(), &records).await.unwrap();
            let works = pass.step(&Account { kept: &kept }, &server, &server).await.unwrap();
            pass.step(&Verified::new(&works), records.reader(), &records).await.unwrap();
        });
        let outcome = pass.finish();
        assert_eq!((outcome.is_converged(), outcome.writes()), (true, writes));
    }
    assert_eq!(*server.set.lock().unwrap(), ["fresh-1"]);
}

#[test]
fn a_record_that_cannot_be_read_is_unknown_and_nothing_is_made() {
    let cases = [
        (r#"{"format":1,"flow":"other","body":{}}"#, StepError::config("journal-other-flow")),
        (r#"{"format":9,"flow":"storage","body":{}}"#, StepError::config("journal-newer-format")),
        (r#"{"format":1,"flow":"storage","body":{"candidates":[]}}"#, StepError::needs_human("escrow-empty")),
        ("nonsense", StepError::needs_human("journal-damaged")),
    ];
    for (stored, error) in cases {
        let (journal, count) = (MemoryJournal::new(), Mutex::new(0));
        block_on(journal.create(&name("password"), &Payload::plain(stored))).unwrap();
        let records = records(&journal);
        let pass = Pass::new("storage", ["password"]);
        block_on(pass.step(&Escrow::new(name("password"), mint(&count)), records.reader(), &records));
        assert_eq!(pass.finish().verdict, Verdict::Failed { step: "password".into(), error }, "{stored}");
        assert_eq!((journal.writes(), *count.lock().unwrap()), (1, 0), "{stored}");
    }
}

#[test]
fn records_are_read_and_removed_in_a_removal() {
    let (journal, count) = (MemoryJournal::new(), Mutex::new(0));
    let records = records(&journal);
    let escrow = Escrow::new(name("password"), mint(&count));
    block_on(async {
        records.create(&name("placement"), &"cluster-a").await.unwrap();
        escrow.apply(&records, Change::Create).await.unwrap();
        for _ in 0..2 {
            let removal = Removal::new("storage", ["placement", "password"]);
            removal.remove(&escrow, records.reader(), &records).await.unwrap();
            let placement = Recorded::<String>::new(name("placement"));
            removal.remove(&placement, records.reader(), &records).await.unwrap();
            assert!(removal.finish().is_converged());
        }
        let removal = Removal::new("storage", ["placement"]);
        let found = removal.look(&Recorded::<String>::new(name("placement")), records.reader()).await;
        assert!(matches!(found, Some(Found::Gone(_))));
    });
    assert_eq!(journal.writes(), 4);
}
