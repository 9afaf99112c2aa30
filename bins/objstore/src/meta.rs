//! What is said about objects.

use std::time::SystemTime;

use objstore_core::{ChecksumScope, Checksums, ObjectMeta, RetentionMode};
use serde_json::{Map, Value, json};

/// What a listing or a HEAD tells, as JSON. What the store does not tell is left out.
pub(crate) fn json(meta: &ObjectMeta, url: &str) -> Value {
    let mut value = json!({
        "key": meta.key.as_str(),
        "url": url,
        "size": meta.size,
        "revision": meta.revision.as_str(),
        "last_modified": meta.last_modified.map(time),
        "version": meta.version.as_ref().map(ToString::to_string),
        "storage_class": meta.storage_class,
        "delete_marker": meta.delete_marker.then_some(true),
    });
    if let Value::Object(fields) = &mut value {
        fields.extend(checksums(&meta.checksums));
        fields.extend(headers(meta));
        fields.extend(protection(meta));
        fields.retain(|_, value| !value.is_null());
    }
    value
}

fn headers(meta: &ObjectMeta) -> Map<String, Value> {
    let headers = &meta.headers;
    let metadata = (!headers.metadata.is_empty()).then_some(&headers.metadata);
    fields(json!({
        "content_type": headers.content_type,
        "content_encoding": headers.content_encoding,
        "content_disposition": headers.content_disposition,
        "cache_control": headers.cache_control,
        "metadata": metadata,
    }))
}

fn protection(meta: &ObjectMeta) -> Map<String, Value> {
    let mode = meta.protection.mode.map(|mode| match mode {
        RetentionMode::Governance => "governance",
        RetentionMode::Compliance => "compliance",
        _ => "other",
    });
    fields(json!({
        "retain_until": meta.protection.retain_until.map(time),
        "retention_mode": mode,
        "legal_hold": meta.protection.hold,
    }))
}

/// Digests of the whole object, in hexadecimal.
pub(crate) fn checksums(checksums: &Checksums) -> Map<String, Value> {
    if checksums.scope != ChecksumScope::Full {
        return Map::new();
    }
    fields(json!({
        "crc32c": checksums.crc32c.map(|crc| format!("{crc:08x}")),
        "crc64nvme": checksums.crc64nvme.map(|crc| format!("{crc:016x}")),
        "sha256": checksums.sha256.map(|digest| hex(&digest)),
        "md5": checksums.md5.map(|digest| hex(&digest)),
    }))
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time as RFC 3339, in UTC.
pub(crate) fn time(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}
