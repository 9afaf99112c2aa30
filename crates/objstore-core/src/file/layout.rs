//! Which file holds what.
//!
//! ```text
//! ROOT/a/b                                  the object a/b
//! ROOT/.objstore/uploads/ID.a%2Fb           an object a/b that is being written, or was when its writer died
//! ROOT/.objstore/uploads/ID.PART+/PART+/PART   the same for a key whose escaped form is longer than a file name
//! ```
//!
//! Names that begin with `.objstore` belong to the store at every depth, because one store may be rooted inside another.

use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, ObjectKey, Result, UploadId, rules::invalid};

/// What names of the store itself begin with.
pub(super) const RESERVED: &str = ".objstore";

/// Where bodies are written before they are objects.
pub(super) const STAGING: &str = ".objstore/uploads";

/// The longest part of an escaped key in one file name, in bytes; with the id before it and the mark after it below 255.
const PART_BYTES: usize = 200;

/// Digits of an upload's id.
const ID_DIGITS: usize = 16;

/// The file of an object.
pub(super) fn object_path(root: &Path, key: &ObjectKey) -> Result<PathBuf> {
    key.check_portable()?;
    if key.as_str().split('/').any(is_reserved) {
        return Err(invalid("names that begin with .objstore belong to the file store itself"));
    }
    Ok(root.join(key.as_str()))
}

/// Whether a name within a folder belongs to the store itself.
pub(super) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED)
}

/// A new id for an upload.
pub(super) fn new_upload_id() -> Result<UploadId> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Other).with_detail("the system gave no random number").with_source(error)
    })?;
    Ok(UploadId::new(format!("{:016x}", u64::from_be_bytes(bytes))))
}

/// The file in which an upload is written.
pub(super) fn staged_path(root: &Path, key: &ObjectKey, id: &UploadId) -> Result<PathBuf> {
    let id = id.as_str();
    if id.len() != ID_DIGITS || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid("the upload's id is not of this store"));
    }
    let mut path = root.join(STAGING);
    let mut name = format!("{id}.");
    let mut rest = escape(key.as_str());
    while rest.len() > PART_BYTES {
        let after = rest.split_off(PART_BYTES);
        path.push(format!("{name}{rest}+"));
        name.clear();
        rest = after;
    }
    path.push(format!("{name}{rest}"));
    Ok(path)
}

/// The key and id that a staged file's name stands for: the parts of a long one joined, their marks removed.
pub(super) fn parse_staged(name: &str) -> Option<(ObjectKey, UploadId)> {
    let (id, escaped) = name.split_once('.')?;
    let known = id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let key = ObjectKey::new(unescape(escaped)?).ok()?;
    known.then(|| (key, UploadId::new(id)))
}

/// A key in letters, digits, `.`, `_`, `-` and `%XX`.
fn escape(key: &str) -> String {
    let mut escaped = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'_' | b'-' => escaped.push(char::from(byte)),
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

fn unescape(escaped: &str) -> Option<String> {
    crate::url::decode_percent(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staged_name_gives_its_key_back_however_long_it_is() {
        let root = Path::new("/r");
        for text in ["a", "a/b+c%d", "ä/ö", &"x".repeat(1024), &"ü".repeat(512)] {
            let (key, id) = (ObjectKey::new(text).unwrap(), new_upload_id().unwrap());
            let path = staged_path(root, &key, &id).unwrap();
            let relative = path.strip_prefix(root.join(STAGING)).unwrap();
            assert!(relative.iter().all(|part| part.len() <= 255));
            let joined = relative.to_str().unwrap().replace("+/", "");
            assert_eq!(parse_staged(&joined), Some((key, id)));
        }
    }

    #[test]
    fn an_id_cannot_point_elsewhere() {
        let key = ObjectKey::new("a").unwrap();
        for id in ["", "../../../etc/pass", "0123456789abcde/", "0123456789abcdef0"] {
            assert!(staged_path(Path::new("/r"), &key, &UploadId::new(id)).is_err(), "{id}");
        }
    }
}
