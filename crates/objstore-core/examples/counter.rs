//! A counter that several processes increment, without losing any.
//!
//! `cargo run --example counter -- file:///tmp/counters/visits`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use objstore_core::{ErrorKind, ObjectKey, ObjectStore, ObjectStoreExt as _, Promise, Registry, StoreUrl};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: counter URL, for example counter memory://x/visits")?;
    let opened = Registry::with_defaults().open_key(&StoreUrl::parse(&url)?).await?;
    // Some stores accept a condition and ignore it: find that out before relying on one.
    opened.store.capabilities().require(Promise::UpdateIfMatch)?;
    println!("{} is now {}", opened.key, increment(&*opened.store, &opened.key).await?);
    Ok(())
}

/// Adds one, and says what it made.
async fn increment(store: &dyn ObjectStore, key: &ObjectKey) -> Result<u64, Box<dyn Error>> {
    loop {
        let (count, result) = match store.get_bytes(key, 20).await {
            Ok((meta, bytes)) => {
                let count = std::str::from_utf8(&bytes)?.trim().parse::<u64>()? + 1;
                (count, store.replace(key, meta.revision, count.to_string()).await)
            }
            Err(error) if error.is_not_found() => (1, store.create(key, "1").await),
            Err(error) => return Err(error.into()),
        };
        match result {
            Ok(_) => return Ok(count),
            // Somebody was faster, and nothing was changed: look again.
            Err(error) if error.is_condition_failed() || error.kind() == ErrorKind::Conflict => {}
            // Whether it was counted is in `error.effect()`.
            Err(error) => return Err(error.into()),
        }
    }
}
