//! Names, checks and places, as text that another program can read back.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod save_support;

use etcd_snapshot::home::{Home, SnapshotId};
use etcd_snapshot::{Checks, ErrorKind, SaveOptions, SnapshotSource, save};
use objstore_core::{Registry, StoreUrl};
use save_support::{Script, Scripted, snapshot};

#[test]
fn ids_and_checks_are_text_in_json() {
    let id: SnapshotId = "20261121T072013.123Z-7f3k9q2mabcd".parse().unwrap();
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, r#""20261121T072013.123Z-7f3k9q2mabcd""#);
    assert_eq!(serde_json::from_str::<SnapshotId>(&json).unwrap(), id);
    assert!(serde_json::from_str::<SnapshotId>(r#""latest""#).is_err());

    let checks = Checks::TRAILER | Checks::LIVE_HASH;
    let json = serde_json::to_string(&checks).unwrap();
    assert_eq!(json, r#"["trailer","live-hash"]"#);
    assert_eq!(serde_json::from_str::<Checks>(&json).unwrap(), checks);
    let of_a_later_version = r#"["trailer","telepathy","live-hash"]"#;
    assert_eq!(serde_json::from_str::<Checks>(of_a_later_version).unwrap(), checks);
    assert_eq!(serde_json::from_str::<Checks>("[]").unwrap(), Checks::NONE);
}

#[tokio::test]
async fn a_home_and_its_snapshots_have_a_url_that_opens_them_again() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::with_defaults();
    // What a URL escapes must come back.
    let url = StoreUrl::from_path(&dir.path().join("a place #1")).unwrap();
    let home = Home::open(&url.clone().with_fragment("passed-over").unwrap(), &registry).await.unwrap();
    assert_eq!((home.url(), home.to_string()), (Some(&url), url.to_string()));
    let options = SaveOptions::default().with_host(Scripted::new(1));
    let saved = save(&Script::new(&snapshot(20), 20), &home, &options).await.unwrap();

    let source = SnapshotSource::newest(&home).await.unwrap();
    let again: StoreUrl = source.url().unwrap().to_string().parse().unwrap();
    assert_eq!(source.to_string(), again.to_string());
    let home = Home::open(&again, &registry).await.unwrap();
    let named: SnapshotId = again.fragment().unwrap().parse().unwrap();
    assert_eq!(named, saved.id);
    assert_eq!(SnapshotSource::stored(&home, &named).await.unwrap().len(), source.len());

    let unknown = Home::open(&"nfs://host/path".parse().unwrap(), &registry).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Usage, "{unknown}");
}
