//! Which option would change how a call ends.

/// The option that the message of an [`Error`](crate::Error) speaks of: a program can say what it calls it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Advice {
    /// Other endpoints, or more of them.
    Endpoints,
    /// A user and its password.
    User,
    /// No user: the cluster has none.
    NoUser,
    /// The authorities that may sign the servers' certificates.
    Authorities,
    /// The client's certificate and its private key.
    ClientCertificate,
    /// The name in the servers' certificates.
    ServerName,
    /// [`SaveOptions::with_new_incarnation`](crate::SaveOptions::with_new_incarnation).
    NewIncarnation,
    /// [`SaveOptions::required`](crate::SaveOptions::required): less, or something else.
    Required,
    /// [`SaveOptions::live_check`](crate::SaveOptions::live_check): do not leave it out.
    LiveCheck,
    /// [`SnapshotSource::stored`](crate::SnapshotSource::stored): a snapshot by its id, not the newest or a file.
    SnapshotById,
    /// A longer [`SaveOptions::timeout`](crate::SaveOptions::timeout).
    Timeout,
    /// A longer [`SaveOptions::stall_timeout`](crate::SaveOptions::stall_timeout).
    StallTimeout,
    /// [`Home::inventory`](crate::home::Home::inventory): what the home holds.
    Inventory,
    /// [`Inventory::incomplete`](crate::home::Inventory::incomplete): the halves of snapshots that it holds.
    Incomplete,
    /// [`RestoreOptions::with_initial_cluster_token`](crate::restore::RestoreOptions::with_initial_cluster_token).
    InitialClusterToken,
    /// [`RestoreOptions::with_skip_hash_check`](crate::restore::RestoreOptions::with_skip_hash_check).
    SkipHashCheck,
    /// [`RestoreOptions::with_clear_corrupt_alarms`](crate::restore::RestoreOptions::with_clear_corrupt_alarms).
    ClearCorruptAlarms,
    /// [`RestoreOptions::with_bump_revision`](crate::restore::RestoreOptions::with_bump_revision).
    BumpRevision,
    /// [`RestoreOptions::with_mark_compacted`](crate::restore::RestoreOptions::with_mark_compacted).
    MarkCompacted,
}
