//! A save that is told to end takes away what it has written, wherever it is, or says what stays.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod save_support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use etcd_snapshot::home::Home;
use etcd_snapshot::{
    CancelToken, Endpoint, ErrorKind, Live, LiveHash, Message, Result, SaveOptions, SnapshotSource, Status,
    progress::Silent, save, verify,
};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use objstore_core::{FileStore, MemoryStore, ObjectStore, Prefix};
use save_support::hooked::{Act, Hooked};
use save_support::{Script, Scripted, snapshot};

const REVISIONS: i64 = 60;
const PATIENCE: Duration = Duration::from_secs(3600);

/// Calls the hook before each question to the cluster, and before each message.
struct HookedLive {
    inner: Script,
    hook: Arc<dyn Fn(&'static str) + Send + Sync>,
}

impl std::fmt::Debug for HookedLive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HookedLive")
    }
}

#[async_trait]
impl Live for HookedLive {
    async fn members(&self) -> Vec<Endpoint> {
        (self.hook)("members");
        self.inner.members().await
    }
    async fn member(&self, endpoint: &str) -> Result<Status> {
        (self.hook)("member");
        self.inner.member(endpoint).await
    }
    async fn voters(&self) -> Result<usize> {
        (self.hook)("voters");
        self.inner.voters().await
    }
    async fn snapshot(&self, endpoint: &str) -> Result<BoxStream<'static, Result<Message>>> {
        (self.hook)("snapshot");
        let hook = Arc::clone(&self.hook);
        Ok(self.inner.snapshot(endpoint).await?.inspect(move |_| hook("message")).boxed())
    }
    async fn hash_kv(&self, endpoint: &str, revision: i64) -> Result<LiveHash> {
        (self.hook)("hash_kv");
        self.inner.hash_kv(endpoint, revision).await
    }
}

/// What one run came to.
struct Run {
    /// Everything that was called, in order.
    log: Vec<&'static str>,
    /// `None` if it did not end.
    saved: Option<Result<etcd_snapshot::Saved>>,
    /// The home, without hooks.
    home: Home,
}

/// Saves, and cancels at the `at`th call of the store or the cluster. That call, if it is the store's, then comes to `act`.
async fn run(store: Arc<dyn ObjectStore>, at: usize, act: Act) -> Run {
    let token = CancelToken::new();
    let log: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let called = {
        let (token, log) = (token.clone(), Arc::clone(&log));
        move |name| {
            let mut log = log.lock().unwrap();
            log.push(name);
            if log.len() == at {
                token.cancel();
            }
            log.len() == at
        }
    };
    let hooked = {
        let called = called.clone();
        Hooked::new(Arc::clone(&store), move |name, _| if called(name) { act } else { Act::Deliver })
    };
    let mut inner = Script::new(&snapshot(REVISIONS), REVISIONS);
    inner.voters = 3;
    let hook = Arc::new(move |name| {
        let _ = called(name);
    });
    let live = HookedLive { inner, hook };
    let options = SaveOptions::default().with_host(Scripted::new(1)).with_cancel(token);
    let home = Home::new(Arc::new(hooked), Prefix::root());
    let saved = tokio::time::timeout(PATIENCE, save(&live, &home, &options)).await.ok();
    store.close().await.unwrap();
    let log = log.lock().unwrap().clone();
    Run { log, saved, home: Home::new(store, Prefix::root()) }
}

/// A save that was stopped left nothing; one that went on is a backup.
async fn judge(run: &Run, at: &str) -> bool {
    let inventory = run.home.inventory().await.unwrap();
    let uploads = run.home.store().uploads_page(run.home.prefix(), None).await.unwrap();
    assert!(uploads.uploads.is_empty(), "{at}: an upload is left");
    match run.saved.as_ref().unwrap() {
        Ok(saved) => {
            assert_eq!(inventory.newest().unwrap().id, saved.id, "{at}");
            verify(&SnapshotSource::newest(&run.home).await.unwrap(), None, &Silent).await.unwrap();
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{at}: {error}");
            assert!(error.to_string().contains("nothing was committed"), "{at}: {error}");
            assert!(inventory.snapshots.is_empty() && inventory.incomplete.is_empty(), "{at}: {inventory:?}");
            false
        }
    }
}

async fn at_every_call(store: impl Fn() -> Arc<dyn ObjectStore>) {
    let whole = run(store(), usize::MAX, Act::Deliver).await;
    assert!(judge(&whole, "not cancelled").await);
    let asked = |name| whole.log.iter().filter(|called| **called == name).count();
    assert_eq!((asked("members"), asked("member")), (1, 1), "only the sender is asked again");
    let (mut stopped_in, mut went_on) = (BTreeSet::new(), 0);
    for at in 1..=whole.log.len() {
        let run = run(store(), at, Act::Deliver).await;
        let name = run.log[at - 1];
        match judge(&run, &format!("cancelled at call {at}, {name}")).await {
            true => went_on += 1,
            false => drop(stopped_in.insert(name)),
        }
    }
    let all = [
        "finish",
        "get",
        "hash_kv",
        "head",
        "list_page",
        "member",
        "members",
        "message",
        "snapshot",
        "start_upload",
        "write",
    ];
    assert!(all.iter().all(|name| stopped_in.contains(name)), "stopped only in {stopped_in:?}");
    assert!(went_on >= 3, "a commit was cut off");
}

#[tokio::test]
async fn cancelled_at_any_call_it_leaves_nothing_in_memory() {
    at_every_call(|| Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn cancelled_at_any_call_it_leaves_nothing_in_files() {
    let dir = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    at_every_call(|| {
        number.set(number.get() + 1);
        Arc::new(FileStore::builder(dir.path().join(number.get().to_string())).build().unwrap())
    })
    .await;
}

/// The call at which it is cancelled never answers: it is waited for a little, and then what may be left is named.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_does_not_hold_a_cancelled_save() {
    let store = || -> Arc<dyn ObjectStore> { Arc::new(MemoryStore::new()) };
    let whole = run(store(), usize::MAX, Act::Deliver).await;
    let mut hung = Vec::new();
    for at in 1..=whole.log.len() {
        let run = run(store(), at, Act::Hang).await;
        let name = run.log[at - 1];
        if run.saved.is_none() {
            hung.push(name);
            continue;
        }
        judge(&run, &format!("hangs at call {at}, {name}")).await;
        if let (Some(Err(error)), "finish") = (&run.saved, name) {
            assert!(error.to_string().contains("may still appear"), "{error}");
        }
    }
    assert!(hung.iter().all(|name| ["put", "get"].contains(name)), "only the commit may wait: {hung:?}");
}

/// What cannot be taken away is named.
#[tokio::test]
async fn what_cannot_be_deleted_is_named() {
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let token = CancelToken::new();
    let hooked = Hooked::new(Arc::clone(&store), {
        let token = token.clone();
        move |name, _| match name {
            "head" => {
                token.cancel();
                Act::Deliver
            }
            "delete" => Act::Fail,
            _ => Act::Deliver,
        }
    });
    let options = SaveOptions::default().with_host(Scripted::new(1)).with_cancel(token);
    let home = Home::new(Arc::new(hooked), Prefix::root());
    let error = save(&Script::new(&snapshot(REVISIONS), REVISIONS), &home, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let left = Home::new(store, Prefix::root()).inventory().await.unwrap();
    let left = left.incomplete.first().unwrap();
    let name = format!("{}.i00000001.db may stay behind", left.id);
    assert!(error.to_string().contains(&name), "{error}");
}

#[tokio::test]
async fn a_token_that_is_cancelled_before_leaves_even_the_cluster_alone() {
    let token = CancelToken::new();
    token.cancel();
    token.cancelled().await;
    let options = SaveOptions::default().with_cancel(token);
    let run = run(Arc::new(MemoryStore::new()), usize::MAX, Act::Deliver).await;
    let again = save(&Script::new(&snapshot(REVISIONS), REVISIONS), &run.home, &options).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Cancelled);
    assert_eq!(run.home.inventory().await.unwrap().snapshots.len(), 1);
}

/// The time limit comes while the payload is being verified.
#[tokio::test(start_paused = true)]
async fn the_time_limit_takes_the_payload_away() {
    for hangs_at in ["head", "get"] {
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        let landed = std::sync::atomic::AtomicBool::new(false);
        let hooked = Hooked::new(Arc::clone(&store), move |name, _| {
            use std::sync::atomic::Ordering::Relaxed;
            landed.fetch_or(name == "finish", Relaxed);
            if landed.load(Relaxed) && name == hangs_at { Act::Hang } else { Act::Deliver }
        });
        let options = SaveOptions::default().with_host(Scripted::new(1)).with_timeout(Duration::from_secs(60));
        let home = Home::new(Arc::new(hooked), Prefix::root());
        let error = save(&Script::new(&snapshot(REVISIONS), REVISIONS), &home, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(error.to_string().contains("not done within 60s"), "{error}");
        let left = Home::new(store, Prefix::root()).inventory().await.unwrap();
        assert!(left.incomplete.is_empty() && left.snapshots.is_empty(), "{hangs_at}: {left:?}");
    }
}
