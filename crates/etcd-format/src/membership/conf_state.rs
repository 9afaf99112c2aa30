//! Who votes, as raft keeps it.

use serde::Deserialize;

use super::MemberId;
use crate::protobuf::{self, Fields, Value};
use crate::{ErrorKind, FormatError};

/// The `confState` of the `meta` bucket (etcd 3.5 and newer): voters and learners in the order in which raft keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfState {
    /// Members that vote.
    pub voters: Vec<MemberId>,
    /// Members that only receive.
    pub learners: Vec<MemberId>,
}

impl ConfState {
    /// A state with these voters and no learners.
    #[must_use]
    pub fn of_voters(voters: impl IntoIterator<Item = MemberId>) -> Self {
        Self { voters: voters.into_iter().collect(), learners: Vec::new() }
    }

    /// The JSON that etcd writes, byte for byte: ids are decimal numbers, an empty list is left out.
    ///
    /// Source: etcd v3.6.15 `server/storage/schema/confstate.go`; the field tags of raft v3.6 `raftpb/raft.pb.go`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = "{".to_owned();
        for (name, ids) in [("voters", &self.voters), ("learners", &self.learners)] {
            if !ids.is_empty() {
                let ids: Vec<String> = ids.iter().map(|id| id.get().to_string()).collect();
                json.push_str(&format!("\"{name}\":[{}],", ids.join(",")));
            }
        }
        json.push_str("\"auto_leave\":false}");
        json
    }

    /// Reads what etcd wrote. A joint state (in the middle of a change of several members) keeps its incoming half.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] if it is not such JSON.
    pub fn from_json(json: &[u8]) -> Result<Self, FormatError> {
        let record: Record = serde_json::from_slice(json)
            .map_err(|error| FormatError::new(ErrorKind::Damaged, "a conf state").found(error.to_string()))?;
        let ids = |ids: Option<Vec<u64>>| ids.unwrap_or_default().into_iter().map(MemberId::new).collect();
        Ok(Self { voters: ids(record.voters), learners: ids(record.learners) })
    }

    /// Reads `raftpb.ConfState`: voters = 1, learners = 2, one field for each id or packed.
    pub(crate) fn from_protobuf(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut state = Self::default();
        for field in Fields::new(bytes) {
            match field? {
                (1, value) => push_ids(&mut state.voters, value)?,
                (2, value) => push_ids(&mut state.learners, value)?,
                _ => {}
            }
        }
        Ok(state)
    }
}

fn push_ids(ids: &mut Vec<MemberId>, value: Value<'_>) -> Result<(), FormatError> {
    match value {
        Value::Number(id) => ids.push(MemberId::new(id)),
        Value::Bytes(packed) => ids.extend(protobuf::packed(packed)?.into_iter().map(MemberId::new)),
    }
    Ok(())
}

#[derive(Deserialize)]
struct Record {
    voters: Option<Vec<u64>>,
    learners: Option<Vec<u64>>,
}
