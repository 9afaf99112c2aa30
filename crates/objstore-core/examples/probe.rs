//! Finds out what a bucket really does, and opens it for work only if that is enough.
//!
//! `cargo run --example probe -- file:///backups`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{error::Error, sync::Arc};

use objstore_core::{
    ObjectStore, ObjectStoreExt as _, Promise, Registry, StoreUrl, layers::StoreBuilder, probe::Probe,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: probe URL, for example probe memory://x/backups")?;
    // A registry of a program that talks to a cloud knows its schemes too.
    let opened = Registry::with_defaults().open_prefix(&StoreUrl::parse(&url)?).await?;

    // It writes some 250 MB below a random prefix, and removes them.
    let report = Probe::new(Arc::clone(&opened.store)).with_prefix(opened.prefix.clone()).run().await?;
    println!("{report}");
    report.require(&[Promise::CreateIfAbsent, Promise::UpdateIfMatch, Promise::ReadAfterWrite])?;

    // Time limits, retries, and what was not seen to hold is refused.
    let store = StoreBuilder::new(opened.store).with_report(report).with_calls(32).with_prefix(opened.prefix).build();
    let key = "example".parse()?;
    let written = store.put_bytes(&key, "1").await?;
    store.replace(&key, written.revision, "2").await?;
    println!("{store} holds {:?}", store.get_bytes(&key, 10).await?.1);
    store.delete(&key, Default::default()).await?;
    Ok(())
}
