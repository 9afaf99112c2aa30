//! What S3 does.

use futures::future::join_all;
use objstore_testkit::s3::S3Server;

use super::{client::Client, start};

const CREATE: &[(&str, &str)] = &[("if-none-match", "*")];

#[tokio::test]
async fn conditions_hold() {
    let (_server, client) = start(&[]).await;
    let first = client.put("a", CREATE, "1").await;
    assert_eq!(first.status, 200);
    assert_eq!(client.put("a", CREATE, "2").await.status, 412);
    assert_eq!(client.put("a", &[("if-match", "\"other\"")], "2").await.status, 412);
    assert_eq!(client.put("absent", &[("if-match", first.etag())], "2").await.status, 404);
    let second = client.put("a", &[("if-match", first.etag())], "2").await;
    assert_eq!(second.status, 200);
    assert_eq!(client.put("a", &[("if-match", first.etag())], "3").await.status, 412);
    assert_eq!(client.put("a", &[("if-none-match", "\"etag\"")], "3").await.status, 501);
    assert_eq!(client.get("a").await.text(), "2");

    let from = client.path("a");
    let copy = |headers: &[(&'static str, String)]| {
        let mut all = vec![("x-amz-copy-source", from.clone())];
        all.extend(headers.to_vec());
        all
    };
    let send = async |key: &str, headers: Vec<(&'static str, String)>| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.put(key, &headers, "").await.status
    };
    assert_eq!(send("b", copy(&[("if-none-match", "*".to_owned())])).await, 200);
    assert_eq!(send("b", copy(&[("if-none-match", "*".to_owned())])).await, 412);
    assert_eq!(send("b", copy(&[("if-match", "\"other\"".to_owned())])).await, 412);
    assert_eq!(send("c", copy(&[("x-amz-copy-source-if-match", first.etag().to_owned())])).await, 412);
    assert_eq!(send("c", copy(&[("x-amz-copy-source-if-match", second.etag().to_owned())])).await, 200);

    assert_eq!(client.delete("a", &[("if-match", first.etag())]).await.status, 412);
    assert_eq!(client.delete("a", &[("if-match", second.etag())]).await.status, 204);
    assert_eq!(client.get("a").await.status, 404);
    assert_eq!(client.put("a", CREATE, "again").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_writers_one_wins() {
    let (server, client) = start(&[]).await;
    for body in ["small".to_owned(), "x".repeat(1 << 20)] {
        let key = format!("of-{}", body.len());
        let replies = join_all((0..24).map(|_| client.put(&key, CREATE, &body))).await;
        let won = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!((won, replies.iter().filter(|reply| reply.status == 412).count()), (1, 23));
    }
    client.put("counter", &[], "0").await;
    join_all((0..8).map(|_| async {
        for _ in 0..15 {
            loop {
                let there = client.get("counter").await;
                let next = (there.text().parse::<u32>().unwrap() + 1).to_string();
                if client.put("counter", &[("if-match", there.etag())], &next).await.status == 200 {
                    break;
                }
            }
        }
    }))
    .await;
    assert_eq!(server.stored(server.bucket(), "counter").unwrap(), b"120");
}

#[tokio::test]
async fn digests_are_checked_and_kept() {
    let (server, client) = start(&[]).await;
    for (header, good) in [
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("x-amz-checksum-crc32", "NhCmhg=="),
        ("x-amz-checksum-crc32c", "mnG7TA=="),
        ("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        ("x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
    ] {
        let wrong = "AAAA".to_owned() + &good[4..];
        let reply = client.put("wrong", &[(header, &wrong)], "hello").await;
        assert_eq!(reply.element("Code"), "BadDigest", "{header}");
        assert_eq!(client.put("right", &[(header, good)], "hello").await.status, 200, "{header}");
        if header.starts_with("x-amz") {
            let head = client.call("HEAD", "right", "", &[("x-amz-checksum-mode", "ENABLED")], b"").await;
            assert_eq!(head.header(header), Some(good));
        }
    }
    assert_eq!(server.keys(server.bucket()), ["right"]);
}

#[tokio::test]
async fn ranges_and_read_conditions() {
    let (_server, client) = start(&[]).await;
    let etag = client.put("a", &[], "0123456789").await.etag().to_owned();
    let read = async |header: &str, value: &str| client.call("GET", "a", "", &[(header, value)], b"").await;
    let part = read("range", "bytes=3-5").await;
    assert_eq!((part.status, part.text().as_str()), (206, "345"));
    assert_eq!(part.header("content-range"), Some("bytes 3-5/10"));
    assert_eq!(read("range", "bytes=8-").await.text(), "89");
    assert_eq!(read("range", "bytes=-2").await.text(), "89");
    assert_eq!(read("range", "bytes=10-").await.status, 416);
    assert_eq!(read("if-match", &etag).await.status, 200);
    assert_eq!(read("if-match", "\"x\"").await.status, 412);
    assert_eq!(read("if-none-match", &etag).await.status, 304);
}

#[tokio::test]
async fn listings_go_on_where_they_ended() {
    let (_server, client) = start(&[]).await;
    for key in ["a", "a!", "a/b", "a/c", "b//c", "b/d", "c"] {
        client.put(key, &[], "x").await;
    }
    let mut keys = Vec::new();
    let mut query = "list-type=2&max-keys=2".to_owned();
    loop {
        let page = client.list(&query).await;
        assert!(page.elements("Key").len() <= 2);
        keys.extend(page.elements("Key"));
        match page.element("NextContinuationToken") {
            token if token.is_empty() => break,
            token => query = format!("continuation-token={token}&list-type=2&max-keys=2"),
        }
    }
    assert_eq!(keys, ["a", "a!", "a/b", "a/c", "b//c", "b/d", "c"]);
    let page = client.list("delimiter=%2F&list-type=2").await;
    assert_eq!(page.elements("Key"), ["a", "a!", "c"]);
    assert_eq!(page.elements("CommonPrefixes").len(), 2);
    assert_eq!(client.list("list-type=2&start-after=b").await.elements("Key"), ["b//c", "b/d", "c"]);
    assert_eq!(client.list("list-type=2&prefix=a%2F").await.elements("Key"), ["a/b", "a/c"]);
    assert_eq!(client.list("continuation-token=foreign%21&list-type=2").await.element("Code"), "InvalidArgument");
    let mut elsewhere = client.clone();
    elsewhere.bucket = "no-such-bucket".to_owned();
    assert_eq!(elsewhere.list("list-type=2").await.element("Code"), "NoSuchBucket");
}

#[tokio::test]
async fn batches_answer_for_each_key() {
    let (server, client) = start(&[]).await;
    let etag = client.put("a", &[], "1").await.etag().replace('"', "&quot;");
    client.put("b", &[], "2").await;
    client.put("c", &[], "3").await;
    let matching = format!("<Key>a</Key><ETag>{etag}</ETag>");
    let items = [matching.as_str(), "<Key>b</Key><ETag>&quot;other&quot;</ETag>", "<Key>absent</Key>"];
    let unbound = client.delete_batch(&items, &[]).await;
    assert_eq!(unbound.status, 400, "a batch needs a digest");
    let reply = client.delete_batch(&items, &[("x-amz-checksum-crc32", "AAAAAA==")]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.elements("Deleted").len(), 2, "{}", reply.text());
    assert!(reply.element("Error").contains("<Code>PreconditionFailed</Code>"), "{}", reply.text());
    assert_eq!(server.keys(server.bucket()), ["b", "c"]);
}

#[tokio::test]
async fn versions_are_kept_hidden_and_erased() {
    let server = S3Server::builder().with_versioned_bucket("versioned").start().await.unwrap();
    let client = Client::of(&server);
    let version = |reply: &super::client::Reply| reply.header("x-amz-version-id").unwrap().to_owned();
    let first = version(&client.put("a", &[], "1").await);
    let second = version(&client.put("a", &[], "2").await);
    let hidden = client.delete("a", &[]).await;
    assert_eq!(hidden.header("x-amz-delete-marker"), Some("true"));
    let gone = client.get("a").await;
    assert_eq!((gone.status, gone.header("x-amz-delete-marker")), (404, Some("true")));
    assert_eq!(client.call("GET", "a", &format!("versionId={first}"), &[], b"").await.text(), "1");
    let listed = client.list("versions=").await;
    assert_eq!(listed.elements("Version").len(), 2);
    assert_eq!(listed.elements("DeleteMarker").len(), 1);
    assert_eq!(client.put("a", CREATE, "3").await.status, 200, "a marker counts as absent");
    client.call("DELETE", "a", &format!("versionId={second}"), &[], b"").await;
    assert_eq!(
        client.call("GET", "a", &format!("versionId={second}"), &[], b"").await.element("Code"),
        "NoSuchVersion"
    );
    let page = client.list("max-keys=1&versions=").await;
    let next = format!(
        "key-marker={}&max-keys=1&version-id-marker={}&versions=",
        page.element("NextKeyMarker"),
        page.element("NextVersionIdMarker")
    );
    assert_ne!(client.list(&next).await.element("VersionId"), page.element("VersionId"));
}

#[tokio::test]
async fn locks_hold() {
    let server = S3Server::builder().with_locked_bucket("locked").start().await.unwrap();
    let client = Client::of(&server);
    let put = async |key: &str, headers: &[(&str, &str)]| {
        let reply = client.put(key, headers, "x").await;
        format!("versionId={}", reply.header("x-amz-version-id").unwrap_or_default())
    };
    let erase = async |key: &str, version: &str, headers: &[(&str, &str)]| {
        client.call("DELETE", key, version, headers, b"").await.status
    };
    let until = ("x-amz-object-lock-retain-until-date", "2999-01-01T00:00:00Z");
    let bypass = &[("x-amz-bypass-governance-retention", "true")];
    let kept = put("compliance", &[("x-amz-object-lock-mode", "COMPLIANCE"), until]).await;
    assert_eq!(erase("compliance", &kept, bypass).await, 403);
    let kept = put("governance", &[("x-amz-object-lock-mode", "GOVERNANCE"), until]).await;
    assert_eq!(erase("governance", &kept, &[]).await, 403);
    assert_eq!(erase("governance", &kept, bypass).await, 204);
    let held = put("held", &[("x-amz-object-lock-legal-hold", "ON")]).await;
    assert_eq!(erase("held", &held, bypass).await, 403);
    let head = client.call("HEAD", "held", "", &[], b"").await;
    assert_eq!(head.header("x-amz-object-lock-legal-hold"), Some("ON"));
    let off = b"<LegalHold><Status>OFF</Status></LegalHold>";
    assert_eq!(client.call("PUT", "held", "legal-hold=", &[], off).await.status, 200);
    assert_eq!(erase("held", &held, &[]).await, 204);
    assert_eq!(client.delete("compliance", &[]).await.status, 204, "a plain delete only hides");

    let (_plain, client) = start(&[]).await;
    assert_eq!(client.put("a", &[("x-amz-object-lock-legal-hold", "ON")], "x").await.status, 400);
}
