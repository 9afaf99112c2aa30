//! Restoring from a store: which snapshot, and what its manifest vouches for.

mod restore_support;
#[allow(clippy::unwrap_used, reason = "a script that cannot be built is a failed test")]
mod save_support;

use std::path::Path;
use std::sync::Arc;

use etcd_snapshot::home::{Home, SnapshotId};
use etcd_snapshot::restore::{InitContainer, Outcome, RestoreMarker, RestoreOptions, Restored, plan, restore, settled};
use etcd_snapshot::{Error, ErrorKind, Result, SaveOptions, SnapshotSource, SystemHost, save};
use objstore_core::disk::OsDisk;
use objstore_core::{MemoryStore, ObjectKey, ObjectStore as _, ObjectStoreExt as _, Prefix, WriteOptions};
use restore_support::{told, with_trailer};
use save_support::{Script, Scripted, snapshot};

/// A home with a snapshot at each of these revisions, oldest first.
async fn home_with(revisions: &[i64]) -> (Home, Vec<SnapshotId>) {
    let home = Home::new(Arc::new(MemoryStore::new()), Prefix::new("prod/").expect("it is a prefix"));
    let mut ids = Vec::new();
    for &revision in revisions {
        let file = snapshot(revision);
        let seed = u64::try_from(revision).expect("revisions are positive");
        let options = SaveOptions::default().with_host(Scripted::new(seed));
        // Nobody else tells its hash here: what is saved is stored, and says that it was not compared.
        let saved = save(&Script::new(&file, revision), &home, &options).await;
        ids.push(saved.expect("the member is healthy").id);
    }
    (home, ids)
}

async fn into(
    dir: &Path,
    source: &SnapshotSource,
    change: impl FnOnce(RestoreOptions) -> RestoreOptions,
) -> Result<Restored> {
    let options = change(RestoreOptions::default().with_data_dir(dir.join("data")));
    restore(source, &options, Arc::new(OsDisk::new()), &SystemHost).await
}

fn marker(dir: &Path) -> RestoreMarker {
    let bytes = std::fs::read(dir.join("data/member/restored.json")).expect("it was restored");
    serde_json::from_slice(&bytes).expect("it is a marker")
}

#[tokio::test]
async fn the_newest_or_the_one_that_is_named() {
    let (home, ids) = home_with(&[300, 500]).await;
    let newest = SnapshotSource::newest(&home).await.expect("there are two");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let restored = into(dir.path(), &newest, |options| options).await.expect("it is sound");
    assert_eq!(restored.changes.expect("it was written").snapshot_revision, 500);
    assert_eq!(marker(dir.path()).snapshot_id, Some(ids[1].to_string()));

    let named = SnapshotSource::stored(&home, &ids[0]).await.expect("it is there");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let restored =
        into(dir.path(), &named, |options| options.with_pinned_id(ids[0].to_string())).await.expect("it is sound");
    assert_eq!(restored.changes.expect("it was written").snapshot_revision, 300);
    assert_eq!(marker(dir.path()).snapshot_id, Some(ids[0].to_string()));
}

#[tokio::test]
async fn a_plan_reads_a_store_in_small_pieces() {
    let (home, _) = home_with(&[5_000]).await;
    let source = SnapshotSource::newest(&home).await.expect("there is one");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let options = RestoreOptions::default().with_data_dir(dir.path().join("data"));
    let planned = plan(&source, &options, Arc::new(OsDisk::new()), &SystemHost).await.expect("it is sound");
    assert_eq!(planned.changes.expect("it would be written").snapshot_revision, 5_000);
    assert!(!dir.path().join("data").exists());
}

#[tokio::test]
async fn an_init_container_pins_what_was_restored() {
    let (home, ids) = home_with(&[300, 500]).await;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let first = SnapshotSource::stored(&home, &ids[0]).await.expect("it is there");
    let pinned = |id: SnapshotId| {
        move |options: RestoreOptions| options.with_init_container(InitContainer::new(0)).with_pinned_id(id.to_string())
    };
    let restored = into(dir.path(), &first, pinned(ids[0].clone())).await.expect("it is sound");
    assert_eq!(restored.outcome, Outcome::Restored);
    let before = restore_support::tree(dir.path());

    let again = into(dir.path(), &first, pinned(ids[0].clone())).await.expect("it is there already");
    assert_eq!(again.outcome, Outcome::AlreadyRestored);
    let newest = SnapshotSource::newest(&home).await.expect("there are two");
    let unpinned = into(dir.path(), &newest, |options| options.with_init_container(InitContainer::new(0))).await;
    assert_eq!(unpinned.expect("data is left alone").outcome, Outcome::AlreadyRestored);
    let other = into(dir.path(), &newest, pinned(ids[1].clone())).await.expect_err("another is there");
    assert_eq!(other.kind(), ErrorKind::Refused);
    assert!(other.to_string().contains(&ids[0].to_string()), "{other}");
    assert!(restore_support::tree(dir.path()) == before);

    // Without the store.
    let options = pinned(ids[0].clone())(RestoreOptions::default().with_data_dir(dir.path().join("data")));
    let known = settled(&options, Arc::new(OsDisk::new())).await.expect("it is there already");
    assert_eq!(known.map(|known| known.outcome), Some(Outcome::AlreadyRestored));
}

/// The pod with this ordinal of a cluster of three initial members.
fn member_of_three(options: RestoreOptions, ordinal: u64) -> RestoreOptions {
    options
        .with_name(format!("m{ordinal}"))
        .with_initial_cluster("m0=http://127.0.0.1:1380,m1=http://127.0.0.1:2380,m2=http://127.0.0.1:3380")
        .with_initial_cluster_token("together")
        .with_init_container(InitContainer::new(ordinal))
}

#[tokio::test]
async fn of_several_initial_members_every_ordinal_restores() {
    let (home, ids) = home_with(&[300]).await;
    let source = SnapshotSource::stored(&home, &ids[0]).await.expect("it is there");
    for (ordinal, expected) in
        [(0, Outcome::Restored), (1, Outcome::Restored), (2, Outcome::Restored), (3, Outcome::NotThisOrdinal)]
    {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let restored = into(dir.path(), &source, |options| member_of_three(options, ordinal)).await;
        assert_eq!(restored.expect("it is done").outcome, expected, "ordinal {ordinal}");
        assert_eq!(dir.path().join("data").exists(), expected == Outcome::Restored, "ordinal {ordinal}");
    }
}

#[tokio::test]
async fn several_members_in_pods_need_the_snapshot_named() {
    let (home, ids) = home_with(&[300]).await;
    let newest = SnapshotSource::newest(&home).await.expect("there is one");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let member = |options: RestoreOptions| member_of_three(options, 1);
    let refused = into(dir.path(), &newest, member).await.expect_err("the newest can change");
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.to_string().contains("by its id"), "{refused}");
    assert_eq!(refused.advice(), Some(etcd_snapshot::Advice::SnapshotById));
    assert!(!dir.path().join("data").exists());
    let named = into(dir.path(), &newest, |options| member(options).with_pinned_id(ids[0].to_string())).await;
    assert_eq!(named.expect("it is named").outcome, Outcome::Restored);
}

/// Replaces the payload in the store.
async fn replace_payload(home: &Home, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let manifest = SnapshotSource::newest(home).await.expect("there is one").manifest().cloned().expect("it has one");
    let key: ObjectKey = home.prefix().key(&manifest.payload.key).expect("it is a key");
    let (_, payload) = home.store().get_bytes(&key, 1 << 24).await.expect("it is there");
    let changed = change(payload.to_vec());
    home.store().put(&key, changed.into(), WriteOptions::default()).await.expect("the store takes it");
}

async fn damaged(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Error {
    let (home, _) = home_with(&[300]).await;
    replace_payload(&home, change).await;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let restored = async { into(dir.path(), &SnapshotSource::newest(&home).await?, |options| options).await };
    let error = restored.await.expect_err("it is damaged");
    assert_eq!(error.kind(), ErrorKind::Damaged, "{}", told(&error));
    assert!(!dir.path().join("data").exists(), "something is left after: {error}");
    error
}

#[tokio::test]
async fn the_manifest_vouches_for_the_content() {
    // A payload with a trailer of its own that fits: only the manifest knows that it is another.
    let error = damaged(|mut payload| {
        payload.truncate(payload.len() - 32);
        let at = payload.len() - 100;
        payload[at] ^= 1;
        with_trailer(payload)
    })
    .await;
    assert!(error.to_string().contains("manifest"), "{error}");
}

#[tokio::test]
async fn a_flipped_byte_in_the_store_is_found() {
    damaged(|mut payload| {
        let middle = payload.len() / 2;
        payload[middle] ^= 0x20;
        payload
    })
    .await;
}

#[tokio::test]
async fn a_payload_that_was_cut_is_found() {
    damaged(|mut payload| {
        payload.truncate(payload.len() - 4096);
        payload
    })
    .await;
}
