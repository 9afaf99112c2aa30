//! An object store under the kit.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::TryStreamExt as _;
use objstore_core::{
    Condition, DeleteOptions, Effect, Error, ErrorKind, ListOptions, MemoryStore, ObjectKey, ObjectStore,
    ObjectStoreExt as _, Prefix, ReadOptions, Retry, UploadOptions, WriteOptions,
};
use reconcile::testkit::{Fault, Faults, FaultyStore, Kit, Pairs, Reason, block_on};

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

fn world() -> FaultyStore {
    FaultyStore::new(Arc::new(MemoryStore::new()))
}

fn names(store: &dyn ObjectStore) -> Vec<String> {
    let page = block_on(store.list_page(&Prefix::root(), ListOptions::new())).unwrap();
    page.objects.iter().map(|object| object.key.to_string()).collect()
}

fn uploads(store: &dyn ObjectStore) -> usize {
    block_on(store.uploads_page(&Prefix::root(), None)).unwrap().uploads.len()
}

/// Runs one pass under a plan, and returns what it said and what it left.
fn once<T: Clone>(line: &str, pass: impl AsyncFn(Arc<dyn ObjectStore>) -> T) -> (Option<T>, FaultyStore) {
    let said = Mutex::new(None);
    let left = Mutex::new(None);
    let kit = Kit::new(world, async |world: &FaultyStore, faults: Faults| {
        if left.lock().unwrap().replace(world.clone()).is_none() {
            let answer = pass(world.under(&faults)).await;
            *said.lock().unwrap() = Some(answer);
        }
        true
    })
    .with_quiet_passes(0);
    let replay = kit.replay(line).unwrap();
    assert_eq!(replay.finding, None, "{replay}");
    drop(kit);
    (said.into_inner().unwrap(), left.into_inner().unwrap().unwrap())
}

type Facts = (ErrorKind, Effect, Retry, Option<String>);

fn facts(error: &Error) -> Facts {
    (error.kind(), error.effect().clone(), error.retry(), error.key().map(str::to_owned))
}

#[test]
fn each_fault_is_an_error_that_says_what_is_known() {
    let put = async |store: Arc<dyn ObjectStore>| {
        let created = store.create(&key("a"), "body").await;
        created.map(drop).map_err(|error| facts(&error))
    };
    let at = Some("a".to_owned());
    let (now, later) = (Retry::After(Duration::ZERO), Retry::After(Duration::from_secs(30)));
    for (line, said, there) in [
        ("clean", Some(Ok(())), true),
        ("err-unsent@1", Some(Err((ErrorKind::Transport, Effect::NotApplied, now, at.clone()))), false),
        ("err-lost@1", Some(Err((ErrorKind::Transport, Effect::Unknown, now, at.clone()))), true),
        ("rate-limited=30@1", Some(Err((ErrorKind::RateLimited, Effect::NotApplied, later, at.clone()))), false),
        ("crash-before@1", None, false),
        ("crash-after@1", None, true),
        ("hang@1", None, false),
        ("hang-lost@1", None, true),
    ] {
        let (answer, world) = once(line, put);
        assert_eq!((answer, names(&**world.inner())), (said, if there { vec!["a".into()] } else { vec![] }), "{line}");
    }
}

#[test]
fn a_lost_answer_of_a_read_left_nothing_unknown() {
    let (said, _) = once("err-lost@1", async |store: Arc<dyn ObjectStore>| {
        store.head(&key("a"), ReadOptions::new()).await.map(drop).map_err(|error| error.effect().clone())
    });
    assert_eq!(said, Some(Err(Effect::NotApplied)));
}

#[test]
fn a_body_can_break_in_the_middle() {
    let read = async |store: Arc<dyn ObjectStore>| {
        store.create(&key("a"), "body").await.map_err(|e| e.to_string())?;
        let get = store.get(&key("a"), None, ReadOptions::new()).await.map_err(|e| e.to_string())?;
        let chunks: Result<Vec<_>, _> = get.body.try_collect().await;
        chunks.map(|chunks| chunks.concat()).map_err(|error| format!("{error}"))
    };
    assert_eq!(once("clean", read).0, Some(Ok(b"body".to_vec())));
    let broken = once("err-lost@3", read).0.unwrap().unwrap_err();
    assert!(broken.contains("connection failed") && broken.contains("op=read"), "{broken}");
}

#[test]
fn a_crash_leaves_an_upload_behind_and_an_error_does_not() {
    let upload = async |store: Arc<dyn ObjectStore>| {
        let mut upload = store.start_upload(&key("a"), UploadOptions::new()).await.map_err(drop)?;
        upload.write("one".into()).await.map_err(drop)?;
        upload.write("two".into()).await.map_err(drop)?;
        upload.finish().await.map(drop).map_err(drop)
    };
    for (line, said, there, left) in [
        ("clean", Some(Ok(())), 1, 0),
        ("crash-after@1", None, 0, 0), // nothing was stored yet
        ("crash-after@2", None, 0, 1),
        ("crash-before@4", None, 0, 1),
        ("crash-after@4", None, 1, 0),
        ("err-lost@2", Some(Err(())), 0, 0),
        ("err-lost@4", Some(Err(())), 1, 0),
    ] {
        let (answer, world) = once(line, upload);
        assert_eq!((answer, names(&**world.inner()).len(), uploads(&**world.inner())), (said, there, left), "{line}");
    }
}

#[test]
fn a_batch_fails_as_a_whole() {
    use objstore_core::DeleteItem;
    let batch = async |store: Arc<dyn ObjectStore>| {
        let deleted = store.delete_many(vec![DeleteItem::new(key("a")), DeleteItem::new(key("b"))]).await;
        deleted.into_iter().map(|one| one.map(drop).map_err(|error| facts(&error).3)).collect::<Vec<_>>()
    };
    assert_eq!(once("clean", batch).0, Some(vec![Ok(()), Ok(())]));
    assert_eq!(once("err-lost@1", batch).0, Some(vec![Err(Some("a".into())), Err(Some("b".into()))]));
}

#[test]
fn listings_are_late_or_lack_a_page_only_if_that_was_asked_for() {
    let listed = |line: &str, world: FaultyStore| {
        let seen = Mutex::new(Vec::new());
        let pass = async |world: &FaultyStore, faults: Faults| {
            let store = world.under(&faults);
            for name in ["a", "b", "c"] {
                store.create(&key(name), name).await?;
            }
            store.delete(&key("a"), DeleteOptions::new()).await?;
            let page = store.list_page(&Prefix::root(), ListOptions::new()).await?;
            let names = page.objects.iter().map(|object| object.key.to_string()).collect::<String>();
            seen.lock().unwrap().push(names);
            Ok::<_, Error>(())
        };
        let given = Mutex::new(Some(world));
        let make = || given.lock().unwrap().take().unwrap_or_else(self::world);
        let replay = Kit::new(make, pass).with_quiet_passes(0).with_passes(1).replay(line).unwrap();
        seen.into_inner().unwrap().first().cloned().unwrap_or_else(|| panic!("{replay}"))
    };
    let late = || world().with_stale_listings(3);
    assert_eq!(listed("stale=1@5", world()), "bc");
    assert_eq!(listed("page-missing@5", world()), "bc");
    assert_eq!(listed("clean", late()), "bc");
    assert_eq!(listed("stale=1@5", late()), "abc");
    assert_eq!(listed("stale=2@5", late()), "ab");
    assert_eq!(listed("stale=3@5", late()), "a");
    assert_eq!(listed("stale=9@5", late()), "a");
    assert_eq!(listed("page-missing@5", late().with_missing_pages()), "b");
    assert_eq!(listed("stale=1@5", late().with_missing_pages()), "abc");
}

/// A list of who was here, and whom that was acknowledged to.
struct Guests {
    store: FaultyStore,
    acknowledged: Mutex<BTreeSet<String>>,
}

impl Guests {
    fn new() -> Self {
        Self { store: world(), acknowledged: Mutex::default() }
    }

    fn nobody_is_lost(&self) -> Result<(), String> {
        let acknowledged = self.acknowledged.lock().unwrap();
        let list = match block_on(self.store.inner().get_bytes(&key("guests"), 1000)) {
            Ok((_, bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => String::new(),
        };
        match acknowledged.iter().find(|name| !list.contains(name.as_str())) {
            Some(_) => Err("an acknowledged entry is lost".into()),
            None => Ok(()),
        }
    }
}

/// Adds a name of the controller's own; with a condition, or without one.
async fn sign(guests: &Guests, faults: Faults, careful: bool) -> Result<(), Error> {
    let name = if faults.controller() == 0 { "anna " } else { "bert " };
    let store = guests.store.under(&faults);
    let (condition, list) = match store.get_bytes(&key("guests"), 1000).await {
        Ok((meta, bytes)) => (Condition::Matches(meta.revision), String::from_utf8_lossy(&bytes).into_owned()),
        Err(absent) if absent.is_not_found() => (Condition::Absent, String::new()),
        Err(error) => return Err(error),
    };
    if !list.contains(name) {
        let options = WriteOptions::new();
        let options = if careful { options.with_condition(condition) } else { options };
        store.put(&key("guests"), format!("{list}{name}").into(), options).await?;
    }
    guests.acknowledged.lock().unwrap().insert(name.into());
    Ok(())
}

fn guests<'k>(careful: bool) -> Kit<'k, Guests> {
    Kit::new(Guests::new, async move |guests: &Guests, faults: Faults| sign(guests, faults, careful).await)
        .with_safety(Guests::nobody_is_lost)
        .with_races(1000)
}

#[test]
fn a_write_with_a_condition_loses_nobody() {
    guests(true).explore().assert_clean();
}

#[test]
fn a_write_that_is_lost_to_another_controller_is_found() {
    let report = guests(false).explore();
    report.assert_finds(Reason::Unsafe, "an acknowledged entry is lost");
    assert!(report.findings()[0].plans[0].is_race(), "{report}");
}

#[test]
fn an_answer_that_was_lost_and_taken_for_a_refusal_is_found() {
    // Broken: an error means to it that nothing was written, so it writes under another name.
    let kit = Kit::new(world, async |world: &FaultyStore, faults: Faults| {
        let store = world.under(&faults);
        let page = store.list_page(&Prefix::root(), ListOptions::new()).await?;
        if page.objects.is_empty() && store.create(&key("first"), "x").await.is_err() {
            store.create(&key("second"), "x").await?;
        }
        Ok::<_, Error>(())
    })
    .with_end_state(|world| names(&**world.inner()).len())
    .with_pairs(Pairs::None);
    let report = kit.explore();
    report.assert_finds(Reason::EndState, "it ends with 2, without faults with 1");
    assert!(report.findings()[0].plans.iter().any(|plan| plan.to_string() == "err-lost@2"), "{report}");
}

#[test]
fn a_store_can_be_used_outside_of_a_pass() {
    let world = world();
    block_on(world.create(&key("a"), "x")).unwrap();
    assert_eq!(names(&world), ["a"]);
    assert_eq!(names(&**world.inner()), ["a"]);
    assert_eq!(world.to_string(), world.inner().to_string());
    assert_eq!(format!("{}", Fault::Lost), "the answer was lost");
}
