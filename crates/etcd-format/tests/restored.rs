//! What a restore changes, bucket by bucket.

use etcd_format::ErrorKind;
use etcd_format::bolt::patch::Edits;
use etcd_format::membership::{InitialCluster, MemberId};
use etcd_format::restored::{BUCKETS, RestoreOptions, Restored, SourceState, restore_edits};

fn cluster() -> InitialCluster {
    InitialCluster::parse("a=http://a:1,b=http://b:1,c=http://c:1", "token").expect("a valid cluster")
}

fn revision_key(main: i64) -> Vec<u8> {
    [&main.to_be_bytes()[..], b"_", &0_i64.to_be_bytes()[..]].concat()
}

/// Alarm keys as etcd writes them: member 0x0102 with type 1 (NOSPACE), member 3 with type 2 (CORRUPT).
const NOSPACE: &[u8] = b"\x08\x82\x02\x10\x01";
const CORRUPT: &[u8] = b"\x08\x03\x10\x02";

fn source() -> SourceState {
    let mut source = SourceState::new();
    for (bucket, key, value) in [
        ("alarm", NOSPACE, &b""[..]),
        ("alarm", CORRUPT, b""),
        ("alarm", b"\xff", b""),
        ("auth", b"authEnabled", b"\x01"),
        ("cluster", b"clusterVersion", b"3.6.0"),
        ("cluster", b"downgrade", br#"{"target-version":"3.5.0","enabled":true}"#),
        ("members", b"ab", br#"{"id":171,"peerURLs":[],"name":"old"}"#),
        ("members", b"cd", b"{"),
        ("meta", b"storageVersion", b"3.6.0"),
    ] {
        source.insert(bucket.as_bytes(), key, value);
    }
    source.insert(b"key", &revision_key(40), b"");
    source.insert(b"key", &[&revision_key(42)[..], b"t"].concat(), b"");
    source
}

fn restored(options: impl FnOnce(RestoreOptions<'_>) -> RestoreOptions<'_>) -> Restored {
    let cluster = cluster();
    restore_edits(&options(RestoreOptions::new(&cluster)), &source()).expect("edits")
}

/// The changed items of a bucket: key and new value.
fn items(edits: &Edits, bucket: &str) -> Vec<(String, Option<String>)> {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    edits.of(bucket.as_bytes()).expect("the bucket is named").items().map(|(k, v)| (text(k), v.map(text))).collect()
}

#[test]
fn every_bucket_of_etcd_exists_afterwards() {
    let restored = restored(|options| options);
    for bucket in BUCKETS {
        assert!(restored.edits.of(bucket.as_bytes()).is_some(), "{bucket}");
    }
    assert!(BUCKETS.is_sorted());
    for untouched in ["authRoles", "authUsers", "key", "lease", "auth"] {
        assert!(restored.edits.of(untouched.as_bytes()).is_some_and(|edits| edits.is_unchanged()), "{untouched}");
    }
}

#[test]
fn the_old_members_make_room_for_the_new() {
    let restored = restored(|options| options);
    let members = restored.edits.of(b"members").expect("members");
    assert!(members.is_cleared() && restored.edits.of(b"members_removed").expect("removed").is_cleared());
    for member in cluster().members() {
        let record = items(&restored.edits, "members").into_iter().find(|(key, _)| *key == member.id().to_string());
        let record = record.and_then(|(_, json)| json).expect("a record");
        assert_eq!(record.replace("\\\"", "\""), member.to_json());
    }
    assert_eq!(restored.old_members, [(MemberId::new(0xab), "old".into()), (MemberId::new(0xcd), String::new())]);
}

#[test]
fn the_index_is_lowered_to_the_number_of_members() {
    let restored = restored(|options| options);
    let meta = items(&restored.edits, "meta");
    let number = |digit: u8| Some([&[0; 7][..], &[digit]].concat().escape_ascii().to_string());
    assert_eq!(meta[1], ("consistent_index".into(), number(3)));
    assert_eq!(meta[2], ("term".into(), number(1)));
    let voters: Vec<String> = cluster().voters().map(|id| id.get().to_string()).collect();
    let state = format!(r#"{{\"voters\":[{}],\"auto_leave\":false}}"#, voters.join(","));
    assert_eq!(meta[0], ("confState".into(), Some(state)));
    assert_eq!(meta.len(), 3, "no bump, nothing scheduled: {meta:?}");
}

#[test]
fn nospace_is_dropped_and_corrupt_stays() {
    let dropped = restored(|options| options);
    assert_eq!(items(&dropped.edits, "alarm"), [(NOSPACE.escape_ascii().to_string(), None)]);
    assert_eq!((dropped.nospace, dropped.corrupt), (vec![MemberId::new(0x102)], vec![MemberId::new(3)]));
    let kept = restored(|options| options.with_drop_nospace(false));
    assert_eq!(items(&kept.edits, "alarm"), []);
    assert_eq!(kept.nospace, [MemberId::new(0x102)], "it is still reported");
}

#[test]
fn authentication_goes_off_on_request_only() {
    let restored_as = |disable| restored(|options| options.with_disable_auth(disable));
    assert!(restored_as(false).auth_was_enabled);
    assert_eq!(items(&restored_as(false).edits, "auth"), []);
    assert_eq!(items(&restored_as(true).edits, "auth"), [("authEnabled".into(), Some("\\x00".into()))]);
}

#[test]
fn a_downgrade_under_way_is_cancelled() {
    let cancelled = restored(|options| options);
    assert_eq!(cancelled.downgrade_target.as_deref(), Some("3.5.0"));
    let record = r#"{\"target-version\":\"\",\"enabled\":false}"#;
    assert_eq!(items(&cancelled.edits, "cluster"), [("downgrade".into(), Some(record.into()))]);
    assert_eq!(items(&restored(|options| options.with_cancel_downgrade(false)).edits, "cluster"), []);
}

#[test]
fn a_bump_adds_a_placeholder_and_schedules_its_compaction() {
    let restored = restored(|options| options.with_bump_revision(1000));
    assert_eq!((restored.source_revision, restored.revision), (42, 1042));
    let key = revision_key(1042);
    assert_eq!(restored.edits.of(b"key").and_then(|edits| edits.appended()), Some((&key[..], &b""[..])));
    let scheduled = items(&restored.edits, "meta").into_iter().find(|(key, _)| key == "scheduledCompactRev");
    assert_eq!(scheduled.and_then(|(_, value)| value), Some(key.escape_ascii().to_string()));
}

#[test]
fn a_bump_beyond_the_last_revision_is_refused() {
    let cluster = cluster();
    let bump = |amount| restore_edits(&RestoreOptions::new(&cluster).with_bump_revision(amount), &source());
    assert_eq!(bump(i64::MAX as u64 - 42).expect("the last one").revision, i64::MAX);
    assert_eq!(bump(i64::MAX as u64 - 41).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(bump(u64::MAX).unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// etcd before 3.4.34 and 3.5.16 could compact the newest tombstone away: then the last record is not the last revision.
#[test]
fn a_compaction_above_the_last_record_counts() {
    let mut source = SourceState::new();
    assert_eq!(source.revision(), 1, "an empty cluster");
    source.insert(b"key", &revision_key(40), b"");
    source.insert(b"meta", b"scheduledCompactRev", &revision_key(44));
    source.insert(b"meta", b"finishedCompactRev", &revision_key(43));
    assert_eq!(source.revision(), 44);
}
