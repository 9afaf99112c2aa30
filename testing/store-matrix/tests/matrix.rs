//! Every server is probed, compared with `promises.toml`, and runs the conformance suite.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, ensure};
use judges::{Case, Part};
use objstore_core::{
    ErrorKind, ObjectKey, ObjectStore, ObjectStoreExt as _, Promise, Verdict,
    probe::{Probe, ProbeReport},
};
use objstore_s3::S3Store;
use objstore_testkit::conformance::{Outcome, Report, Suite};
use store_matrix::{BucketKind, Place, Renamed, Row, ServerKind, rows};

/// The cases of the suite in which several write at once, each with what it needs.
const RACES: [(&str, &[Promise]); 4] = [
    ("of_racing_creators_one_wins", &[Promise::CreateIfAbsent]),
    ("of_racing_creators_of_large_objects_one_wins", &[Promise::CreateIfAbsent]),
    ("of_racing_uploads_one_wins", &[Promise::ConditionalComplete]),
    ("of_racing_increments_none_is_lost", &[Promise::CreateIfAbsent, Promise::UpdateIfMatch]),
];

fn main() -> ExitCode {
    let mut cases: Vec<_> = rows().into_iter().map(case).collect();
    cases.push(Case::new("a_row_that_expects_otherwise_is_noticed", [], || block(notices())));
    cases.push(Case::new("a_servers_name_makes_no_difference", [], || block(renamed("own", &["AmazonS3", "rclone"]))));
    let quirk = || block(renamed("own-ignore-conditions", &["AmazonS3", "MinIO"]));
    cases.push(Case::new("a_good_name_does_not_help_who_ignores_conditions", [], quirk));
    let minio = || block(renamed("minio", &["rclone/v1.75.2"]));
    cases.push(Case::new("minio_under_another_name_is_the_same", [Part::MinIo], minio));
    judges::harness(42, cases)
}

fn case(row: Row) -> Case {
    let needs: Vec<_> = row.server.part().into_iter().collect();
    Case::new(row.id.clone(), needs, move || block(judge(&row)))
}

fn block(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(work)
}

async fn judge(row: &Row) -> anyhow::Result<()> {
    let place = Place::start(row).await?;
    let store = place.store().await?;
    let report = probe(row, &store).await?;
    row.compare(&report)?;
    store.set_capabilities(report.apply(&store.capabilities()));
    refuses_what_does_not_hold(&store, &report).await?;
    if let Some(floor) = row.conformance {
        conforms(row, &store, floor).await?;
    }
    store.close().await?;
    Ok(())
}

/// With large bodies too where the server is not ours, whose quirks need none.
async fn probe(row: &Row, store: &S3Store) -> anyhow::Result<ProbeReport> {
    let state = store.bucket_state().await?;
    let probe = Probe::new(Arc::new(store.clone())).with_state(state);
    let probe = if row.server == ServerKind::Own { probe.with_bodies([(64, 4), (256 << 10, 2)]) } else { probe };
    Ok(probe.run().await?)
}

/// A condition that does not hold must be refused before anything is written.
async fn refuses_what_does_not_hold(store: &S3Store, report: &ProbeReport) -> anyhow::Result<()> {
    if matches!(report.verdict(Promise::CreateIfAbsent), Verdict::Verified | Verdict::Unknown) {
        return Ok(());
    }
    let key = ObjectKey::new("must-not-be-written")?;
    let error = store.create(&key, "x").await.err().context("a condition that does not hold was taken")?;
    ensure!(error.kind() == ErrorKind::Unsupported, "{error}");
    ensure!(!store.exists(&key).await?, "a create was refused, and the object is there");
    Ok(())
}

async fn conforms(row: &Row, store: &S3Store, floor: usize) -> anyhow::Result<()> {
    // One case after the other, so that the timing of a case depends on nothing but itself.
    let mut suite = Suite::new().with_concurrency(1);
    for (case, why) in &row.without {
        suite = suite.without(case, why);
    }
    if row.bucket == BucketKind::Plain {
        for case in ["old_versions_are_read_and_erased", "listings_of_versions_show_markers"] {
            suite = suite.without(case, "the bucket keeps no versions");
        }
    }
    let subject: Arc<dyn ObjectStore> = Arc::new(store.clone());
    let report = suite.run(&subject).await;
    ensure!(report.failed() == 0, "{report}");
    ensure!(report.ran() >= floor, "only {} cases ran, of at least {floor}:\n{report}", report.ran());
    for (name, needs) in RACES {
        let wanted = needs.iter().all(|promise| row.holds(*promise)) && !row.without.contains_key(name);
        ensure!(!wanted || passed(&report, name), "{name} was not run:\n{report}");
    }
    Ok(())
}

fn passed(report: &Report, name: &str) -> bool {
    report.cases().iter().any(|case| case.name == name && case.outcome == Outcome::Passed)
}

fn row(id: &str) -> anyhow::Result<Row> {
    rows().into_iter().find(|row| row.id == id).with_context(|| format!("promises.toml has no row {id:?}"))
}

/// Probes a server under other names, and expects what is expected of it under its own.
async fn renamed(id: &str, names: &[&'static str]) -> anyhow::Result<()> {
    let row = row(id)?;
    let place = Place::start(&row).await?;
    for name in names {
        let between = Renamed::start(place.endpoint(), name).await?;
        let store = place.store_at(&between.endpoint()).await?;
        let report = Probe::new(Arc::new(store)).with_bodies([(64, 4)]).run().await?;
        row.compare(&report).with_context(|| format!("as {name}"))?;
    }
    Ok(())
}

async fn notices() -> anyhow::Result<()> {
    let place = Place::start(&row("own-ignore-conditions")?).await?;
    let report = probe(&row("own")?, &place.store().await?).await?;
    let complaint = row("own")?.compare(&report).err().context("it was not noticed")?.to_string();
    ensure!(complaint.contains("create_if_absent = \"ignored\" # and not verified"), "{complaint}");
    Ok(())
}
