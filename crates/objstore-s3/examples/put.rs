//! A file into a bucket, in bounded memory, never overwriting: `put FILE BUCKET KEY`.
//!
//! Credentials, region and endpoint are what the machine offers; `AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000` for a
//! store of one's own.

#![expect(clippy::print_stdout, reason = "the example shows what it did")]

use objstore_s3::{
    S3Store,
    objstore_core::{Condition, ObjectKey, ObjectStore as _, UploadOptions, WriteOptions},
};
use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, file, bucket, key] = &args[..] else { return Err("usage: put FILE BUCKET KEY".into()) };
    let store = S3Store::builder(bucket).from_env()?.build().await?;

    let mut file = tokio::fs::File::open(file).await?;
    let length = file.metadata().await?.len();
    let only_if_absent = WriteOptions::new().with_condition(Condition::Absent);
    let options = UploadOptions::new().with_write(only_if_absent).with_size_hint(length);
    let mut upload = store.start_upload(&ObjectKey::new(key)?, options).await?;
    loop {
        let mut chunk = Vec::with_capacity(1 << 20);
        if file.read_buf(&mut chunk).await? == 0 {
            break;
        }
        upload.write(chunk.into()).await?;
    }
    let written = upload.finish().await?;
    println!("{store}: {} bytes at revision {}", written.size, written.revision);
    Ok(())
}
