//! The write-ahead log of a fresh member.
