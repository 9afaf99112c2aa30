//! Where bytes come from.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use objstore_core::{Checksums, Headers, ReadOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::End;
use crate::exit::Ended;

/// How much is read from a file or a pipe at a time.
const CHUNK: usize = 1 << 20;

/// An end that is read.
pub(super) struct Source {
    /// Where it is known beforehand.
    pub(super) size: Option<u64>,
    /// What the store knows of the bytes.
    pub(super) checksums: Checksums,
    /// What the store keeps beside them.
    pub(super) headers: Headers,
    pub(super) body: BoxStream<'static, anyhow::Result<Bytes>>,
}

impl Source {
    pub(super) async fn open(end: &End) -> anyhow::Result<Self> {
        match end {
            End::Pipe => Ok(Self::stream(tokio::io::stdin(), None)),
            End::File(path) => {
                let file = tokio::fs::File::open(path).await?;
                let meta = file.metadata().await?;
                if meta.is_dir() {
                    return Err(Ended::usage("it is a folder: name a file"));
                }
                Ok(Self::stream(file, meta.is_file().then_some(meta.len())))
            }
            End::Object(spot) => {
                let get = spot.store.get(&spot.key, None, ReadOptions::new()).await?;
                Ok(Self {
                    size: Some(get.meta.size),
                    checksums: get.meta.checksums,
                    headers: get.meta.headers,
                    body: get.body.map_err(anyhow::Error::from).boxed(),
                })
            }
        }
    }

    fn stream(from: impl AsyncRead + Send + Unpin + 'static, size: Option<u64>) -> Self {
        let body = stream::try_unfold(from, |mut from| async move {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            let read = from.read_buf(&mut chunk).await?;
            Ok((read > 0).then(|| (chunk.freeze(), from)))
        });
        Self { size, checksums: Checksums::new(), headers: Headers::new(), body: body.boxed() }
    }
}
