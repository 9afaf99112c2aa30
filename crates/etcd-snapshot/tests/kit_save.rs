//! A save as a controller: crashed, refused and lied to at every call of the store and of the cluster, and run again until
//! the home holds a backup.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod save_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use etcd_snapshot::home::Home;
use etcd_snapshot::{
    Endpoint, Error, ErrorKind, Live, LiveHash, Message, Result, SaveOptions, SnapshotSource, Status, save,
};
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use objstore_core::{MemoryStore, ObjectKey, ObjectStore, ObjectStoreExt as _, Prefix};
use reconcile::testkit::{Call, Claim, Fault, Faults, FaultyStore, Kit, Pairs, Reason, block_on};
use save_support::{Script, Scripted, snapshot};

const REVISIONS: i64 = 60;

/// What survives a crash.
struct World {
    store: FaultyStore,
    /// The seed of the next controller: each draws other names. Odd ones differ, see `Scripted`.
    seed: AtomicU64,
}

impl World {
    fn new() -> Self {
        Self { store: FaultyStore::new(Arc::new(MemoryStore::new())), seed: AtomicU64::new(1) }
    }

    fn home(&self) -> Home {
        home(Arc::clone(self.store.inner()))
    }
}

fn home(store: Arc<dyn ObjectStore>) -> Home {
    Home::new(store, Prefix::new("prod/").unwrap())
}

/// A cluster, each call to which can fail.
#[derive(Debug)]
struct FaultyLive {
    cluster: Script,
    faults: Faults,
}

fn broken(fault: Fault) -> Error {
    Error::new(ErrorKind::Unreachable, "the member cannot be reached").with_source(fault)
}

#[async_trait]
impl Live for FaultyLive {
    async fn members(&self) -> Vec<Endpoint> {
        let asked = self.faults.around(Call::read("status"), |_| self.cluster.members()).await;
        asked.unwrap_or_else(|fault| vec![Endpoint { url: Script::url(0), status: Err(broken(fault)) }])
    }

    async fn member(&self, endpoint: &str) -> Result<Status> {
        self.faults.around(Call::read("status again"), |_| self.cluster.member(endpoint)).await.map_err(broken)?
    }

    async fn voters(&self) -> Result<usize> {
        self.faults.around(Call::read("member list"), |_| self.cluster.voters()).await.map_err(broken)?
    }

    async fn snapshot(&self, endpoint: &str) -> Result<BoxStream<'static, Result<Message>>> {
        self.faults.around(Call::read("snapshot"), |_| self.cluster.snapshot(endpoint)).await.map_err(broken)?
    }

    async fn hash_kv(&self, endpoint: &str, revision: i64) -> Result<LiveHash> {
        self.faults.around(Call::read("hashkv"), |_| self.cluster.hash_kv(endpoint, revision)).await.map_err(broken)?
    }
}

/// One pass of an operator that wants one backup: it looks what is there, and saves if there is none.
async fn one_backup(world: &World, faults: Faults, file: &[u8]) -> Result<bool> {
    let home = home(world.store.under(&faults));
    if home.inventory().await?.newest().is_some() {
        return Ok(true);
    }
    let seed = world.seed.fetch_add(2, Ordering::Relaxed);
    let live = FaultyLive { cluster: Script::new(file, REVISIONS), faults };
    save(&live, &home, &SaveOptions::default().with_host(Scripted::new(seed))).await.map(|_saved| true)
}

/// What every complete snapshot of the home has in its payload.
async fn payloads(home: &Home) -> Result<Vec<Bytes>> {
    let mut payloads = Vec::new();
    for listed in home.inventory().await?.snapshots {
        let source = SnapshotSource::stored(home, &listed.id).await?;
        let blocks: Vec<Bytes> = source.stream().await?.try_collect().await?;
        payloads.push(blocks.concat().into());
    }
    Ok(payloads)
}

/// No manifest stands without its payload, or beside one that is not what the member sent.
fn only_whole_ones(world: &World, file: &[u8]) -> std::result::Result<usize, String> {
    let inventory = block_on(world.home().inventory()).map_err(|e| e.to_string())?;
    if let Some(half) = inventory.incomplete.iter().find(|half| half.bytes.is_none()) {
        return Err(half.why.to_owned());
    }
    let payloads = block_on(payloads(&world.home())).map_err(|e| e.to_string())?;
    match payloads.iter().all(|payload| payload == file) {
        true => Ok(payloads.len()),
        false => Err("a manifest beside another payload".to_owned()),
    }
}

fn kit<'k>(file: &'k [u8], pass: impl AsyncFn(&World, Faults) -> Claim + 'k) -> Kit<'k, World> {
    Kit::new(World::new, pass)
        .with_threads()
        .with_safety(|world| only_whole_ones(world, file).map(drop))
        .with_goal(|world| match only_whole_ones(world, file)? {
            0 => Err("there is no backup".to_owned()),
            _ => Ok(()),
        })
        .with_end_state(|world| only_whole_ones(world, file))
}

#[test]
fn an_operator_gets_its_backup_whatever_strikes() {
    let file = snapshot(REVISIONS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let _entered = runtime.enter();
    let report = kit(&file, async |world: &World, faults: Faults| one_backup(world, faults, &file).await.into())
        .with_pairs(Pairs::Drawn(1_000))
        .explore();
    println!("{report}");
    report.assert_clean();
    assert!(report.points > 50, "only {} points", report.points);
}

/// A test of the test: the same objects, written in the order of their names, so that the manifest comes too early.
#[test]
fn the_kit_notices_a_manifest_that_comes_first() {
    let file = snapshot(REVISIONS);
    let model = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let saved = async { save(&Script::new(&file, REVISIONS), &model.home(), &SaveOptions::default()).await };
    runtime.block_on(saved).unwrap();
    let objects = block_on(objects(model.store.inner())).unwrap();
    let report = kit(&file, async |world: &World, faults: Faults| {
        let store = world.store.under(&faults);
        let copy = async {
            for (key, body) in objects.iter().rev() {
                if !store.exists(key).await? {
                    store.create(key, body.clone()).await?;
                }
            }
            Ok::<_, objstore_core::Error>(true)
        };
        copy.await.into()
    })
    .with_pairs(Pairs::None)
    .explore();
    report.assert_finds(Reason::Unsafe, "a manifest and no payload");
}

async fn objects(store: &Arc<dyn ObjectStore>) -> objstore_core::Result<Vec<(ObjectKey, Bytes)>> {
    let mut objects = Vec::new();
    let listed: Vec<_> = store.list(&Prefix::root()).try_collect().await?;
    for meta in listed {
        objects.push((meta.key.clone(), store.get_bytes(&meta.key, 1 << 24).await?.1));
    }
    Ok(objects)
}
