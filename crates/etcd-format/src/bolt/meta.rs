//! The two metas of a file: where everything starts.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::layout::{
    MAGIC, MAX_PAGE_SIZE, META_CHECKED_SIZE, META_SIZE, MIN_PAGE_SIZE, NO_FREELIST, PAGE_HEADER_SIZE, VERSION,
    fnv1a_64, u32_at, u64_at,
};
use crate::{ErrorKind, FormatError, ReadRequest, Step};

/// One meta: the state of the file after one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// Bytes of a page.
    pub page_size: u32,
    /// Root page of the tree of top-level buckets.
    pub root: u64,
    /// The root bucket's counter. 0 in every etcd file.
    pub root_sequence: u64,
    /// The page where the list of free pages starts; `None` when none is stored, as by etcd on Linux.
    pub freelist: Option<u64>,
    /// The first page id that was never used: the file has this many pages.
    pub high_water: u64,
    /// The transaction that wrote the meta.
    pub txid: u64,
}

impl Meta {
    /// A meta of a file without a stored freelist.
    #[must_use]
    pub fn new(page_size: u32, root: u64, high_water: u64, txid: u64) -> Self {
        Self { page_size, root, root_sequence: 0, freelist: None, high_water, txid }
    }

    /// Parses the 64 bytes that follow the header of page 0 or 1, which stand at `offset`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotBolt`] when the magic is another or bytes are missing, [`ErrorKind::Unsupported`] for another version or
    /// page size, [`ErrorKind::Damaged`] when the checksum does not match.
    pub fn parse(bytes: &[u8], offset: u64) -> Result<Self, FormatError> {
        let fail = |kind, expected: &'static str, actual: String| {
            Err(FormatError::new(kind, expected).found(actual).at(offset))
        };
        let Some(bytes) = bytes.first_chunk::<META_SIZE>() else {
            return fail(ErrorKind::NotBolt, "a meta of 64 bytes", format!("{} bytes", bytes.len()));
        };
        let u32_of = |at| u32_at(bytes, at).unwrap_or_default();
        let u64_of = |at| u64_at(bytes, at).unwrap_or_default();
        if u32_of(0) != MAGIC {
            return fail(ErrorKind::NotBolt, "the magic 0xed0cdaed", format!("{:#010x}", u32_of(0)));
        }
        if u32_of(4) != VERSION {
            return fail(ErrorKind::Unsupported, "format version 2", format!("version {}", u32_of(4)));
        }
        let sum = bytes.get(..META_CHECKED_SIZE).map_or(0, fnv1a_64);
        if u64_of(META_CHECKED_SIZE) != sum {
            return fail(ErrorKind::Damaged, "a meta that matches its checksum", format!("{sum:#018x}"));
        }
        let page_size = u32_of(8);
        if !is_page_size(page_size) {
            return fail(
                ErrorKind::Unsupported,
                "a page size of 1 KiB to 64 KiB, a power of two",
                page_size.to_string(),
            );
        }
        Ok(Self {
            page_size,
            root: u64_of(16),
            root_sequence: u64_of(24),
            freelist: Some(u64_of(32)).filter(|&page| page != NO_FREELIST),
            high_water: u64_of(40),
            txid: u64_of(48),
        })
    }

    /// The 64 bytes, checksum included.
    ///
    /// ```
    /// use etcd_format::bolt::Meta;
    ///
    /// let meta = Meta::new(4096, 2, 10, 7);
    /// assert_eq!(Meta::parse(&meta.to_bytes(), 16)?, meta);
    /// # Ok::<(), etcd_format::FormatError>(())
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> [u8; META_SIZE] {
        let mut words = [0_u64; META_SIZE / 8];
        words[0] = u64::from(MAGIC) | u64::from(VERSION) << 32;
        words[1] = u64::from(self.page_size);
        words[2] = self.root;
        words[3] = self.root_sequence;
        words[4] = self.freelist.unwrap_or(NO_FREELIST);
        words[5] = self.high_water;
        words[6] = self.txid;
        let mut bytes = [0; META_SIZE];
        for (at, word) in bytes.chunks_exact_mut(8).zip(words) {
            at.copy_from_slice(&word.to_le_bytes());
        }
        let (checked, sum) = bytes.split_at_mut(META_CHECKED_SIZE);
        sum.copy_from_slice(&fnv1a_64(checked).to_le_bytes());
        bytes
    }

    /// Bytes that the file must have for every page to be there: high-water mark times page size. A snapshot has exactly
    /// these (and a trailer of 32), a database of a running etcd may have more. Saturates.
    #[must_use]
    pub fn file_len_wanted(&self) -> u64 {
        self.high_water.saturating_mul(u64::from(self.page_size))
    }
}

/// Whether the size is a power of two from 1 KiB to 64 KiB.
#[must_use]
pub fn is_page_size(size: u32) -> bool {
    size.is_power_of_two() && (MIN_PAGE_SIZE..=MAX_PAGE_SIZE).contains(&size)
}

/// Both metas of a file, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metas {
    /// The meta in force: of the valid ones that with the higher transaction id.
    pub chosen: Meta,
    /// The page that it stands in, 0 or 1. In a snapshot it is always 0, in a database the transaction id's parity.
    pub chosen_page: u64,
    /// The other page's meta, or what is wrong with it. bolt works with one valid meta: the other may be a torn write.
    pub other: Result<Meta, FormatError>,
}

/// Finds and judges the metas: at most eight small reads.
///
/// When page 0 is bad, the page size is unknown, and page 1 is looked for at 1, 2, 4 … 64 KiB.
/// (bbolt v1.4.3 `db.go`, `getPageSize`.)
#[derive(Debug)]
pub struct MetaReader {
    file_len: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    First,
    Second { first: Result<Meta, FormatError>, page_size: u32 },
    Found(Box<Metas>),
    Done,
    Failed(FormatError),
}

const META_END: usize = PAGE_HEADER_SIZE + META_SIZE;

impl MetaReader {
    /// A reader of the metas of a file of this many bytes.
    #[must_use]
    pub fn new(file_len: u64) -> Self {
        Self { file_len, state: State::First }
    }

    /// The next thing to do; its one item is the result.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotBolt`] and the like of [`Meta::parse`] when neither meta is valid: what is wrong with the first one.
    pub fn step(&mut self) -> Result<Step<Metas>, FormatError> {
        loop {
            match &self.state {
                State::First if self.file_len < META_END as u64 => {
                    let first = Err(self.too_short());
                    self.state = State::Second { first, page_size: MAX_PAGE_SIZE };
                }
                State::First => return Ok(Step::Read(ReadRequest::new(0, META_END))),
                State::Second { first, page_size } => {
                    let offset = u64::from(*page_size);
                    if offset.saturating_add(META_END as u64) <= self.file_len {
                        return Ok(Step::Read(ReadRequest::new(offset, META_END)));
                    }
                    let first = first.clone();
                    self.judge(first, Err(self.too_short().at(offset)));
                }
                State::Found(metas) => {
                    let metas = (**metas).clone();
                    self.state = State::Done;
                    return Ok(Step::Item(metas));
                }
                State::Done => return Ok(Step::Done),
                State::Failed(error) => return Err(error.clone()),
            }
        }
    }

    /// Takes the bytes of the last read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] when none was asked for, or another length.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        let waits = matches!(self.state, State::First | State::Second { .. });
        if !waits || bytes.len() != META_END {
            return Err(crate::step::misfed(bytes.len()));
        }
        let meta_at = |page_offset: u64| {
            Meta::parse(
                bytes.get(PAGE_HEADER_SIZE..).unwrap_or_default(),
                page_offset.saturating_add(PAGE_HEADER_SIZE as u64),
            )
        };
        match std::mem::replace(&mut self.state, State::Done) {
            State::First => {
                let first = meta_at(0);
                let page_size = first.as_ref().map_or(MIN_PAGE_SIZE, |meta| meta.page_size);
                self.state = State::Second { first, page_size };
            }
            State::Second { first, page_size } => {
                let second = meta_at(u64::from(page_size)).and_then(|meta| agrees(meta, page_size));
                if first.is_ok() || second.is_ok() || page_size >= MAX_PAGE_SIZE {
                    self.judge(first, second);
                } else {
                    self.state = State::Second { first, page_size: page_size.saturating_mul(2) };
                }
            }
            State::Found(_) | State::Done | State::Failed(_) => {}
        }
        Ok(())
    }

    fn judge(&mut self, first: Result<Meta, FormatError>, second: Result<Meta, FormatError>) {
        self.state = match (first, second) {
            (Ok(first), Ok(second)) if second.txid > first.txid => found(second, 1, Ok(first)),
            (Ok(first), second) => found(first, 0, second),
            (first @ Err(_), Ok(second)) => found(second, 1, first),
            (Err(error), Err(_)) => State::Failed(error),
        };
    }

    fn too_short(&self) -> FormatError {
        FormatError::new(ErrorKind::NotBolt, "two meta pages").found(format!("a file of {} bytes", self.file_len))
    }
}

/// A meta in the second page says that page's place is one page from the start.
fn agrees(meta: Meta, page_size: u32) -> Result<Meta, FormatError> {
    if meta.page_size == page_size {
        return Ok(meta);
    }
    let expected = format!("a page size of {page_size}");
    Err(FormatError::new(ErrorKind::Damaged, expected).found(meta.page_size.to_string()).at(u64::from(page_size)))
}

fn found(chosen: Meta, chosen_page: u64, other: Result<Meta, FormatError>) -> State {
    State::Found(Box::new(Metas { chosen, chosen_page, other }))
}

impl crate::Machine for MetaReader {
    type Item<'a> = Metas;

    fn step(&mut self) -> Result<Step<Metas>, FormatError> {
        Self::step(self)
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        Self::feed(self, bytes)
    }
}
