//! What each answer of a store means.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::{error::Error as _, time::Duration};

use common::{Answer, Server};
use futures::TryStreamExt as _;
use objstore_core::{
    Condition, DeleteOptions, Effect, Error, ErrorKind, ObjectKey, ObjectStore as _, ObjectStoreExt as _, ReadOptions,
    Retry, Revision, WriteOptions,
};
use objstore_s3::S3Store;

fn key() -> ObjectKey {
    ObjectKey::new("a").unwrap()
}

/// The error of a put that is answered so. A look that follows is refused.
async fn put(answer: Answer, condition: Option<Condition>) -> Error {
    let server = Server::of([answer, Answer::error(403, "AccessDenied")]).await;
    let mut options = WriteOptions::new();
    options.condition = condition;
    let error = server.store().await.put(&key(), "x".into(), options).await.unwrap_err();
    assert_eq!(server.lines()[0], "PUT /bkt/a");
    error
}

async fn get(answer: Answer) -> Error {
    let server = Server::of([answer]).await;
    server.store().await.get(&key(), None, ReadOptions::new()).await.unwrap_err()
}

#[tokio::test]
async fn a_put_that_was_refused_changed_nothing() {
    use ErrorKind::{
        Conflict, Integrity, InvalidConfig, InvalidInput, Locked, PermissionDenied, PreconditionFailed, RateLimited,
        StorageFull, StoreNotFound, Timeout, TooLarge, Unauthenticated, Unsupported,
    };
    let soon = Retry::After(Duration::ZERO);
    let later = Retry::After(Duration::from_secs(1));
    for (status, code, kind, retry) in [
        (412, "PreconditionFailed", PreconditionFailed, Retry::Never),
        (412, "", PreconditionFailed, Retry::Never),
        (409, "ConditionalRequestConflict", Conflict, soon),
        (409, "OperationAborted", Conflict, soon),
        (409, "SomethingElse", Conflict, soon),
        (409, "ObjectParentIsFile", InvalidInput, Retry::Never),
        (404, "NoSuchBucket", StoreNotFound, Retry::Never),
        (403, "AccessDenied", PermissionDenied, Retry::Never),
        (403, "", PermissionDenied, Retry::Never),
        (403, "SignatureDoesNotMatch", Unauthenticated, Retry::Never),
        (403, "InvalidAccessKeyId", Unauthenticated, Retry::Never),
        (404, "XAdminUserNotFound", Unauthenticated, Retry::Never),
        (400, "InvalidToken", Unauthenticated, Retry::Never),
        (401, "", Unauthenticated, Retry::Never),
        (301, "PermanentRedirect", InvalidConfig, Retry::Never),
        (307, "TemporaryRedirect", InvalidConfig, Retry::Never),
        (400, "AuthorizationHeaderMalformed", InvalidConfig, Retry::Never),
        (503, "SlowDown", RateLimited, later),
        (429, "", RateLimited, later),
        (400, "RequestTimeout", Timeout, soon),
        (501, "NotImplemented", Unsupported, Retry::Never),
        (405, "MethodNotAllowed", Unsupported, Retry::Never),
        (400, "EntityTooLarge", TooLarge, Retry::Never),
        (413, "", TooLarge, Retry::Never),
        (400, "BadDigest", Integrity, soon),
        (400, "XAmzContentSHA256Mismatch", Integrity, soon),
        (400, "IncompleteBody", Integrity, soon),
        (507, "XMinioStorageFull", StorageFull, Retry::Never),
        (400, "ObjectLocked", Locked, Retry::Never),
        (400, "KeyTooLongError", InvalidInput, Retry::Never),
        (400, "", InvalidInput, Retry::Never),
    ] {
        let answer = if code.is_empty() { Answer::status(status) } else { Answer::error(status, code) };
        let error = put(answer, None).await;
        assert_eq!((error.kind(), error.retry()), (kind, retry), "{status} {code}");
        assert_eq!(error.effect(), &Effect::NotApplied, "{status} {code}");
        assert_eq!(error.http_status(), Some(status), "{status} {code}");
        assert_eq!(error.service_code().unwrap_or_default(), code);
        assert_eq!((error.key(), error.store().unwrap().starts_with("s3://bkt")), (Some("a"), true));
    }
}

#[tokio::test]
async fn an_ill_store_may_have_written() {
    for answer in [
        Answer::error(500, "InternalError"),
        Answer::error(200, "InternalError"),
        Answer::status(500),
        Answer::error(503, "ServiceUnavailable"),
        Answer::status(502),
        Answer::status(504),
        Answer::Lost,
    ] {
        let error = put(answer.clone(), None).await; // the look is refused
        assert_eq!(error.effect(), &Effect::Unknown, "{answer:?}");
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Transport), "{answer:?}: {error:?}");
        assert!(matches!(error.retry(), Retry::After(_)));
    }
}

#[tokio::test]
async fn conditions_decide_what_a_refusal_means() {
    let matches = || Some(Condition::Matches(Revision::new("e0")));
    for (status, code, condition, kind) in [
        (412, "PreconditionFailed", Some(Condition::Absent), ErrorKind::AlreadyExists),
        (412, "PreconditionFailed", matches(), ErrorKind::PreconditionFailed),
        // Nothing is there to match: 404 on some stores.
        (404, "NoSuchKey", matches(), ErrorKind::PreconditionFailed),
        (404, "NoSuchBucket", matches(), ErrorKind::StoreNotFound),
        // Nothing was written, and nothing is said of what is there.
        (409, "ConditionalRequestConflict", Some(Condition::Absent), ErrorKind::Conflict),
        (501, "NotImplemented", Some(Condition::Absent), ErrorKind::Unsupported),
    ] {
        let error = put(Answer::error(status, code), condition).await;
        assert_eq!((error.kind(), error.effect()), (kind, &Effect::NotApplied), "{status} {code}");
    }
}

#[tokio::test]
async fn reads_change_nothing_and_cold_objects_are_a_kind_of_their_own() {
    for (status, code, kind) in [
        (404, "NoSuchKey", ErrorKind::NotFound),
        (404, "NoSuchVersion", ErrorKind::NotFound),
        (404, "NoSuchBucket", ErrorKind::StoreNotFound),
        (403, "InvalidObjectState", ErrorKind::Archived),
        (403, "AccessDenied", ErrorKind::PermissionDenied),
        (304, "", ErrorKind::NotModified),
        (412, "", ErrorKind::PreconditionFailed),
        (416, "InvalidRange", ErrorKind::RangeNotSatisfiable),
        (500, "InternalError", ErrorKind::Unavailable),
    ] {
        let answer = if code.is_empty() { Answer::status(status) } else { Answer::error(status, code) };
        let error = get(answer).await;
        assert_eq!((error.kind(), error.effect()), (kind, &Effect::NotApplied), "{status} {code}");
    }
    let marker = get(Answer::status(405).with("x-amz-delete-marker", "true")).await;
    assert_eq!(marker.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let answer = Answer::said(301, "PermanentRedirect", "elsewhere").with("x-amz-bucket-region", "eu-west-1");
    let error = get(answer.with("x-amz-request-id", "r-7")).await;
    assert_eq!(error.request_id(), Some("r-7"));
    assert!(error.to_string().starts_with("invalid configuration: the bucket is in the region eu-west-1"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "the store says \"elsewhere\"");
    // A HEAD has no document to say it in.
    let server = Server::of([Answer::status(400).with("x-amz-bucket-region", "eu-west-1")]).await;
    let error = server.store().await.head(&key(), ReadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn a_store_may_say_how_long_to_wait() {
    let error = get(Answer::error(503, "SlowDown").with("retry-after", "7")).await;
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(7)));
    let error = put(Answer::error(503, "ServiceUnavailable").with("retry-after", "3"), None).await;
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3)));
}

#[tokio::test]
async fn what_cannot_be_sent_was_not_applied() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let store = S3Store::builder("bkt").endpoint(format!("http://{gone}")).credentials(common::key());
    let error = store.build().await.unwrap().put_bytes(&key(), "x").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, &Effect::NotApplied), "{error:?}");
    assert_eq!(error.retry(), Retry::After(Duration::ZERO));
}

#[tokio::test]
async fn tls_to_a_plain_port_is_a_matter_of_configuration() {
    let server = Server::of([]).await;
    let store = server.builder().endpoint(server.url().replace("http://", "https://")).build().await.unwrap();
    let error = store.put_bytes(&key(), "x").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidConfig, &Effect::NotApplied), "{error:?}");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

#[tokio::test]
async fn silence_ends() {
    let server = Server::start(|_| Answer::Silence).await;
    let store = server.builder().response_timeout(Duration::from_millis(50)).build().await.unwrap();
    let error = store.put_bytes(&key(), "x").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, &Effect::Unknown), "{error:?}");
    assert_eq!(server.lines(), ["PUT /bkt/a", "HEAD /bkt/a"]);
}

#[tokio::test]
async fn bodies_that_break_off_or_differ_end_with_an_error() {
    let whole = Answer::Reply(200, vec![], b"0123456789".to_vec()).with("etag", "\"e1\"");
    let Answer::Reply(status, headers, body) = whole.clone() else { unreachable!() };
    let cut = Answer::Cut(status, headers, body);
    let damaged = whole.clone().with("x-amz-checksum-crc32c", "AAAAAA==");
    let composite = whole.clone().with("x-amz-checksum-crc32c", "AAAAAA==-2");
    let server = Server::of([whole, cut, damaged, composite]).await;
    let store = server.store().await;
    let read = async || {
        let get = store.get(&key(), None, ReadOptions::new()).await.unwrap();
        get.body.try_collect::<Vec<_>>().await.map(|chunks| chunks.concat()).map_err(|error| error.kind())
    };
    assert_eq!(read().await, Ok(b"0123456789".to_vec()));
    assert_eq!(read().await, Err(ErrorKind::Transport));
    assert_eq!(read().await, Err(ErrorKind::Integrity));
    assert_eq!(read().await, Ok(b"0123456789".to_vec()), "digests of parts say nothing about the whole");
}

#[tokio::test]
async fn ranges_that_were_not_asked_for_are_refused() {
    let other = Answer::Reply(206, vec![], b"01".to_vec()).with("content-range", "bytes 0-1/10").with("etag", "\"e1\"");
    let whole = Answer::Reply(200, vec![], b"0123456789".to_vec()).with("etag", "\"e1\"");
    let server = Server::of([other, whole]).await;
    let store = server.store().await;
    for _ in 0..2 {
        let error = store.get(&key(), Some(4..6), ReadOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other, "{error:?}");
    }
    let empty = store.get(&key(), Some(4..4), ReadOptions::new()).await.unwrap_err();
    assert_eq!((empty.kind(), server.asked().len()), (ErrorKind::InvalidInput, 2));
}

#[tokio::test]
async fn conditions_that_are_not_claimed_are_refused_before_anything_is_sent() {
    let server = Server::of([]).await;
    let garage = objstore_s3::Profile::find("garage").unwrap();
    let store = server.builder().profile(garage).build().await.unwrap();
    let at = Condition::Matches(Revision::new("e"));
    let errors = [
        store.create(&key(), "x").await.unwrap_err(),
        store.replace(&key(), Revision::new("e"), "x").await.unwrap_err(),
        store.delete(&key(), DeleteOptions::new().with_condition(at)).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, &Effect::NotApplied));
    }
    // So is what a probe found to be broken.
    let store = server.store().await;
    let found = (*store.capabilities()).clone();
    let ignored = found.with_verdict(objstore_core::Promise::CreateIfAbsent, objstore_core::Verdict::Ignored);
    store.set_capabilities(ignored);
    let error = store.clone().create(&key(), "x").await.unwrap_err();
    assert!(error.to_string().contains("accepts create_if_absent and ignores it"), "{error}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn what_a_store_would_change_is_refused() {
    let server = Server::of([]).await;
    let store = server.store().await;
    for (name, value) in
        [("Upper", "x"), ("", "x"), ("a b", "x"), ("objstore-token", "x"), ("a", "x\n"), ("a", &*"x".repeat(2048))]
    {
        let headers = objstore_core::Headers::new().with_metadata([(name.to_owned(), value.to_owned())].into());
        let error = store.put(&key(), "x".into(), WriteOptions::new().with_headers(headers)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}: {value}");
    }
    let headers = objstore_core::Headers::new().with_content_type("text/\u{e4}".into());
    let error = store.put(&key(), "x".into(), WriteOptions::new().with_headers(headers)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(server.asked().is_empty());
}
