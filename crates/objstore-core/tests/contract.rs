//! Errors, capabilities and secrets, as callers see them.

use std::{
    error::Error as _,
    time::{Duration, SystemTime},
};

use objstore_core::{
    Capabilities, Checksums, Effect, Error, ErrorKind, ObjectKey, Op, Presigned, Promise, Retry, Revision,
    RevisionStrength, Verdict,
};

#[test]
fn an_error_says_its_own_level_once() {
    let cause = std::io::Error::other("the cause");
    let error = Error::new(ErrorKind::Unavailable)
        .with_op(Op::Put)
        .with_store("s3://bucket")
        .with_key(&ObjectKey::new("a/b").unwrap())
        .with_detail("the store is ill")
        .with_http_status(503)
        .with_service_code("SlowDown")
        .with_request_id("r-1")
        .with_attempts(4)
        .with_effect(Effect::Unknown)
        .with_source(cause);
    assert_eq!(
        error.to_string(),
        "store unavailable: the store is ill (whether the change was made is not known) \
         op=put store=s3://bucket key=a/b status=503 code=SlowDown request_id=r-1 attempts=4"
    );
    assert_eq!(error.source().unwrap().to_string(), "the cause");
    assert_eq!((error.http_status(), error.attempts(), error.op()), (Some(503), 4, Some(Op::Put)));
    assert_eq!((error.service_code(), error.request_id()), (Some("SlowDown"), Some("r-1")));
    assert!(format!("{error:?}").contains("the cause"));
}

#[test]
fn an_error_is_not_applied_unless_said() {
    let error = Error::new(ErrorKind::Conflict);
    assert_eq!((error.effect(), error.retry()), (&Effect::NotApplied, Retry::After(Duration::ZERO)));
    assert_eq!(error.to_string(), "another writer was at work");
    let applied = error.with_effect(Effect::Applied(Some(Revision::new("7")))).with_retry(Retry::Never);
    assert_eq!(applied.effect(), &Effect::Applied(Some(Revision::new("7"))));
    assert_eq!(applied.to_string(), "another writer was at work (the change was made)");
    assert_eq!(Error::new(ErrorKind::NotFound).retry(), Retry::Never);
    assert!(Error::new(ErrorKind::AlreadyExists).is_condition_failed());
    assert!(!Error::new(ErrorKind::Conflict).is_condition_failed(), "a conflict says nothing about what is there");
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn a_claim_is_not_enough_for_whoever_relies_on_it() {
    let claimed = Capabilities::new().with_promise(Promise::CreateIfAbsent, Verdict::Unknown);
    assert!(claimed.claims(Promise::CreateIfAbsent) && !claimed.claims(Promise::UpdateIfMatch));
    let error = claimed.require(Promise::CreateIfAbsent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("probe it first"), "{error}");
    for verdict in [Verdict::Rejected, Verdict::Ignored, Verdict::Racy] {
        let probed = claimed.clone().with_verdict(Promise::CreateIfAbsent, verdict);
        assert!(probed.require(Promise::CreateIfAbsent).unwrap_err().to_string().contains("use another store"));
        assert!(probed.claims(Promise::CreateIfAbsent), "a verdict does not change what the store claims");
    }
    claimed.with_verdict(Promise::CreateIfAbsent, Verdict::Verified).require(Promise::CreateIfAbsent).unwrap();
    assert_eq!(Capabilities::new().revisions(), RevisionStrength::Content, "the weaker unless said");
    let mut names: Vec<_> = Promise::ALL.iter().map(|promise| promise.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Promise::ALL.len());
}

#[test]
fn digests_of_parts_are_not_compared_with_those_of_a_whole() {
    use objstore_core::ChecksumScope;
    let whole = Checksums::of(b"123456789");
    assert_eq!(whole.crc32c, Some(0xe306_9283), "the check value of CRC-32C");
    let other = Checksums::of(b"other");
    assert_eq!(whole.mismatch(&other), Some("sha256"));
    assert_eq!(whole.mismatch(&Checksums::new().with_crc32c(1)), Some("crc32c"));
    assert_eq!(whole.mismatch(&Checksums::new().with_md5([0; 16])), None, "nothing in common");
    assert_eq!(whole.mismatch(&other.with_scope(ChecksumScope::Composite)), None);
    assert!(Checksums::new().is_empty() && !whole.is_empty());
}

#[test]
fn a_signed_url_is_shown_only_on_request() {
    let signed = Presigned::new("https://host/a?X-Amz-Signature=SECRET", Vec::new(), SystemTime::UNIX_EPOCH);
    assert!(!format!("{signed:?}").contains("SECRET"));
    assert!(signed.expose_url().contains("SECRET"));
}
