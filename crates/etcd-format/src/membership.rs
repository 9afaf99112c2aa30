//! Member and cluster ids, and what a member looks like in the database.
