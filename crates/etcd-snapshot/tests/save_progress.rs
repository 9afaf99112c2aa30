//! What a watcher is told: one stage at a time, each up to its total.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod save_support;

use std::sync::{Arc, Mutex};

use etcd_snapshot::home::Home;
use etcd_snapshot::progress::{Progress, Stage};
use etcd_snapshot::{SaveOptions, SnapshotSource, inspect, save, verify};
use objstore_core::{MemoryStore, Prefix};
use save_support::{Record, Script, Scripted, database};

/// Each stage with its total and how far it came.
#[derive(Debug, Default)]
struct Stages(Mutex<Vec<(Stage, Option<u64>, u64)>>);

impl Progress for Stages {
    fn begin(&self, stage: Stage, total: Option<u64>) {
        self.0.lock().unwrap().push((stage, total, 0));
    }
    fn advance(&self, bytes: u64) {
        let mut stages = self.0.lock().unwrap();
        let (_, total, done) = stages.last_mut().unwrap();
        *done += bytes;
        assert!(total.is_some_and(|total| *done <= total), "{stages:?}");
    }
    fn note(&self, _: &str) {}
}

impl Stages {
    fn are(&self, expected: &[Stage], len: u64) {
        let stages = self.0.lock().unwrap();
        let names: Vec<Stage> = stages.iter().map(|(stage, ..)| *stage).collect();
        assert_eq!(names, expected);
        for (stage, total, done) in stages.iter().filter(|(_, total, _)| total.is_some()) {
            assert!(*total == Some(len) && *done == len, "{stage:?}: {done} of {total:?}, {len}");
        }
    }
}

/// Compacted, so that a walk reads its newest leaves twice.
fn file() -> Vec<u8> {
    let records: Vec<Record> =
        (2..=9_000).map(|revision| Record::put(revision, &format!("/key/{}", revision % 8_000))).collect();
    database(&records, Some(500), Some(500))
}

#[tokio::test]
async fn every_stage_is_told_and_reaches_its_total() {
    let (file, stages) = (file(), Arc::new(Stages::default()));
    let len = u64::try_from(file.len()).unwrap();
    let home = Home::new(Arc::new(MemoryStore::new()), Prefix::root());
    let options = SaveOptions::default().with_host(Scripted::new(1)).with_progress(Arc::<Stages>::clone(&stages));
    save(&Script::new(&file, 9_000), &home, &options).await.unwrap();
    stages.are(&[Stage::Transfer, Stage::ReadBack, Stage::Structure, Stage::LiveHash, Stage::Finish], len);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.db");
    std::fs::write(&path, &file).unwrap();
    for source in [SnapshotSource::newest(&home).await.unwrap(), SnapshotSource::file(path).unwrap()] {
        let (inspected, verified) = (Stages::default(), Stages::default());
        inspect(&source, &inspected).await.unwrap();
        inspected.are(&[Stage::Structure], len);
        verify(&source, None, &verified).await.unwrap();
        verified.are(&[Stage::ReadBack, Stage::Structure], len);
    }
}
