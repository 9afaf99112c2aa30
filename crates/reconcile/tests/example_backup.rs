//! The example works: it backs up, is quiet, follows a change, and repairs what was left half done.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "the example's main is not run here")]

#[path = "../examples/backup.rs"]
mod backup;

use std::{fs, sync::Arc};

use futures::TryStreamExt as _;
use objstore_core::{MemoryStore, ObjectKey, ObjectStore, ObjectStoreExt as _, Prefix};
use reconcile::{
    Outcome,
    testkit::{Faults, FaultyStore, Kit, block_on},
};

struct Site {
    folder: tempfile::TempDir,
    store: Arc<dyn ObjectStore>,
    home: Prefix,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, store: Arc::new(MemoryStore::new()), home: Prefix::new("home/").unwrap() }
    }

    fn write(&self, text: &str) {
        fs::write(self.folder.path().join("file"), text).unwrap();
    }

    async fn pass(&self, plan: bool) -> Outcome {
        backup::back_up(&self.folder.path().join("file"), Arc::clone(&self.store), &self.home, plan).await
    }

    async fn keys(&self) -> Vec<String> {
        self.store.list(&self.home).map_ok(|meta| meta.key.as_str().to_owned()).try_collect().await.unwrap()
    }
}

#[tokio::test]
async fn it_backs_up_once_and_follows_changes() {
    let site = Site::new();
    assert_eq!(
        site.pass(false).await.to_string(),
        "blocked step=source; source: missing; backup: not reached; newest: not reached"
    );
    site.write("one");
    assert_eq!(site.pass(true).await.to_string(), "planned changes=1; backup: would create; newest: not reached");
    assert_eq!(site.keys().await, Vec::<String>::new());
    for writes in [2, 0, 0] {
        let outcome = site.pass(false).await;
        assert_eq!((outcome.is_converged(), outcome.writes()), (true, writes), "{outcome}");
    }
    site.write("two");
    let outcome = site.pass(false).await;
    assert_eq!((outcome.is_converged(), outcome.writes()), (true, 2), "{outcome}");
    site.write("one");
    let outcome = site.pass(false).await;
    assert_eq!((outcome.is_converged(), outcome.writes()), (true, 1), "only the pointer goes back: {outcome}");
    assert_eq!(site.keys().await.len(), 3);
}

#[tokio::test]
async fn it_repairs_what_was_left_half_done() {
    let site = Site::new();
    site.write("one");
    let _ = site.pass(false).await;
    let newest = site.home.key("newest").unwrap();
    site.store.delete(&newest, objstore_core::DeleteOptions::new()).await.unwrap();
    let outcome = site.pass(false).await;
    assert_eq!((outcome.is_converged(), outcome.writes()), (true, 1), "{outcome}");
}

/// A crash, an error or a lost reply at each of its calls, alone and in pairs.
#[test]
fn it_is_repaired_from_wherever_it_stops() {
    let site = Site::new();
    site.write("one");
    let (file, home) = (site.folder.path().join("file"), &site.home);
    let newest = home.key("newest").unwrap();
    let whole = |world: &FaultyStore| -> Result<(), String> {
        let (_, key) = block_on(world.inner().get_bytes(&newest, 100)).map_err(|error| error.to_string())?;
        let key = ObjectKey::new(String::from_utf8_lossy(&key)).map_err(|error| error.to_string())?;
        let (_, bytes) = block_on(world.inner().get_bytes(&key, 100)).map_err(|error| error.to_string())?;
        if bytes == "one" { Ok(()) } else { Err("another text was backed up".into()) }
    };
    let empty = || FaultyStore::new(Arc::new(MemoryStore::new()));
    let kit = Kit::new(empty, async |world: &FaultyStore, faults: Faults| {
        backup::back_up(&file, world.under(&faults), home, false).await
    });
    let report = kit.with_goal(whole).explore();
    report.assert_clean();
    println!("{report}");
}
