//! What a restore changes in the database of a snapshot, and why.
//!
//! | bucket | change | reason |
//! |---|---|---|
//! | `members` | cleared, then the new members | as etcdutl since 3.5; a member of the old cluster that stays makes etcd 3.6 panic |
//! | `members_removed` | cleared | as etcdutl since 3.5 |
//! | `meta` `consistent_index` | number of members | entries up to it are skipped at boot: the old cluster's value would stop the new one for ever |
//! | `meta` `term` | 1 | as etcdutl since 3.5; etcd 3.6 takes a database with it and a `confState` as one of 3.5 |
//! | `meta` `confState` | the new voters | etcdutl leaves the old ones; nothing reads them before they are replaced, but they are wrong |
//! | `meta` `scheduledCompactRev`, `key` | with a bump only: an empty record at the new revision, to which everything is compacted at boot | as etcdutl `--bump-revision --mark-compacted` |
//! | `alarm` | NOSPACE dropped | the alarm of a member that is gone blocks every write; CORRUPT stays, for somebody to judge |
//! | `auth` `authEnabled` | 0, on request only | who restores may have lost the password |
//! | `cluster` `downgrade` | cancelled if it was under way | etcd 3.5 would start as the target version only, 3.6 would go on with the downgrade |
//! | all ten | created if missing | some operations of etcd end the process if a bucket is missing |
//!
//! Everything else stays: keys, leases (their time to live starts anew), users, roles, `clusterVersion`, `storageVersion`.
//!
//! Source: etcd v3.6.15 `etcdutl/snapshot/v3_snapshot.go` (`Restore`, `saveDB`, `modifyLatestRevision`, `updateCIndex`),
//! `server/storage/schema/{schema,membership,alarm,auth,confstate}.go` and
//! `server/etcdserver/version/monitor.go`; v3.5.34 `server/etcdserver/api/membership/downgrade.go`.

mod edits;
mod source;

pub use edits::{RestoreOptions, Restored, restore_edits};
pub use source::SourceState;

/// The top-level buckets of etcd, in byte order, which is the order in which they stand in a file.
pub const BUCKETS: [&str; 10] =
    ["alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta"];
