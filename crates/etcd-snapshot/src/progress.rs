//! How far an operation has come, for whoever watches.

use std::fmt;

/// Is told how far an operation has come. Calls come often and from several threads; they must not block.
pub trait Progress: fmt::Debug + Send + Sync + 'static {
    /// A stage begins, and the one before it has ended; `total` is its size in bytes, if it is known.
    fn begin(&self, stage: Stage, total: Option<u64>);

    /// So many more bytes of the current stage are done.
    fn advance(&self, bytes: u64);

    /// Something that its user should know, and that is no error.
    fn note(&self, message: &str);
}

/// What an operation is busy with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// Reading the snapshot from the member, or from the store.
    Transfer,
    /// Reading back what was stored.
    ReadBack,
    /// Walking the pages of the file.
    Structure,
    /// Comparing with a live member.
    LiveHash,
    /// Writing what is left after the data: the manifest, or the small files of a restored member.
    Finish,
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no parts and will have none")]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
}
