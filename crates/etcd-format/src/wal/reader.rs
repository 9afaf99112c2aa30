//! Frames to records, checked.

use crate::membership::{ClusterId, ConfState, MemberId};
use crate::protobuf::Fields;
use crate::{ErrorKind, FormatError};

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Type 1: whose log it is; see [`Metadata`].
    Metadata,
    /// Type 2: a raft entry.
    Entry,
    /// Type 3: term, vote and commit index; see [`HardState`].
    HardState,
    /// Type 4: the checksum to go on from; it has no data.
    Crc,
    /// Type 5: a snapshot was taken at this point; see [`SnapshotMark`].
    Snapshot,
}

impl Kind {
    /// The number of the type.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Metadata => 1,
            Self::Entry => 2,
            Self::HardState => 3,
            Self::Crc => 4,
            Self::Snapshot => 5,
        }
    }

    fn of(number: u64) -> Option<Self> {
        [Self::Metadata, Self::Entry, Self::HardState, Self::Crc, Self::Snapshot]
            .into_iter()
            .find(|kind| u64::from(kind.number()) == number)
    }
}

/// One record of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Where its frame begins, in bytes from the start of the file.
    pub offset: u64,
    /// What it is.
    pub kind: Kind,
    /// What it carries.
    pub data: &'a [u8],
}

/// The records of one log file, each with its checksum verified.
///
/// It ends at a length word of zero or at the end of the bytes, and after the first error. A file that is not the first of its log
/// states in its first record the checksum that the file before it ended with; that one is taken as given.
///
/// ```
/// use etcd_format::membership::InitialCluster;
/// use etcd_format::wal::{initial_log, Kind, Records};
///
/// let cluster = InitialCluster::parse("a=http://localhost:2380", "token")?;
/// let log = initial_log(&cluster, cluster.members()[0].id());
/// let kinds: Result<Vec<Kind>, _> = Records::new(&log).map(|record| record.map(|record| record.kind)).collect();
/// assert_eq!(kinds?, [Kind::Crc, Kind::Metadata, Kind::Snapshot, Kind::Entry, Kind::HardState, Kind::Snapshot]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    offset: u64,
    crc: Option<u32>,
    ended: bool,
}

impl<'a> Records<'a> {
    /// Reads a log file from its first byte on.
    #[must_use]
    pub fn new(file: &'a [u8]) -> Self {
        Self { rest: file, offset: 0, crc: None, ended: false }
    }

    /// Where the next frame begins; at the end, the length of what is used.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn read(&mut self) -> Result<Option<Record<'a>>, FormatError> {
        let Some((word, rest)) = self.rest.split_first_chunk::<8>() else {
            return if self.rest.is_empty() { Ok(None) } else { Err(self.truncated()) };
        };
        let word = u64::from_le_bytes(*word);
        if word == 0 {
            return Ok(None);
        }
        let (len, padding) = self.lengths(word)?;
        let (bytes, rest) = rest.split_at_checked(len).ok_or_else(|| self.truncated())?;
        let (zeros, rest) = rest.split_at_checked(padding).ok_or_else(|| self.truncated())?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(self.damaged("padding of zeros"));
        }
        let record = self.record(bytes)?;
        self.offset = self.offset.saturating_add(8).saturating_add(len as u64).saturating_add(padding as u64);
        self.rest = rest;
        Ok(Some(record))
    }

    /// Length of the record and of its padding.
    fn lengths(&self, word: u64) -> Result<(usize, usize), FormatError> {
        let len = word & ((1 << 56) - 1);
        let padding = len.checked_next_multiple_of(8).map_or(0, |padded| padded.saturating_sub(len));
        let top = if padding == 0 { 0 } else { 0x80 | padding };
        if word >> 56 != top || len == 0 {
            return Err(self.damaged("a length word").found(format!("{word:#x}")));
        }
        let len = usize::try_from(len).map_err(|_| self.truncated())?;
        Ok((len, padding as usize))
    }

    fn record(&mut self, bytes: &'a [u8]) -> Result<Record<'a>, FormatError> {
        let (mut kind, mut crc, mut data) = (0, 0, &[][..]);
        for field in Fields::new(bytes) {
            match field.map_err(|error| error.at(self.offset))? {
                (1, value) => kind = value.number(),
                (2, value) => crc = value.number(),
                (3, value) => data = value.bytes(),
                _ => {}
            }
        }
        let kind = Kind::of(kind).ok_or_else(|| self.damaged("a record type from 1 to 5").found(kind.to_string()))?;
        let expected = match (kind, self.crc) {
            (Kind::Crc, before) => before.filter(|before| *before != 0),
            (_, None) => return Err(self.damaged("a checksum record first")),
            (_, Some(before)) => Some(crc32c::crc32c_append(before, data)),
        };
        match expected {
            Some(expected) if u64::from(expected) != crc => {
                let expected = format!("the checksum {expected:#010x}");
                return Err(FormatError::new(ErrorKind::Damaged, expected)
                    .found(format!("{crc:#010x}"))
                    .at(self.offset));
            }
            _ => {}
        }
        self.crc = Some(u32::try_from(crc).map_err(|_| self.damaged("a checksum of 32 bits"))?);
        Ok(Record { offset: self.offset, kind, data })
    }

    fn truncated(&self) -> FormatError {
        FormatError::new(ErrorKind::Truncated, "the rest of a record").at(self.offset)
    }

    fn damaged(&self, expected: &'static str) -> FormatError {
        FormatError::new(ErrorKind::Damaged, expected).at(self.offset)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.read().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

/// Whose log it is: `etcdserverpb.Metadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The member.
    pub member: MemberId,
    /// Its cluster.
    pub cluster: ClusterId,
}

impl Metadata {
    /// Reads the data of a [`Kind::Metadata`] record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`].
    pub fn decode(data: &[u8]) -> Result<Self, FormatError> {
        let (mut member, mut cluster) = (0, 0);
        for field in Fields::new(data) {
            match field? {
                (1, value) => member = value.number(),
                (2, value) => cluster = value.number(),
                _ => {}
            }
        }
        Ok(Self { member: MemberId::new(member), cluster: ClusterId::new(cluster) })
    }
}

/// What raft must not forget: `raftpb.HardState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HardState {
    /// The term.
    pub term: u64,
    /// Whom the member voted for in it; 0 for nobody.
    pub vote: MemberId,
    /// The index of the last entry that is known to be committed.
    pub commit: u64,
}

impl HardState {
    /// Reads the data of a [`Kind::HardState`] record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`].
    pub fn decode(data: &[u8]) -> Result<Self, FormatError> {
        let mut state = Self { term: 0, vote: MemberId::new(0), commit: 0 };
        for field in Fields::new(data) {
            match field? {
                (1, value) => state.term = value.number(),
                (2, value) => state.vote = MemberId::new(value.number()),
                (3, value) => state.commit = value.number(),
                _ => {}
            }
        }
        Ok(state)
    }
}

/// That a snapshot was taken: `walpb.Snapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotMark {
    /// The index of the last entry in it.
    pub index: u64,
    /// The term of that entry.
    pub term: u64,
    /// The members at that point; `None` in logs of etcd 3.4 and at index 0.
    pub conf_state: Option<ConfState>,
}

impl SnapshotMark {
    /// Reads the data of a [`Kind::Snapshot`] record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`].
    pub fn decode(data: &[u8]) -> Result<Self, FormatError> {
        let mut mark = Self { index: 0, term: 0, conf_state: None };
        for field in Fields::new(data) {
            match field? {
                (1, value) => mark.index = value.number(),
                (2, value) => mark.term = value.number(),
                (3, value) => mark.conf_state = Some(ConfState::from_protobuf(value.bytes())?),
                _ => {}
            }
        }
        Ok(mark)
    }
}
