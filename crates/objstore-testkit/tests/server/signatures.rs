//! Who may.

use std::time::Duration;

use objstore_testkit::s3::{Credentials, S3Server};

use super::{client::Client, sign::now, start};

/// Replaces the first occurrence of some bytes.
fn tampered(request: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(request.to_vec()).unwrap();
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

#[tokio::test]
async fn what_is_signed_is_taken_and_what_was_changed_is_not() {
    let (server, client) = start(&[]).await;
    let request = client.request("PUT", "a b/ü+%?#", "", &[("x-amz-meta-colour", "blue")], b"body");
    assert_eq!(client.send(&request).await.unwrap().status, 200);
    assert_eq!(server.stored(server.bucket(), "a b/ü+%?#").unwrap(), b"body");
    for (from, to, code) in [
        ("a%20b/", "a%20c/", "SignatureDoesNotMatch"),
        ("colour: blue", "colour: bloe", "SignatureDoesNotMatch"),
        ("PUT /", "DELETE /", "SignatureDoesNotMatch"),
        ("\r\n\r\nbody", "\r\n\r\nbods", "XAmzContentSHA256Mismatch"),
        ("Credential=AKIA", "Credential=AKIB", "InvalidAccessKeyId"),
    ] {
        let reply = client.send(&tampered(&request, from, to)).await.unwrap();
        assert_eq!(reply.element("Code"), code, "{from} -> {to}: {reply:?}");
        assert!(reply.status == 403 || reply.status == 400);
    }
    assert_eq!(server.keys(server.bucket()), ["a b/ü+%?#"]);
    assert_eq!(server.stored(server.bucket(), "a b/ü+%?#").unwrap(), b"body");
}

#[tokio::test]
async fn strangers_are_refused() {
    let (_server, client) = start(&[]).await;
    assert_eq!(client.plain("GET", &client.path("a"), b"").await.status, 403);
    let mut wrong = client.clone();
    wrong.signer.secret_key.push('x');
    assert_eq!(wrong.get("a").await.element("Code"), "SignatureDoesNotMatch");
    let mut wrong = client.clone();
    wrong.signer.region = "eu-central-1".to_owned();
    let reply = wrong.get("a").await;
    assert_eq!((reply.status, reply.element("Code").as_str()), (400, "AuthorizationHeaderMalformed"));
    assert_eq!(reply.header("x-amz-bucket-region"), Some("us-east-1"));
    assert_eq!(client.get("a").await.element("Code"), "NoSuchKey");
}

#[tokio::test]
async fn signed_urls_are_good_for_one_request_and_a_time() {
    let (_server, client) = start(&[]).await;
    client.put("a b", &[], "body").await;
    let (path, minute) = (client.path("a b"), Duration::from_secs(60));
    let url = client.signer.presign("GET", &client.host, &path, minute, now());
    let reply = client.plain("GET", &url, b"").await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "body"));
    for (method, target) in [
        ("PUT", url.clone()),
        ("DELETE", url.clone()),
        ("GET", url.replace("a%20b", "a%20c")),
        ("GET", url.replace("Expires=60", "Expires=61")),
        ("GET", format!("{url}&versionId=1")),
        ("GET", client.signer.presign("GET", &client.host, &path, minute, now() - 2 * minute)),
        ("GET", client.signer.presign("GET", "example.com", &path, minute, now())),
    ] {
        assert_eq!(client.plain(method, &target, b"").await.status, 403, "{method} {target}");
    }
    let put = client.signer.presign("PUT", &client.host, &client.path("new"), minute, now());
    assert_eq!(client.plain("PUT", &put, b"by url").await.status, 200);
    assert_eq!(client.get("new").await.text(), "by url");
}

#[tokio::test]
async fn sessions_need_their_token_and_end() {
    let credentials = Credentials::new("AKIASESSION", "session-secret").with_session_token("token-1");
    let server = S3Server::builder().with_credentials(credentials.clone()).start().await.unwrap();
    let client = Client::of(&server);
    let with = |token| vec![("x-amz-security-token", token)];
    assert_eq!(client.put("a", &[], "x").await.element("Code"), "InvalidToken");
    assert_eq!(client.put("a", &with("token-2"), "x").await.element("Code"), "InvalidToken");
    assert_eq!(client.put("a", &with("token-1"), "x").await.status, 200);
    server.expire("AKIASESSION");
    let reply = client.put("a", &with("token-1"), "y").await;
    assert_eq!((reply.status, reply.element("Code").as_str()), (400, "ExpiredToken"));
    server.grant(credentials);
    assert_eq!(client.put("a", &with("token-1"), "z").await.status, 200);
    assert_eq!(server.stored(server.bucket(), "a").unwrap(), b"z");
}

#[tokio::test]
async fn actions_are_recorded_and_can_be_forbidden() {
    let (server, client) = start(&[]).await;
    client.put("a", &[], "x").await;
    client.get("a").await;
    assert_eq!(server.actions().into_iter().collect::<Vec<_>>(), ["s3:GetObject", "s3:PutObject"]);
    server.play(Default::default());
    client.get("absent").await;
    client.list("list-type=2").await;
    client.delete_batch(&["<Key>a</Key>"], &[("content-md5", "")]).await;
    client.delete("a", &[]).await;
    let lines = server.log();
    let names: Vec<_> = lines.iter().map(|line| (line.number, line.operation, line.status)).collect();
    assert_eq!(
        names,
        [
            (1, "GetObject", Some(404)),
            (2, "ListObjectsV2", Some(200)),
            (3, "DeleteObjects", Some(400)),
            (4, "DeleteObject", Some(204)),
        ]
    );
    assert!(lines[0].actions.contains("s3:ListBucket"), "what is missing is seen with it only");
    assert!(lines[0].headers.contains("authorization"));
    assert_eq!((lines[3].bucket.as_str(), lines[3].key.as_str()), ("test-bucket", "a"));

    server.allow_only(Some(&["s3:GetObject", "s3:ListBucket"]));
    assert_eq!(client.put("a", &[], "x").await.element("Code"), "AccessDenied");
    assert_eq!(client.list("list-type=2").await.status, 200);
    server.allow_only(None);
    assert_eq!(client.put("a", &[], "x").await.status, 200);
}
