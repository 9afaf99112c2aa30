//! Reading objects.

use std::{ops::Range, path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tokio::task::JoinHandle;

use super::{
    blocking,
    errors::{failed, is_no_object},
    files::Files,
    layout::object_path,
};
use crate::{
    Error, ErrorKind, Get, ObjectKey, ObjectMeta, Op, ReadOptions, Result,
    disk::{Access, DiskFile, Metadata},
    rules::{check_read, resolve_range, unsupported},
};

/// How much is read at a time. One block is on its way while the one before is used.
const BLOCK_BYTES: u64 = 1 << 20;

/// Up to this size a range is read together with opening the file.
const SMALL_BYTES: u64 = 256 << 10;

impl Files {
    pub(super) fn head(&self, key: &ObjectKey, options: &ReadOptions) -> Result<ObjectMeta> {
        check_version(options)?;
        let metadata = self.find(key)?.ok_or_else(|| Error::new(ErrorKind::NotFound))?;
        let meta = Self::meta(key.clone(), &metadata);
        check_read(options, &meta.revision)?;
        Ok(meta)
    }

    /// Opens an object: from then on it is read as it is now, whatever happens to its name.
    pub(super) fn open(
        &self,
        key: &ObjectKey,
        options: &ReadOptions,
    ) -> Result<(Arc<dyn DiskFile>, Metadata, ObjectMeta)> {
        check_version(options)?;
        let path = object_path(&self.root, key)?;
        if !self.has_real_parents(&path)? {
            return Err(Error::new(ErrorKind::NotFound));
        }
        let file = match self.disk.open(&path, Access::Read) {
            Err(error) if is_no_object(&error) => return Err(Error::new(ErrorKind::NotFound)),
            other => other.map_err(|error| failed("open", &path, error))?,
        };
        let metadata = file.metadata().map_err(|error| failed("look at", &path, error))?;
        let meta = Self::meta(key.clone(), &metadata);
        check_read(options, &meta.revision)?;
        Ok((file, metadata, meta))
    }

    pub(super) fn get(&self, key: &ObjectKey, range: Option<Range<u64>>, options: &ReadOptions) -> Result<Get> {
        let (file, metadata, meta) = self.open(key, options)?;
        let range = resolve_range(range, metadata.len)?;
        let blocks = Blocks { file, path: object_path(&self.root, key)?, next: range.clone() };
        let small = range.end.saturating_sub(range.start) <= SMALL_BYTES;
        let first = if small { First::Read(blocks.read_next()?) } else { First::Waiting(blocks) };
        Ok(Get::new(meta, range, body(first)))
    }
}

fn check_version(options: &ReadOptions) -> Result<()> {
    match options.version {
        Some(_) => Err(unsupported("a file store keeps no old versions")),
        None => Ok(()),
    }
}

/// A part of a file that is still to be read.
struct Blocks {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    next: Range<u64>,
}

impl Blocks {
    /// Reads the next block, or nothing at the end.
    fn read_next(mut self) -> Result<(Bytes, Self)> {
        let wanted = self.next.end.saturating_sub(self.next.start).min(BLOCK_BYTES);
        let mut block = vec![0; usize::try_from(wanted).unwrap_or(0)];
        self.fill(&mut block)?;
        self.next.start = self.next.start.saturating_add(wanted);
        Ok((block.into(), self))
    }

    fn fill(&self, block: &mut [u8]) -> Result<()> {
        let (mut rest, mut offset) = (block, self.next.start);
        while !rest.is_empty() {
            let read = self.file.read_at(rest, offset).map_err(|error| failed("read", &self.path, error))?;
            if read == 0 {
                let detail = format!("{} ends at byte {offset}, it was longer when it was opened", self.path.display());
                return Err(Error::new(ErrorKind::Integrity).with_op(Op::Read).with_detail(detail));
            }
            rest = rest.get_mut(read..).unwrap_or_default();
            offset = offset.saturating_add(read as u64);
        }
        Ok(())
    }
}

enum First {
    Read((Bytes, Blocks)),
    Waiting(Blocks),
}

/// Where a body stands.
enum Body {
    First(First),
    Reading(JoinHandle<Result<(Bytes, Blocks)>>),
    End,
}

/// The blocks as a stream. Nothing is read before the first is asked for, and no thread waits for a slow reader.
fn body(first: First) -> BoxStream<'static, Result<Bytes>> {
    stream::try_unfold(Body::First(first), |state| async move {
        let (block, rest) = match state {
            Body::End => return Ok(None),
            Body::First(First::Read(read)) => read,
            Body::First(First::Waiting(blocks)) => blocking::run(move || blocks.read_next()).await?,
            Body::Reading(handle) => blocking::join(handle).await?,
        };
        if block.is_empty() {
            return Ok(None);
        }
        let next =
            if rest.next.is_empty() { Body::End } else { Body::Reading(blocking::start(move || rest.read_next())) };
        Ok(Some((block, next)))
    })
    .boxed()
}
