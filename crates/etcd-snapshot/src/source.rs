//! Where a snapshot is read from: a local file, or a stored payload.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use objstore_core::{ObjectKey, ObjectStore, ObjectStoreExt as _, ReadOptions, StoreUrl};

use crate::home::{Home, Listed, Manifest, SnapshotId};
use crate::receive::TRAILER;
use crate::store::store_error;
use crate::{Advice, Error, ErrorKind, Result};

/// The largest block that a source hands out, in bytes.
pub(crate) const BLOCK: usize = 1024 * 1024;

/// A snapshot to verify, look into or restore: a local file, or one that a [`Home`] holds.
///
/// ```no_run
/// # async fn example(home: etcd_snapshot::home::Home) -> etcd_snapshot::Result<()> {
/// use etcd_snapshot::SnapshotSource;
///
/// let file = SnapshotSource::file("/backup/etcd.db")?;      // what `etcdctl snapshot save` wrote
/// let newest = SnapshotSource::newest(&home).await?;          // the newest complete one of a home
/// println!("{file}: {} bytes; {newest}: {} bytes", file.len(), newest.len());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SnapshotSource {
    origin: Origin,
    len: u64,
    manifest: Option<Arc<Manifest>>,
    id: Option<SnapshotId>,
    by_id: bool,
    url: Option<StoreUrl>,
}

#[derive(Clone)]
enum Origin {
    File { path: PathBuf, file: Arc<File> },
    Object { store: Arc<dyn ObjectStore>, key: ObjectKey, home: String },
}

impl SnapshotSource {
    /// A local file, as `etcdctl snapshot save` or `save --raw` wrote it, or a copy of a `member/snap/db`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) and [`NotAllowed`](ErrorKind::NotAllowed) when it cannot be opened;
    /// [`Usage`](ErrorKind::Usage) when it is not a regular file.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let failed = |e| Error::io(format!("cannot open {}: check the path", path.display()), e);
        // To open a pipe would wait for whoever writes into it.
        if !std::fs::metadata(&path).map_err(failed)?.is_file() {
            let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
            return Err(Error::usage(format!(
                "{} is not a regular file: name a snapshot file, or a store as file://{}",
                path.display(),
                absolute.display()
            )));
        }
        let opened = File::open(&path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
        let (file, metadata) = opened.map_err(failed)?;
        let origin = Origin::File { path, file: Arc::new(file) };
        Ok(Self { origin, len: metadata.len(), manifest: None, id: None, by_id: false, url: None })
    }

    /// The newest complete snapshot of `home`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) when it holds none.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn newest(home: &Home) -> Result<Self> {
        let inventory = home.inventory().await?;
        let Some(newest) = inventory.newest() else {
            let incomplete = inventory.incomplete.len();
            return Err(match incomplete {
                0 => Error::not_found(format!("{home} holds no snapshot: is it the right store?")),
                _ => Error::not_found(format!(
                    "{home} holds no complete snapshot, only {incomplete} without manifest or payload: look at the incomplete ones"
                ))
                .with_advice(Advice::Incomplete),
            });
        };
        Self::of(home, home.manifest(newest).await?, newest.id.clone()).await
    }

    /// The snapshot `id` of `home`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) when `home` has no such snapshot, [`Damaged`](ErrorKind::Damaged) when it has a
    /// manifest without payload or a payload without manifest.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn stored(home: &Home, id: &SnapshotId) -> Result<Self> {
        let inventory = home.inventory().await?;
        if let Some(listed) = inventory.find(id) {
            return Self::listed(home, listed).await;
        }
        Err(match inventory.incomplete.iter().find(|incomplete| incomplete.id == *id) {
            Some(incomplete) => {
                Error::damaged(format!("snapshot {id} in {home} is incomplete: {}; use another one", incomplete.why))
                    .with_advice(Advice::Inventory)
            }
            None => Error::not_found(format!("{home} holds no snapshot {id}: list what it holds"))
                .with_advice(Advice::Inventory),
        })
    }

    /// A snapshot of `home` that was listed before.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) when it is gone by now, [`Damaged`](ErrorKind::Damaged) when its payload is not as
    /// long as its manifest says.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn listed(home: &Home, listed: &Listed) -> Result<Self> {
        let source = Self::of(home, home.manifest(listed).await?, listed.id.clone()).await?;
        Ok(Self { by_id: true, ..source })
    }

    /// An object that no home holds: what somebody else's tool put into a bucket. It has no manifest, so that only its own
    /// trailer vouches for it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) when it is not there; else as the store says.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn object(store: Arc<dyn ObjectStore>, key: ObjectKey) -> Result<Self> {
        let meta = store.head(&key, ReadOptions::default()).await;
        let meta = meta.map_err(|e| store_error(format!("cannot look at {key} in {store}"), e))?;
        let origin = Origin::Object { home: store.to_string(), store, key };
        Ok(Self { origin, len: meta.size, manifest: None, id: None, by_id: false, url: None })
    }

    async fn of(home: &Home, manifest: Manifest, id: SnapshotId) -> Result<Self> {
        let key = home.key(&manifest.payload.key)?;
        let store = home.store();
        let meta = store.head(&key, ReadOptions::default()).await;
        let meta = meta.map_err(|e| store_error(format!("cannot look at the payload of {id} in {home}"), e))?;
        if meta.size != manifest.payload.bytes {
            return Err(Error::damaged(format!(
                "the payload of {id} has {} bytes, its manifest says {}: use another snapshot",
                meta.size, manifest.payload.bytes
            )));
        }
        let origin = Origin::Object { store, key, home: home.to_string() };
        Ok(Self {
            origin,
            len: meta.size,
            manifest: Some(Arc::new(manifest)),
            url: url_of(home, &id),
            id: Some(id),
            by_id: false,
        })
    }

    /// A stored object that has no manifest yet: the one that a save has written and is about to verify.
    pub(crate) fn unverified(home: &Home, key: ObjectKey, len: u64, id: SnapshotId) -> Self {
        let origin = Origin::Object { store: home.store(), key, home: home.to_string() };
        Self { origin, len, manifest: None, url: url_of(home, &id), id: Some(id), by_id: true }
    }

    /// Its length in bytes, with the trailer if it has one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a length in bytes of a file, not of a collection")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it ends with a SHA-256 trailer: pages are multiples of 512 bytes, a trailer makes 32 more. This is the rule
    /// of every version of etcdutl (`etcdutl/snapshot/v3_snapshot.go`).
    #[must_use]
    pub fn has_trailer(&self) -> bool {
        self.len % 512 == TRAILER
    }

    /// Whether its length is that of whole pages, with or without a trailer: if not, it was cut off or added to.
    #[must_use]
    pub fn has_whole_length(&self) -> bool {
        self.len.is_multiple_of(512) || self.has_trailer()
    }

    /// The manifest, for a snapshot of a home.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_deref()
    }

    /// The id, for a snapshot of a home.
    #[must_use]
    pub fn id(&self) -> Option<&SnapshotId> {
        self.id.as_ref()
    }

    /// The URL that names this snapshot, `#ID` included, where its home was opened by a URL.
    #[must_use]
    pub fn url(&self) -> Option<&StoreUrl> {
        self.url.as_ref()
    }

    /// Whether it was asked for by its id, not as the newest.
    pub(crate) fn is_by_id(&self) -> bool {
        self.by_id
    }

    /// The path, for a local file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File { path, .. } => Some(path),
            Origin::Object { .. } => None,
        }
    }

    /// All of its bytes in order, in blocks of at most 1 MiB.
    ///
    /// # Errors
    /// When it cannot be opened. An item is an error when reading fails in the middle; the stream then ends.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn stream(&self) -> Result<BoxStream<'static, Result<Bytes>>> {
        match &self.origin {
            Origin::File { path, file } => Ok(file_stream(path.clone(), Arc::clone(file), self.len)),
            Origin::Object { store, key, .. } => {
                let name = self.to_string();
                let got = store.get(key, None, ReadOptions::default()).await;
                let got = got.map_err(|e| store_error(format!("cannot read {name}"), e))?;
                Ok(got
                    .body
                    .map(move |block| block.map_err(|e| store_error(format!("reading {name} failed midway"), e)))
                    .boxed())
            }
        }
    }

    /// Exactly the bytes from `offset` on, `len` of them, or fewer at the end.
    pub(crate) async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes> {
        let end = offset.saturating_add(len as u64).min(self.len);
        match &self.origin {
            Origin::File { path, file } => {
                let (path, file) = (path.clone(), Arc::clone(file));
                let read = move || {
                    let mut buffer = vec![0; usize::try_from(end.saturating_sub(offset)).unwrap_or(len)];
                    file.read_exact_at(&mut buffer, offset)
                        .map(|()| Bytes::from(buffer))
                        .map_err(|e| Error::io(format!("cannot read {}", path.display()), e))
                };
                blocking(read).await
            }
            Origin::Object { store, key, .. } => store
                .get_range(key, offset..end)
                .await
                .map_err(|e| store_error(format!("cannot read bytes {offset} to {end} of {self}"), e)),
        }
    }

    /// The open file, for a local file: parsers that need no async read it directly.
    pub(crate) fn open_file(&self) -> Option<Arc<File>> {
        match &self.origin {
            Origin::File { file, .. } => Some(Arc::clone(file)),
            Origin::Object { .. } => None,
        }
    }
}

/// The URL of one snapshot.
fn url_of(home: &Home, id: &SnapshotId) -> Option<StoreUrl> {
    home.url().and_then(|url| url.clone().with_fragment(id.to_string()).ok())
}

/// Runs `work` where blocking is allowed.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(Error::new(ErrorKind::Cancelled, "the work was stopped before it was done").with_source(e))
    })
}

/// Reads ahead by a few blocks, on a thread of its own.
fn file_stream(path: PathBuf, file: Arc<File>, len: u64) -> BoxStream<'static, Result<Bytes>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let read = move || {
        let mut offset = 0;
        while offset < len {
            let block =
                read_block(&file, offset, len).map_err(|e| Error::io(format!("cannot read {}", path.display()), e));
            let failed = block.is_err();
            offset += block.as_ref().map_or(0, |block| block.len() as u64);
            if sender.blocking_send(block).is_err() || failed {
                return;
            }
        }
    };
    tokio::task::spawn_blocking(read);
    futures::stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|block| (block, receiver))).boxed()
}

fn read_block(file: &File, offset: u64, len: u64) -> std::io::Result<Bytes> {
    let wanted = usize::try_from(len.saturating_sub(offset)).unwrap_or(BLOCK).min(BLOCK);
    let mut buffer = BytesMut::zeroed(wanted);
    file.read_exact_at(&mut buffer, offset)?;
    Ok(buffer.freeze())
}

impl fmt::Display for SnapshotSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, &self.id) {
            (Origin::File { path, .. }, _) => write!(f, "{}", path.display()),
            (Origin::Object { home, .. }, Some(id)) => write!(f, "{home}#{id}"),
            (Origin::Object { home, key, .. }, None) => write!(f, "{key} in {home}"),
        }
    }
}

impl fmt::Debug for SnapshotSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotSource({self}, {} bytes)", self.len)
    }
}
