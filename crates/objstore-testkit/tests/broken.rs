//! The suite finds stores that are broken: tests of the test.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use objstore_core::{
    Capabilities, CopyOptions, DeleteItem, DeleteOptions, Deleted, Effect, Error, ErrorKind, Get, ListOptions,
    ListPage, MemoryStore, ObjectKey, ObjectMeta, ObjectStore, PageToken, Payload, Prefix, PresignRequest, Presigned,
    ReadOptions, Result, Upload, UploadId, UploadOptions, UploadPage, WriteOptions, Written,
};
use objstore_testkit::conformance::{Outcome, Report, Suite};

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    ListsUnsorted,
    LosesTheLastOfAPage,
    MatchesSiblings,
    IgnoresConditions,
    ChecksThenWrites,
    OverwritesWhenLarge,
    SaysNotFoundForTaken,
    SaysUnknown,
    CutsBodies,
    IgnoresRanges,
    DeletesWithoutCondition,
    IgnoresDigests,
    DropsHeaders,
    CopiesOver,
    KeepsDroppedUploads,
    FinishesOverOthers,
    ForgetsDeletes,
    BatchStopsEarly,
    RewritesKeys,
    PanicsOnEmptyBodies,
}

/// A memory store with one defect.
#[derive(Debug)]
struct Broken {
    inner: MemoryStore,
    defect: Defect,
    left: Mutex<Vec<Box<dyn Upload>>>,
}

impl Broken {
    fn new(defect: Defect) -> Self {
        Self { inner: MemoryStore::new(), defect, left: Mutex::default() }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    async fn check(&self, key: &ObjectKey, options: &WriteOptions) -> Result<()> {
        use objstore_core::Condition;
        let current = self.inner.head(key, ReadOptions::new()).await.ok().map(|meta| meta.revision);
        match (&options.condition, current) {
            (Some(Condition::Absent), Some(_)) => Err(Error::new(ErrorKind::AlreadyExists)),
            (Some(Condition::Matches(wanted)), current) if current.as_ref() != Some(wanted) => {
                Err(Error::new(ErrorKind::PreconditionFailed))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl ObjectStore for Broken {
    fn capabilities(&self) -> Arc<Capabilities> {
        self.inner.capabilities()
    }

    async fn put(&self, key: &ObjectKey, body: Payload, mut options: WriteOptions) -> Result<Written> {
        let mut key = key.clone();
        match self.defect {
            Defect::IgnoresConditions => options.condition = None,
            Defect::OverwritesWhenLarge if body.len() > 1 << 20 => options.condition = None,
            Defect::ChecksThenWrites => {
                self.check(&key, &options).await?;
                tokio::task::yield_now().await;
                options.condition = None;
            }
            Defect::IgnoresDigests => options.expect = Default::default(),
            Defect::DropsHeaders => options.headers = Default::default(),
            Defect::RewritesKeys => key = ObjectKey::new(key.as_str().replace("//", "/")).unwrap(),
            Defect::PanicsOnEmptyBodies => assert!(!body.is_empty(), "an empty body"),
            _ => {}
        }
        let written = self.inner.put(&key, body, options).await;
        written.map_err(|error| match (self.defect, error.kind()) {
            (Defect::SaysNotFoundForTaken, ErrorKind::AlreadyExists) => Error::new(ErrorKind::NotFound),
            (Defect::SaysUnknown, _) => error.with_effect(Effect::Unknown),
            _ => error,
        })
    }

    async fn start_upload(&self, key: &ObjectKey, mut options: UploadOptions) -> Result<Box<dyn Upload>> {
        if self.is(Defect::FinishesOverOthers) {
            options.write.condition = None;
        }
        if self.is(Defect::KeepsDroppedUploads) {
            let mut kept = self.inner.start_upload(key, options.clone()).await?;
            kept.write(vec![0; 11 << 20].into()).await?;
            self.left.lock().unwrap().push(kept);
        }
        self.inner.start_upload(key, options).await
    }

    async fn head(&self, key: &ObjectKey, options: ReadOptions) -> Result<ObjectMeta> {
        self.inner.head(key, options).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: ReadOptions) -> Result<Get> {
        use futures::{StreamExt as _, TryStreamExt as _, stream};
        let range = if self.is(Defect::IgnoresRanges) { None } else { range };
        let Get { meta, range, body, .. } = self.inner.get(key, range, options).await?;
        let mut bytes = body.try_collect::<Vec<Bytes>>().await?.concat();
        if self.is(Defect::CutsBodies) {
            bytes.pop();
        }
        Ok(Get::new(meta, range, stream::iter([Ok(Bytes::from(bytes))]).boxed()))
    }

    async fn delete(&self, key: &ObjectKey, mut options: DeleteOptions) -> Result<Deleted> {
        match self.defect {
            Defect::ForgetsDeletes if key.as_str().contains("/deep/") => return Ok(Deleted::new()),
            Defect::DeletesWithoutCondition => options.condition = None,
            _ => {}
        }
        self.inner.delete(key, options).await
    }

    async fn delete_many(&self, mut items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        if self.is(Defect::BatchStopsEarly) {
            items.truncate(1);
        }
        self.inner.delete_many(items).await
    }

    async fn list_page(&self, prefix: &Prefix, options: ListOptions) -> Result<ListPage> {
        let wider = Prefix::new(format!("{}/", prefix.as_str().split('/').next().unwrap())).unwrap();
        let asked = if self.is(Defect::MatchesSiblings) { &wider } else { prefix };
        let mut page = self.inner.list_page(asked, options).await?;
        if self.is(Defect::MatchesSiblings) {
            let start = prefix.as_str().trim_end_matches('/');
            page.objects.retain(|meta| meta.key.as_str().starts_with(start));
        }
        if self.is(Defect::ListsUnsorted) {
            page.objects.reverse();
        }
        if self.is(Defect::LosesTheLastOfAPage) && page.next.is_some() {
            page.objects.pop();
        }
        Ok(page)
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey, mut options: CopyOptions) -> Result<Written> {
        if self.is(Defect::CopiesOver) {
            options.write.condition = None;
        }
        self.inner.copy(from, to, options).await
    }

    async fn presign(&self, request: PresignRequest) -> Result<Presigned> {
        self.inner.presign(request).await
    }

    async fn uploads_page(&self, prefix: &Prefix, after: Option<PageToken>) -> Result<UploadPage> {
        self.inner.uploads_page(prefix, after).await
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<()> {
        self.inner.abort_upload(key, id).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

async fn report(defect: Defect) -> Report {
    let store: Arc<dyn ObjectStore> = Arc::new(Broken::new(defect));
    Suite::new().run(&store).await
}

/// What one case says of a defect.
async fn outcome(defect: Defect, case: &str) -> Outcome {
    let store: Arc<dyn ObjectStore> = Arc::new(Broken::new(defect));
    let suite = Suite::new();
    let case = suite.cases().iter().find(|there| there.name() == case).expect("a case of the suite");
    suite.run_case(&store, case).await.outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_defect_is_found_by_the_case_that_is_for_it() {
    let expected = [
        (Defect::ListsUnsorted, "listings_are_sorted_by_bytes"),
        (Defect::LosesTheLastOfAPage, "listings_are_complete_in_pages_of_any_size"),
        (Defect::MatchesSiblings, "a_prefix_never_matches_its_sibling"),
        (Defect::IgnoresConditions, "create_never_overwrites"),
        (Defect::IgnoresConditions, "replace_needs_the_revision"),
        (Defect::ChecksThenWrites, "of_racing_creators_one_wins"),
        (Defect::ChecksThenWrites, "of_racing_increments_none_is_lost"),
        (Defect::OverwritesWhenLarge, "of_racing_creators_of_large_objects_one_wins"),
        (Defect::SaysNotFoundForTaken, "create_never_overwrites"),
        (Defect::SaysUnknown, "create_never_overwrites"),
        (Defect::CutsBodies, "what_is_put_is_read"),
        (Defect::IgnoresRanges, "ranges_are_half_open_and_cut"),
        (Defect::DeletesWithoutCondition, "delete_obeys_its_condition"),
        (Defect::IgnoresDigests, "announced_digests_are_checked"),
        (Defect::DropsHeaders, "headers_are_kept_or_refused_as_claimed"),
        (Defect::CopiesOver, "copies_obey_their_conditions"),
        (Defect::KeepsDroppedUploads, "dropped_uploads_leave_nothing"),
        (Defect::FinishesOverOthers, "uploads_obey_their_condition"),
        (Defect::FinishesOverOthers, "of_racing_uploads_one_wins"),
        (Defect::ForgetsDeletes, "deleting_what_is_absent_is_no_error"),
        (Defect::BatchStopsEarly, "a_batch_has_one_result_for_each"),
        (Defect::RewritesKeys, "odd_keys_are_kept_or_refused"),
        (Defect::PanicsOnEmptyBodies, "what_is_put_is_read"),
    ];
    for (defect, case) in expected {
        let outcome = outcome(defect, case).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{defect:?} was not found by {case}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_defect_nothing_is_found() {
    let report = report(Defect::None).await;
    println!("{report}");
    report.assert_conforms(36);
    let text = report.to_string();
    assert!(text.contains("ignored  signed_urls_do_not_show: needs signed urls"), "{text}");
    assert!(text.ends_with("36 ran, 0 failed, 4 ignored"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_leaves_nothing_behind() {
    use futures::TryStreamExt as _;
    use objstore_core::ObjectStoreExt as _;
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    Suite::new().run(&store).await.assert_conforms(30);
    let left: Vec<_> = store.list(&Prefix::root()).try_collect().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
#[should_panic(expected = "of at least 1000 wanted")]
async fn the_floor_is_a_floor() {
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let mut suite = Suite::new();
    for case in Suite::new().cases().iter().skip(1) {
        suite = suite.without(case.name(), "not needed here");
    }
    suite.run(&store).await.assert_conforms(1000);
}

#[test]
#[should_panic(expected = "no case is named")]
fn a_case_that_is_not_there_cannot_be_left_out() {
    let _ = Suite::new().without("creates_never_overwrites", "misspelt");
}
