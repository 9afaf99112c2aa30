//! Uploads in parts.

use super::{PART, start};

#[tokio::test]
async fn parts_become_one_object() {
    let (server, client) = start(&[]).await;
    let done = client.upload("a", &[PART, PART, 3], &[("if-none-match", "*")]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert!(done.element("ETag").contains("-3"), "{}", done.text());
    assert_eq!(server.stored(server.bucket(), "a").unwrap().len(), 2 * PART + 3);
    assert!(server.unfinished(server.bucket()).is_empty());
    let taken = client.upload("a", &[3], &[("if-none-match", "*")]).await;
    assert_eq!(taken.status, 412);
    assert_eq!(server.unfinished(server.bucket()), ["a"], "an upload that lost is still there");
    assert_eq!(client.upload("a", &[3], &[("if-match", "\"other\"")]).await.status, 412);
    assert_eq!(client.upload("b", &[PART - 1, 3], &[]).await.element("Code"), "EntityTooSmall");
}

#[tokio::test]
async fn what_is_unfinished_is_listed_and_given_up() {
    let (server, client) = start(&[]).await;
    let id = client.call("POST", "a/b", "uploads=", &[], b"").await.element("UploadId");
    let part = client.call("PUT", "a/b", &format!("partNumber=1&uploadId={id}"), &[], b"x").await;
    assert_eq!(part.status, 200);
    let parts = client.call("GET", "a/b", &format!("uploadId={id}"), &[], b"").await;
    assert_eq!((parts.element("PartNumber").as_str(), parts.element("Size").as_str()), ("1", "1"));
    let listed = client.list("uploads=").await;
    assert_eq!((listed.element("Key"), listed.element("UploadId")), ("a/b".to_owned(), id.clone()));
    assert!(client.list("prefix=b&uploads=").await.elements("Upload").is_empty());
    assert_eq!(client.call("DELETE", "a/b", &format!("uploadId={id}"), &[], b"").await.status, 204);
    let again = client.call("DELETE", "a/b", &format!("uploadId={id}"), &[], b"").await;
    assert_eq!(again.element("Code"), "NoSuchUpload");
    assert!(server.keys(server.bucket()).is_empty());
}

#[tokio::test]
async fn completions_name_their_parts_in_order() {
    let (_server, client) = start(&[]).await;
    let id = client.call("POST", "a", "uploads=", &[], b"").await.element("UploadId");
    let etag = client.call("PUT", "a", &format!("partNumber=2&uploadId={id}"), &[], b"x").await.etag().to_owned();
    let complete = async |parts: &[(u32, &str)]| {
        let part =
            |(number, etag): &(u32, &str)| format!("<Part><ETag>{etag}</ETag><PartNumber>{number}</PartNumber></Part>");
        let parts: String = parts.iter().map(part).collect();
        let document = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        client.call("POST", "a", &format!("uploadId={id}"), &[], document.as_bytes()).await.element("Code")
    };
    assert_eq!(complete(&[]).await, "MalformedXML");
    assert_eq!(complete(&[(1, &etag)]).await, "InvalidPart");
    assert_eq!(complete(&[(2, "\"other\"")]).await, "InvalidPart");
    assert_eq!(complete(&[(2, &etag), (1, &etag)]).await, "InvalidPartOrder");
    assert_eq!(complete(&[(2, &etag)]).await, "");
    assert_eq!(complete(&[(2, &etag)]).await, "NoSuchUpload");
}
