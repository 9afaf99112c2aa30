//! What layers do: that they pass everything on is shown by `stores.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod each;
mod events;
mod faults;
mod faulty;
mod retries;
mod storms;
