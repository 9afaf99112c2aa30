//! A mark on every write: two writes of the same bytes are told apart, and one's own is recognised after a lost reply.

use std::fmt::Write as _;

use super::{JournalError, JournalErrorKind, RecordName, Revision};
use crate::Random;

const HEAD: &str = "reconcile-record ";
const TOKEN_BYTES: usize = 16;
/// `reconcile-record 0123456789abcdef0123456789abcdef`, and a line end.
const HEAD_LEN: usize = HEAD.len() + 2 * TOKEN_BYTES + 1;

/// The bytes to be stored: a line with a fresh mark, and what is to be remembered.
pub(super) struct Framed {
    pub(super) revision: Revision,
    pub(super) bytes: zeroize::Zeroizing<Vec<u8>>,
}

pub(super) fn frame(name: &RecordName, payload: &[u8], random: &dyn Random) -> Result<Framed, JournalError> {
    let mut mark = [0; TOKEN_BYTES];
    let no_mark = |source| JournalError::new(JournalErrorKind::Unavailable).with_name(name).with_source(source);
    random.fill(&mut mark).map_err(no_mark)?;
    let mut token = String::with_capacity(2 * TOKEN_BYTES);
    for byte in mark {
        let _ = write!(token, "{byte:02x}");
    }
    let mut bytes = Vec::with_capacity(HEAD_LEN.saturating_add(payload.len()));
    bytes.extend_from_slice(HEAD.as_bytes());
    bytes.extend_from_slice(token.as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(payload);
    Ok(Framed { revision: Revision::new(token), bytes: bytes.into() })
}

/// The mark and what was remembered.
pub(super) fn unframe<'a>(name: &RecordName, stored: &'a [u8]) -> Result<(Revision, &'a [u8]), JournalError> {
    let damaged = || JournalError::new(JournalErrorKind::Damaged).with_name(name);
    let (head, payload) = stored.split_at_checked(HEAD_LEN).ok_or_else(damaged)?;
    let token = head.strip_prefix(HEAD.as_bytes()).and_then(|rest| rest.strip_suffix(b"\n")).ok_or_else(damaged)?;
    let token = str::from_utf8(token).map_err(|_| damaged())?;
    if !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(damaged());
    }
    Ok((Revision::new(token), payload))
}
