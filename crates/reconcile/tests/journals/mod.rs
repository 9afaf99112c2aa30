//! All journals, each empty.

pub(crate) mod lossy;

use std::sync::Arc;

use objstore_core::{MemoryStore, Prefix};
use reconcile::{Encrypted, FileJournal, Journal, JournalKey, MemoryJournal, StoreJournal};
use tempfile::TempDir;

/// A journal, and whether whoever sees the place sees its records.
pub(crate) struct Place {
    pub(crate) what: &'static str,
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) shows: bool,
    /// Removed when it is dropped.
    _folder: Option<TempDir>,
}

fn file(folder: &TempDir) -> FileJournal {
    FileJournal::open(folder.path()).unwrap()
}

fn store() -> StoreJournal {
    StoreJournal::new(Arc::new(MemoryStore::new()), Prefix::new("journal/").unwrap()).unwrap()
}

pub(crate) fn places() -> Vec<Place> {
    let key = JournalKey::new([7; 32]);
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (file_one, file_two) = (file(&one), Encrypted::new(file(&two), &key));
    let place = |what, journal, shows, _folder| Place { what, journal, shows, _folder };
    vec![
        place("memory", Box::new(MemoryJournal::new()) as Box<dyn Journal>, false, None),
        place("file", Box::new(file_one), false, Some(one)),
        place("store", Box::new(store()), true, None),
        place("encrypted store", Box::new(Encrypted::new(store(), &key)), false, None),
        place("encrypted file", Box::new(file_two), false, Some(two)),
    ]
}
