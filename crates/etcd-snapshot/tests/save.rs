//! Saving from a scripted cluster: what a healthy member sends is committed, and nothing else is.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod save_support;

use std::sync::Arc;
use std::time::Duration;

use etcd_snapshot::home::{Home, Inventory};
use etcd_snapshot::{
    Advice, Checks, ErrorKind, Hex64, LiveCheck, LiveHash, SaveOptions, SnapshotSource, Status, inspect,
    progress::Silent, save, verify,
};
use objstore_core::{MemoryStore, ObjectStore, ObjectStoreExt as _, Prefix};
use save_support::hooked::{Act, Hooked};
use save_support::{CLUSTER, End, OTHER, SENDER, Script, Scripted, message, messages, snapshot};

fn home() -> Home {
    Home::new(Arc::new(MemoryStore::new()), Prefix::new("clusters/prod/").unwrap())
}

fn options() -> SaveOptions {
    SaveOptions::default().with_host(Scripted::new(7)).with_stall_timeout(Duration::from_millis(200))
}

/// All keys below the home.
async fn keys(home: &Home) -> Vec<String> {
    use futures::TryStreamExt as _;
    let store = home.store();
    store.list(home.prefix()).map_ok(|object| object.key.as_str().to_owned()).try_collect().await.unwrap()
}

async fn inventory(home: &Home) -> Inventory {
    home.inventory().await.unwrap()
}

/// The hash that a member which agrees with `file` tells.
async fn agreeing(file: &[u8], revision: i64) -> LiveHash {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.db");
    std::fs::write(&path, file).unwrap();
    let inspection = inspect(&SnapshotSource::file(path).unwrap(), &Silent).await.unwrap();
    hash(inspection.hash_kv().unwrap(), revision)
}

fn hash(hash: u32, revision: i64) -> LiveHash {
    LiveHash::Hash { member_id: Hex64(OTHER), hash, compact_revision: -1, current_revision: revision }
}

#[tokio::test]
async fn a_healthy_stream_becomes_a_backup() {
    let (home, file) = (home(), snapshot(500));
    let mut live = Script::new(&file, 500);
    live.hash = Some(agreeing(&file, 500).await);
    let saved = save(&live, &home, &options()).await.unwrap();

    assert_eq!(saved.manifest.content.revision, 500);
    assert_eq!(saved.manifest.content.total_key, 499);
    assert_eq!(saved.manifest.payload.bytes, u64::try_from(file.len()).unwrap());
    assert_eq!((saved.manifest.cluster_id, saved.manifest.member_id), (Hex64(CLUSTER), Hex64(SENDER)));
    assert_eq!(saved.live_check, LiveCheck::Matched { member_id: Hex64(OTHER) });
    let expected = Checks::TRAILER | Checks::STRUCTURE | Checks::READ_BACK | Checks::LIVE_HASH;
    assert_eq!(saved.checks, expected);

    let inventory = inventory(&home).await;
    assert!(inventory.incomplete.is_empty() && inventory.foreign.is_empty(), "{inventory:?}");
    let listed = &inventory.snapshots[0];
    assert_eq!((&listed.id, listed.revision, listed.incarnation, listed.checks), (&saved.id, 500, 1, expected));
    let key = home.prefix().key(&saved.manifest.payload.key).unwrap();
    let (_, payload) = home.store().get_bytes(&key, 1 << 24).await.unwrap();
    assert_eq!(payload, file, "the stored payload is what etcdctl would have written");

    let verification = verify(&SnapshotSource::newest(&home).await.unwrap(), None, &Silent).await.unwrap();
    assert_eq!(verification.checks, Checks::TRAILER | Checks::STRUCTURE | Checks::READ_BACK);
    assert!(
        verification.not_checked.iter().any(|what| what.contains("no live cluster was given")),
        "{:?}",
        verification.not_checked
    );
}

#[tokio::test]
async fn keys_tell_order_and_newest_follows_incarnation_revision_time() {
    let home = home();
    for (revision, new) in [(500, false), (700, false), (300, true)] {
        let file = snapshot(revision);
        let mut live = Script::new(&file, revision);
        live.hash = Some(agreeing(&file, revision).await);
        let options = if new { options().with_new_incarnation() } else { options() };
        // Each save has a clock of its own that begins at the same second: time decides nothing here.
        save(&live, &home, &options.with_host(Scripted::new(u64::try_from(revision).unwrap()))).await.unwrap();
    }
    let revisions: Vec<i64> = inventory(&home).await.snapshots.iter().map(|listed| listed.revision).collect();
    assert_eq!(revisions, [300, 700, 500], "the restored cluster's snapshot is the newest");
    let mut manifests: Vec<String> = keys(&home).await.into_iter().filter(|key| key.contains("manifest-")).collect();
    manifests.sort_unstable();
    assert!(manifests[2].contains("r0000000000000000300-"), "manifest keys sort from oldest to newest: {manifests:?}");
}

/// A stream that is not good leaves nothing, and says what to do.
#[tokio::test]
async fn bad_streams_are_refused_and_leave_nothing() {
    let file = snapshot(3_000);
    let good = messages(&file);
    let flipped = |at: usize| {
        let mut file = file.clone();
        file[at] ^= 1;
        messages(&file)
    };
    let last = good.len() - 1;
    let mut short_announcement = good.clone();
    short_announcement[0].remaining_bytes -= 512;
    let mut more = good.clone();
    more.push(message(b"and more", 0));
    let mut lying = good.clone();
    lying[2].remaining_bytes += 1;
    let mut empty = good.clone();
    empty[0] = message(&[], 0);
    let cases = [
        ("nothing at all", vec![], End::Close, "before it sent anything"),
        ("ends early", good[..3].to_vec(), End::Close, "ended early"),
        ("no trailer", good[..last].to_vec(), End::Close, "without its SHA-256 trailer"),
        (
            "half a trailer",
            [&good[..last], &[message(&file[file.len() - 32..file.len() - 16], 0)]].concat(),
            End::Close,
            "ended early",
        ),
        ("a flipped byte in the data", flipped(70_000), End::Close, "trailer"),
        ("a flipped byte in the trailer", flipped(file.len() - 1), End::Close, "trailer"),
        ("announces less", short_announcement, End::Close, "remain"),
        ("sends more", more, End::Close, "sends more"),
        ("remaining does not fit", lying, End::Close, "remain"),
        ("announces nothing", empty, End::Close, "empty snapshot"),
        ("empty messages for ever", good[..3].to_vec(), End::EmptyForEver, "etcd issue 22125"),
        ("stalls before the first message", vec![], End::Stall, "has sent nothing for 200ms"),
        ("stalls in the middle", good[..3].to_vec(), End::Stall, "has sent nothing for 200ms"),
        ("breaks", good[..3].to_vec(), End::Break, "the connection broke"),
    ];
    for (name, messages, end, says) in cases {
        let home = home();
        let mut live = Script::new(&file, 3_000);
        (live.messages, live.end) = (messages, end);
        let error = save(&live, &home, &options()).await.unwrap_err();
        assert!(error.to_string().contains(says), "{name}: {error}");
        let kind = if matches!(end, End::Stall | End::Break) { ErrorKind::Unreachable } else { ErrorKind::Damaged };
        assert_eq!(error.kind(), kind, "{name}: {error}");
        home.store().close().await.unwrap();
        let left: Vec<String> =
            keys(&home).await.into_iter().filter(|key| key.ends_with(".db") || key.contains("manifest")).collect();
        assert!(left.is_empty(), "{name} left {left:?}");
        let uploads = home.store().uploads_page(home.prefix(), None).await.unwrap();
        assert!(uploads.uploads.is_empty(), "{name} left an upload");
    }
}

#[tokio::test]
async fn another_clusters_home_is_refused_unless_declared() {
    let (home, file) = (home(), snapshot(500));
    let mut live = Script::new(&file, 500);
    live.hash = Some(agreeing(&file, 500).await);
    save(&live, &home, &options()).await.unwrap();
    let before = keys(&home).await;

    for member in &mut live.members {
        member.cluster_id = Hex64(0xDEAD);
    }
    let refused = save(&live, &home, &options()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "{refused}");
    assert!(refused.to_string().contains("declare a new incarnation"), "{refused}");
    assert_eq!(refused.advice(), Some(Advice::NewIncarnation));
    assert_eq!(keys(&home).await, before, "nothing was written");

    let saved = save(&live, &home, &options().with_host(Scripted::new(8)).with_new_incarnation()).await.unwrap();
    assert_eq!(saved.manifest.incarnation, 2);
}

#[tokio::test]
async fn a_revision_that_goes_back_is_refused_unless_declared() {
    let home = home();
    let later = snapshot(700);
    let mut live = Script::new(&later, 700);
    live.hash = Some(agreeing(&later, 700).await);
    save(&live, &home, &options()).await.unwrap();
    let live = Script::new(&snapshot(500), 500);
    let refused = save(&live, &home, &options()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "{refused}");
    assert!(refused.to_string().contains("700") && refused.to_string().contains("500"), "{refused}");
}

#[tokio::test]
async fn two_clusters_that_race_for_an_empty_home_do_not_share_it() {
    let (home, file) = (home(), snapshot(500));
    let one = Script::new(&file, 500);
    let mut two = Script::new(&file, 500);
    for member in &mut two.members {
        member.cluster_id = Hex64(0xDEAD);
    }
    let quick = |seed| options().with_host(Scripted::new(seed)).without_live_check();
    let (first, second) = (quick(1), quick(2));
    let (first, second) = tokio::join!(save(&one, &home, &first), save(&two, &home, &second));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(first.err().or(second.err()).unwrap().kind(), ErrorKind::Refused);
    assert_eq!(inventory(&home).await.snapshots.len(), 1);
}

#[tokio::test]
async fn a_newer_format_is_read_and_never_changed() {
    let (home, file) = (home(), snapshot(500));
    let live = Script::new(&file, 500);
    let saved = save(&live, &home, &options().without_live_check()).await.unwrap();
    let marker = home.prefix().key("home.json").unwrap();
    home.store().put_bytes(&marker, r#"{"format":2,"kind":"etcd-snapshots"}"#).await.unwrap();
    let before = keys(&home).await;

    let refused = save(&live, &home, &options().with_host(Scripted::new(9))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.to_string().contains("format 2"), "{refused}");
    let refused = home.record_checks(&saved.id, Checks::DRILL, Scripted::new(9).as_ref()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert_eq!(keys(&home).await, before);
    let source = SnapshotSource::newest(&home).await.unwrap();
    verify(&source, None, &Silent).await.unwrap();
}

#[tokio::test]
async fn a_differing_hash_is_stored_but_no_backup() {
    let (home, file) = (home(), snapshot(500));
    let mut live = Script::new(&file, 500);
    live.hash = Some(hash(1, 500));
    let error = save(&live, &home, &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    assert!(error.to_string().contains("no backup"), "{error}");
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("differs"), "{why}");
    let inventory = inventory(&home).await;
    assert!(inventory.snapshots.is_empty());
    let half = &inventory.incomplete[0];
    assert_eq!((half.why, half.incarnation), ("it has a payload and no manifest", Some(1)));
    assert_eq!(half.payload.as_deref(), Some(format!("{}.i00000001.db", half.id).as_str()));
    assert_eq!(keys(&home).await, [format!("{}{}", home.prefix(), half.payload.as_deref().unwrap())]);
    let json = serde_json::to_value(&inventory).unwrap();
    assert_eq!(json["incomplete"][0]["id"], half.id.to_string());
}

#[tokio::test(start_paused = true)]
async fn hashes_that_cannot_be_compared_say_why_and_do_not_stop_a_save() {
    let file = snapshot(500);
    let LiveHash::Hash { hash: right, .. } = agreeing(&file, 500).await else { panic!("a hash") };
    let answer = |hash, compact_revision, current_revision| {
        Some(LiveHash::Hash { member_id: Hex64(OTHER), hash, compact_revision, current_revision })
    };
    let cases = [
        ("compacted past it", Some(LiveHash::Compacted), "has compacted past revision 500"),
        ("behind", Some(LiveHash::Behind), "did not reach revision 500"),
        ("another compaction, above", answer(right, 600, 700), "has compacted past revision 500"),
        ("does not tell", None, "does not tell its hash"),
        (
            "an alias of the sender",
            Some(LiveHash::Hash { member_id: Hex64(SENDER), hash: right, compact_revision: -1, current_revision: 500 }),
            "leads to the member that sent it",
        ),
    ];
    for (name, hash, says) in cases {
        let home = home();
        let mut live = Script::new(&file, 500);
        live.hash = hash;
        let saved = save(&live, &home, &options()).await.unwrap();
        assert!(
            matches!(&saved.live_check, LiveCheck::NotComparable { why, .. } if why.contains(says)),
            "{name}: {}",
            saved.live_check
        );
        assert!(!saved.checks.contains(Checks::LIVE_HASH), "{name}");
    }
}

#[tokio::test]
async fn a_cluster_of_one_is_compared_with_itself_and_says_so() {
    let (home, file) = (home(), snapshot(500));
    let mut live = Script::new(&file, 500);
    let LiveHash::Hash { hash, .. } = agreeing(&file, 500).await else { panic!("a hash") };
    live.members.truncate(1);
    live.voters = 1;
    live.hash = Some(LiveHash::Hash { member_id: Hex64(SENDER), hash, compact_revision: -1, current_revision: 500 });
    let saved = save(&live, &home, &options()).await.unwrap();
    assert_eq!(saved.live_check, LiveCheck::MatchedSender { member_id: Hex64(SENDER) });
    assert!(saved.checks.contains(Checks::SENDER_HASH) && !saved.checks.contains(Checks::LIVE_HASH));

    live.voters = 3;
    let saved = save(&live, &home, &options().with_host(Scripted::new(3))).await.unwrap();
    assert!(
        matches!(&saved.live_check, LiveCheck::NotComparable { why, .. } if why.contains("name others")),
        "{}",
        saved.live_check
    );
}

#[tokio::test]
async fn a_hash_by_a_later_compaction_is_compared_by_that_compaction() {
    let (home, file) = (home(), snapshot(500));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.db");
    std::fs::write(&path, &file).unwrap();
    let source = std::fs::File::open(&path).unwrap();
    let options_at = etcd_format::survey::SurveyOptions::default().with_revision(500).with_compact_revision(100);
    let mut survey = etcd_format::survey::Survey::with_options(u64::try_from(file.len()).unwrap(), options_at);
    etcd_format::drive(&mut survey, &source, |_| {}).unwrap();
    let by_100 = survey.finish().unwrap().hash_kv.unwrap().hash;

    let mut live = Script::new(&file, 500);
    live.hash =
        Some(LiveHash::Hash { member_id: Hex64(OTHER), hash: by_100, compact_revision: 100, current_revision: 500 });
    let saved = save(&live, &home, &options()).await.unwrap();
    assert_eq!(saved.live_check, LiveCheck::Matched { member_id: Hex64(OTHER) });
}

#[tokio::test]
async fn a_member_that_changes_behind_its_address_is_refused() {
    let (home, file) = (home(), snapshot(500));
    let mut live = Script::new(&file, 500);
    live.later = Some(Status::new(CLUSTER, 0xE5, 500));
    let refused = save(&live, &home, &options()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "{refused}");
    assert!(refused.to_string().contains("name the endpoint of one member"), "{refused}");
    assert!(!keys(&home).await.iter().any(|key| key.ends_with(".db")));
}

#[tokio::test]
async fn halves_are_told_apart_and_never_restored() {
    let (home, file) = (home(), snapshot(500));
    let live = Script::new(&file, 500);
    let quick = |seed| options().with_host(Scripted::new(seed)).without_live_check();
    let no_payload = save(&live, &home, &quick(1)).await.unwrap();
    let no_manifest = save(&live, &home, &quick(2)).await.unwrap();
    let store = home.store();
    let delete = async |name: &str| store.delete(&home.prefix().key(name).unwrap(), Default::default()).await.unwrap();
    delete(&no_payload.manifest.payload.key).await;
    let manifest =
        keys(&home).await.into_iter().find(|key| key.contains("manifest") && key.contains(&no_manifest.id.to_string()));
    delete(manifest.unwrap().strip_prefix("clusters/prod/").unwrap()).await;
    let foreign = home.prefix().key("notes.txt").unwrap();
    store.put_bytes(&foreign, "mine").await.unwrap();
    let nested = Home::new(home.store(), Prefix::new("clusters/prod/nested/").unwrap());
    save(&live, &nested, &quick(3)).await.unwrap();

    let inventory = inventory(&home).await;
    assert!(inventory.snapshots.is_empty(), "{inventory:?}");
    assert_eq!(inventory.incomplete.len(), 2, "{inventory:?}");
    assert_eq!(inventory.foreign, ["notes.txt"]);
    let none = SnapshotSource::newest(&home).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    for (id, why) in [(&no_payload.id, "no payload"), (&no_manifest.id, "no manifest")] {
        let half = SnapshotSource::stored(&home, id).await.unwrap_err();
        assert_eq!(half.kind(), ErrorKind::Damaged);
        assert!(half.to_string().contains(why), "{half}");
    }
    let unknown = "20261121T072013.123Z-000000000000".parse().unwrap();
    assert_eq!(SnapshotSource::stored(&home, &unknown).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_time_limit_ends_a_save_that_hangs() {
    let (home, file) = (home(), snapshot(500));
    let mut live = Script::new(&file, 500);
    live.messages.truncate(1);
    live.end = End::Stall;
    let options = options().with_stall_timeout(Duration::from_secs(600)).with_timeout(Duration::from_millis(200));
    let error = save(&live, &home, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(error.advice(), Some(Advice::Timeout), "{error}");
    home.store().close().await.unwrap();
    assert!(inventory(&home).await.incomplete.is_empty(), "the upload was aborted");
}

/// Whether a save that fails leaves anything at all.
#[tokio::test]
async fn a_save_that_fails_binds_an_empty_home_to_nobody() {
    let (home, file) = (home(), snapshot(500));
    let mut stranger = Script::new(&file, 500);
    stranger.members.iter_mut().for_each(|member| member.cluster_id = Hex64(0xDEAD));
    stranger.messages.truncate(1);
    save(&stranger, &home, &options()).await.unwrap_err();
    assert!(keys(&home).await.is_empty(), "{:?}", keys(&home).await);
    save(&Script::new(&file, 500), &home, &options().without_live_check()).await.unwrap();
}

#[tokio::test]
async fn what_is_required_must_be_verified() {
    let (home, file) = (home(), snapshot(500));
    let mut live = Script::new(&file, 500);
    live.hash = Some(LiveHash::Compacted);
    let required = options().with_required(Checks::LIVE_HASH);
    let error = save(&live, &home, &required).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("live-hash") && why.contains("has compacted past"), "{why}");
    assert!(inventory(&home).await.snapshots.is_empty());
    live.hash = Some(agreeing(&file, 500).await);
    save(&live, &home, &required.with_host(Scripted::new(5))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_unverified_save_says_whether_another_may_be() {
    let file = snapshot(500);
    let required = options().with_required(Checks::LIVE_HASH);
    let hashes = [
        ("behind", Some(LiveHash::Behind), true, Some(Advice::Required)),
        ("does not answer", None, true, Some(Advice::Endpoints)),
        ("gone on", Some(LiveHash::Compacted), true, Some(Advice::Required)),
        ("differs", Some(hash(1, 500)), false, None),
    ];
    for (name, hash, retryable, advice) in hashes {
        let mut live = Script::new(&file, 500);
        live.hash = hash;
        let error = save(&live, &home(), &required).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unverified, retryable), "{name}: {error:?}");
        assert_eq!(error.advice(), advice, "{name}: {error:?}");
        let says = if retryable { "save again" } else { "in doubt" };
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
    // The word of the sender alone proves nothing, today or tomorrow.
    let mut live = Script::new(&file, 500);
    live.members.truncate(1);
    let error = save(&live, &home(), &required).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unverified, false), "{error:?}");
    assert_eq!(error.advice(), Some(Advice::Endpoints), "{error:?}");
    // One that is among the endpoints and does not answer may do so later.
    let mut live = Script::new(&file, 500);
    live.silent = vec![(1, ErrorKind::Unreachable, "it is down".to_owned())];
    let error = save(&live, &home(), &required).await.unwrap_err();
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.is_retryable() && why.contains("http://member-1: it is down"), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_verified_is_refused_before_anything_is_stored() {
    let (home, file) = (home(), snapshot(500));
    let live = Script::new(&file, 500).with_matching_hash(&file).unwrap();
    let required = |checks| options().with_required(checks);
    for (options, advice) in [
        (required(Checks::DRILL), Advice::Required),
        (required(Checks::LIVE_HASH | Checks::SENDER_HASH), Advice::Required),
        (required(Checks::LIVE_HASH).without_live_check(), Advice::LiveCheck),
        (required(Checks::SENDER_HASH).without_live_check(), Advice::LiveCheck),
    ] {
        let error = save(&live, &home, &options).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (ErrorKind::Usage, Some(advice)), "{error}");
        assert!(keys(&home).await.is_empty(), "{error}");
    }
    let always = Checks::TRAILER | Checks::STRUCTURE | Checks::READ_BACK;
    save(&live, &home, &required(always).without_live_check()).await.unwrap();
}

#[test]
fn debug_shows_no_content() {
    let file = snapshot(3);
    let shown = format!("{:?}", Script::new(&file, 3));
    assert!(shown.contains(&format!("{} bytes", file.len() - 32)) && shown.len() < 3_000, "{shown}");
    assert!(!shown.contains("registry"), "{shown}");
}

#[tokio::test]
async fn errors_of_a_store_say_whether_to_try_again() {
    use objstore_core::ErrorKind as Store;
    for (kind, expected, retryable) in [
        (Store::Archived, ErrorKind::Refused, false),
        (Store::TooLarge, ErrorKind::Storage, false),
        (Store::RangeNotSatisfiable, ErrorKind::Storage, false),
        (Store::Locked, ErrorKind::Refused, false),
        (Store::AlreadyExists, ErrorKind::Refused, false),
        (Store::PreconditionFailed, ErrorKind::Refused, false),
        (Store::Conflict, ErrorKind::Unreachable, true),
        (Store::Unavailable, ErrorKind::Unreachable, true),
        (Store::StorageFull, ErrorKind::NoSpace, false),
        (Store::StoreNotFound, ErrorKind::NotFound, false),
    ] {
        let store = Hooked::new(Arc::new(MemoryStore::new()), move |_, _| Act::FailAs(kind));
        let home = Home::new(Arc::new(store), Prefix::root());
        let error = home.inventory().await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (expected, retryable), "{kind}: {error}");
        if kind == Store::StoreNotFound {
            assert!(error.to_string().contains("the bucket or the folder of the store is not there"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_new_incarnation_is_declared_once() {
    let home = home();
    for (seed, revision) in [(1, 500), (3, 500), (5, 600)] {
        let live = Script::new(&snapshot(revision), revision);
        let options = options().with_host(Scripted::new(seed)).without_live_check().with_new_incarnation();
        assert_eq!(save(&live, &home, &options).await.unwrap().manifest.incarnation, 1);
    }
}

#[tokio::test]
async fn checks_are_recorded_for_what_is_there() {
    let (home, file) = (home(), snapshot(500));
    let unknown = "20261121T072013.123Z-000000000000".parse().unwrap();
    let host = Scripted::new(4);
    let missing = home.record_checks(&unknown, Checks::DRILL, host.as_ref()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let saved = save(&Script::new(&file, 500), &home, &options().without_live_check()).await.unwrap();
    home.record_checks(&saved.id, Checks::DRILL, host.as_ref()).await.unwrap();
    assert!(inventory(&home).await.newest().unwrap().checks.contains(Checks::DRILL | Checks::TRAILER));
}
