//! Editing a bolt file without rewriting it.
