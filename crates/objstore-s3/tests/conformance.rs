//! The conformance suite, on a server of our own in all its moods. What a probe sees decides what is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "how many cases ran, and what was seen")]

use std::sync::Arc;

use objstore_core::{
    ObjectStore, Promise, Verdict,
    layers::Retries,
    probe::{Probe, ProbeReport, unproven},
};
use objstore_s3::{AccessKey, Credentials, Profile, S3Store};
use objstore_testkit::{
    conformance::Suite,
    s3::{Quirk, S3Server, S3ServerBuilder, Site},
};

/// A store of the server's bucket, of which nothing is claimed.
async fn store_of(server: &S3Server, profile: &str) -> S3Store {
    let credentials = server.credentials();
    let key = AccessKey::new(credentials.access_key(), credentials.expose_secret_key());
    let store = S3Store::builder(server.bucket())
        .endpoint(server.endpoint())
        .region(server.region())
        .credentials(Credentials::Key(key))
        .profile(Profile::find(profile).unwrap())
        .build()
        .await
        .unwrap();
    store.set_capabilities(unproven(&store.capabilities()));
    store
}

/// Probes, tells the store, and runs the suite.
async fn conforms(server: S3ServerBuilder, profile: &str, floor: usize) -> ProbeReport {
    judge(server, profile, floor, Suite::new(), |store| store).await
}

async fn judge(
    server: S3ServerBuilder,
    profile: &str,
    floor: usize,
    suite: Suite,
    wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>,
) -> ProbeReport {
    let server = server.start().await.unwrap();
    let store = store_of(&server, profile).await;
    let state = store.bucket_state().await.unwrap();
    let report = Probe::new(Arc::new(store.clone())).with_state(state).run().await.unwrap();
    println!("{report}");
    store.set_capabilities(report.apply(&store.capabilities()));
    let subject = wrap(Arc::new(store.clone()));
    let ran = suite.run(&subject).await;
    println!("{ran}");
    ran.assert_conforms(floor);
    subject.close().await.unwrap();
    report
}

fn verdicts(report: &ProbeReport, expected: Verdict, promises: &[Promise]) {
    for promise in promises {
        assert_eq!(report.verdict(*promise), expected, "{promise:?}\n{report}");
    }
}

const CONDITIONS: &[Promise] = &[
    Promise::CreateIfAbsent,
    Promise::UpdateIfMatch,
    Promise::ConditionalComplete,
    Promise::ConditionalCopy,
    Promise::ConditionalDelete,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_all_of_it() {
    let report = conforms(S3Server::builder(), "generic", 25).await;
    verdicts(&report, Verdict::Verified, CONDITIONS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_keeps_versions_and_locks() {
    let report = conforms(S3Server::builder().with_locked_bucket("locked"), "minio", 25).await;
    verdicts(&report, Verdict::Verified, CONDITIONS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ignores_conditions() {
    let report = conforms(S3Server::builder().with_quirk(Quirk::IgnoreConditions), "generic", 15).await;
    verdicts(&report, Verdict::Ignored, CONDITIONS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_rejects_conditions() {
    let report = conforms(S3Server::builder().with_quirk(Quirk::RejectConditions), "generic", 15).await;
    verdicts(&report, Verdict::Rejected, CONDITIONS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_like_old_ceph() {
    let server = S3Server::builder()
        .with_quirk(Quirk::IgnoreConditionsOn(Site::Complete))
        .with_quirk(Quirk::EmptyEtags)
        .with_quirk(Quirk::UnquotedEtags);
    let report = conforms(server, "ceph", 20).await;
    verdicts(&report, Verdict::Verified, &[Promise::CreateIfAbsent, Promise::UpdateIfMatch]);
    verdicts(&report, Verdict::Ignored, &[Promise::ConditionalComplete]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_batches_and_with_small_pages() {
    let server = S3Server::builder().with_quirk(Quirk::NoBatchDelete).with_quirk(Quirk::PageSize(2));
    let report = conforms(server, "generic", 20).await;
    verdicts(&report, Verdict::Rejected, &[Promise::BatchDelete]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wants_md5_for_batches() {
    let report = conforms(S3Server::builder().with_quirk(Quirk::RequireContentMd5), "b2", 20).await;
    verdicts(&report, Verdict::Verified, &[Promise::BatchDelete]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loses_replies() {
    // Every third change is made, and its answer lost: what the suite sees must be the same.
    let replaced = "a change at a revision that is not there now, and whose answer is lost, cannot be told from one that \
                    was made and followed by another's";
    let orphan = "an upload whose name is lost at its start is left to a sweep";
    let suite = Suite::new()
        .without("uploads_of_every_size_arrive", orphan)
        .without("anybody_can_abort_an_upload", orphan)
        .without("uploads_obey_their_condition", orphan)
        .without("uploads_are_invisible_until_finished", orphan)
        .without("dropped_uploads_leave_nothing", orphan)
        .without("of_racing_increments_none_is_lost", replaced)
        .without("a_batch_obeys_its_conditions", replaced)
        .without("delete_obeys_its_condition", replaced);
    let server = S3Server::builder().with_quirk(Quirk::LostReplies { every: 3 });
    judge(server, "generic", 20, suite, |store| Arc::new(Retries::new(store))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_cap_of_parts() {
    conforms(S3Server::builder().with_quirk(Quirk::MaxParts(1000)).with_quirk(Quirk::EqualParts), "scaleway", 20).await;
}
