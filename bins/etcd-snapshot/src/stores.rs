//! The stores that this program knows.

use std::sync::Arc;

use async_trait::async_trait;
use etcd_snapshot::home::Home;
use objstore_core::layers::{StoreBuilder, TracingRecorder};
use objstore_core::{ObjectStore, OpenedKey, OpenedPrefix, Registry, Result, SchemeFactory, StoreUrl};

use crate::output::Output;

/// `file://`, `memory://` and `s3://`; the last with time limits and retries around it.
pub(crate) fn registry() -> Registry {
    let mut bare = Registry::new();
    objstore_s3::register(&mut bare);
    let mut registry = Registry::with_defaults();
    registry.register("s3", Steady(bare));
    registry
}

/// A store behind a network makes each request once: it is tried again here.
#[derive(Debug)]
struct Steady(Registry);

#[async_trait]
impl SchemeFactory for Steady {
    async fn open_prefix(&self, url: &StoreUrl) -> Result<OpenedPrefix> {
        let opened = self.0.open_prefix(url).await?;
        Ok(OpenedPrefix::new(steady(opened.store), opened.prefix))
    }

    async fn open_key(&self, url: &StoreUrl) -> Result<OpenedKey> {
        let opened = self.0.open_key(url).await?;
        Ok(OpenedKey::new(steady(opened.store), opened.key))
    }
}

fn steady(store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    StoreBuilder::new(store).with_recorder(Arc::new(TracingRecorder)).build()
}

/// An endpoint that was inherited from the environment would silently lead backups elsewhere.
pub(crate) fn tell_endpoint(home: &Home, output: &Output) {
    let (asked, store) = (home.url().and_then(|url| url.param("endpoint")), home.store().to_string());
    if asked.is_none() && store.starts_with("s3://") && store.contains("?endpoint=") {
        output.note(&format!("note: by the environment's endpoint, this is {store}"));
    }
}
