//! Errors of a store, said as this crate's.

use objstore_core::{ErrorKind as StoreKind, Retry};

use crate::{Error, ErrorKind};

/// An error of this crate for what a store answered, with `message` as context. Whether it may pass by itself, the store
/// knows.
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
        StoreKind::Unsupported
        | StoreKind::Locked
        | StoreKind::Archived
        | StoreKind::AlreadyExists
        | StoreKind::PreconditionFailed => ErrorKind::Refused,
        StoreKind::Cancelled => ErrorKind::Cancelled,
        StoreKind::Integrity => ErrorKind::Damaged,
        _ => ErrorKind::Storage,
    };
    let mut message = message.into();
    if let Some(next) = next_step(error.kind()) {
        message.push_str(": ");
        message.push_str(next);
    }
    let retryable = error.retry() != Retry::Never || kind == ErrorKind::Cancelled;
    Error::new(kind, message).retryable(retryable).with_source(error)
}

/// What to do about it, where the kind tells.
fn next_step(kind: StoreKind) -> Option<&'static str> {
    Some(match kind {
        StoreKind::StoreNotFound => "the bucket or the folder of the store is not there; check its name, or make it",
        StoreKind::NotFound => "the object is not there; list what is",
        StoreKind::Unauthenticated => "check the credentials",
        StoreKind::PermissionDenied => "ask for the permission",
        StoreKind::StorageFull => "the store has no room left; free some",
        StoreKind::Locked => "a retention period or a legal hold protects the object; wait for its end",
        StoreKind::Archived => "the object lies in cold storage; have it restored there first",
        StoreKind::AlreadyExists | StoreKind::PreconditionFailed => "another writer has been there; look at it",
        StoreKind::Conflict => "another writer is at work; try again",
        StoreKind::RateLimited => "the store asks for fewer requests; try again later",
        StoreKind::Timeout | StoreKind::Transport | StoreKind::Unavailable => "try again",
        StoreKind::Unsupported => "the store cannot do it; use another",
        StoreKind::TooLarge => "it is larger than allowed",
        StoreKind::InvalidConfig => "check the URL and the settings",
        _ => return None,
    })
}
