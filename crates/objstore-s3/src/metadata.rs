//! User metadata: names in lower case, values in ASCII, and the writer's token among them.

use std::collections::{BTreeMap, HashMap};

use aws_smithy_types::base64;
use objstore_core::{Error, ErrorKind, Headers, Result, WriteToken};

/// Where the token is kept: `x-amz-meta-objstore-token`.
const TOKEN: &str = "objstore-token";

/// S3's limit: names and values together, in bytes.
const MAX_BYTES: usize = 2048;

/// RFC 2047, section 2: how a header carries other than ASCII. AWS writes it when it returns such values.
const OPEN: &str = "=?UTF-8?B?";
const CLOSE: &str = "?=";

/// A random token.
pub(crate) fn new_token() -> Result<WriteToken> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Other).with_detail("the system gives no random bytes").with_source(error)
    })?;
    Ok(WriteToken::new(format!("{:032x}", u128::from_be_bytes(bytes))))
}

/// # Errors
/// [`ErrorKind::InvalidInput`] for what a store would change or refuse.
pub(crate) fn check(headers: &Headers) -> Result<()> {
    let invalid = |detail: &str| Err(Error::new(ErrorKind::InvalidInput).with_detail(detail));
    for (name, value) in &headers.metadata {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || !name.bytes().all(plain) {
            return invalid("a name in metadata must be lower-case ASCII letters, digits, '-', '_' and '.'");
        }
        if name == TOKEN {
            return invalid("the name objstore-token in metadata is the store's own");
        }
        if value.chars().any(char::is_control) {
            return invalid("a value in metadata holds a control character");
        }
    }
    let bytes: usize =
        headers.metadata.iter().map(|(name, value)| name.len().saturating_add(encoded(value).len())).sum();
    if bytes > MAX_BYTES {
        return invalid("metadata is longer than 2 KiB");
    }
    let named =
        [&headers.content_type, &headers.content_encoding, &headers.content_disposition, &headers.cache_control];
    if named.into_iter().flatten().any(|value| !value.bytes().all(|byte| matches!(byte, b' '..=b'~'))) {
        return invalid("a header holds other than printable ASCII");
    }
    Ok(())
}

pub(crate) fn encode(metadata: &BTreeMap<String, String>, token: &WriteToken) -> HashMap<String, String> {
    let own = [(TOKEN.to_owned(), token.to_string())];
    metadata.iter().map(|(name, value)| (name.clone(), encoded(value))).chain(own).collect()
}

/// The user's metadata, and the token that was among it.
pub(crate) fn decode(stored: Option<&HashMap<String, String>>) -> (BTreeMap<String, String>, Option<WriteToken>) {
    // Some stores capitalise names.
    let lower = |(name, value): (&String, &String)| (name.to_ascii_lowercase(), decoded(value));
    let mut metadata: BTreeMap<String, String> = stored.into_iter().flatten().map(lower).collect();
    let token = metadata.remove(TOKEN).map(WriteToken::new);
    (metadata, token)
}

fn encoded(value: &str) -> String {
    let plain =
        value.bytes().all(|byte| matches!(byte, b' '..=b'~')) && value.trim() == value && !value.starts_with("=?");
    if plain { value.to_owned() } else { format!("{OPEN}{}{CLOSE}", base64::encode(value)) }
}

fn decoded(value: &str) -> String {
    let inner = value.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
    let text = inner.and_then(|inner| base64::decode(inner).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    text.unwrap_or_else(|| value.to_owned())
}
