//! An edited copy of a file, record by record.

use std::collections::{BTreeSet, VecDeque};
use std::iter::Peekable;
use std::{mem, vec};

use super::edits::{BucketEdits, Edits};
use crate::bolt::Cursor;
use crate::bolt::writer::{BoltWriter, Layout, Write};
use crate::{ErrorKind, FormatError, Step};

/// Writes an edited copy of a bolt file, compact and in order. The reads go to the old file, the writes to the new one.
///
/// Buckets inside buckets are not supported, and the counters of buckets are not kept; etcd uses neither.
///
/// Memory: that of a [`Cursor`] and of a [`BoltWriter`], the names of the buckets, and the edits.
#[derive(Debug)]
pub struct Rewrite {
    file_len: u64,
    edits: Edits,
    writer: BoltWriter,
    state: State,
    new_len: Option<u64>,
}

#[derive(Debug)]
enum State {
    /// Learning which buckets there are.
    Listing {
        cursor: Cursor,
        names: BTreeSet<Vec<u8>>,
    },
    /// Copying one, with the others to come.
    Copying {
        bucket: Bucket,
        rest: VecDeque<Vec<u8>>,
    },
    Finished,
    Failed(FormatError),
}

/// The bucket that is copied.
#[derive(Debug)]
struct Bucket {
    /// `None` once the old items are exhausted, or if they are dropped.
    cursor: Option<Cursor>,
    changes: Peekable<vec::IntoIter<Change>>,
    appended: Option<(Vec<u8>, Vec<u8>)>,
}

type Change = (Vec<u8>, Option<Vec<u8>>);

impl Rewrite {
    /// A copy of a file of `file_len` bytes (without the trailer of a snapshot), laid out anew.
    ///
    /// # Errors
    ///
    /// As [`BoltWriter::new`].
    pub fn new(file_len: u64, edits: Edits, layout: Layout) -> Result<Self, FormatError> {
        let names = edits.buckets().map(|(name, _)| name.to_vec()).collect();
        let state = State::Listing { cursor: Cursor::buckets(file_len), names };
        Ok(Self { file_len, edits, writer: BoltWriter::new(layout)?, state, new_len: None })
    }

    /// What it wants next, or the next piece of the copy.
    ///
    /// # Errors
    ///
    /// Those of [`Cursor::step`] and of [`BoltWriter::put`], and [`Unsupported`](ErrorKind::Unsupported) for a bucket
    /// inside a bucket. What was written so far is then no database.
    pub fn step(&mut self) -> Result<Step<Write>, FormatError> {
        loop {
            if let Some(write) = self.writer.next_write() {
                return Ok(Step::Item(write));
            }
            match self.advance() {
                Ok(None) => {}
                Ok(Some(step)) => return Ok(step),
                Err(error) => {
                    self.state = State::Failed(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// One step that is no write; `None` to look for writes and go on.
    fn advance(&mut self) -> Result<Option<Step<Write>>, FormatError> {
        match &mut self.state {
            State::Listing { cursor, names } => match cursor.step()? {
                Step::Read(request) => return Ok(Some(Step::Read(request))),
                Step::Item(entry) => drop(names.insert(entry.key.to_vec())),
                Step::Done => {
                    let names = mem::take(names).into_iter().collect();
                    self.begin_next(names)?;
                }
            },
            State::Copying { bucket, rest } => match bucket.copy(&mut self.writer)? {
                Step::Read(request) => return Ok(Some(Step::Read(request))),
                Step::Item(()) => {}
                Step::Done => {
                    let rest = mem::take(rest);
                    self.begin_next(rest)?;
                }
            },
            State::Finished => return Ok(Some(Step::Done)),
            State::Failed(error) => return Err(error.clone()),
        }
        Ok(None)
    }

    fn begin_next(&mut self, mut names: VecDeque<Vec<u8>>) -> Result<(), FormatError> {
        let Some(name) = names.pop_front() else {
            self.new_len = Some(self.writer.finish()?);
            self.state = State::Finished;
            return Ok(());
        };
        self.writer.begin_bucket(&name)?;
        let bucket = Bucket::new(self.file_len, &name, self.edits.of(&name));
        self.state = State::Copying { bucket, rest: names };
        Ok(())
    }

    /// Hands it the bytes of the last [`Step::Read`].
    ///
    /// # Errors
    ///
    /// [`Misuse`](ErrorKind::Misuse) if they were not asked for or are not that many.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        match &mut self.state {
            State::Listing { cursor, .. } => cursor.feed(bytes),
            State::Copying { bucket: Bucket { cursor: Some(cursor), .. }, .. } => cursor.feed(bytes),
            _ => Err(crate::step::misfed(bytes.len())),
        }
    }

    /// The length of the copy in bytes. Known once everything was read: set the file to this length.
    #[must_use]
    pub fn file_len(&self) -> Option<u64> {
        self.new_len
    }
}

impl Bucket {
    fn new(file_len: u64, name: &[u8], edits: Option<&BucketEdits>) -> Self {
        let cleared = edits.is_some_and(BucketEdits::is_cleared);
        let changes: Vec<Change> = edits
            .into_iter()
            .flat_map(BucketEdits::items)
            .map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec)))
            .collect();
        let appended = edits.and_then(BucketEdits::appended);
        Self {
            cursor: (!cleared).then(|| Cursor::new(file_len, name)),
            changes: changes.into_iter().peekable(),
            appended: appended.map(|(key, value)| (key.to_vec(), value.to_vec())),
        }
    }

    /// Copies one old item, with the changes before it; or all changes that are left.
    fn copy(&mut self, writer: &mut BoltWriter) -> Result<Step<()>, FormatError> {
        let entry = match self.cursor.as_mut().map(Cursor::step).transpose()? {
            Some(Step::Read(request)) => return Ok(Step::Read(request)),
            Some(Step::Item(entry)) => entry,
            Some(Step::Done) | None => {
                self.cursor = None;
                put_changes(writer, &mut self.changes, None)?;
                if let Some((key, value)) = self.appended.take() {
                    writer.put(&key, &value)?;
                }
                return Ok(Step::Done);
            }
        };
        if entry.is_bucket {
            return Err(FormatError::new(ErrorKind::Unsupported, "no bucket inside a bucket"));
        }
        put_changes(writer, &mut self.changes, Some(entry.key))?;
        match self.changes.next_if(|(key, _)| key == entry.key) {
            Some((key, Some(value))) => writer.put(&key, &value)?,
            Some((_, None)) => {}
            None => writer.put(entry.key, entry.value)?,
        }
        Ok(Step::Item(()))
    }
}

/// Puts the changes below this key, or all of them.
fn put_changes(
    writer: &mut BoltWriter,
    changes: &mut Peekable<vec::IntoIter<Change>>,
    below: Option<&[u8]>,
) -> Result<(), FormatError> {
    while let Some((key, value)) = changes.next_if(|(key, _)| below.is_none_or(|below| key.as_slice() < below)) {
        if let Some(value) = value {
            writer.put(&key, &value)?;
        }
    }
    Ok(())
}

impl crate::Machine for Rewrite {
    type Item<'a> = Write;

    fn step(&mut self) -> Result<Step<Write>, FormatError> {
        Self::step(self)
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        Self::feed(self, bytes)
    }
}
