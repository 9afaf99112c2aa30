//! Every store and every layer of this crate does what every store must do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

common::conformance!(memory, file, forwarded, retries, timeouts, limit, meter, prefix, probed, stack);

/// The contract can be held behind `dyn`, and everything of it can be sent.
#[test]
fn the_contract_is_dyn_compatible() {
    use std::sync::Arc;

    use objstore_core::{MemoryStore, ObjectKey, ObjectStore, ObjectStoreExt, Upload};

    fn sendable<T: Send + Sync + ?Sized>() {}
    fn sent<T: Send>(value: T) -> T {
        value
    }
    sendable::<dyn ObjectStore>();
    sendable::<objstore_core::Error>();
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let _: Option<Box<dyn Upload>> = None;
    let key = ObjectKey::new("a").unwrap();
    drop(sent(store.get_bytes(&key, 1)));
    drop(sent(store.put_bytes(&key, "x")));
    drop(sent(store.get_range(&key, 0..1)));
    drop(sent(store.exists(&key)));
    drop(sent(store.list(&objstore_core::Prefix::root())));
    assert_eq!(store.to_string(), "memory://");
}
