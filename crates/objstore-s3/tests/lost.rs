//! Answers that do not arrive: what a look finds decides.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use common::{Answer, Request, Server};
use objstore_core::{
    Condition, DeleteOptions, Effect, Error, ErrorKind, ObjectKey, ObjectStore as _, ObjectStoreExt as _, Retry,
    Revision, UploadOptions, WriteOptions, Written,
};
use objstore_s3::{AccessKey, CredentialSource, Credentials};

fn key() -> ObjectKey {
    ObjectKey::new("a").unwrap()
}

/// Puts, loses the answer, and answers the look with what `look` makes of the token.
async fn put(condition: Option<Condition>, look: impl Fn(&str) -> Answer + Send + 'static) -> Result<Written, Error> {
    let mut token = String::new();
    let server = Server::start(move |asked: &Request| match asked.method.as_str() {
        "PUT" => {
            token = asked.header("x-amz-meta-objstore-token").unwrap().to_owned();
            Answer::Lost
        }
        _ => look(&token),
    })
    .await;
    let mut options = WriteOptions::new();
    options.condition = condition;
    let result = server.store().await.put(&key(), "x".into(), options).await;
    assert_eq!(server.lines(), ["PUT /bkt/a", "HEAD /bkt/a"]);
    result
}

fn at(revision: &str) -> Option<Condition> {
    Some(Condition::Matches(Revision::new(revision)))
}

#[tokio::test]
async fn our_own_write_is_a_success() {
    for condition in [None, Some(Condition::Absent), at("e0")] {
        let written =
            put(condition, |token| Answer::head(token, "e1", 1).with("x-amz-version-id", "v1")).await.unwrap();
        assert_eq!((written.revision, written.size), (Revision::new("e1"), 1));
        assert_eq!(written.version.unwrap().as_str(), "v1");
        assert!(written.checksums.crc32c.is_some());
    }
}

#[tokio::test]
async fn another_s_write_is_never_ours() {
    let theirs = |_: &str| Answer::head("theirs", "e1", 1);
    let error = put(Some(Condition::Absent), theirs).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
    let error = put(None, theirs).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, &Effect::NotApplied));
    // At the revision that was to be replaced: nothing happened. At another: ours may have been replaced in turn.
    assert_eq!(put(at("e1"), theirs).await.unwrap_err().effect(), &Effect::NotApplied);
    assert_eq!(put(at("e0"), theirs).await.unwrap_err().effect(), &Effect::Unknown);
}

#[tokio::test]
async fn nothing_there_means_nothing_was_written() {
    for condition in [None, Some(Condition::Absent)] {
        let error = put(condition, |_| Answer::status(404)).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, &Effect::NotApplied));
        assert!(matches!(error.retry(), Retry::After(_)));
    }
}

#[tokio::test]
async fn only_a_look_that_fails_leaves_it_unknown() {
    for look in [Answer::status(500), Answer::status(403), Answer::Lost] {
        let error = put(Some(Condition::Absent), move |_| look.clone()).await.unwrap_err();
        assert_eq!(error.effect(), &Effect::Unknown);
    }
}

#[tokio::test]
async fn a_delete_is_looked_after_too() {
    for (look, condition, expected) in [
        (Answer::status(404), None, None),
        (Answer::status(404), at("e1"), None),
        (Answer::head("t", "e1", 1), None, Some(Effect::NotApplied)),
        (Answer::head("t", "e1", 1), at("e1"), Some(Effect::NotApplied)),
        (Answer::head("t", "e2", 1), at("e1"), Some(Effect::Unknown)),
        (Answer::status(403), None, Some(Effect::Unknown)),
    ] {
        let server = Server::of([Answer::Lost, look]).await;
        let mut options = DeleteOptions::new();
        options.condition = condition;
        let result = server.store().await.delete(&key(), options).await;
        assert_eq!(result.err().map(|error| error.effect().clone()), expected);
    }
}

#[tokio::test]
async fn a_batch_without_an_answer_is_looked_after_item_by_item() {
    // Of three items with conditions, the batch deleted the first; the second is still there, the third is another's.
    let server = Server::start(|asked: &Request| match (asked.method.as_str(), asked.line().as_str()) {
        ("POST", _) => Answer::Lost,
        ("HEAD", "HEAD /bkt/gone") => Answer::status(404),
        ("HEAD", "HEAD /bkt/there") => Answer::head("t", "e1", 1),
        ("HEAD", _) => Answer::head("t", "e2", 1),
        _ => Answer::status(204),
    })
    .await;
    let item = |name: &str| {
        let mut options = DeleteOptions::new();
        options.condition = at("e1");
        objstore_core::DeleteItem::new(ObjectKey::new(name).unwrap()).with_options(options)
    };
    let plain = objstore_core::DeleteItem::new(key());
    let results = server.store().await.delete_many(vec![item("gone"), item("there"), item("other"), plain]).await;
    assert!(results[0].is_ok() && results[1].is_ok() && results[3].is_ok(), "{results:?}");
    assert_eq!(results[2].as_ref().unwrap_err().effect(), &Effect::Unknown);
    let mut deleted: Vec<_> = server.lines().into_iter().filter(|line| line.starts_with("DELETE")).collect();
    deleted.sort();
    assert_eq!(deleted, ["DELETE /bkt/a", "DELETE /bkt/there"]);
}

#[tokio::test]
async fn a_write_without_a_name_is_found_by_its_token() {
    // Ceph: the answer has an empty ETag.
    let mut token = String::new();
    let server = Server::start(move |asked: &Request| match asked.method.as_str() {
        "PUT" => {
            token = asked.header("x-amz-meta-objstore-token").unwrap().to_owned();
            Answer::status(200).with("etag", "\"\"")
        }
        _ => Answer::head(&token, "e7", 1),
    })
    .await;
    assert_eq!(server.store().await.create(&key(), "x").await.unwrap().revision, Revision::new("e7"));
}

/// A server for one upload, whose completions are answered by `complete`.
async fn upload_server(mut complete: impl FnMut(u32, &str) -> Answer + Send + 'static) -> Server {
    let (mut token, mut completions) = (String::new(), 0);
    Server::start(move |asked: &Request| match (asked.method.as_str(), asked.target.contains("uploads")) {
        ("POST", true) => {
            token = asked.header("x-amz-meta-objstore-token").unwrap().to_owned();
            let body = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
            Answer::body(200, body)
        }
        ("PUT", _) => Answer::ok(),
        ("DELETE", _) => Answer::status(204),
        ("HEAD", _) => complete(0, &token),
        _ => {
            completions += 1;
            complete(completions, &token)
        }
    })
    .await
}

async fn started(server: &Server, condition: Option<Condition>) -> Box<dyn objstore_core::Upload> {
    let mut write = WriteOptions::new();
    write.condition = condition;
    let options = UploadOptions::new().with_write(write).with_part_size((5 << 20).try_into().unwrap());
    let mut upload = server.store().await.start_upload(&key(), options).await.unwrap();
    upload.write(vec![1; 6 << 20].into()).await.unwrap();
    upload
}

fn completed() -> Answer {
    Answer::body(200, "<CompleteMultipartUploadResult><ETag>\"e9\"</ETag></CompleteMultipartUploadResult>")
}

fn deletes(server: &Server) -> usize {
    server.asked().iter().filter(|asked| asked.method == "DELETE").count()
}

#[tokio::test]
async fn a_completion_that_was_made_is_a_success() {
    // Lost; or an error document behind 200; or said to be gone, since it was completed before.
    for first in [Answer::Lost, Answer::error(200, "InternalError"), Answer::error(404, "NoSuchUpload")] {
        let server = upload_server(move |round, token| match round {
            0 => Answer::head(token, "e9", 6 << 20),
            _ => first.clone(),
        })
        .await;
        let written = started(&server, Some(Condition::Absent)).await.finish().await.unwrap();
        assert_eq!((written.revision, written.size), (Revision::new("e9"), 6 << 20));
    }
}

#[tokio::test]
async fn a_completion_that_was_not_made_can_be_asked_for_again() {
    for first in [Answer::Lost, Answer::error(200, "InternalError"), Answer::error(503, "SlowDown")] {
        let server = upload_server(move |round, _| match round {
            0 => Answer::status(404),
            1 => first.clone(),
            _ => completed(),
        })
        .await;
        let mut upload = started(&server, None).await;
        let error = upload.finish().await.unwrap_err();
        assert_eq!(error.effect(), &Effect::NotApplied, "{error:?}");
        assert!(matches!(error.retry(), Retry::After(_)));
        upload.finish().await.unwrap();
        assert_eq!(deletes(&server), 0);
        assert_eq!(upload.finish().await.unwrap_err().kind(), ErrorKind::InvalidInput, "an upload ends once");
    }
}

#[tokio::test]
async fn an_upload_that_lost_is_given_up() {
    for (status, code, kind, retry) in [
        (412, "PreconditionFailed", ErrorKind::AlreadyExists, Retry::Never),
        // The parts are gone with it: another upload may succeed.
        (409, "ConditionalRequestConflict", ErrorKind::Conflict, Retry::FromStart),
    ] {
        let server = upload_server(move |_, _| Answer::error(status, code)).await;
        let mut upload = started(&server, Some(Condition::Absent)).await;
        let error = upload.finish().await.unwrap_err();
        assert_eq!((error.kind(), error.effect(), error.retry()), (kind, &Effect::NotApplied, retry));
        assert_eq!((deletes(&server), upload.id()), (1, None));
        assert!(upload.finish().await.is_err());
    }
}

#[tokio::test]
async fn a_dropped_upload_is_given_up_before_close_returns() {
    let server = upload_server(|_, _| completed()).await;
    let store = server.store().await;
    let options = UploadOptions::new().with_part_size((5 << 20).try_into().unwrap());
    let mut upload = store.start_upload(&key(), options).await.unwrap();
    upload.write(vec![1; 6 << 20].into()).await.unwrap();
    drop(upload);
    store.close().await.unwrap();
    assert_eq!(server.lines().last().unwrap(), "DELETE /bkt/a");
    assert!(server.asked().last().unwrap().target.contains("uploadId=u1"));
}

/// Hands out a new key at each call.
#[derive(Debug, Default)]
struct Rotating(AtomicU32);

#[async_trait::async_trait]
impl CredentialSource for Rotating {
    async fn access_key(&self) -> objstore_core::Result<AccessKey> {
        let round = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(AccessKey::new(format!("KEY{round}"), "secret").with_session(format!("session{round}"), None))
    }
}

#[tokio::test]
async fn credentials_that_expire_in_mid_upload_are_replaced_and_the_part_sent_again() {
    let expired = |asked: &Request| asked.header("x-amz-security-token") == Some("session0");
    let server = Server::start(move |asked: &Request| match asked.method.as_str() {
        "POST" if asked.target.contains("uploads") => {
            Answer::body(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
        }
        "PUT" if expired(asked) => Answer::error(400, "ExpiredToken"),
        "PUT" => Answer::ok(),
        _ => completed(),
    })
    .await;
    let source = Credentials::Source(Arc::new(Rotating::default()));
    let store = server.builder().credentials(source).build().await.unwrap();
    let options = UploadOptions::new().with_part_size((5 << 20).try_into().unwrap());
    let mut upload = store.start_upload(&key(), options).await.unwrap();
    upload.write(vec![1; 6 << 20].into()).await.unwrap();
    upload.finish().await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].header("x-amz-security-token"), Some("session0"));
    assert_eq!(asked.last().unwrap().header("x-amz-security-token"), Some("session1"));
    let parts: Vec<_> = asked.iter().filter(|asked| asked.method == "PUT").collect();
    let taken = parts.iter().filter(|asked| !expired(asked)).count();
    assert_eq!(taken, 2, "both parts arrived with the new key");
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_by_the_store_s() {
    let mut first = true;
    let server = Server::start(move |_| {
        if std::mem::take(&mut first) {
            Answer::error(403, "RequestTimeTooSkewed").with("date", "Sat, 21 Nov 2026 10:00:00 GMT")
        } else {
            Answer::ok()
        }
    })
    .await;
    #[derive(Debug)]
    struct Late;
    impl objstore_core::Clock for Late {
        fn now(&self) -> std::time::SystemTime {
            std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_251_600) // 09:00
        }
    }
    let store = server.builder().clock(Late).build().await.unwrap();
    store.put_bytes(&key(), "x").await.unwrap();
    let dates: Vec<_> = server.asked().iter().map(|asked| asked.header("x-amz-date").unwrap().to_owned()).collect();
    assert_eq!(dates, ["20261121T090000Z", "20261121T100000Z"]);
}
