//! A place that is not there, or not the journal's, is an error and never absence.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use futures::executor::block_on;
use objstore_core::{DeleteOptions, MemoryStore, ObjectKey, ObjectStore, Prefix};
use reconcile::{
    FileJournal, Journal, JournalError, JournalErrorKind, Payload, RecordName, Recorded, Records, Removal, StoreJournal,
};

fn name(text: &str) -> RecordName {
    RecordName::new(text).unwrap()
}

fn kind<T: std::fmt::Debug>(result: Result<T, JournalError>) -> JournalErrorKind {
    result.unwrap_err().kind()
}

fn plain() -> Payload {
    Payload::plain(*b"1")
}

/// Makes a journal with one record, does this to its folder, and says what is asked of it then.
fn after(done_to: impl FnOnce(&Path, &Path)) -> (FileJournal, tempfile::TempDir) {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("journal");
    let journal = FileJournal::open(&folder).unwrap();
    block_on(Records::new(Arc::new(journal.clone()), "flow").create(&name("placement"), &"cluster-b")).unwrap();
    done_to(&folder, &outer.path().join("away"));
    (journal, outer)
}

#[test]
fn a_folder_that_is_gone_is_no_empty_journal() {
    for (what, emptied) in [("moved", false), ("another in its place", true)] {
        let (journal, _outer) = after(|folder, away| {
            fs::rename(folder, away).unwrap();
            if emptied {
                fs::create_dir(folder).unwrap();
            }
        });
        assert_eq!(kind(block_on(journal.get(&name("placement")))), JournalErrorKind::Unavailable, "{what}");
        assert_eq!(kind(block_on(journal.create(&name("other"), &plain()))), JournalErrorKind::Unavailable, "{what}");

        let records = Records::new(Arc::new(journal), "flow");
        let removal = Removal::new("flow", ["placement"]);
        let placement = Recorded::<String>::new(name("placement"));
        assert!(block_on(removal.remove(&placement, records.reader(), &records)).is_none(), "{what}");
        assert!(!removal.finish().is_converged(), "{what}: nobody knows what is left");
    }
}

#[test]
fn a_folder_that_is_back_goes_on() {
    let (journal, _outer) = after(|folder, away| {
        fs::rename(folder, away).unwrap();
        fs::rename(away, folder).unwrap();
    });
    assert!(block_on(journal.get(&name("placement"))).unwrap().is_some());
    assert!(block_on(journal.get(&name("other"))).unwrap().is_none());
}

#[test]
fn a_record_that_is_a_link_to_nothing_is_no_absence() {
    let (journal, _outer) = after(|folder, away| {
        fs::remove_file(folder.join("placement.record")).unwrap();
        symlink(away, folder.join("placement.record")).unwrap();
    });
    assert_eq!(kind(block_on(journal.get(&name("placement")))), JournalErrorKind::Unavailable);
    assert_eq!(kind(block_on(journal.create(&name("placement"), &plain()))), JournalErrorKind::Unavailable);
}

#[test]
fn only_its_own_leftovers_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let left = |file: &str| folder.path().join(file);
    for file in ["accounts.new", "a.record.new", ".a b.record.new", ".a.record.new"] {
        fs::write(left(file), "precious").unwrap();
    }
    fs::create_dir(left(".b.record.new")).unwrap();
    FileJournal::open(folder.path()).unwrap();
    let there = ["accounts.new", "a.record.new", ".a b.record.new", ".a.record.new", ".b.record.new"];
    assert_eq!(there.map(|file| left(file).exists()), [true, true, true, false, true]);
}

/// The lock is on the folder, so no cleaner can take it away while somebody holds it.
#[test]
fn a_change_waits_for_the_one_that_has_the_turn() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(folder.path()).unwrap();
    let turn = fs::File::open(folder.path()).unwrap();
    turn.lock().unwrap();
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(names.is_empty(), "there is no file that could be removed: {names:?}");
    let (ended, end) = mpsc::channel();
    let writer = thread::spawn(move || {
        let created = block_on(journal.create(&name("a"), &plain()));
        ended.send(()).unwrap();
        created
    });
    assert!(end.recv_timeout(Duration::from_millis(50)).is_err(), "it waits");
    drop(turn);
    writer.join().unwrap().unwrap();
}

fn store_journal(store: &MemoryStore) -> StoreJournal {
    StoreJournal::new(Arc::new(store.clone()), Prefix::new("journal/").unwrap()).unwrap()
}

fn delete(store: &MemoryStore, key: &str) {
    block_on(store.delete(&ObjectKey::new(key).unwrap(), DeleteOptions::new())).unwrap();
}

#[test]
fn a_store_that_was_emptied_is_no_empty_journal() {
    let store = MemoryStore::new();
    let journal = store_journal(&store);
    assert!(block_on(journal.get(&name("a"))).unwrap().is_none(), "it was never used");
    block_on(journal.create(&name("a"), &plain())).unwrap();
    let other = store_journal(&store);
    assert!(block_on(other.get(&name("b"))).unwrap().is_none(), "it has its marker");

    for key in ["journal/a.record", "journal/.journal"] {
        delete(&store, key);
    }
    for (what, journal) in [("wrote", &journal), ("read", &other), ("told", &store_journal(&store).existing())] {
        assert_eq!(kind(block_on(journal.get(&name("a")))), JournalErrorKind::Unavailable, "{what}");
    }
}

#[test]
fn a_record_that_was_deleted_from_a_store_is_absent() {
    let journal = store_journal(&MemoryStore::new());
    let at = block_on(journal.create(&name("a"), &plain())).unwrap();
    block_on(journal.delete(&name("a"), &at)).unwrap();
    assert!(block_on(journal.get(&name("a"))).unwrap().is_none());
}
