//! How large parts are.

use std::num::NonZeroU64;

use objstore_core::{Error, ErrorKind, Result};

use crate::profiles::{MAX_PART, MIN_PART};

/// Parts are this large unless somebody says otherwise, in bytes.
const DEFAULT: u64 = 8 << 20;

const MIB: u64 = 1 << 20;

/// The size of all parts but the last, in bytes.
///
/// A hint is about right only, so a body that is a twentieth longer fits too.
pub(crate) fn part_size(asked: Option<NonZeroU64>, hint: Option<u64>, parts: u32) -> Result<usize> {
    let parts = u64::from(parts.max(1));
    let size = match asked {
        Some(asked) => asked.get().clamp(MIN_PART, MAX_PART),
        None => {
            let expected = hint.unwrap_or(0);
            let needed = expected.saturating_add(expected / 20).div_ceil(parts).div_ceil(MIB).saturating_mul(MIB);
            needed.max(DEFAULT)
        }
    };
    if hint.is_some_and(|hint| hint > size.saturating_mul(parts)) || size > MAX_PART {
        let detail = format!("a body of that length does not fit {parts} parts of {size} bytes: ask for larger ones");
        return Err(Error::new(ErrorKind::TooLarge).with_detail(detail));
    }
    usize::try_from(size).map_err(|_| Error::new(ErrorKind::TooLarge).with_detail("parts do not fit this memory"))
}
