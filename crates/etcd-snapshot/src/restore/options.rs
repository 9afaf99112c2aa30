//! What a caller can ask of a restore.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::init::InitContainer;
use super::target_version::TargetVersion;
use crate::progress::{Progress, Silent};

/// What to restore as, where, and what to change on the way. `RestoreOptions::default()` restores one member named
/// `default` with a fresh token into `default.etcd`.
///
/// The names and defaults are those of `etcdutl snapshot restore` (etcd `etcdutl/etcdutl/snapshot_command.go`, 3.6), but
/// for the token: see [`initial_cluster_token`](Self::initial_cluster_token). The flag `--initial-memory-map-size` has no
/// counterpart here, because nothing is mapped into memory.
///
/// ```
/// use etcd_snapshot::restore::RestoreOptions;
///
/// let options = RestoreOptions::default()
///     .with_name("m1")
///     .with_initial_cluster("m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380")
///     .with_initial_cluster_token("cluster-after-the-flood")
///     .with_data_dir("/var/lib/etcd");
/// assert_eq!(options.name, "m1");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// Name of the member that this data directory is for. Default: `default`.
    pub name: String,
    /// All initial members as `NAME=URL[,NAME=URL…]`; a member with several URLs is named several times.
    /// Default: `NAME=http://localhost:2380`.
    pub initial_cluster: Option<String>,
    /// The token that sets this cluster apart from every other made of the same URLs.
    ///
    /// Default with one member: a fresh random one, because a second restore with the token of an earlier one lets the
    /// members of both meet, and etcd then panics. With several members it must be given, the same for all of them:
    /// members restored each with a token of its own never form a cluster.
    pub initial_cluster_token: Option<String>,
    /// Peer URLs of this member. When given they must be exactly those that the initial cluster has for `name`; names
    /// are compared as text, nothing is looked up. Default: what the initial cluster says.
    pub initial_advertise_peer_urls: Option<Vec<String>>,
    /// Where to restore to. It may exist, also as a mount point, but must not hold `member`. Default: `NAME.etcd`.
    pub data_dir: Option<PathBuf>,
    /// Where the write-ahead log goes, when etcd is started with `--wal-dir`. It may exist, but must be empty.
    /// Default: `member/wal` in the data directory.
    pub wal_dir: Option<PathBuf>,
    /// Accept a snapshot without its SHA-256, or one that does not match it. The structure of the whole file is checked
    /// instead. Default: no.
    pub skip_hash_check: bool,
    /// How far to move the revision beyond the snapshot's, so that watchers and caches of the lost cluster cannot
    /// mistake new revisions for old ones. Only together with `mark_compacted`. Default: 0, not at all.
    pub bump_revision: u64,
    /// Mark everything up to the bumped revision as compacted: watchers from before are told so. Only together with
    /// `bump_revision`. Default: no.
    pub mark_compacted: bool,
    /// Keep NOSPACE alarms. Default: no, since an alarm outlives the member that raised it and blocks every write.
    pub keep_nospace_alarms: bool,
    /// Clear CORRUPT alarms. Default: no: a snapshot that has one is refused, because the data itself is in doubt.
    pub clear_corrupt_alarms: bool,
    /// Turn authentication off, for when nobody knows the old root password. Users and roles stay. Default: no.
    pub disable_auth: bool,
    /// The etcd that will run on this data: data that is too new for it is refused. Default: no check.
    pub target_version: Option<TargetVersion>,
    /// User and group that everything made here is given to. Default: whoever runs the restore.
    pub owner: Option<Owner>,
    /// The id of the snapshot that was asked for by name, not as the newest. Default: none.
    pub pinned_id: Option<String>,
    /// Run as an init container. Default: no.
    pub init_container: Option<InitContainer>,
    /// Who is told how far the restore has come. Default: nobody.
    pub progress: Arc<dyn Progress>,
}

/// A user and a group, as numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl Owner {
    /// User `uid` and group `gid`.
    #[must_use]
    pub fn new(uid: u32, gid: u32) -> Self {
        Self { uid, gid }
    }
}

impl std::str::FromStr for Owner {
    type Err = crate::Error;

    /// Reads `UID:GID`, both decimal.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (uid, gid) = text.split_once(':')?;
            Some(Self::new(uid.parse().ok()?, gid.parse().ok()?))
        };
        parse().ok_or_else(|| {
            crate::Error::usage(format!("owner {text:?} is not UID:GID in numbers: write it like 1000:1000"))
        })
    }
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            initial_cluster: None,
            initial_cluster_token: None,
            initial_advertise_peer_urls: None,
            data_dir: None,
            wal_dir: None,
            skip_hash_check: false,
            bump_revision: 0,
            mark_compacted: false,
            keep_nospace_alarms: false,
            clear_corrupt_alarms: false,
            disable_auth: false,
            target_version: None,
            owner: None,
            pinned_id: None,
            init_container: None,
            progress: Arc::new(Silent),
        }
    }
}

/// One setter a field; what each means stands at the field.
impl RestoreOptions {
    /// Sets [`name`](Self::name).
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets [`initial_cluster`](Self::initial_cluster).
    #[must_use]
    pub fn with_initial_cluster(mut self, members: impl Into<String>) -> Self {
        self.initial_cluster = Some(members.into());
        self
    }

    /// Sets [`initial_cluster_token`](Self::initial_cluster_token).
    #[must_use]
    pub fn with_initial_cluster_token(mut self, token: impl Into<String>) -> Self {
        self.initial_cluster_token = Some(token.into());
        self
    }

    /// Sets [`initial_advertise_peer_urls`](Self::initial_advertise_peer_urls).
    #[must_use]
    pub fn with_initial_advertise_peer_urls<U: Into<String>>(mut self, urls: impl IntoIterator<Item = U>) -> Self {
        self.initial_advertise_peer_urls = Some(urls.into_iter().map(Into::into).collect());
        self
    }

    /// Sets [`data_dir`](Self::data_dir).
    #[must_use]
    pub fn with_data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// Sets [`wal_dir`](Self::wal_dir).
    #[must_use]
    pub fn with_wal_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.wal_dir = Some(dir.into());
        self
    }

    /// Sets [`skip_hash_check`](Self::skip_hash_check).
    #[must_use]
    pub fn with_skip_hash_check(mut self, skip: bool) -> Self {
        self.skip_hash_check = skip;
        self
    }

    /// Sets [`bump_revision`](Self::bump_revision).
    #[must_use]
    pub fn with_bump_revision(mut self, by: u64) -> Self {
        self.bump_revision = by;
        self
    }

    /// Sets [`mark_compacted`](Self::mark_compacted).
    #[must_use]
    pub fn with_mark_compacted(mut self, mark: bool) -> Self {
        self.mark_compacted = mark;
        self
    }

    /// Sets [`keep_nospace_alarms`](Self::keep_nospace_alarms).
    #[must_use]
    pub fn with_keep_nospace_alarms(mut self, keep: bool) -> Self {
        self.keep_nospace_alarms = keep;
        self
    }

    /// Sets [`clear_corrupt_alarms`](Self::clear_corrupt_alarms).
    #[must_use]
    pub fn with_clear_corrupt_alarms(mut self, clear: bool) -> Self {
        self.clear_corrupt_alarms = clear;
        self
    }

    /// Sets [`disable_auth`](Self::disable_auth).
    #[must_use]
    pub fn with_disable_auth(mut self, disable: bool) -> Self {
        self.disable_auth = disable;
        self
    }

    /// Sets [`target_version`](Self::target_version).
    #[must_use]
    pub fn with_target_version(mut self, version: TargetVersion) -> Self {
        self.target_version = Some(version);
        self
    }

    /// Sets [`owner`](Self::owner).
    #[must_use]
    pub fn with_owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets [`pinned_id`](Self::pinned_id).
    #[must_use]
    pub fn with_pinned_id(mut self, id: impl Into<String>) -> Self {
        self.pinned_id = Some(id.into());
        self
    }

    /// Sets [`init_container`](Self::init_container).
    #[must_use]
    pub fn with_init_container(mut self, init: InitContainer) -> Self {
        self.init_container = Some(init);
        self
    }

    /// Sets [`progress`](Self::progress).
    #[must_use]
    pub fn with_progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// The data directory that these options name, [`data_dir`](Self::data_dir) or its default.
    #[must_use]
    pub fn data_dir_or_default(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| Path::new(&format!("{}.etcd", self.name)).to_path_buf())
    }
}
