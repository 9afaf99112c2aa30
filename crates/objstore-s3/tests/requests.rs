//! What goes over the wire.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::{Duration, SystemTime};

use common::{Answer, Server};
use objstore_core::{
    Checksums, Condition, CopyOptions, DeleteItem, DeleteOptions, Headers, ListOptions, ObjectKey, ObjectStore as _,
    ObjectStoreExt as _, Prefix, Protection, ReadOptions, RetentionMode, Revision, UploadOptions, VersionId,
    WriteOptions, WriteToken,
};
use objstore_s3::{Encryption, Profile, S3Store};

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

fn profile(name: &str) -> &'static Profile {
    Profile::find(name).unwrap()
}

#[tokio::test]
async fn a_create_is_one_request_with_condition_digest_and_token() {
    let server = Server::of([Answer::ok()]).await;
    let written = server.store().await.create(&key("a b/ü+%?#"), "hello").await.unwrap();
    assert_eq!((written.revision, written.size), (Revision::new("e1"), 5));
    let asked = &server.asked()[0];
    assert_eq!(asked.line(), "PUT /bkt/a%20b/%C3%BC%2B%25%3F%23");
    assert_eq!(asked.header("if-none-match"), Some("*"));
    assert_eq!(asked.header("x-amz-checksum-crc32c"), Some("mnG7TA=="));
    assert_eq!(asked.header("x-amz-meta-objstore-token").unwrap().len(), 32);
    assert_eq!(asked.body, b"hello");
    // Signed whole, since nothing is known about a generic store's digests.
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(asked.header("x-amz-content-sha256"), Some(sha256));
    assert!(asked.header("authorization").unwrap().contains("/us-east-1/s3/aws4_request"));
    assert_eq!((asked.header("transfer-encoding"), asked.header("content-encoding")), (None, None));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn tokens_differ_and_a_given_one_is_kept() {
    let server = Server::start(|_| Answer::ok()).await;
    let store = server.store().await;
    store.put_bytes(&key("a"), "").await.unwrap();
    store.put_bytes(&key("a"), "").await.unwrap();
    store.put(&key("a"), "".into(), WriteOptions::new().with_token(WriteToken::new("mine"))).await.unwrap();
    let tokens: Vec<_> =
        server.asked().iter().map(|asked| asked.header("x-amz-meta-objstore-token").unwrap().to_owned()).collect();
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(tokens[2], "mine");
}

#[tokio::test]
async fn bodies_go_unsigned_where_their_digest_is_enough() {
    let server = Server::start(|_| Answer::ok()).await;
    let minio = server.builder().profile(profile("minio"));
    minio.clone().build().await.unwrap().put_bytes(&key("a"), "hello").await.unwrap();
    minio.sign_bodies(true).build().await.unwrap().put_bytes(&key("a"), "hello").await.unwrap();
    let hashes: Vec<_> =
        server.asked().iter().map(|asked| asked.header("x-amz-content-sha256").unwrap().to_owned()).collect();
    assert_eq!(hashes[0], "UNSIGNED-PAYLOAD");
    assert_eq!(hashes[1].len(), 64);
}

#[tokio::test]
async fn old_stores_get_md5_and_bare_etags() {
    let server = Server::start(|_| Answer::ok()).await;
    let store = server.builder().profile(profile("ceph")).build().await.unwrap();
    store.replace(&key("a"), Revision::new("e0"), "hello").await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.header("if-match"), Some("e0"));
    assert_eq!(asked.header("content-md5"), Some("XUFAKrxLKna5cZ2REBfFkg=="));
    assert!(!asked.headers.iter().any(|(name, _)| name.starts_with("x-amz-checksum")));
}

#[tokio::test]
async fn everything_that_is_set_goes_with_a_write() {
    let server = Server::start(|_| Answer::ok()).await;
    let store = server
        .builder()
        .encryption(Encryption::Kms { key: Some("alias/k".into()), bucket_key: Some(true) })
        .storage_class("STANDARD_IA")
        .acl("bucket-owner-full-control")
        .requester_pays(true)
        .user_agent("dunnage-test")
        .build()
        .await
        .unwrap();
    let until = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let protection = Protection::new().with_retention(until, Some(RetentionMode::Compliance)).with_hold(true);
    let metadata = [("plain".to_owned(), "text".to_owned()), ("other".to_owned(), "ü ".to_owned())].into();
    let headers = Headers::new()
        .with_content_type("text/plain".into())
        .with_content_disposition("inline".into())
        .with_content_encoding("zstd".into())
        .with_cache_control("no-store".into())
        .with_metadata(metadata);
    let options = WriteOptions::new().with_headers(headers).with_protection(protection);
    store.put(&key("a"), "x".into(), options).await.unwrap();
    let asked = &server.asked()[0];
    for (name, value) in [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "alias/k"),
        ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-acl", "bucket-owner-full-control"),
        ("x-amz-request-payer", "requester"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        ("x-amz-object-lock-retain-until-date", "2027-01-15T08:00:00Z"),
        ("x-amz-object-lock-legal-hold", "ON"),
        ("content-type", "text/plain"),
        ("content-disposition", "inline"),
        ("content-encoding", "zstd"),
        ("cache-control", "no-store"),
        ("x-amz-meta-plain", "text"),
        ("x-amz-meta-other", "=?UTF-8?B?w7wg?="),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    assert!(asked.header("user-agent").unwrap().contains("app/dunnage-test"));
}

#[tokio::test]
async fn reads_ask_for_ranges_versions_and_digests() {
    let part = Answer::Reply(206, vec![], b"89".to_vec()).with("content-range", "bytes 8-9/10").with("etag", "\"e1\"");
    let server = Server::of([part, Answer::head("t", "e1", 10)]).await;
    let store = server.store().await;
    let get =
        store.get(&key("a"), Some(8..u64::MAX), ReadOptions::new().with_matches(Revision::new("e1"))).await.unwrap();
    assert_eq!((get.range, get.meta.size), (8..10, 10));
    let options = ReadOptions::new().with_version(VersionId::new("v1")).with_differs(Revision::new("e0"));
    let meta = store.head(&key("a"), options).await.unwrap();
    assert_eq!((meta.token, meta.headers.metadata.len()), (Some(WriteToken::new("t")), 0));
    let asked = server.asked();
    assert_eq!((asked[0].header("range"), asked[0].header("if-match")), (Some("bytes=8-"), Some("\"e1\"")));
    assert_eq!(asked[1].header("if-none-match"), Some("\"e0\""));
    assert_eq!(asked[1].header("x-amz-checksum-mode"), Some("ENABLED"));
    assert!(asked[1].target.contains("versionId=v1"), "{}", asked[1].target);
}

#[tokio::test]
async fn a_listing_is_decoded_checked_and_continued() {
    let first = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
        <NextContinuationToken>t1</NextContinuationToken>\
        <Contents><Key>p/a%20b%2B+c</Key><Size>3</Size><ETag>&quot;e1&quot;</ETag></Contents>\
        <Contents><Key>p/%01</Key><Size>3</Size><ETag>e2</ETag></Contents>\
        <CommonPrefixes><Prefix>p/d/</Prefix></CommonPrefixes></ListBucketResult>";
    let second = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>\
        </ListBucketResult>";
    let elsewhere = "<ListBucketResult><IsTruncated>false</IsTruncated>\
        <Contents><Key>p-2/a</Key><Size>3</Size></Contents></ListBucketResult>";
    let bodies = [first, second, elsewhere].map(|body| Answer::body(200, body));
    let server = Server::of(bodies).await;
    let (store, prefix) = (server.store().await, Prefix::new("p/").unwrap());
    let options = ListOptions::new().with_delimited(true).with_limit(7.try_into().unwrap());
    let page = store.list_page(&prefix, options.clone()).await.unwrap();
    assert_eq!(page.objects[0].key, key("p/a b+ c"));
    assert_eq!(page.objects[0].revision, Revision::new("e1"));
    assert_eq!(page.prefixes, [Prefix::new("p/d/").unwrap()]);
    assert_eq!(page.invalid, ["p/\\u{1}"]);
    // The same token again: it would never end.
    let next = options.with_after(page.next.unwrap());
    assert!(store.list_page(&prefix, next).await.unwrap_err().to_string().contains("same page token"));
    assert!(store.list_page(&prefix, ListOptions::new()).await.unwrap_err().to_string().contains("not below"));
    let target = &server.asked()[0].target;
    for part in ["list-type=2", "prefix=p%2F", "delimiter=%2F", "max-keys=7", "encoding-type=url"] {
        assert!(target.contains(part), "{part} in {target}");
    }
    assert!(server.asked()[1].target.contains("continuation-token=t1"));
}

#[tokio::test]
async fn a_batch_is_one_request_with_a_result_for_each() {
    let body = "<DeleteResult><Deleted><Key>a</Key></Deleted><Deleted><Key>b</Key><DeleteMarker>true</DeleteMarker>\
        <DeleteMarkerVersionId>m1</DeleteMarkerVersionId></Deleted><Error><Key>c</Key><Code>AccessDenied</Code>\
        <Message>Access Denied because object protected by object lock.</Message></Error></DeleteResult>";
    let server = Server::of([Answer::body(200, body), Answer::body(200, body)]).await;
    let items = || ["a", "b", "c", "d"].map(|name| DeleteItem::new(key(name))).to_vec();
    let results = server.store().await.delete_many(items()).await;
    assert_eq!(results[0].as_ref().unwrap().delete_marker, None);
    assert_eq!(results[1].as_ref().unwrap().delete_marker, Some(VersionId::new("m1")));
    assert_eq!(results[2].as_ref().unwrap_err().kind(), objstore_core::ErrorKind::Locked);
    assert_eq!(results[3].as_ref().unwrap_err().effect(), &objstore_core::Effect::Unknown);
    let crc = &server.asked()[0];
    assert!(crc.header("x-amz-checksum-crc32").is_some() && crc.header("content-md5").is_none());

    let store = server.builder().profile(profile("b2")).build().await.unwrap();
    store.delete_many(items()).await;
    let md5 = &server.asked()[1];
    assert!(md5.header("content-md5").is_some() && md5.header("x-amz-checksum-crc32").is_none());
    assert!(!md5.header("authorization").unwrap().contains("x-amz-checksum-crc32"));
}

#[tokio::test]
async fn a_batch_that_is_refused_becomes_single_deletes() {
    let mut first = true;
    let server = Server::start(move |_| {
        if std::mem::take(&mut first) { Answer::error(403, "AccessDenied") } else { Answer::status(204) }
    })
    .await;
    let results = server.store().await.delete_many(["a", "b"].map(|name| DeleteItem::new(key(name))).to_vec()).await;
    assert!(results.iter().all(Result::is_ok));
    let mut lines = server.lines();
    lines.sort();
    assert_eq!(lines, ["DELETE /bkt/a", "DELETE /bkt/b", "POST /bkt/"]);
}

#[tokio::test]
async fn deletes_name_versions_and_markers() {
    let marked = Answer::status(204).with("x-amz-delete-marker", "true").with("x-amz-version-id", "m1");
    let server = Server::of([marked.clone(), marked]).await;
    let store = server.store().await;
    let hidden = store.delete(&key("a"), DeleteOptions::new()).await.unwrap();
    assert_eq!(hidden.delete_marker, Some(VersionId::new("m1")));
    // Deleting the marker itself hides nothing.
    let gone = store.delete(&key("a"), DeleteOptions::new().with_version(VersionId::new("m1"))).await.unwrap();
    assert_eq!(gone.delete_marker, None);
    assert!(server.asked()[1].target.contains("versionId=m1"));
}

#[tokio::test]
async fn a_copy_pins_its_source_and_carries_its_headers() {
    let copied = "<CopyObjectResult><ETag>\"e2\"</ETag></CopyObjectResult>";
    let head = Answer::head("theirs", "e1", 7).with("content-type", "text/x").with("x-amz-meta-who", "me");
    let script = [head, Answer::body(200, copied)];
    for (name, condition) in [("generic", "if-none-match"), ("r2", "cf-copy-destination-if-none-match")] {
        let server = Server::of(script.clone()).await;
        let store = server.builder().profile(profile(name)).build().await.unwrap();
        let options = CopyOptions::new().with_write(WriteOptions::new().with_condition(Condition::Absent));
        let written = store.copy(&key("a b"), &key("c"), options).await.unwrap();
        assert_eq!((written.revision, written.size), (Revision::new("e2"), 7));
        let asked = &server.asked()[1];
        assert_eq!(asked.header("x-amz-copy-source"), Some("bkt/a%20b"));
        assert_eq!(asked.header("x-amz-copy-source-if-match"), Some("\"e1\""));
        assert_eq!(asked.header("x-amz-metadata-directive"), Some("REPLACE"));
        assert_eq!((asked.header("content-type"), asked.header("x-amz-meta-who")), (Some("text/x"), Some("me")));
        assert_ne!(asked.header("x-amz-meta-objstore-token"), Some("theirs"));
        assert_eq!(asked.header(condition), Some("*"), "{name}");
        assert!(asked.header("authorization").unwrap().contains(condition), "{name}: it is signed");
    }
}

#[tokio::test]
async fn a_large_body_goes_in_equal_parts_with_digests_and_the_condition_at_the_end() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "POST" if asked.target.contains("uploads") => {
            Answer::body(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
        }
        "PUT" => Answer::ok(),
        _ => Answer::body(200, "<CompleteMultipartUploadResult><ETag>\"e9-2\"</ETag></CompleteMultipartUploadResult>"),
    })
    .await;
    let store = server.builder().profile(profile("minio")).build().await.unwrap();
    let options = UploadOptions::new()
        .with_write(WriteOptions::new().with_condition(Condition::Absent))
        .with_part_size((5 << 20).try_into().unwrap());
    let mut upload = store.start_upload(&key("a"), options).await.unwrap();
    for _ in 0..11 {
        upload.write(vec![7; 1 << 20].into()).await.unwrap();
    }
    let written = upload.finish().await.unwrap();
    assert_eq!((written.revision, written.size), (Revision::new("e9-2"), 11 << 20));
    assert_eq!(written.checksums.crc32c, Checksums::of(&vec![7; 11 << 20]).crc32c);
    let asked = server.asked();
    assert_eq!(asked[0].header("x-amz-checksum-algorithm"), Some("CRC32C"));
    assert_eq!(asked[0].header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert!(asked[0].header("x-amz-meta-objstore-token").is_some());
    let mut sizes: Vec<_> = asked.iter().filter(|asked| asked.method == "PUT").map(|asked| asked.body.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1 << 20, 5 << 20, 5 << 20]);
    assert!(
        asked.iter().filter(|asked| asked.method == "PUT").all(|asked| {
            asked.header("x-amz-checksum-crc32c").is_some() && asked.header("if-none-match").is_none()
        })
    );
    let complete = asked.last().unwrap();
    assert_eq!(complete.header("if-none-match"), Some("*"));
    assert!(complete.header("x-amz-checksum-crc32c").is_some());
    let numbers: Vec<_> = complete.text().match_indices("<PartNumber>").map(|(at, _)| at).collect();
    assert_eq!(numbers.len(), 3);
}

#[tokio::test]
async fn a_small_body_is_one_put() {
    let server = Server::start(|_| Answer::ok()).await;
    let store = server.store().await;
    let mut upload = store.start_upload(&key("a"), UploadOptions::new()).await.unwrap();
    upload.write(vec![7; 8 << 20].into()).await.unwrap(); // exactly a part
    assert_eq!(upload.id(), None);
    upload.finish().await.unwrap();
    assert_eq!(server.lines(), ["PUT /bkt/a"]);
}

#[tokio::test]
async fn the_region_is_found_also_in_a_refusal() {
    let there = Answer::status(301).with("x-amz-bucket-region", "eu-west-1");
    let server = Server::of([there, Answer::status(404), Answer::status(200)]).await;
    let store = server.store().await;
    assert_eq!(store.find_region().await.unwrap(), "eu-west-1");
    assert_eq!(store.find_region().await.unwrap_err().kind(), objstore_core::ErrorKind::StoreNotFound);
    assert_eq!(store.find_region().await.unwrap_err().kind(), objstore_core::ErrorKind::Unsupported);
}

#[tokio::test]
async fn locks_of_objects_that_exist_are_set() {
    let server = Server::of([Answer::status(200), Answer::status(200), Answer::error(400, "InvalidRequest")]).await;
    let store = server.store().await;
    let until = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    store.set_retention(&key("a"), Some(&VersionId::new("v")), until, RetentionMode::Governance).await.unwrap();
    store.set_hold(&key("a"), None, true).await.unwrap();
    let refused = store.set_hold(&key("a"), None, false).await.unwrap_err();
    assert_eq!(refused.kind(), objstore_core::ErrorKind::Unsupported);
    let asked = server.asked();
    assert!(asked[0].target.contains("retention") && asked[0].target.contains("versionId=v"));
    assert!(asked[0].text().contains("<Mode>GOVERNANCE</Mode>") && asked[0].text().contains("2027-01-15T08:00:00Z"));
    assert!(asked[1].target.contains("legal-hold") && asked[1].text().contains("<Status>ON</Status>"));
}

#[tokio::test]
async fn anonymous_requests_are_not_signed_and_cannot_sign() {
    let server = Server::of([Answer::head("t", "e1", 1)]).await;
    let store: S3Store = server.builder().credentials(objstore_s3::Credentials::Anonymous).build().await.unwrap();
    store.head(&key("a"), ReadOptions::new()).await.unwrap();
    assert_eq!(server.asked()[0].header("authorization"), None);
    let request =
        objstore_core::PresignRequest::new(key("a"), objstore_core::PresignMethod::Get, Duration::from_secs(9));
    assert_eq!(store.presign(request).await.unwrap_err().kind(), objstore_core::ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn parts_grow_with_the_hint_to_fit_the_store_s_number_of_parts() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "POST" if asked.target.contains("uploads") => {
            Answer::body(200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
        }
        "PUT" => Answer::ok(),
        _ => Answer::body(200, "<CompleteMultipartUploadResult><ETag>\"e9\"</ETag></CompleteMultipartUploadResult>"),
    })
    .await;
    let store = server.builder().profile(profile("scaleway")).build().await.unwrap();
    let hint = 9_000_000_000;
    let mut upload = store.start_upload(&key("a"), UploadOptions::new().with_size_hint(hint)).await.unwrap();
    for _ in 0..21 {
        upload.write(vec![0; 1 << 20].into()).await.unwrap();
    }
    upload.finish().await.unwrap();
    let mut parts: Vec<_> =
        server.asked().iter().filter(|asked| asked.method == "PUT").map(|asked| asked.body.len() >> 20).collect();
    parts.sort_unstable();
    assert_eq!(parts, [1, 10, 10], "MiB: a thousand of ten hold the body, and a twentieth more");
    // What cannot fit is said before anything is sent.
    let tight = UploadOptions::new().with_size_hint(hint).with_part_size((8 << 20).try_into().unwrap());
    let error = store.start_upload(&key("a"), tight).await.unwrap_err();
    assert_eq!(error.kind(), objstore_core::ErrorKind::TooLarge);
}
