//! Every store and every layer of this crate does what every store must do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use objstore_core::{
    DeleteOptions, ErrorKind, FileStore, ListOptions, MemoryStore, ObjectKey, ObjectStore, ObjectStoreExt as _,
    PageToken, Prefix, ReadOptions,
    layers::{Limit, Measurement, Meter, PrefixStore, Recorder, Retries, StoreBuilder, Timeouts},
    probe::{Probe, ProbeReport, Probed},
};

/// How many cases each of them must run: all but those that need versions, signed URLs or a broken promise.
const FLOOR: usize = 36;

objstore_testkit::conformance_tests! {
    memory (floor = FLOOR): (MemoryStore::new(), ());
    file (floor = FLOOR): file();
    forwarded (floor = FLOOR): (Box::new(Arc::new(MemoryStore::new())) as Box<dyn ObjectStore>, ());
    retries (floor = FLOOR): (Retries::new(inner()), ());
    timeouts (floor = FLOOR): (Timeouts::new(inner()), ());
    // Two, because one case opens a body and writes before it has read it.
    limit (floor = FLOOR): (Limit::new(inner()).with_calls(2).with_bytes(4096), ());
    meter (floor = FLOOR): (Meter::new(inner(), Arc::new(Deaf)), ());
    prefix (floor = FLOOR): (PrefixStore::new(inner(), Prefix::new("outer/prefix/").unwrap()), ());
    probed (floor = FLOOR): (Probed::new(inner(), &probe().await), ());
    stack (floor = FLOOR): stack();
}

fn inner() -> Arc<dyn ObjectStore> {
    Arc::new(MemoryStore::new())
}

fn file() -> (FileStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (FileStore::open(folder.path().join("store")).unwrap(), folder)
}

async fn probe() -> ProbeReport {
    Probe::new(inner()).with_bodies([(64, 1)]).run().await.unwrap()
}

fn stack() -> (Arc<dyn ObjectStore>, tempfile::TempDir) {
    let (store, folder) = file();
    let builder = StoreBuilder::new(Arc::new(store)).with_calls(4).with_bytes(1 << 20).with_recorder(Arc::new(Deaf));
    (builder.with_prefix(Prefix::new("outer/").unwrap()).build(), folder)
}

/// Hears, and does nothing.
#[derive(Debug)]
struct Deaf;

impl Recorder for Deaf {
    fn record(&self, _measurement: &Measurement) {}
}

/// The suite lets a service take any text for a page token. Ours know their own.
#[tokio::test]
async fn foreign_page_tokens_are_refused() {
    let (file, _folder) = file();
    for store in [inner(), Arc::new(file)] {
        let options = ListOptions::new().with_after(PageToken::new("not one of yours"));
        let page = store.list_page(&Prefix::root(), options).await;
        assert_eq!(page.unwrap_err().kind(), ErrorKind::InvalidInput);
        let page = store.uploads_page(&Prefix::root(), Some(PageToken::new("nor this"))).await;
        assert_eq!(page.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// The suite lets a body end with an error when its object is written anew. Ours are one state to their end.
#[tokio::test]
async fn a_body_outlives_its_name() {
    let (file, _folder) = file();
    for store in [inner(), Arc::new(file)] {
        let (key, body) = (ObjectKey::new("a").unwrap(), Bytes::from(vec![7; 3 << 20]));
        store.put_bytes(&key, body.clone()).await.unwrap();
        let mut get = store.get(&key, None, ReadOptions::new()).await.unwrap();
        let first = get.body.next().await.unwrap().unwrap();
        store.put_bytes(&key, "new").await.unwrap();
        store.delete(&key, DeleteOptions::new()).await.unwrap();
        let rest: Vec<_> = get.body.try_collect().await.unwrap();
        assert_eq!([first.to_vec(), rest.concat()].concat(), body);
    }
}

/// What lies below a prefix is shown if something of it comes after the key.
#[tokio::test]
async fn delimited_listings_begin_after_a_key() {
    let (file, _folder) = file();
    for store in [inner(), Arc::new(file)] {
        for name in ["a", "b.c", "b/x", "b/y/z", "e"] {
            store.put_bytes(&ObjectKey::new(name).unwrap(), "x").await.unwrap();
        }
        for (after, keys, prefixes) in [("b/x", ["e"], &["b/"][..]), ("b/y/z", ["e"], &[])] {
            let options = ListOptions::new().with_delimited(true).with_start_after(ObjectKey::new(after).unwrap());
            let page = store.list_page(&Prefix::root(), options).await.unwrap();
            assert_eq!(page.objects.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), keys, "after {after}");
            assert_eq!(page.prefixes.iter().map(Prefix::as_str).collect::<Vec<_>>(), prefixes, "after {after}");
        }
    }
}

/// The contract can be held behind `dyn`, and everything of it can be sent.
#[test]
fn the_contract_is_dyn_compatible() {
    use objstore_core::{ObjectStoreExt, Upload};

    fn sendable<T: Send + Sync + ?Sized>() {}
    fn sent<T: Send>(value: T) -> T {
        value
    }
    sendable::<dyn ObjectStore>();
    sendable::<objstore_core::Error>();
    let store = inner();
    let _: Option<Box<dyn Upload>> = None;
    let key = ObjectKey::new("a").unwrap();
    drop(sent(ObjectStoreExt::get_bytes(&store, &key, 1)));
    drop(sent(store.put_bytes(&key, "x")));
    drop(sent(store.get_range(&key, 0..1)));
    drop(sent(store.exists(&key)));
    drop(sent(store.list(&Prefix::root())));
    assert_eq!(store.to_string(), "memory://");
}
