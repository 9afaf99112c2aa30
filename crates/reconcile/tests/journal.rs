//! Every journal holds to the contract, also against races, lost replies and damage.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod journals;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Barrier},
    thread,
};

use futures::executor::block_on;
use journals::{Place, lossy, places};
use objstore_core::{MemoryStore, Prefix};
use reconcile::{
    Encrypted, FileJournal, Journal, JournalError, JournalErrorKind, JournalKey, MemoryJournal, OsRandom, Payload,
    RecordName, Records, Revision, StepError, StoreJournal,
};

fn name(text: &str) -> RecordName {
    RecordName::new(text).unwrap()
}

fn kind<T: std::fmt::Debug>(result: Result<T, JournalError>) -> JournalErrorKind {
    result.unwrap_err().kind()
}

fn text(journal: &dyn Journal, name: &RecordName) -> Option<Vec<u8>> {
    block_on(journal.get(name)).unwrap().map(|stored| stored.as_bytes().to_vec())
}

#[test]
fn records_are_created_once_and_changed_only_where_they_were_read() {
    for Place { what, journal, .. } in places() {
        let (a, b) = (name("a"), name("b"));
        assert_eq!(text(&*journal, &a), None, "{what}");
        let first = block_on(journal.create(&a, &Payload::plain(*b"1"))).unwrap();
        assert_eq!(kind(block_on(journal.create(&a, &Payload::plain(*b"x")))), JournalErrorKind::Exists, "{what}");
        let second = block_on(journal.replace(&a, &first, &Payload::plain(*b"2"))).unwrap();
        assert_eq!(
            kind(block_on(journal.replace(&a, &first, &Payload::plain(*b"x")))),
            JournalErrorKind::Changed,
            "{what}"
        );
        assert_eq!(kind(block_on(journal.delete(&a, &first))), JournalErrorKind::Changed, "{what}");
        assert_eq!(
            kind(block_on(journal.replace(&b, &first, &Payload::plain(*b"x")))),
            JournalErrorKind::Changed,
            "{what}"
        );
        assert_eq!(kind(block_on(journal.delete(&b, &first))), JournalErrorKind::Changed, "{what}");
        let stored = block_on(journal.get(&a)).unwrap().unwrap();
        assert_eq!((stored.as_bytes(), stored.revision()), (&b"2"[..], &second), "{what}");
        block_on(journal.delete(&a, &second)).unwrap();
        assert_eq!(text(&*journal, &a), None, "{what}");
    }
}

#[test]
fn equal_bytes_have_different_revisions() {
    for Place { what, journal, .. } in places() {
        let (a, same) = (name("a"), Payload::plain(*b"same"));
        let first = block_on(journal.create(&a, &same)).unwrap();
        let second = block_on(journal.replace(&a, &first, &same)).unwrap();
        assert_ne!(first, second, "{what}");
        block_on(journal.delete(&a, &second)).unwrap();
        let third = block_on(journal.create(&a, &same)).unwrap();
        assert!(third != first && third != second, "{what}");
        assert_eq!(kind(block_on(journal.replace(&a, &first, &same))), JournalErrorKind::Changed, "{what}");
    }
}

#[test]
fn of_many_creators_one_wins_and_no_increment_is_lost() {
    const WRITERS: u8 = 4;
    const TIMES: u8 = 10;
    for Place { what, journal, .. } in places() {
        let start = Barrier::new(usize::from(WRITERS));
        let won = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let won = block_on(journal.create(&name("count"), &Payload::plain([0]))).is_ok();
                        (0..TIMES).for_each(|_| increment(&*journal));
                        won
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(won, 1, "{what}");
        assert_eq!(text(&*journal, &name("count")), Some(vec![WRITERS * TIMES]), "{what}");
    }
}

fn increment(journal: &dyn Journal) {
    let count = name("count");
    loop {
        let stored = block_on(journal.get(&count)).unwrap().unwrap();
        let next = Payload::plain([stored.as_bytes()[0] + 1]);
        match block_on(journal.replace(&count, stored.revision(), &next)) {
            Ok(_) => return,
            Err(error) => assert_eq!(error.kind(), JournalErrorKind::Changed),
        }
    }
}

#[test]
fn secrets_go_only_where_they_do_not_show() {
    for Place { what, journal, shows, .. } in places() {
        let created = block_on(journal.create(&name("a"), &Payload::secret(*b"hunter2")));
        if shows {
            assert_eq!(kind(created), JournalErrorKind::NeedsEncryption, "{what}");
            assert_eq!(text(&*journal, &name("a")), None, "{what}");
            let plain = block_on(journal.create(&name("a"), &Payload::plain(*b"1"))).unwrap();
            let replaced = block_on(journal.replace(&name("a"), &plain, &Payload::secret(*b"hunter2")));
            assert_eq!(kind(replaced), JournalErrorKind::NeedsEncryption, "{what}");
            assert_eq!(text(&*journal, &name("a")), Some(b"1".to_vec()), "{what}");
        } else {
            created.unwrap();
            assert_eq!(text(&*journal, &name("a")), Some(b"hunter2".to_vec()), "{what}");
        }
    }
}

#[test]
fn names_are_names_everywhere() {
    let long = "x".repeat(101);
    for bad in ["", ".hidden", "a/b", "../a", "ä", "a b", "a\n", long.as_str()] {
        assert_eq!(kind(RecordName::new(bad)), JournalErrorKind::InvalidName, "{bad:?}");
    }
    for good in ["a", "A-z_0.9", &long[..100]] {
        assert_eq!(RecordName::new(good).unwrap().as_str(), good);
    }
}

#[test]
fn a_record_of_another_flow_or_of_a_newer_format_is_an_error_and_stays() {
    let cases = [
        (r#"{"format":1,"flow":"theirs","body":"x"}"#, JournalErrorKind::OtherFlow, "journal-other-flow"),
        (r#"{"format":2,"flow":"ours","shape":"unknown"}"#, JournalErrorKind::NewerFormat, "journal-newer-format"),
        (r#"{"format":0,"flow":"ours","body":"x"}"#, JournalErrorKind::Damaged, "journal-damaged"),
        (r#"{"format":1,"flow":"ou"#, JournalErrorKind::Damaged, "journal-damaged"),
        ("", JournalErrorKind::Damaged, "journal-damaged"),
        ("reconcile-sealed 1\n…", JournalErrorKind::WrongKey, "journal-wrong-key"),
    ];
    for (stored, expected, code) in cases {
        let journal = MemoryJournal::new();
        block_on(journal.create(&name("a"), &Payload::plain(stored))).unwrap();
        let records = Records::new(Arc::new(journal.clone()), "ours");
        let error = block_on(records.reader().get::<String>(&name("a"))).unwrap_err();
        assert_eq!(error.kind(), expected, "{stored}");
        assert!(error.to_string().ends_with("record=a"), "{error}");
        assert_eq!(StepError::from(error).code, code);
        let at = block_on(journal.get(&name("a"))).unwrap().unwrap().revision().clone();
        assert_eq!(kind(block_on(records.create(&name("a"), &"mine"))), JournalErrorKind::Exists, "{stored}");
        assert_eq!(kind(block_on(records.replace(&name("a"), &at, &"mine"))), expected, "{stored}");
        assert_eq!(kind(block_on(records.delete(&name("a"), &at))), expected, "{stored}");
        assert_eq!(journal.writes(), 1, "{stored}");
    }
}

#[test]
fn what_was_sealed_opens_with_its_key_and_under_its_name_only() {
    let inner = MemoryJournal::new();
    let key = JournalKey::generate(&OsRandom).unwrap();
    let sealed = Encrypted::new(inner.clone(), &key);
    let a = name("a");
    block_on(sealed.create(&a, &Payload::secret(*b"hunter2"))).unwrap();
    let stored = text(&inner, &a).unwrap();
    assert!(!stored.windows(7).any(|window| window == b"hunter2"));

    let other = Encrypted::new(inner.clone(), &JournalKey::generate(&OsRandom).unwrap());
    assert_eq!(kind(block_on(other.get(&a))), JournalErrorKind::WrongKey);
    block_on(inner.create(&name("moved"), &Payload::plain(stored.clone()))).unwrap();
    assert_eq!(kind(block_on(sealed.get(&name("moved")))), JournalErrorKind::WrongKey);
    for flipped in 0..stored.len() {
        let mut altered = stored.clone();
        altered[flipped] ^= 1;
        let place = name(&format!("altered-{flipped}"));
        block_on(inner.create(&place, &Payload::plain(altered))).unwrap();
        assert!(block_on(sealed.get(&place)).is_err(), "byte {flipped}");
    }
    block_on(inner.create(&name("plain"), &Payload::plain(*b"{}"))).unwrap();
    assert_eq!(kind(block_on(sealed.get(&name("plain")))), JournalErrorKind::Damaged);
    assert_eq!(text(&sealed, &a), Some(b"hunter2".to_vec()));
}

#[test]
fn a_record_of_one_journal_does_not_open_in_another_with_another_context() {
    let (one, two, key) = (MemoryJournal::new(), MemoryJournal::new(), JournalKey::new([7; 32]));
    let of = |journal: &MemoryJournal, context: &str| Encrypted::new(journal.clone(), &key).with_context(context);
    let a = name("a");
    block_on(of(&one, "project-a").create(&a, &Payload::secret(*b"hunter2"))).unwrap();
    block_on(two.create(&a, &Payload::plain(text(&one, &a).unwrap()))).unwrap();
    assert_eq!(text(&of(&one, "project-a"), &a), Some(b"hunter2".to_vec()));
    for context in ["project-b", ""] {
        assert_eq!(kind(block_on(of(&two, context).get(&a))), JournalErrorKind::WrongKey, "{context:?}");
    }
}

#[test]
fn files_are_for_their_owner_only() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("journal");
    let journal = FileJournal::open(&folder).unwrap();
    let first = block_on(journal.create(&name("a"), &Payload::secret(*b"hunter2"))).unwrap();
    block_on(journal.replace(&name("a"), &first, &Payload::secret(*b"hunter3"))).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&folder), 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_journal_outlives_its_process_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let a = name("a");
    let revision = block_on(FileJournal::open(folder.path()).unwrap().create(&a, &Payload::plain(*b"1"))).unwrap();
    let journal = FileJournal::open(folder.path()).unwrap();
    assert_eq!(block_on(journal.get(&a)).unwrap().unwrap().revision(), &revision);

    let path = folder.path().join("a.record");
    let whole = fs::read(&path).unwrap();
    for damaged in [&b""[..], b"reconcile-record", &whole[1..], b"reconcile-record zz23456789abcdef0123456789abcdef\n1"]
    {
        fs::write(&path, damaged).unwrap();
        assert_eq!(kind(block_on(journal.get(&a))), JournalErrorKind::Damaged);
        assert_eq!(kind(block_on(journal.create(&a, &Payload::plain(*b"x")))), JournalErrorKind::Damaged);
        assert_eq!(fs::read(&path).unwrap(), damaged, "nothing is changed");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let outer = tempfile::tempdir().unwrap();
    assert_eq!(kind(FileJournal::open(outer.path().join("no/such"))), JournalErrorKind::Unavailable);
    fs::write(outer.path().join("file"), "").unwrap();
    assert_eq!(kind(FileJournal::open(outer.path().join("file"))), JournalErrorKind::Unavailable);
}

#[test]
fn a_store_without_conditions_is_refused() {
    let error = StoreJournal::new(Arc::new(lossy::Lossy::without_conditions()), Prefix::root()).unwrap_err();
    assert_eq!(error.kind(), JournalErrorKind::Unsupported);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("create_if_absent"), "{cause}");
}

/// A reply is lost before or after the effect, at each call: what is reported is what holds.
#[test]
fn after_a_lost_reply_a_store_is_looked_at() {
    for applied in [false, true] {
        for lost in 0..12 {
            let store = lossy::Lossy::new(MemoryStore::new(), lost, applied);
            let journal = StoreJournal::new(Arc::new(store), Prefix::new("journal/").unwrap()).unwrap();
            let history = format!("lost {lost} applied {applied}");
            let a = name("a");
            let mut at: Option<Revision> = None;
            for (n, value) in [b"1", b"2", b"3"].into_iter().enumerate() {
                let payload = Payload::plain(*value);
                let written = match &at {
                    None => block_on(journal.create(&a, &payload)),
                    Some(at) => block_on(journal.replace(&a, at, &payload)),
                };
                let found = loop {
                    if let Ok(found) = block_on(journal.get(&a)) {
                        break found;
                    }
                };
                let holds = found.as_ref().is_some_and(|found| found.as_bytes() == value);
                match written {
                    Ok(revision) => {
                        assert_eq!(found.as_ref().map(|found| found.revision()), Some(&revision), "{history} {n}")
                    }
                    Err(error) => assert!(!holds, "{history} {n}: {error}"),
                }
                at = found.map(|found| found.revision().clone());
            }
            let Some(at) = at else { continue };
            let deleted = block_on(journal.delete(&a, &at)).is_ok();
            let left = loop {
                if let Ok(found) = block_on(journal.get(&a)) {
                    break found.is_some();
                }
            };
            assert!(!(deleted && left), "{history}: said to be deleted, and is there");
        }
    }
}
