//! What layers do: that they pass everything on is shown by `stores.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod each;
mod faulty;
mod retries;
