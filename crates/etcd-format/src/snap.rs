//! The raft snapshot file of a fresh member.
