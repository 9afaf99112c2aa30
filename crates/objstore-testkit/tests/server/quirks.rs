//! Each quirk does what it says.

use std::time::{Duration, Instant};

use futures::future::join_all;
use objstore_testkit::s3::{Quirk, S3Server, Site};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{
    PART,
    client::{Client, Payload},
    start,
};

#[test]
fn a_quirk_has_a_name() {
    for (text, quirk) in [
        ("ignore-conditions", Quirk::IgnoreConditions),
        ("ignore-conditions-on:batch-delete", Quirk::IgnoreConditionsOn(Site::BatchDelete)),
        ("reject-conditions-on:copy", Quirk::RejectConditionsOn(Site::Copy)),
        ("atomic-up-to:8000000000", Quirk::AtomicUpTo(8_000_000_000)),
        ("lost-replies:3", Quirk::LostReplies { every: 3 }),
        ("error-in-200:1", Quirk::ErrorIn200 { every: 1 }),
        ("max-parts:1000", Quirk::MaxParts(1000)),
        ("slow:50", Quirk::Slow(Duration::from_millis(50))),
        ("no-upload-list", Quirk::NoUploadList),
    ] {
        assert_eq!(text.parse(), Ok(quirk));
    }
    for wrong in ["", "slow", "slow:x", "equal-parts:2", "ignore-conditions-on:get", "Slow:5"] {
        assert!(wrong.parse::<Quirk>().is_err(), "{wrong}");
    }
}

const CREATE: &[(&str, &str)] = &[("if-none-match", "*")];
const BOUND: &[(&str, &str)] = &[("x-amz-checksum-crc32", "AAAAAA==")];

#[tokio::test]
async fn conditions_are_ignored_or_rejected() {
    let (server, client) = start(&[Quirk::IgnoreConditions]).await;
    client.put("a", &[], "1").await;
    assert_eq!(client.put("a", CREATE, "2").await.status, 200);
    assert_eq!(client.put("a", &[("if-match", "\"x\"")], "3").await.status, 200);
    assert_eq!(client.upload("a", &[1], CREATE).await.status, 200);
    let batch = client.delete_batch(&["<Key>a</Key><ETag>x</ETag>"], BOUND).await;
    assert_eq!(batch.elements("Deleted").len(), 1);

    server.set_quirks(&[Quirk::RejectConditions]);
    assert_eq!(client.put("a", CREATE, "2").await.status, 501);
    assert_eq!(client.delete("a", &[("if-match", "\"x\"")]).await.status, 501);
    assert_eq!(client.put("a", &[], "2").await.status, 200);

    server.set_quirks(&[Quirk::IgnoreConditionsOn(Site::Complete), Quirk::RejectConditionsOn(Site::Delete)]);
    assert_eq!(client.put("a", CREATE, "3").await.status, 412);
    assert_eq!(client.upload("a", &[1], CREATE).await.status, 200);
    assert_eq!(client.delete("a", &[("if-match", "\"x\"")]).await.status, 501);
}

#[tokio::test]
async fn what_versions_change() {
    let builder = S3Server::builder().with_bucket("plain").with_versioned_bucket("versioned");
    let server = builder.with_quirk(Quirk::IgnoreConditionsWhenVersioned).start().await.unwrap();
    let plain = Client::of(&server);
    let versioned = Client { bucket: "versioned".to_owned(), ..plain.clone() };
    for (client, second) in [(&plain, 412), (&versioned, 200)] {
        client.put("a", CREATE, "1").await;
        assert_eq!(client.put("a", CREATE, "2").await.status, second);
    }
    server.set_quirks(&[Quirk::RacyWhenVersioned]);
    for (client, several) in [(&plain, false), (&versioned, true)] {
        let replies = join_all((0..8).map(|_| client.put("raced", CREATE, "x"))).await;
        let won = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(won > 1, several, "{won} won in {}", client.bucket);
        assert_eq!(client.put("raced", CREATE, "x").await.status, 412, "one after the other it holds");
    }
    server.set_quirks(&[Quirk::MarkersCount]);
    versioned.delete("a", &[]).await;
    assert_eq!(versioned.get("a").await.status, 404);
    assert_eq!(versioned.put("a", CREATE, "3").await.status, 412);
}

#[tokio::test]
async fn small_bodies_only_are_atomic() {
    let (_server, client) = start(&[Quirk::AtomicUpTo(1000)]).await;
    for (size, several) in [(1000, false), (1001, true)] {
        let (key, body) = (format!("of-{size}"), "x".repeat(size));
        let replies = join_all((0..8).map(|_| client.put(&key, CREATE, &body))).await;
        let won = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(won > 1, several, "{won} won with {size} bytes");
    }
}

#[tokio::test]
async fn conflicts_come_every_so_often() {
    let (server, client) = start(&[Quirk::Conflicts { every: 2 }]).await;
    assert_eq!(client.put("a", CREATE, "x").await.status, 200);
    let reply = client.put("b", CREATE, "x").await;
    assert_eq!((reply.status, reply.element("Code").as_str()), (409, "ConditionalRequestConflict"));
    assert_eq!(client.put("c", &[], "x").await.status, 200, "without a condition there is no conflict");
    assert_eq!(client.put("b", CREATE, "x").await.status, 200);
    assert_eq!(server.keys(server.bucket()), ["a", "b", "c"]);
}

#[tokio::test]
async fn replies_are_lost_after_the_deed() {
    let (server, client) = start(&[Quirk::LostReplies { every: 2 }]).await;
    assert!(client.try_call("PUT", "a", b"x").await.is_ok());
    assert!(client.try_call("PUT", "b", b"x").await.is_err());
    assert!(client.try_call("GET", "b", b"").await.is_ok(), "what changes nothing is answered");
    assert!(client.try_call("DELETE", "absent", b"").await.is_ok());
    assert!(client.try_call("DELETE", "a", b"").await.is_err());
    assert_eq!(server.keys(server.bucket()), ["b"]);
}

#[tokio::test]
async fn completions_fail_in_200() {
    let (server, client) = start(&[Quirk::ErrorIn200 { every: 1 }]).await;
    let reply = client.upload("a", &[1], &[]).await;
    assert_eq!((reply.status, reply.element("Code").as_str()), (200, "InternalError"));
    assert!(server.keys(server.bucket()).is_empty());
    assert_eq!(server.unfinished(server.bucket()), ["a"]);
}

#[tokio::test]
async fn parts_are_capped_or_equal() {
    let (_server, client) = start(&[Quirk::MaxParts(2)]).await;
    assert_eq!(client.upload("a", &[PART, PART], &[]).await.status, 200);
    assert_eq!(client.upload("a", &[PART, PART, 1], &[]).await.element("Code"), "InvalidArgument");
    let (_server, client) = start(&[Quirk::EqualParts]).await;
    assert_eq!(client.upload("a", &[PART, PART, 1], &[]).await.status, 200);
    assert_eq!(client.upload("a", &[PART, PART + 1, 1], &[]).await.element("Code"), "InvalidPart");
    assert_eq!(client.upload("a", &[PART, PART + 1], &[]).await.element("Code"), "InvalidPart");
}

#[tokio::test]
async fn etags_are_bare_or_empty() {
    let (server, client) = start(&[Quirk::UnquotedEtags]).await;
    let bare = "9dd4e461268c8034f5c8564e155c67a6";
    assert_eq!(client.put("a", &[], "x").await.etag(), bare);
    let get = client.get("a").await;
    assert_eq!((get.etag(), get.text().as_str()), (bare, "x"));
    assert_eq!(client.list("list-type=2").await.element("ETag"), bare);
    assert!(!client.upload("b", &[1], &[]).await.element("ETag").contains('"'));
    assert_eq!(client.get("b").await.text(), "x");
    server.set_quirks(&[Quirk::EmptyEtags]);
    let etag = client.upload("b", &[1], &[]).await.element("ETag").replace("&quot;", "");
    assert_eq!(etag.replace('"', ""), "");
    assert!(client.call("HEAD", "b", "", &[], b"").await.etag().ends_with("-1\""));
}

#[tokio::test]
async fn listings_are_short_repeated_unsorted_or_late() {
    let (server, client) = start(&[Quirk::PageSize(2)]).await;
    for key in ["a", "b", "c", "d", "e"] {
        client.put(key, &[], "x").await;
    }
    let page = client.list("list-type=2").await;
    assert_eq!(page.elements("Key"), ["a", "b"]);
    server.set_quirks(&[Quirk::PageSize(2), Quirk::RepeatedPageToken]);
    let token = page.element("NextContinuationToken");
    let again = client.list(&format!("continuation-token={token}&list-type=2")).await;
    assert_eq!(again.element("NextContinuationToken"), token);
    server.set_quirks(&[Quirk::UnsortedListings]);
    assert_eq!(client.list("list-type=2").await.elements("Key"), ["e", "d", "c", "b", "a"]);
    server.set_quirks(&[Quirk::LateListings]);
    client.put("f", &[], "x").await;
    assert_eq!(client.list("list-type=2").await.elements("Key").len(), 5);
    client.put("g", &[], "x").await;
    assert_eq!(client.list("list-type=2").await.elements("Key").len(), 6);
    server.set_quirks(&[Quirk::NoUploadList]);
    assert_eq!(client.list("uploads=").await.status, 501);
}

#[tokio::test]
async fn batches_want_md5_or_are_not_there() {
    let (server, client) = start(&[Quirk::RequireContentMd5]).await;
    client.put("a", &[], "x").await;
    assert_eq!(client.delete_batch(&["<Key>a</Key>"], BOUND).await.status, 400);
    let wrong = client.delete_batch(&["<Key>a</Key>"], &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")]).await;
    assert_eq!(wrong.element("Code"), "BadDigest");
    // Of <Delete><Object><Key>a</Key></Object></Delete>.
    let md5 = client.delete_batch(&["<Key>a</Key>"], &[("content-md5", "aFPqFnlCon58cZ4Qt7zwvQ==")]).await;
    assert_eq!(md5.status, 200, "{}", md5.text());
    server.set_quirks(&[Quirk::NoBatchDelete]);
    assert_eq!(client.delete_batch(&["<Key>a</Key>"], BOUND).await.status, 501);
}

#[tokio::test]
async fn slow_servers_wait() {
    let (_server, client) = start(&[Quirk::Slow(Duration::from_millis(60))]).await;
    let started = Instant::now();
    client.get("a").await;
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn bodies_break_off() {
    let (_server, client) = start(&[Quirk::ResetBodies { every: 2 }]).await;
    client.put("a", &[], &"x".repeat(100_000)).await;
    assert!(client.try_call("GET", "a", b"").await.is_ok());
    assert!(client.try_call("GET", "a", b"").await.is_err());
}

/// Sends the head and half of the body of a request, and goes away.
async fn send_half(client: &Client, request: &[u8], body: usize) {
    let mut stream = TcpStream::connect(&client.host).await.unwrap();
    stream.write_all(&request[..request.len() - body / 2]).await.unwrap();
    stream.shutdown().await.unwrap();
    // The server closes when it is done.
    let mut rest = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
}

#[tokio::test]
async fn cut_bodies_are_kept_only_if_nothing_binds_them() {
    let (server, mut client) = start(&[Quirk::CommitTruncated]).await;
    let body = [b'x'; 1000];
    let bound = [("x-amz-checksum-crc32", "AAAAAA==")];
    for (payload, headers) in [(Payload::Signed, &[][..]), (Payload::Unsigned, &bound)] {
        client.payload = payload;
        let request = client.request("PUT", "a", "", headers, &body);
        send_half(&client, &request, body.len()).await;
        assert_eq!(server.stored(server.bucket(), "a"), None, "{payload:?} {headers:?}");
    }
    client.payload = Payload::Unsigned;
    let request = client.request("PUT", "a", "", &[], &body);
    server.set_quirks(&[]);
    send_half(&client, &request, body.len()).await;
    assert_eq!(server.stored(server.bucket(), "a"), None, "S3 does not keep them");
    server.set_quirks(&[Quirk::CommitTruncated]);
    send_half(&client, &request, body.len()).await;
    assert_eq!(server.stored(server.bucket(), "a").map(|body| body.len()), Some(500));
}

#[tokio::test]
async fn locks_are_forgotten() {
    let builder = S3Server::builder().with_locked_bucket("locked").with_quirk(Quirk::IgnoreLocks);
    let server = builder.start().await.unwrap();
    let client = Client::of(&server);
    let put = client.put("a", &[("x-amz-object-lock-legal-hold", "ON")], "x").await;
    let version = format!("versionId={}", put.header("x-amz-version-id").unwrap());
    assert_eq!(client.call("DELETE", "a", &version, &[], b"").await.status, 204);
    assert!(server.keys("locked").is_empty());
}
