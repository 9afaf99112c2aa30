//! Backs up a file into a store, in bounded memory, never overwriting, and reads it back.
//!
//! `cargo run --example upload -- FILE file:///backups/name.db`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{error::Error, fs::File, io::Read as _};

use bytes::BytesMut;
use futures::TryStreamExt as _;
use objstore_core::{
    Condition, ErrorKind, Hasher, ObjectStore, ReadOptions, Registry, StoreUrl, UploadOptions, WriteOptions,
};

const CHUNK_BYTES: usize = 1 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(url)) = (args.next(), args.next()) else {
        return Err("usage: upload FILE URL, for example upload my.db file:///backups/my.db".into());
    };
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();

    let opened = Registry::with_defaults().open_key(&StoreUrl::parse(&url)?).await?;
    let (store, key) = (opened.store, opened.key);
    let write = WriteOptions::new().with_condition(Condition::Absent);
    let options = UploadOptions::new().with_write(write).with_size_hint(size);

    // Nothing is visible before `finish`; an upload that is dropped by a `?` is given up.
    let mut upload = store.start_upload(&key, options).await?;
    loop {
        let mut chunk = BytesMut::zeroed(CHUNK_BYTES);
        let read = file.read(&mut chunk)?; // a real program would not block here
        if read == 0 {
            break;
        }
        chunk.truncate(read);
        upload.write(chunk.freeze()).await?;
    }
    let written = match upload.finish().await {
        Ok(written) => written,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(format!("{key} was backed up before").into());
        }
        Err(error) => return Err(error.into()),
    };

    // A backup counts when it was read back.
    let mut body = store.get(&key, None, ReadOptions::new().with_matches(written.revision.clone())).await?.body;
    let mut hasher = Hasher::new();
    while let Some(chunk) = body.try_next().await? {
        hasher.update(&chunk);
    }
    if let Some(kind) = hasher.finish().mismatch(&written.checksums) {
        return Err(format!("{key} was stored with another {kind}").into());
    }
    println!("{key}: {} bytes, revision {}", written.size, written.revision);
    Ok(())
}
