//! From what the system says to what the store says.

use std::{io, path::Path};

use crate::{Error, ErrorKind};

/// A failed call of the system, before anything became visible.
pub(super) fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    let (kind, advice) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::StoreNotFound, ": a folder of the store is missing"),
        io::ErrorKind::AlreadyExists => (ErrorKind::Conflict, ""),
        io::ErrorKind::PermissionDenied => (ErrorKind::PermissionDenied, ""),
        io::ErrorKind::ReadOnlyFilesystem => (ErrorKind::PermissionDenied, ": the file system is mounted read-only"),
        io::ErrorKind::StorageFull => (ErrorKind::StorageFull, ": the file system is full"),
        io::ErrorKind::QuotaExceeded => (ErrorKind::StorageFull, ": the quota is used up"),
        io::ErrorKind::FileTooLarge => (ErrorKind::TooLarge, ": the file system cannot hold a file of this size"),
        io::ErrorKind::InvalidFilename => (ErrorKind::InvalidInput, ": the path is too long for the file system"),
        io::ErrorKind::CrossesDevices => {
            (ErrorKind::Unsupported, ": a folder inside the store is another file system; make that a store of its own")
        }
        io::ErrorKind::Unsupported => (ErrorKind::Unsupported, ": the file system cannot do this"),
        _ => (ErrorKind::Other, ""),
    };
    Error::new(kind).with_detail(format!("could not {doing} {}{advice}", path.display())).with_source(error)
}

/// Whether a name leads to nothing that could be an object: absent, below a file, a folder, a link, a device.
pub(super) fn is_no_object(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidInput
    ) || is_link(error)
}

/// `ErrorKind::FilesystemLoop` is not stable; O_NOFOLLOW answers ELOOP (FreeBSD: EMLINK).
fn is_link(error: &io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    errno.is_some_and(|errno| errno == rustix::io::Errno::LOOP || errno == rustix::io::Errno::MLINK)
}
