//! The patch as a machine.

use std::collections::VecDeque;

use super::edits::Edits;
use super::pages::{PageCache, Stop};
use super::plan;
use crate::bolt::writer::Write;
use crate::bolt::{Meta, MetaReader};
use crate::{ErrorKind, FormatError, ReadRequest, Step};

/// Edits a bolt file in place, by appending pages and replacing one meta.
///
/// The items are the writes, in the order in which they are to be applied: first the new pages, last the meta. Pages that
/// are no longer reached count as free, and a stored freelist is given up: bolt rebuilds it.
/// No write is returned before everything was read, so the reads and the writes may go to one file.
///
/// Memory: what it reads (the metas, the root, the edited buckets, and one page run of each level of a bucket that is
/// appended to; at most 16 MiB) and as much again for what it writes.
///
/// ```
/// use etcd_format::bolt::patch::{Edits, Patch};
/// use etcd_format::bolt::writer::{BoltWriter, Layout};
/// use etcd_format::drive;
///
/// // A file with nothing in it.
/// let mut writer = BoltWriter::new(Layout::default())?;
/// let mut file = vec![0; writer.finish()? as usize];
/// while let Some(write) = writer.next_write() {
///     file[write.offset as usize..][..write.bytes.len()].copy_from_slice(&write.bytes);
/// }
///
/// let mut edits = Edits::new();
/// edits.bucket("meta").put("term", 1_u64.to_be_bytes());
/// let mut patch = Patch::new(file.len() as u64, edits);
/// let mut offsets = Vec::new();
/// drive(&mut patch, &file, |write| offsets.push(write.offset))?;
/// assert_eq!(offsets, [3 * 4096, 4096], "a new root behind the end, then the meta of transaction 3");
/// assert_eq!(patch.file_len(), Some(4 * 4096));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: bbolt v1.4.3 `tx.go` (`Commit`, `writeMeta`), `db.go` (`hasSyncedFreelist`).
#[derive(Debug)]
pub struct Patch {
    file_len: u64,
    edits: Edits,
    state: State,
    new_len: Option<u64>,
}

#[derive(Debug)]
enum State {
    Metas(MetaReader),
    Planning { cache: PageCache, asked: Option<ReadRequest> },
    Writing(VecDeque<Write>),
    Failed(FormatError),
}

impl Patch {
    /// A patch of a file of `file_len` bytes (without the trailer of a snapshot).
    #[must_use]
    pub fn new(file_len: u64, edits: Edits) -> Self {
        Self { file_len, edits, state: State::Metas(MetaReader::new(file_len)), new_len: None }
    }

    /// What it wants next, or the next piece to write.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) if it would have to read more than 16 MiB, or 4,096 page runs of one bucket: use
    /// [`Rewrite`](super::Rewrite) with the same edits. [`NotBolt`](ErrorKind::NotBolt), [`Truncated`](ErrorKind::Truncated)
    /// and [`Damaged`](ErrorKind::Damaged) for a bad file. [`InvalidInput`](ErrorKind::InvalidInput) if an item is too
    /// large, or a record to append is not above the last one. No write was returned before any of them.
    pub fn step(&mut self) -> Result<Step<Write>, FormatError> {
        loop {
            match &mut self.state {
                State::Metas(reader) => match reader.step()? {
                    Step::Read(request) => return Ok(Step::Read(request)),
                    Step::Item(metas) => self.state = self.begin(metas.chosen),
                    Step::Done => return Err(FormatError::new(ErrorKind::NotBolt, "a meta")),
                },
                State::Planning { cache, asked } => match plan::make(cache, &self.edits) {
                    Ok(plan) => {
                        self.new_len = Some(plan.file_len);
                        self.state = State::Writing(plan.writes.into());
                    }
                    Err(Stop::Read(request)) => {
                        *asked = Some(request);
                        return Ok(Step::Read(request));
                    }
                    Err(Stop::Failed(error)) => self.state = State::Failed(error),
                },
                State::Writing(writes) => return Ok(writes.pop_front().map_or(Step::Done, Step::Item)),
                State::Failed(error) => return Err(error.clone()),
            }
        }
    }

    fn begin(&self, meta: Meta) -> State {
        if meta.file_len_wanted() > self.file_len {
            let expected = format!("a file of {} bytes", meta.file_len_wanted());
            let found = format!("{} bytes", self.file_len);
            return State::Failed(FormatError::new(ErrorKind::Truncated, expected).found(found));
        }
        State::Planning { cache: PageCache::new(meta), asked: None }
    }

    /// Hands it the bytes of the last [`Step::Read`].
    ///
    /// # Errors
    ///
    /// [`Misuse`](ErrorKind::Misuse) if they were not asked for or are not that many.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        match &mut self.state {
            State::Metas(reader) => reader.feed(bytes),
            State::Planning { cache, asked } => match asked.take_if(|request| request.len == bytes.len()) {
                Some(request) => {
                    cache.insert(request, bytes);
                    Ok(())
                }
                None => Err(crate::step::misfed(bytes.len())),
            },
            State::Writing(_) | State::Failed(_) => Err(crate::step::misfed(bytes.len())),
        }
    }

    /// The length that the file has afterwards, in bytes. Known from the first write on: set the file to this length,
    /// because bytes behind it are no part of the database.
    #[must_use]
    pub fn file_len(&self) -> Option<u64> {
        self.new_len
    }
}

impl crate::Machine for Patch {
    type Item<'a> = Write;

    fn step(&mut self) -> Result<Step<Write>, FormatError> {
        Self::step(self)
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        Self::feed(self, bytes)
    }
}
