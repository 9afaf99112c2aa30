//! What an object store answers has a class, and its texts stay behind.

use std::time::Duration;

use objstore_core::{Error, ErrorKind, ObjectKey, Retry};
use reconcile::{Class, StepError};

#[test]
fn each_kind_has_its_class() {
    use ErrorKind as Kind;
    let limited = Class::RateLimited(Duration::from_secs(60));
    let cases = [
        (Kind::NotFound, Class::Conflict),
        (Kind::StoreNotFound, Class::Config),
        (Kind::AlreadyExists, Class::Conflict),
        (Kind::PreconditionFailed, Class::Conflict),
        (Kind::Conflict, Class::Conflict),
        (Kind::PermissionDenied, Class::NeedsHuman),
        (Kind::Unauthenticated, Class::NeedsHuman),
        (Kind::Locked, Class::NeedsHuman),
        (Kind::RateLimited, limited),
        (Kind::Timeout, Class::Transient),
        (Kind::Transport, Class::Transient),
        (Kind::Unavailable, Class::Transient),
        (Kind::Integrity, Class::NeedsHuman),
        (Kind::StorageFull, Class::NeedsHuman),
        (Kind::InvalidInput, Class::Config),
        (Kind::Unsupported, Class::Config),
        (Kind::Cancelled, Class::Transient),
        (Kind::Other, Class::Transient),
    ];
    for (kind, class) in cases {
        let error = StepError::from(Error::new(kind).with_retry(Retry::Never));
        assert_eq!(error.class, class, "{kind:?}");
        assert!(error.code.starts_with("store-"), "{kind:?}: {}", error.code);
    }
    let told = Error::new(Kind::RateLimited).with_retry(Retry::After(Duration::from_secs(9)));
    assert_eq!(StepError::from(&told).class, Class::RateLimited(Duration::from_secs(9)));
}

#[test]
fn nothing_of_its_texts_goes_on() {
    let key = ObjectKey::new("canary-4711").unwrap_or_else(|error| panic!("{error}"));
    let error = Error::new(ErrorKind::Unavailable).with_key(&key).with_detail("canary-4711").with_source("canary-4711");
    assert_eq!(StepError::from(error).to_string(), "store-unavailable (Transient)");
}
