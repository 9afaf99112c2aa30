//! In-order iteration over one bucket.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use super::tree::{Poll, Tree};
use super::{BucketView, Meta, MetaReader};
use crate::redacted::{Key, Length};
use crate::{ErrorKind, FormatError, ReadRequest, Step};

/// Walks the entries of one top-level bucket, or the list of top-level buckets, in key order.
///
/// It checks what it passes: page ids and kinds, bounds, ascending keys; a [`Survey`](crate::survey::Survey) checks everything.
///
/// ```
/// # fn example(file: std::fs::File) -> Result<(), Box<dyn std::error::Error>> {
/// use etcd_format::bolt::Cursor;
///
/// let mut members = Cursor::new(file.metadata()?.len(), b"members");
/// etcd_format::drive(&mut members, &file, |entry| println!("{}", String::from_utf8_lossy(entry.value)))?;
/// # Ok(())
/// # }
/// ```
///
/// Memory: copies of the page runs on the way from the root to the current leaf. A leaf run is as large as its entries,
/// so one that holds a value of 1 MiB is a little larger than that; one above 256 MiB is refused.
#[derive(Debug)]
pub struct Cursor {
    file_len: u64,
    bucket: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    meta: Option<Meta>,
    place: Option<Place>,
    state: State,
    pending: Option<ReadRequest>,
}

#[derive(Debug)]
enum State {
    Metas(MetaReader),
    /// Looking for the bucket in the root tree.
    Finding(Tree),
    /// About to go to the target.
    Start,
    Walking(Tree),
    Done,
    Failed(FormatError),
}

/// Where the entries are.
#[derive(Debug)]
enum Place {
    Tree(u64),
    Inline(Vec<u8>),
    Absent,
}

/// One entry of a bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value. For a bucket: its header and, if it is inline, its page. See [`BucketView`].
    pub value: &'a [u8],
    /// Whether the value is a bucket.
    pub is_bucket: bool,
}

/// Shows the length of the value, not the value.
impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &Key(self.key))
            .field("value", &Length(self.value))
            .field("is_bucket", &self.is_bucket)
            .finish()
    }
}

impl Cursor {
    /// Over the entries of the top-level bucket with this name. A file without that bucket has no entries: see
    /// [`Cursor::bucket_exists`].
    #[must_use]
    pub fn new(file_len: u64, bucket: &[u8]) -> Self {
        Self::over(file_len, Some(bucket.to_vec()))
    }

    /// Over the list of top-level buckets: each entry is a bucket.
    #[must_use]
    pub fn buckets(file_len: u64) -> Self {
        Self::over(file_len, None)
    }

    fn over(file_len: u64, bucket: Option<Vec<u8>>) -> Self {
        let state = State::Metas(MetaReader::new(file_len));
        Self { file_len, bucket, target: None, meta: None, place: None, state, pending: None }
    }

    /// Goes to the first entry whose key is not below `key`. May be called at any time, and moves in both directions; a
    /// read that was asked for and not yet fed is dropped.
    pub fn seek(&mut self, key: &[u8]) {
        self.target = Some(key.to_vec());
        if self.place.is_some() && !matches!(self.state, State::Failed(_)) {
            self.state = State::Start;
            self.pending = None;
        }
    }

    /// The meta in force, once it was read.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    /// Whether the file has the bucket, once that is known: from the first item or the end on.
    #[must_use]
    pub fn bucket_exists(&self) -> Option<bool> {
        self.place.as_ref().map(|place| !matches!(place, Place::Absent))
    }

    /// The next thing to do. Items are entries, in ascending key order.
    ///
    /// # Errors
    ///
    /// [`NotBolt`](ErrorKind::NotBolt), [`Truncated`](ErrorKind::Truncated) or [`Damaged`](ErrorKind::Damaged) on the first
    /// page that cannot be followed. Keys out of order are damage too. Every later step fails the same way.
    pub fn step(&mut self) -> Result<Step<Entry<'_>>, FormatError> {
        match self.poll() {
            Ok(Poll::Read(request)) => {
                self.pending = Some(request);
                Ok(Step::Read(request))
            }
            Ok(Poll::Done) => Ok(Step::Done),
            Ok(Poll::Entry(index)) => self.entry(index).map(Step::Item),
            Err(error) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// Takes the bytes of the last read.
    ///
    /// # Errors
    ///
    /// [`Misuse`](ErrorKind::Misuse) when none was asked for, or another length; [`Damaged`](ErrorKind::Damaged) as in
    /// [`Cursor::step`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        if self.pending.is_none_or(|request| request.len != bytes.len()) {
            return Err(crate::step::misfed(bytes.len()));
        }
        self.pending = None;
        let fed = match &mut self.state {
            State::Metas(reader) => reader.feed(bytes),
            State::Finding(tree) | State::Walking(tree) => tree.feed(bytes),
            State::Start | State::Done | State::Failed(_) => Ok(()),
        };
        if let Err(error) = &fed {
            self.state = State::Failed(error.clone());
        }
        fed
    }

    fn poll(&mut self) -> Result<Poll, FormatError> {
        loop {
            self.state = match &mut self.state {
                State::Metas(reader) => match reader.step()? {
                    Step::Read(request) => return Ok(Poll::Read(request)),
                    Step::Item(metas) => self.begin(metas.chosen)?,
                    Step::Done => State::Done,
                },
                State::Finding(tree) => match tree.poll()? {
                    Poll::Read(request) => return Ok(Poll::Read(request)),
                    Poll::Done => {
                        self.place = Some(Place::Absent);
                        State::Start
                    }
                    Poll::Entry(index) => {
                        self.place = Some(place_of(tree.entry(index)?, self.bucket.as_deref())?);
                        State::Start
                    }
                },
                State::Start => self.start()?,
                State::Walking(tree) => match tree.poll()? {
                    Poll::Done => State::Done,
                    Poll::Entry(index) => {
                        tree.entry(index)?;
                        return Ok(Poll::Entry(index));
                    }
                    read @ Poll::Read(_) => return Ok(read),
                },
                State::Done => return Ok(Poll::Done),
                State::Failed(error) => return Err(error.clone()),
            };
        }
    }

    fn begin(&mut self, meta: Meta) -> Result<State, FormatError> {
        self.meta = Some(meta);
        if meta.file_len_wanted() > self.file_len {
            return Err(FormatError::new(ErrorKind::Truncated, format!("{} bytes", meta.file_len_wanted()))
                .found(format!("a file of {} bytes", self.file_len)));
        }
        let Some(name) = &self.bucket else {
            self.place = Some(Place::Tree(meta.root));
            return Ok(State::Start);
        };
        Ok(State::Finding(Tree::new(&meta, meta.root, Some(name.clone()))?))
    }

    fn start(&mut self) -> Result<State, FormatError> {
        let target = self.target.take();
        Ok(match (&self.place, &self.meta) {
            (Some(Place::Tree(root)), Some(meta)) => State::Walking(Tree::new(meta, *root, target)?),
            (Some(Place::Inline(image)), Some(meta)) => State::Walking(Tree::inline(meta, image, target.as_deref())?),
            _ => State::Done,
        })
    }

    fn entry(&self, index: usize) -> Result<Entry<'_>, FormatError> {
        match &self.state {
            State::Walking(tree) => tree.entry(index),
            _ => Err(FormatError::new(ErrorKind::Misuse, "a cursor on an entry")),
        }
    }
}

/// Where the bucket with this name is, if this is its entry.
fn place_of(entry: Entry<'_>, name: Option<&[u8]>) -> Result<Place, FormatError> {
    if Some(entry.key) != name {
        return Ok(Place::Absent);
    }
    if !entry.is_bucket {
        return Err(FormatError::new(ErrorKind::Damaged, "a bucket").found("a plain key at the top level"));
    }
    let bucket = BucketView::parse(entry.value, 0)?;
    Ok(if bucket.root == 0 { Place::Inline(bucket.inline.to_vec()) } else { Place::Tree(bucket.root) })
}

impl crate::Machine for Cursor {
    type Item<'a> = Entry<'a>;

    fn step(&mut self) -> Result<Step<Entry<'_>>, FormatError> {
        Self::step(self)
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        Self::feed(self, bytes)
    }
}
