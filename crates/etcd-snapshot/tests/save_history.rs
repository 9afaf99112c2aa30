//! A home keeps one history: what goes on where its newest snapshot ended is saved, and what does not is refused, although
//! the cluster id is the same.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod save_support;

use std::collections::BTreeMap;
use std::sync::Arc;

use etcd_snapshot::home::Home;
use etcd_snapshot::{Advice, ErrorKind, HistoryCheck, Result, SaveOptions, Saved, SnapshotSource, save};
use futures::TryStreamExt as _;
use objstore_core::{MemoryStore, ObjectStore as _, ObjectStoreExt as _, Prefix};
use save_support::{Record, Script, Scripted, database};

/// Everything that was ever written, one record a revision, from revision 2 on.
type History = Vec<Record>;

/// A state of a cluster: how far it has come, and how far it is compacted.
#[derive(Clone, Copy, Debug)]
struct State {
    revision: i64,
    /// -1 if never.
    compacted: i64,
    /// The revision up to which a compaction that was begun has deleted records; `compacted` if it is done.
    deleted: i64,
    /// Whether a tombstone at the compaction is deleted, as by etcd before 3.4.34 and 3.5.16.
    drops_tombstone: bool,
}

impl State {
    fn at(revision: i64, compacted: i64) -> Self {
        Self { revision, compacted, deleted: compacted, drops_tombstone: false }
    }
}

/// A generator with a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Puts and deletions of a few keys.
fn history(random: &mut Random, revisions: i64) -> History {
    let mut versions: BTreeMap<i64, u64> = BTreeMap::new();
    let mut history = Vec::new();
    for revision in 2..=revisions {
        let key = random.below(4);
        let lives = versions.get(&key).copied().unwrap_or(0);
        let version = if lives > 0 && random.below(3) == 0 { 0 } else { lives + 1 };
        versions.insert(key, version);
        history.push(Record::put(revision, &format!("/key/{key}")).with_version(version));
    }
    history
}

/// Whether the record is the newest of its key at a revision, and not a tombstone.
fn is_kept(history: &History, record: &Record, at: i64) -> bool {
    let newest = history.iter().rfind(|other| other.key == record.key && other.revision <= at);
    newest == Some(record) && !record.is_tombstone()
}

/// The file that a member in this state sends.
fn file(history: &History, state: State) -> Vec<u8> {
    let stays = |record: &&Record| {
        let tombstone = record.is_tombstone() && record.revision == state.compacted && !state.drops_tombstone;
        let past =
            record.revision > state.deleted && (state.deleted < state.compacted || record.revision > state.compacted);
        record.revision <= state.revision && (past || tombstone || is_kept(history, record, state.compacted))
    };
    let records: Vec<Record> = history.iter().filter(stays).cloned().collect();
    let scheduled = Some(state.compacted).filter(|compacted| *compacted >= 0);
    database(&records, scheduled, scheduled.filter(|_| state.deleted == state.compacted))
}

fn home() -> Home {
    Home::new(Arc::new(MemoryStore::new()), Prefix::root())
}

fn options(seed: u64) -> SaveOptions {
    SaveOptions::default().with_host(Scripted::new(seed)).without_live_check()
}

async fn save_file(home: &Home, seed: u64, file: &[u8], revision: i64) -> Result<Saved> {
    save(&Script::new(file, revision), home, &options(seed)).await
}

async fn keys(home: &Home) -> Vec<String> {
    let store = home.store();
    store.list(home.prefix()).map_ok(|object| object.key.as_str().to_owned()).try_collect().await.unwrap()
}

/// Two states of one cluster in the order in which it goes through them: neither revision nor compaction goes back.
fn two_states(random: &mut Random, revisions: i64) -> [State; 2] {
    let mut state = |least: i64, compacted: i64| {
        let revision = least + random.below(revisions - least + 1);
        let upper = compacted.max(1);
        let compacted =
            if random.below(3) == 0 { compacted } else { compacted.max(upper + random.below(revision - upper + 1)) };
        let deleted = if random.below(2) == 0 { compacted } else { random.below(compacted.max(0) + 1).min(compacted) };
        State { revision, compacted, deleted, drops_tombstone: random.below(2) == 0 }
    };
    let first = state(2, -1);
    [first, state(first.revision, first.compacted)]
}

/// How many records that were written up to the first state are left in the second, once its compaction is done.
fn survivors(history: &History, first: State, second: State) -> usize {
    let left = |record: &&Record| record.revision <= first.revision && is_kept(history, record, second.compacted);
    if second.deleted == second.compacted { history.iter().filter(left).count() } else { 0 }
}

#[tokio::test]
async fn whatever_a_cluster_does_its_next_snapshot_is_let_in() {
    let (mut compared, mut shared) = (0, 0);
    for seed in 1..=400 {
        let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        let history = history(&mut random, 14);
        let [first, second] = two_states(&mut random, 14);
        let home = home();
        let before = save_file(&home, 1, &file(&history, first), first.revision).await.unwrap();
        assert_eq!(before.history, HistoryCheck::First);
        let next = save_file(&home, 2, &file(&history, second), second.revision).await;
        let next = next.unwrap_or_else(|e| panic!("seed {seed}: {first:?}, {second:?}: {e}\n{history:?}"));
        match &next.history {
            HistoryCheck::Continues { id } => {
                assert_eq!(*id, before.id);
                compared += 1;
            }
            HistoryCheck::SharesRecords { records, .. } => {
                assert_eq!(*records, survivors(&history, first, second), "seed {seed}: {first:?}, {second:?}");
                shared += 1;
            }
            HistoryCheck::NotComparable { why, .. } => {
                let past = second.compacted > first.revision && survivors(&history, first, second) == 0;
                assert!(past || why.contains("no key lived"), "seed {seed}: {first:?}, {second:?}: {why}");
            }
            other => panic!("seed {seed}: {other}"),
        }
        assert_eq!(next.manifest.verified.history, Some(next.history.to_string()));
    }
    assert!(compared > 150 && shared > 20, "only {compared} pairs could be compared, {shared} shared records");
}

#[tokio::test]
async fn another_history_is_refused_wherever_it_shows() {
    let (mut refused, mut hidden) = (0, 0);
    for seed in 1..=400 {
        let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        let history = history(&mut random, 14);
        let [first, second] = two_states(&mut random, 14);
        let mut other = history.clone();
        let changed = usize::try_from(random.below(first.revision - 1)).unwrap();
        if other[changed].is_tombstone() {
            continue; // A deletion has no value to be another.
        }
        other[changed].value = "no!".to_owned();
        let home = home();
        save_file(&home, 1, &file(&history, first), first.revision).await.unwrap();
        let before = keys(&home).await;
        let saved = save_file(&home, 2, &file(&other, second), second.revision).await;

        let compacted = first.compacted.max(second.compacted);
        let lives = history.iter().any(|record| is_kept(&history, record, first.revision));
        let record = &history[changed];
        let counts = record.revision > compacted || is_kept(&history, record, first.revision);
        let survives = second.deleted == second.compacted && is_kept(&history, record, second.compacted);
        if if compacted <= first.revision { lives && counts } else { survives } {
            refused += 1;
            let error = saved.expect_err(&format!("seed {seed}: {first:?}, {second:?}, changed {record:?}"));
            assert_eq!(error.kind(), ErrorKind::Refused, "seed {seed}: {error}");
            assert_eq!(keys(&home).await, before, "seed {seed}: something was left");
        } else {
            hidden += 1;
            saved.unwrap_or_else(|e| panic!("seed {seed}: {first:?}, {second:?}, changed {record:?}: {e}"));
        }
    }
    assert!(refused > 100 && hidden > 20, "{refused} refused, {hidden} hidden");
}

/// Two clusters of one id. The other one is ahead.
fn strangers() -> (Vec<u8>, Vec<u8>) {
    let ours: History = (2..=100).map(|revision| Record::put(revision, &format!("/ours/{revision}"))).collect();
    let theirs: History = (2..=900).map(|revision| Record::put(revision, &format!("/theirs/{revision}"))).collect();
    (file(&ours, State::at(100, -1)), file(&theirs, State::at(900, -1)))
}

#[tokio::test]
async fn a_stranger_with_the_same_cluster_id_is_let_in_only_as_a_new_incarnation() {
    let (home, (ours, theirs)) = (home(), strangers());
    let first = save_file(&home, 1, &ours, 100).await.unwrap();
    let before = keys(&home).await;
    let error = save_file(&home, 2, &theirs, 900).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let said = error.to_string();
    assert!(said.contains(&first.id.to_string()) && said.contains("up to revision 100"), "{said}");
    assert!(said.contains("restored from a backup") && said.contains("incarnation"), "{said}");
    assert_eq!(error.advice(), Some(Advice::NewIncarnation));
    assert_eq!(keys(&home).await, before, "the payload was taken away");

    let declared = options(3).with_new_incarnation();
    let saved = save(&Script::new(&theirs, 900), &home, &declared).await.unwrap();
    assert_eq!((saved.manifest.incarnation, &saved.history), (2, &HistoryCheck::First));
    let inventory = home.inventory().await.unwrap();
    assert_eq!((inventory.snapshots.len(), inventory.incomplete.len()), (2, 0), "{inventory:?}");
    // From here on the home is theirs.
    let again = save_file(&home, 5, &theirs, 900).await.unwrap();
    assert_eq!(again.history, HistoryCheck::Continues { id: saved.id });
    save_file(&home, 7, &ours, 100).await.unwrap_err();
}

#[tokio::test]
async fn a_stranger_that_is_compacted_past_everything_is_refused() {
    let (home, (ours, _)) = (home(), strangers());
    let theirs: History = (2..=900).map(|revision| Record::put(revision, &format!("/theirs/{revision}"))).collect();
    save_file(&home, 1, &ours, 100).await.unwrap();
    let before = keys(&home).await;
    let error = save_file(&home, 2, &file(&theirs, State::at(900, 850)), 900).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("are not there"), "{error}");
    assert_eq!(keys(&home).await, before);
}

#[tokio::test]
async fn the_same_revision_with_another_hash_is_another_history() {
    let (home, (ours, _)) = (home(), strangers());
    let theirs_at_100: History =
        (2..=100).map(|revision| Record::put(revision, &format!("/theirs/{revision}"))).collect();
    save_file(&home, 1, &ours, 100).await.unwrap();
    let error = save_file(&home, 2, &file(&theirs_at_100, State::at(100, -1)), 100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
}

/// A payload that cannot be read must not stand in the way of the next backup.
#[tokio::test]
async fn a_payload_that_is_gone_or_damaged_is_not_held_against_a_cluster() {
    let history: History =
        (2..=300).map(|revision| Record::put(revision, &format!("/key/{}", revision % 200))).collect();
    let old = file(&history, State::at(250, -1));
    let damages = ["deleted", "flipped bytes in values", "cut off"];
    for (damage, compacted) in damages.into_iter().flat_map(|damage| [(damage, 200), (damage, 280)]) {
        let new = file(&history, State::at(300, compacted));
        let home = home();
        let before = save_file(&home, 1, &old, 250).await.unwrap();
        let key = home.prefix().key(&before.manifest.payload.key).unwrap();
        let mut bytes = old.clone();
        match damage {
            "deleted" => {
                home.store().delete(&key, Default::default()).await.unwrap();
            }
            "cut off" => {
                bytes.truncate(bytes.len() - 4096);
                home.store().put_bytes(&key, bytes).await.unwrap();
            }
            _ => {
                let values: Vec<usize> = (0..bytes.len() - 3).filter(|at| &bytes[*at..at + 3] == b"yes").collect();
                assert_eq!(values.len(), 249);
                values.into_iter().for_each(|at| bytes[at] = b'Y');
                home.store().put_bytes(&key, bytes).await.unwrap();
            }
        }
        let saved = save_file(&home, 3, &new, 300).await.unwrap_or_else(|e| panic!("{damage}: {e}"));
        match (damage, &saved.history) {
            // It is no complete snapshot any more, so that there is none before it.
            ("deleted", HistoryCheck::First) | (_, HistoryCheck::NotComparable { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    // Where the compaction has not moved, the manifest is enough.
    let home = home();
    let before = save_file(&home, 1, &old, 250).await.unwrap();
    let key = home.prefix().key(&before.manifest.payload.key).unwrap();
    home.store().put_bytes(&key, vec![0; old.len()]).await.unwrap();
    let saved = save_file(&home, 3, &file(&history, State::at(300, -1)), 300).await.unwrap();
    assert_eq!(saved.history, HistoryCheck::Continues { id: before.id });
}

#[tokio::test]
async fn a_cluster_that_was_compacted_further_says_that_it_could_not_be_compared() {
    let history: History =
        (2..=300).map(|revision| Record::put(revision, &format!("/key/{}", revision % 200))).collect();
    let home = home();
    save_file(&home, 1, &file(&history, State::at(50, 20)), 50).await.unwrap();
    let saved = save_file(&home, 2, &file(&history, State::at(300, 260)), 300).await.unwrap();
    let said = saved.manifest.verified.history.unwrap();
    assert!(said.starts_with("not comparable with") && said.contains("compacted up to revision 260"), "{said}");
}

#[tokio::test]
async fn manifests_of_other_versions_are_read() {
    let (home, (ours, _)) = (home(), strangers());
    let saved = save_file(&home, 1, &ours, 100).await.unwrap();
    let key = keys(&home).await.into_iter().find(|key| key.starts_with("manifest-")).unwrap();
    let key = home.prefix().key(&key).unwrap();
    let (_, text) = home.store().get_bytes(&key, 1 << 20).await.unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(json["verified"]["history"], "the first of its incarnation");
    json["verified"].as_object_mut().unwrap().remove("history").unwrap();
    json["of_a_later_version"] = true.into();
    home.store().put_bytes(&key, json.to_string()).await.unwrap();

    let source = SnapshotSource::newest(&home).await.unwrap();
    let mut expected = saved.manifest;
    expected.verified.history = None;
    assert_eq!(source.manifest(), Some(&expected));
    let next = save_file(&home, 3, &ours, 100).await.unwrap();
    assert_eq!(next.history, HistoryCheck::Continues { id: saved.id });
}
