//! Restore: under construction.
