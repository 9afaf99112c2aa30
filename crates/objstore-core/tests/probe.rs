//! A probe says of each store what it is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/odd.rs"]
mod odd;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::future::BoxFuture;
use objstore_core::{
    Capabilities, Clock, Condition, DeleteItem, DeleteOptions, ErrorKind, FileStore, MemoryStore, ObjectKey,
    ObjectStore, ObjectStoreExt as _, Prefix, Promise, Protection, SeededRandom, Timer, UploadOptions, Verdict,
    WriteOptions,
    layers::{ReadOnly, RetryBudget, RetryLoop},
    probe::{BucketState, Probe, ProbeCache, ProbeKey, ProbeReport, Probed, Versioning, unproven},
};
use odd::{Habit, Odd, Site, Way};

/// Waits for nothing, and counts how long it would have been.
#[derive(Debug, Default)]
struct Hurry(std::sync::Mutex<Duration>);

impl Timer for Hurry {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // What limits a call is longer than any wait of these tests, and must never be over.
        if duration >= Duration::from_secs(30) {
            return Box::pin(std::future::pending());
        }
        *self.0.lock().unwrap() += duration;
        Box::pin(std::future::ready(()))
    }
}

fn prober(store: Arc<dyn ObjectStore>) -> Probe {
    let timer: Arc<dyn Timer> = Arc::new(Hurry::default());
    let rule = RetryLoop::new().with_timer(Arc::clone(&timer)).with_random(Arc::new(SeededRandom::new(7)));
    let rule = rule.with_budget(Arc::new(RetryBudget::new(10_000)));
    Probe::new(store).with_bodies([(64, 2), (4096, 1)]).with_retries(rule).with_timer(timer)
}

async fn probe(store: Arc<dyn ObjectStore>) -> ProbeReport {
    prober(store).run().await.unwrap()
}

/// What is not verified; of the stores here none locks.
fn failing(report: &ProbeReport) -> Vec<(Promise, Verdict)> {
    report
        .promises
        .iter()
        .filter(|(promise, verdict)| **verdict != Verdict::Verified && **promise != Promise::Lock)
        .map(|(promise, verdict)| (*promise, *verdict))
        .collect()
}

#[tokio::test]
async fn the_stores_of_this_crate_keep_what_they_claim() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileStore::open(folder.path().join("store")).unwrap();
    let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(MemoryStore::new()), Arc::new(file)];
    for store in stores {
        // The real timer: the file store works on other threads.
        let report = Probe::new(Arc::clone(&store)).with_bodies([(64, 4), (1 << 20, 2)]).run().await.unwrap();
        assert_eq!(failing(&report), [], "{report}");
        assert_eq!(report.verdict(Promise::Lock), Verdict::Rejected);
        assert_eq!(report.promises.len(), Promise::ALL.len());
        assert!(report.notes.is_empty(), "{report}");
        assert_eq!(
            report.state,
            BucketState::new().with_versioning(Versioning::Disabled).with_default_retention(false)
        );
        let left = store.list_page(&Prefix::root(), objstore_core::ListOptions::new()).await.unwrap();
        assert!(left.objects.is_empty());
    }
}

#[tokio::test]
async fn every_habit_is_told_for_what_it_is() {
    use Promise as P;
    use Verdict as V;
    let at = |site, way| Habit::Condition(site, way);
    let cases: Vec<(Habit, Vec<(P, V)>)> = vec![
        (Habit::None, vec![]),
        (at(Site::Create, Way::Ignore), vec![(P::CreateIfAbsent, V::Ignored), (P::CreateAfterDelete, V::Ignored)]),
        (at(Site::Create, Way::Reject), vec![(P::CreateIfAbsent, V::Rejected), (P::CreateAfterDelete, V::Rejected)]),
        (at(Site::Create, Way::Never), vec![(P::CreateIfAbsent, V::Rejected), (P::CreateAfterDelete, V::Rejected)]),
        (at(Site::Create, Way::Pretend), vec![(P::CreateIfAbsent, V::Ignored), (P::CreateAfterDelete, V::Ignored)]),
        (at(Site::Create, Way::Race), vec![(P::CreateIfAbsent, V::Racy)]),
        (Habit::AtomicUpTo(1024), vec![(P::CreateIfAbsent, V::Racy), (P::UpdateIfMatch, V::Racy)]),
        (Habit::MarkersCount, vec![(P::CreateAfterDelete, V::Rejected)]),
        (at(Site::Update, Way::Ignore), vec![(P::UpdateIfMatch, V::Ignored)]),
        (at(Site::Update, Way::Reject), vec![(P::UpdateIfMatch, V::Rejected)]),
        (at(Site::Update, Way::Never), vec![(P::UpdateIfMatch, V::Rejected)]),
        (at(Site::Update, Way::Pretend), vec![(P::UpdateIfMatch, V::Ignored)]),
        (at(Site::Update, Way::Race), vec![(P::UpdateIfMatch, V::Racy)]),
        (at(Site::Complete, Way::Ignore), vec![(P::ConditionalComplete, V::Ignored)]),
        (at(Site::Complete, Way::Reject), vec![(P::ConditionalComplete, V::Rejected)]),
        (at(Site::Complete, Way::Race), vec![(P::ConditionalComplete, V::Racy)]),
        (at(Site::Copy, Way::Ignore), vec![(P::ConditionalCopy, V::Ignored)]),
        (at(Site::Copy, Way::Reject), vec![(P::ConditionalCopy, V::Rejected)]),
        (at(Site::Copy, Way::Pretend), vec![(P::ConditionalCopy, V::Ignored)]),
        (at(Site::Copy, Way::Race), vec![(P::ConditionalCopy, V::Racy)]),
        (at(Site::Delete, Way::Ignore), vec![(P::ConditionalDelete, V::Ignored)]),
        (at(Site::Delete, Way::Reject), vec![(P::ConditionalDelete, V::Rejected)]),
        (at(Site::Delete, Way::Pretend), vec![(P::ConditionalDelete, V::Ignored)]),
        (at(Site::Delete, Way::Race), vec![(P::ConditionalDelete, V::Racy)]),
        (at(Site::Batch, Way::Ignore), vec![(P::ConditionalBatchDelete, V::Ignored)]),
        (at(Site::Batch, Way::Reject), vec![(P::ConditionalBatchDelete, V::Rejected)]),
        (Habit::NoBatch, vec![(P::ConditionalBatchDelete, V::Rejected), (P::BatchDelete, V::Rejected)]),
        (Habit::IdleBatch, vec![(P::ConditionalBatchDelete, V::Ignored), (P::BatchDelete, V::Ignored)]),
        (Habit::LateReads, vec![(P::ReadAfterWrite, V::Ignored)]),
        (Habit::LateListings, vec![(P::ListAfterWrite, V::Ignored)]),
        (Habit::Unsorted, vec![(P::ListOrdered, V::Ignored)]),
        (Habit::RepeatedToken, vec![(P::ListAfterWrite, V::Ignored), (P::ListOrdered, V::Unknown)]),
        (Habit::LossyPages, vec![(P::ListAfterWrite, V::Ignored)]),
        (Habit::Busy, vec![]),
        (Habit::Startover, vec![]),
    ];
    for (habit, expected) in cases {
        let store = Odd::new(habit);
        let report = probe(store.share()).await;
        let found = failing(&report);
        assert!(report.evidence.len() >= Promise::ALL.len(), "{habit:?}: {report}");
        if habit == Habit::LateReads {
            // What reads show is what everything else is judged by.
            assert!(expected.iter().all(|case| found.contains(case)), "{habit:?}: {report}");
            continue;
        }
        assert_eq!(found, expected, "{habit:?}: {report}");
        assert_eq!(store.left().await, 0, "{habit:?}: {report}");
    }
}

#[tokio::test]
async fn retention_is_tried_on_an_object() {
    for (habit, verdict) in [(Habit::Lock, Verdict::Verified), (Habit::IdleLock, Verdict::Ignored)] {
        let store = Odd::new(habit);
        let report = probe(store.share()).await;
        assert_eq!(report.verdict(Promise::Lock), verdict, "{report}");
        assert_eq!(store.left().await, 0, "{report}");
    }
}

#[tokio::test]
async fn who_may_only_read_learns_nothing_and_changes_nothing() {
    let report = probe(Arc::new(ReadOnly::new(Arc::new(MemoryStore::new())))).await;
    assert!(report.promises.values().all(|verdict| *verdict == Verdict::Unknown), "{report}");
    assert!(report.notes[0].contains("permission denied"), "{report}");
}

#[tokio::test]
async fn a_store_that_falls_ill_or_shut_is_not_judged() {
    for habit in [Habit::Dead, Habit::Forbidden] {
        let report = probe(Odd::new(habit)).await;
        let judged =
            report.promises.values().filter(|verdict| !matches!(verdict, Verdict::Unknown | Verdict::Verified));
        assert_eq!(judged.count(), 0, "{habit:?}: {report}");
        assert_eq!(report.verdict(Promise::CreateIfAbsent), Verdict::Unknown, "{habit:?}: {report}");
        assert!(report.notes.iter().any(|note| note.contains("could not be removed")), "{habit:?}: {report}");
    }
}

#[tokio::test]
async fn default_retention_must_be_accepted() {
    let store = Odd::new(Habit::DefaultRetention);
    let known = prober(store.share()).with_state(BucketState::new().with_default_retention(true)).run().await;
    assert_eq!(known.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(store.left().await, 0, "nothing is written where it is known before");
    let found = prober(store.share()).run().await.unwrap_err();
    assert!(found.to_string().contains("allow that"), "{found}");
    assert_eq!(store.left().await, 1);
    let report = prober(store.share()).accept_default_retention().run().await.unwrap();
    assert_eq!(report.state.default_retention, Some(true));
    assert_eq!(report.verdict(Promise::CreateIfAbsent), Verdict::Verified);
}

#[tokio::test]
async fn what_is_demanded_at_the_start_is_explained() {
    let report = probe(Odd::new(Habit::Condition(Site::Create, Way::Ignore))).await;
    report.require(&[Promise::UpdateIfMatch, Promise::ReadAfterWrite]).unwrap();
    let error = report.require(&[Promise::UpdateIfMatch, Promise::CreateIfAbsent, Promise::Lock]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    for part in ["accepts create_if_absent and ignores it", "a second create of one key succeeded", "refuses lock"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("update_if_match"), "{text}");
}

#[tokio::test]
async fn a_probed_store_refuses_instead_of_pretending() {
    let key = |name: &str| ObjectKey::new(name).unwrap();
    let absent = WriteOptions::new().with_condition(Condition::Absent);
    for way in [Way::Ignore, Way::Reject, Way::Race] {
        let odd = Odd::new(Habit::Condition(Site::Create, way));
        let store = Probed::new(odd.share(), &probe(odd.share()).await);
        let error = store.create(&key("a"), "x").await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, &objstore_core::Effect::NotApplied));
        let upload = store.start_upload(&key("a"), UploadOptions::new().with_write(absent.clone())).await;
        assert_eq!(upload.unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(store.capabilities().require(Promise::CreateIfAbsent).is_err());
        assert_eq!(odd.left().await, 0);
        let revision = store.put_bytes(&key("a"), "x").await.unwrap().revision;
        store.replace(&key("a"), revision, "y").await.unwrap();
    }
    let odd = Odd::new(Habit::Condition(Site::Delete, Way::Ignore));
    let store = Probed::new(odd.share(), &probe(odd.share()).await);
    store.put_bytes(&key("a"), "x").await.unwrap();
    let at = DeleteOptions::new().with_condition(Condition::Matches(Odd::foreign()));
    assert_eq!(store.delete(&key("a"), at.clone()).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let batch = store.delete_many(vec![DeleteItem::new(key("a")).with_options(at)]).await;
    assert_eq!(batch[0].as_ref().unwrap_err().kind(), ErrorKind::PreconditionFailed);
    assert_eq!(odd.left().await, 1);
    let odd = Odd::new(Habit::IdleLock);
    let store = Probed::new(odd.share(), &probe(odd.share()).await);
    let locked = WriteOptions::new().with_protection(Protection::new().with_hold(true));
    let error = store.put(&key("a"), "x".into(), locked).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_short_conditional_upload_is_one_put_where_completion_ignores_conditions() {
    let odd = Odd::new(Habit::Condition(Site::Complete, Way::Ignore));
    let store = Probed::new(odd.share(), &probe(odd.share()).await);
    let key = ObjectKey::new("a").unwrap();
    let options = || UploadOptions::new().with_write(WriteOptions::new().with_condition(Condition::Absent));
    for hint in [None, Some((8 << 20) + 1)] {
        let mut options = options();
        options.size_hint = hint;
        assert_eq!(store.start_upload(&key, options).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    let mut upload = store.start_upload(&key, options().with_size_hint(5)).await.unwrap();
    upload.write("hel".into()).await.unwrap();
    upload.write("lo".into()).await.unwrap();
    assert_eq!(upload.write("!".into()).await.unwrap_err().kind(), ErrorKind::TooLarge);
    upload.finish().await.unwrap();
    assert_eq!(store.get_bytes(&key, 10).await.unwrap().1, "hello");
    let mut late = store.start_upload(&key, options().with_size_hint(5)).await.unwrap();
    late.write("late".into()).await.unwrap();
    assert_eq!(late.finish().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(late.finish().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(store.get_bytes(&key, 10).await.unwrap().1, "hello");
}

#[tokio::test]
async fn a_report_is_json_and_a_table() {
    let report = probe(Odd::new(Habit::Condition(Site::Create, Way::Race))).await;
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["promises"]["create_if_absent"], "racy");
    assert_eq!(json["promises"]["update_if_match"], "verified");
    assert_eq!(json["promises"].as_object().unwrap().len(), Promise::ALL.len());
    assert_eq!(json["state"]["versioning"], "disabled");
    let race = json["evidence"].as_array().unwrap().iter().find(|form| form["form"] == "race of puts").unwrap();
    assert_eq!((&race["width"], &race["body_bytes"]), (&8.into(), &64.into()));
    assert_eq!(serde_json::from_value::<ProbeReport>(json).unwrap(), report);
    let table = report.to_string();
    assert!(
        table.contains("create_if_absent          racy\n    race of puts, 64 bytes: racy: of 8 writers"),
        "{table}"
    );
    for promise in Promise::ALL {
        assert_eq!(promise.as_str().parse::<Promise>().unwrap(), *promise);
        assert_eq!(serde_json::to_value(promise).unwrap(), promise.as_str());
    }
    assert!("no_such_promise".parse::<Promise>().unwrap_err().to_string().contains("create_if_absent"));
}

#[derive(Debug, Clone)]
struct Fixed(Arc<std::sync::Mutex<u64>>);

impl Clock for Fixed {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(*self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn a_cached_report_is_believed_for_its_bucket_its_state_and_its_time() {
    let clock = Fixed(Arc::new(std::sync::Mutex::new(1_000_000)));
    let store = MemoryStore::new();
    let cache = ProbeCache::new(Arc::new(store.clone()), Prefix::new("probes/").unwrap())
        .with_clock(Arc::new(clock.clone()))
        .with_max_age(Duration::from_secs(100));
    let key = ProbeKey::new("http://127.0.0.1:9000", "bucket", Versioning::Disabled);
    assert_eq!(cache.get(&key).await.unwrap(), None);
    let report = probe(Odd::new(Habit::None)).await;
    cache.put(&key, &report).await.unwrap();
    assert_eq!(cache.get(&key).await.unwrap().as_ref(), Some(&report));
    for other in [
        ProbeKey::new("http://127.0.0.1:9001", "bucket", Versioning::Disabled),
        ProbeKey::new("http://127.0.0.1:9000", "other", Versioning::Disabled),
        ProbeKey::new("http://127.0.0.1:9000", "bucket", Versioning::Enabled),
    ] {
        assert_eq!(cache.get(&other).await.unwrap(), None);
    }
    for (now, believed) in [(1_000_100, true), (1_000_101, false), (999_999, false)] {
        *clock.0.lock().unwrap() = now;
        assert_eq!(cache.get(&key).await.unwrap().is_some(), believed, "at {now}");
    }
    *clock.0.lock().unwrap() = 1_000_000;
    cache.forget(&key).await.unwrap();
    assert_eq!(cache.get(&key).await.unwrap(), None);

    let unknown = probe(Arc::new(ReadOnly::new(Arc::new(MemoryStore::new())))).await;
    cache.put(&key, &unknown).await.unwrap();
    assert_eq!(cache.get(&key).await.unwrap(), None, "a report that says nothing is not kept");
    cache.put(&key, &report).await.unwrap();
    let place = &store.list_page(&Prefix::root(), objstore_core::ListOptions::new()).await.unwrap().objects[0].key;
    store.put_bytes(place, "{\"version\": 1, damaged").await.unwrap();
    assert_eq!(cache.get(&key).await.unwrap(), None);
}

#[test]
fn what_was_not_looked_at_keeps_its_verdict() {
    let known = Capabilities::new().with_promise(Promise::Lock, Verdict::Verified);
    assert_eq!(unproven(&known).verdict(Promise::Lock), Verdict::Unknown);
    assert!(Promise::ALL.iter().all(|promise| unproven(&known).claims(*promise)));
}
