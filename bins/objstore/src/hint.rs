//! What to do next, in this program's words.

use objstore_core::{Effect, Error, ErrorKind};

/// The hint for an error: that of the first of its causes that has one.
pub(crate) fn of(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| cause.downcast_ref::<Error>()).and_then(name)
}

fn name(error: &Error) -> Option<&'static str> {
    if *error.effect() == Effect::Unknown {
        return Some("`objstore stat URL` tells whether the change was made");
    }
    Some(match error.kind() {
        ErrorKind::NotFound => "`objstore ls STORE` shows what is there",
        ErrorKind::StoreNotFound => "check the name of the bucket, and the endpoint and region",
        ErrorKind::Unauthenticated => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; check the region and the clock"
        }
        ErrorKind::PermissionDenied => "ask for the permission, or use other credentials",
        ErrorKind::Transport => "check the endpoint, and that it speaks http or https as the URL says",
        ErrorKind::Unsupported => "`objstore probe STORE` shows what the store keeps",
        ErrorKind::Locked => "wait until the retention ends, or have the hold taken away",
        ErrorKind::Archived => "have it restored from cold storage first",
        _ => return None,
    })
}
