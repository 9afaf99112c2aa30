//! What a request is, told from its line and headers alone: also where it is never looked into.

use hyper::{HeaderMap, Method, Uri};

/// Whether the query of `uri` has a parameter of this name.
fn has(uri: &Uri, name: &str) -> bool {
    parameter(uri, name).is_some()
}

/// A parameter of the query, percent-decoded.
pub(super) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&');
    let raw = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).find(|(found, _)| *found == name)?.1;
    Some(percent_decode(raw))
}

pub(super) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// As a listing with `encoding-type=url` shows names.
pub(super) fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/*".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The bucket and the key of a request in path style.
pub(super) fn place(uri: &Uri) -> (String, String) {
    let path = uri.path().strip_prefix('/').unwrap_or(uri.path());
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (percent_decode(bucket), percent_decode(key))
}

/// S3's name of the operation.
pub(super) fn name(method: &Method, uri: &Uri, headers: &HeaderMap) -> &'static str {
    let (bucket, key) = place(uri);
    match (bucket.is_empty(), key.is_empty()) {
        (true, _) => "ListBuckets",
        (false, true) => of_bucket(method, uri),
        (false, false) => of_object(method, uri, headers),
    }
}

fn of_bucket(method: &Method, uri: &Uri) -> &'static str {
    match *method {
        Method::HEAD => "HeadBucket",
        Method::DELETE => "DeleteBucket",
        Method::POST if has(uri, "delete") => "DeleteObjects",
        Method::PUT if has(uri, "versioning") => "PutBucketVersioning",
        Method::PUT if has(uri, "object-lock") => "PutObjectLockConfiguration",
        Method::PUT => "CreateBucket",
        Method::GET if has(uri, "versioning") => "GetBucketVersioning",
        Method::GET if has(uri, "object-lock") => "GetObjectLockConfiguration",
        Method::GET if has(uri, "location") => "GetBucketLocation",
        Method::GET if has(uri, "versions") => "ListObjectVersions",
        Method::GET if has(uri, "uploads") => "ListMultipartUploads",
        Method::GET if parameter(uri, "list-type").as_deref() == Some("2") => "ListObjectsV2",
        Method::GET => "ListObjects",
        _ => "Unknown",
    }
}

fn of_object(method: &Method, uri: &Uri, headers: &HeaderMap) -> &'static str {
    let copies = headers.contains_key("x-amz-copy-source");
    match *method {
        Method::HEAD => "HeadObject",
        Method::GET if has(uri, "uploadId") => "ListParts",
        Method::GET if has(uri, "retention") => "GetObjectRetention",
        Method::GET if has(uri, "legal-hold") => "GetObjectLegalHold",
        Method::GET => "GetObject",
        Method::DELETE if has(uri, "uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        Method::POST if has(uri, "uploads") => "CreateMultipartUpload",
        Method::POST if has(uri, "uploadId") => "CompleteMultipartUpload",
        Method::PUT if has(uri, "retention") => "PutObjectRetention",
        Method::PUT if has(uri, "legal-hold") => "PutObjectLegalHold",
        Method::PUT if has(uri, "partNumber") && copies => "UploadPartCopy",
        Method::PUT if has(uri, "partNumber") => "UploadPart",
        Method::PUT if copies => "CopyObject",
        Method::PUT => "PutObject",
        _ => "Unknown",
    }
}

/// Whether an operation of this name may change what is stored.
pub(super) fn changes(name: &str) -> bool {
    !(name.starts_with("Get") || name.starts_with("Head") || name.starts_with("List"))
}

/// The IAM actions that a request needs, as AWS's service authorization reference says.
pub(super) fn actions(name: &str, uri: &Uri, headers: &HeaderMap) -> Vec<&'static str> {
    let versioned = has(uri, "versionId");
    let mut actions = match name {
        "GetObject" | "HeadObject" if versioned => vec!["s3:GetObjectVersion"],
        "GetObject" | "HeadObject" => vec!["s3:GetObject"],
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => vec!["s3:PutObject"],
        "CopyObject" | "UploadPartCopy" => vec![copied(headers), "s3:PutObject"],
        "AbortMultipartUpload" => vec!["s3:AbortMultipartUpload"],
        "DeleteObject" if versioned => vec!["s3:DeleteObjectVersion"],
        "DeleteObject" => vec!["s3:DeleteObject"],
        "ListObjects" | "ListObjectsV2" | "HeadBucket" => vec!["s3:ListBucket"],
        "ListObjectVersions" => vec!["s3:ListBucketVersions"],
        "ListMultipartUploads" => vec!["s3:ListBucketMultipartUploads"],
        "ListParts" => vec!["s3:ListMultipartUploadParts"],
        "ListBuckets" => vec!["s3:ListAllMyBuckets"],
        "CreateBucket" => vec!["s3:CreateBucket"],
        "DeleteBucket" => vec!["s3:DeleteBucket"],
        "GetBucketLocation" => vec!["s3:GetBucketLocation"],
        "GetBucketVersioning" => vec!["s3:GetBucketVersioning"],
        "PutBucketVersioning" => vec!["s3:PutBucketVersioning"],
        "GetObjectLockConfiguration" => vec!["s3:GetBucketObjectLockConfiguration"],
        "PutObjectLockConfiguration" => vec!["s3:PutBucketObjectLockConfiguration"],
        "GetObjectRetention" => vec!["s3:GetObjectRetention"],
        "PutObjectRetention" => vec!["s3:PutObjectRetention"],
        "GetObjectLegalHold" => vec!["s3:GetObjectLegalHold"],
        "PutObjectLegalHold" => vec!["s3:PutObjectLegalHold"],
        _ => Vec::new(), // DeleteObjects: known once its document is read
    };
    let with_header = [
        ("x-amz-object-lock-mode", "s3:PutObjectRetention"),
        ("x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold"),
        ("x-amz-acl", "s3:PutObjectAcl"),
        ("x-amz-tagging", "s3:PutObjectTagging"),
        ("x-amz-bypass-governance-retention", "s3:BypassGovernanceRetention"),
    ];
    actions.extend(with_header.iter().filter(|(header, _)| headers.contains_key(*header)).map(|(_, action)| *action));
    actions
}

fn copied(headers: &HeaderMap) -> &'static str {
    let source = headers.get("x-amz-copy-source").and_then(|source| source.to_str().ok());
    if source.is_some_and(|source| source.contains("?versionId=")) { "s3:GetObjectVersion" } else { "s3:GetObject" }
}

pub(super) fn session_token(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get("x-amz-security-token").and_then(|token| token.to_str().ok()).map(str::to_owned);
    header.or_else(|| parameter(uri, "X-Amz-Security-Token"))
}

/// The region that a request was signed for.
pub(super) fn signed_region(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get("authorization").and_then(|header| header.to_str().ok());
    let scope = match header {
        Some(header) => header.split("Credential=").nth(1)?.split(',').next()?.to_owned(),
        None => parameter(uri, "X-Amz-Credential")?,
    };
    scope.split('/').nth(2).map(str::to_owned)
}
