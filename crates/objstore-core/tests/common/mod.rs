//! What every store must do, as functions over `&dyn ObjectStore`.
//!
//! Each takes a prefix of its own, and leaves other places alone.

pub(crate) mod suite;

use std::sync::{Arc, LazyLock};

use objstore_core::{
    FileStore, ListOptions, MemoryStore, ObjectKey, ObjectStore, ObjectStoreExt as _, Prefix, UploadInfo,
    UploadOptions,
    layers::{Limit, Measurement, Meter, PrefixStore, Recorder, Retries, StoreBuilder, Timeouts},
    probe::{Probe, ProbeReport, Probed},
};

/// A store, and what must live as long as it.
pub(crate) struct Subject {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) home: Prefix,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) fn memory() -> Subject {
    Subject { store: Arc::new(MemoryStore::new()), home: Prefix::new("home/").unwrap(), _folder: None }
}

pub(crate) fn file() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path().join("store")).unwrap();
    Subject { store: Arc::new(store), home: Prefix::new("home/").unwrap(), _folder: Some(folder) }
}

/// A layer that only forwards: what it runs through, `Arc` and `Box` included, must not change anything.
pub(crate) fn forwarded() -> Subject {
    let inner: Box<dyn ObjectStore> = Box::new(Arc::new(MemoryStore::new()));
    Subject { store: Arc::new(inner), home: Prefix::root(), _folder: None }
}

pub(crate) fn retries() -> Subject {
    layered(|store| Arc::new(Retries::new(store)))
}

pub(crate) fn timeouts() -> Subject {
    layered(|store| Arc::new(Timeouts::new(store)))
}

pub(crate) fn limit() -> Subject {
    // Two, because one case opens a body and writes before it has read it.
    layered(|store| Arc::new(Limit::new(store).with_calls(2).with_bytes(4096)))
}

pub(crate) fn meter() -> Subject {
    layered(|store| Arc::new(Meter::new(store, Arc::new(Deaf))))
}

pub(crate) fn prefix() -> Subject {
    layered(|store| Arc::new(PrefixStore::new(store, Prefix::new("outer/prefix/").unwrap())))
}

pub(crate) fn stack() -> Subject {
    let subject = file();
    let builder = StoreBuilder::new(subject.store).with_calls(4).with_bytes(1 << 20).with_recorder(Arc::new(Deaf));
    let store = builder.with_prefix(Prefix::new("outer/").unwrap()).build();
    Subject { store, ..subject }
}

/// What a probe found of a store in memory. A case runs on a runtime, which cannot wait for another: a thread can.
static REPORT: LazyLock<ProbeReport> = LazyLock::new(|| {
    let probe = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(Probe::new(Arc::new(MemoryStore::new())).with_bodies([(64, 1)]).run()).unwrap()
    };
    std::thread::spawn(probe).join().unwrap()
});

pub(crate) fn probed() -> Subject {
    layered(|store| Arc::new(Probed::new(store, &REPORT)))
}

fn layered(layer: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Subject {
    let subject = memory();
    Subject { store: layer(subject.store), ..subject }
}

/// Hears, and does nothing.
#[derive(Debug)]
struct Deaf;

impl Recorder for Deaf {
    fn record(&self, _measurement: &Measurement) {}
}

/// Declares a test of each case for each store.
macro_rules! conformance {
    ($($store:ident),*) => {$(
        $crate::common::conformance! { @cases $store:
            what_is_put_is_read,
            a_body_of_several_chunks_is_one_object,
            what_is_absent_is_not_found,
            create_never_overwrites,
            replace_needs_the_revision,
            equal_contents_have_different_revisions,
            delete_obeys_its_condition,
            a_batch_has_one_result_for_each,
            ranges_are_half_open_and_cut,
            reads_obey_their_conditions,
            a_body_is_one_state_and_outlives_its_name,
            listings_are_sorted_by_bytes,
            delimited_listings_show_children,
            a_prefix_never_matches_its_sibling,
            foreign_page_tokens_are_refused,
            uploads_of_every_size_arrive,
            uploads_obey_their_condition,
            uploads_are_invisible_until_finished,
            dropped_uploads_leave_nothing,
            anybody_can_abort_an_upload,
            announced_digests_are_checked,
            copies_obey_their_conditions,
            what_is_not_there_is_said_before_anything_changes,
            headers_are_kept_or_refused_as_claimed,
            of_racing_creators_one_wins,
            of_racing_increments_none_is_lost,
            deletes_and_creates_race_without_errors,
        }
    )*};
    (@cases $store:ident: $($case:ident),* $(,)?) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let subject = $crate::common::$store();
                    $crate::common::suite::$case(&*subject.store, &subject.home).await;
                }
            )*
        }
    };
}
pub(crate) use conformance;

pub(crate) fn key(home: &Prefix, name: &str) -> ObjectKey {
    home.key(name).unwrap()
}

/// All keys below a prefix, relative to it, in the order of the listing.
pub(crate) async fn names(store: &dyn ObjectStore, home: &Prefix) -> Vec<String> {
    use futures::TryStreamExt as _;
    let objects: Vec<_> = store.list(home).try_collect().await.unwrap();
    objects.iter().map(|meta| home.relative(&meta.key).unwrap().to_owned()).collect()
}

/// A listing, page after page, with prefixes marked by their `/`; and how many pages there were.
pub(crate) async fn pages(store: &dyn ObjectStore, prefix: &Prefix, options: ListOptions) -> (Vec<String>, usize) {
    let (mut all, mut count, mut options) = (Vec::new(), 0, options);
    loop {
        let page = store.list_page(prefix, options.clone()).await.unwrap();
        count += 1;
        assert!(count < 10_000, "the listing never ends");
        let mut entries: Vec<_> = page.objects.iter().map(|meta| meta.key.to_string()).collect();
        entries.extend(page.prefixes.iter().map(ToString::to_string));
        entries.sort();
        if let Some(limit) = options.limit {
            assert!(entries.len() <= limit.get() as usize);
        }
        all.extend(entries.into_iter().map(|entry| entry.strip_prefix(prefix.as_str()).unwrap().to_owned()));
        match page.next {
            Some(next) => options = options.with_after(next),
            None => return (all, count),
        }
    }
}

pub(crate) async fn uploads(store: &dyn ObjectStore, prefix: &Prefix) -> Vec<UploadInfo> {
    store.uploads_page(prefix, None).await.unwrap().uploads
}

/// Writes a body in pieces.
pub(crate) async fn upload(
    store: &dyn ObjectStore,
    key: &ObjectKey,
    chunks: &[bytes::Bytes],
    options: UploadOptions,
) -> objstore_core::Result<objstore_core::Written> {
    let mut upload = store.start_upload(key, options).await?;
    for chunk in chunks {
        upload.write(chunk.clone()).await?;
    }
    upload.finish().await
}
