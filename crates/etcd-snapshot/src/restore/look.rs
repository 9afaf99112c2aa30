//! The parts of a snapshot that a restore changes, read without the rest.

use bytes::Bytes;
use etcd_format::bolt::{Cursor, MetaReader};
use etcd_format::mvcc::{Revision, RevisionKey};
use etcd_format::restored::SourceState;
use etcd_format::{ErrorKind as FormatKind, FormatError, Step};
use objstore_core::disk::DiskFile;

use super::files::read_full;
use super::target_version::TargetVersion;
use crate::source::SnapshotSource;
use crate::{Error, Result};

/// The buckets of which every item is read. They are small.
const SMALL_BUCKETS: [&[u8]; 6] = [b"alarm", b"auth", b"cluster", b"members", b"members_removed", b"meta"];

/// How the key of a CORRUPT alarm ends: field 2, the type, is 2 (`etcdserverpb.AlarmMember`, etcd `api/etcdserverpb/rpc.proto`).
const CORRUPT: [u8; 2] = [0x10, 2];

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) state: SourceState,
    /// The keys of CORRUPT alarms.
    pub(super) corrupt_alarms: Vec<Vec<u8>>,
}

/// Where to read from. A file is read at once, a source may wait.
#[derive(Clone, Copy)]
enum Input<'a> {
    Source(&'a SnapshotSource),
    File(&'a dyn DiskFile),
}

impl Look {
    /// Reads from the snapshot, where it is, in a few small pieces. `len` is the length without the trailer.
    ///
    /// # Errors
    ///
    /// `Damaged`, and what reading the source says.
    pub(super) async fn at_source(source: &SnapshotSource, len: u64) -> Result<Self> {
        Self::at(Input::Source(source), len).await.map_err(|e| e.about(&source.to_string()))
    }

    /// Reads from the copy.
    ///
    /// # Errors
    ///
    /// `Damaged`, and what the disk says.
    pub(super) fn at_file(file: &dyn DiskFile, len: u64) -> Result<Self> {
        use futures::FutureExt as _;
        let never = || Error::damaged("reading a local file had to wait, which it never does");
        Self::at(Input::File(file), len).now_or_never().ok_or_else(never)?
    }

    /// The storage version, such as `3.6.0`; etcd names it from 3.6 on.
    pub(super) fn storage_version(&self) -> Option<String> {
        self.version("meta", "storageVersion")
    }

    /// The cluster version, such as `3.6.0`.
    pub(super) fn cluster_version(&self) -> Option<String> {
        self.version("cluster", "clusterVersion")
    }

    /// The versions of etcd that the data names.
    pub(super) fn versions(&self) -> impl Iterator<Item = TargetVersion> {
        let named = [self.storage_version(), self.cluster_version()];
        named.into_iter().flatten().filter_map(|text| text.parse().ok())
    }

    fn version(&self, bucket: &str, key: &str) -> Option<String> {
        let text = std::str::from_utf8(self.state.get(bucket, key)?).ok()?;
        text.parse::<TargetVersion>().ok().map(|_| text.to_owned())
    }

    async fn at(input: Input<'_>, len: u64) -> Result<Self> {
        check_metas(input, len).await?;
        let mut look = Self { state: SourceState::new(), corrupt_alarms: Vec::new() };
        for bucket in SMALL_BUCKETS {
            let mut cursor = Cursor::new(len, bucket);
            while let Some((key, value)) = next(&mut cursor, input).await? {
                look.state.insert(bucket, &key, &value);
                if bucket == b"alarm" && key.ends_with(&CORRUPT) {
                    look.corrupt_alarms.push(key);
                }
            }
        }
        if let Some(key) = last_record(input, len).await? {
            look.state.insert(b"key", &key, &[]);
        }
        Ok(look)
    }
}

impl Input<'_> {
    async fn read(self, offset: u64, len: usize) -> Result<Bytes> {
        match self {
            Self::Source(source) => source.read_at(offset, len).await,
            Self::File(file) => {
                let mut buffer = vec![0; len];
                let filled = read_full(file, &mut buffer, offset)
                    .map_err(|e| Error::io("cannot read back what was restored", e))?;
                buffer.truncate(filled);
                Ok(buffer.into())
            }
        }
    }
}

/// Refuses what is no bolt file, and one that is shorter than it says.
async fn check_metas(input: Input<'_>, len: u64) -> Result<()> {
    let mut reader = MetaReader::new(len);
    loop {
        match reader.step().map_err(damaged)? {
            Step::Read(request) => {
                let bytes = input.read(request.offset, request.len).await?;
                reader.feed(&bytes).map_err(damaged)?;
            }
            Step::Item(metas) => {
                let wanted = metas.chosen.file_len_wanted();
                if wanted > len {
                    return Err(Error::damaged(format!(
                        "the snapshot was cut off: it has {len} bytes of data, its meta page says {wanted}; fetch it again, or use another"
                    )));
                }
            }
            Step::Done => return Ok(()),
        }
    }
}

/// The key of the last record of `key`: by ever finer steps, since a cursor only goes up.
async fn last_record(input: Input<'_>, len: u64) -> Result<Option<Vec<u8>>> {
    let mut cursor = Cursor::new(len, b"key");
    let (mut last, mut main, mut step) = (None, 0_i64, 1_i64 << 62);
    while step > 0 {
        if let Some(beyond) = main.checked_add(step) {
            cursor.seek(&RevisionKey { revision: Revision::new(beyond, 0), tombstone: false }.to_vec());
            if let Some((key, _)) = next(&mut cursor, input).await? {
                main = RevisionKey::parse(&key).map_err(damaged)?.revision.main;
                last = Some(key);
                continue;
            }
        }
        step >>= 1;
    }
    Ok(last)
}

/// The next entry, copied.
async fn next(cursor: &mut Cursor, input: Input<'_>) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    loop {
        let request = match cursor.step().map_err(damaged)? {
            Step::Done => return Ok(None),
            Step::Item(entry) => return Ok(Some((entry.key.to_vec(), entry.value.to_vec()))),
            Step::Read(request) => request,
        };
        let bytes = input.read(request.offset, request.len).await?;
        cursor.feed(&bytes).map_err(damaged)?;
    }
}

/// What a format error means for a restore.
pub(super) fn damaged(error: FormatError) -> Error {
    let message = match error.kind() {
        FormatKind::NotBolt => {
            "this is not a snapshot of etcd: name a file that `etcdctl snapshot save` wrote, or a stored snapshot"
        }
        FormatKind::Truncated => "the snapshot was cut off: fetch it again, or use another",
        FormatKind::Unsupported => "the snapshot is laid out in a way that this version does not know",
        _ => "the snapshot is damaged: fetch it again, or use another",
    };
    Error::damaged(message).with_source(error)
}
