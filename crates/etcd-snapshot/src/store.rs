//! Errors of a store, said as this crate's.

use objstore_core::ErrorKind as StoreKind;

use crate::{Error, ErrorKind};

/// An error of this crate for what a store answered, with `message` as context.
pub(crate) fn store_error(message: impl Into<String>, error: objstore_core::Error) -> Error {
    let kind = match error.kind() {
        StoreKind::NotFound | StoreKind::StoreNotFound => ErrorKind::NotFound,
        StoreKind::PermissionDenied | StoreKind::Unauthenticated => ErrorKind::NotAllowed,
        StoreKind::Timeout
        | StoreKind::Unavailable
        | StoreKind::RateLimited
        | StoreKind::Transport
        | StoreKind::Conflict => ErrorKind::Unreachable,
        StoreKind::StorageFull => ErrorKind::NoSpace,
        StoreKind::InvalidConfig | StoreKind::InvalidInput => ErrorKind::Usage,
        StoreKind::Unsupported | StoreKind::Locked => ErrorKind::Refused,
        StoreKind::Cancelled => ErrorKind::Cancelled,
        StoreKind::Integrity => ErrorKind::Damaged,
        _ => ErrorKind::Storage,
    };
    Error::new(kind, message).with_source(error)
}
