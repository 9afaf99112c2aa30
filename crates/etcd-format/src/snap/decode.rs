//! Reading a `.snap` file back.

use crate::membership::ConfState;
use crate::protobuf::Fields;
use crate::{ErrorKind, FormatError};

/// What a `.snap` file says, its checksum verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RaftSnapshot {
    /// The index of the last entry in it.
    pub index: u64,
    /// The term of that entry.
    pub term: u64,
    /// The members at that point, as raft keeps them.
    pub conf_state: ConfState,
    /// The v2 store, as JSON.
    pub v2_store: Vec<u8>,
}

impl RaftSnapshot {
    /// Reads a whole `.snap` file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] if a field is missing or the checksum is not that of the data, [`ErrorKind::Truncated`]
    /// if the file is empty. Such a file makes etcd 3.4 to 3.6 rename it to `.broken`.
    pub fn decode(file: &[u8]) -> Result<Self, FormatError> {
        if file.is_empty() {
            return Err(FormatError::new(ErrorKind::Truncated, "a raft snapshot").found("an empty file"));
        }
        let (mut crc, mut data) = (0, &[][..]);
        for field in Fields::new(file) {
            match field? {
                (1, value) => crc = value.number(),
                (2, value) => data = value.bytes(),
                _ => {}
            }
        }
        if data.is_empty() || crc == 0 {
            return Err(FormatError::new(ErrorKind::Damaged, "a raft snapshot with a checksum"));
        }
        let actual = crc32c::crc32c(data);
        if u64::from(actual) != crc {
            let expected = format!("the checksum {crc:#010x}");
            return Err(FormatError::new(ErrorKind::Damaged, expected).found(format!("{actual:#010x}")));
        }
        Self::message(data)
    }

    fn message(data: &[u8]) -> Result<Self, FormatError> {
        let mut snapshot = Self { index: 0, term: 0, conf_state: ConfState::default(), v2_store: Vec::new() };
        for field in Fields::new(data) {
            match field? {
                (1, value) => snapshot.v2_store = value.bytes().to_vec(),
                (2, value) => snapshot.metadata(value.bytes())?,
                _ => {}
            }
        }
        Ok(snapshot)
    }

    fn metadata(&mut self, metadata: &[u8]) -> Result<(), FormatError> {
        for field in Fields::new(metadata) {
            match field? {
                (1, value) => self.conf_state = ConfState::from_protobuf(value.bytes())?,
                (2, value) => self.index = value.number(),
                (3, value) => self.term = value.number(),
                _ => {}
            }
        }
        Ok(())
    }
}
