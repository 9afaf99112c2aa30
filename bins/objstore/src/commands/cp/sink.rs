//! Where bytes go.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use objstore_core::{Capabilities, Checksums, Headers, Upload, UploadOptions, WriteOptions};
use tempfile::TempPath;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt as _, Stdout};

use super::End;
use crate::exit::Ended;

/// An end that is written.
pub(super) enum Sink {
    Pipe(Stdout),
    /// A device, a socket, a named pipe: what cannot be replaced.
    Device(File),
    /// A file beside the one that it replaces at the end.
    File {
        part: TempPath,
        file: File,
        path: PathBuf,
    },
    Object(Box<dyn Upload>),
}

/// What an end knows of what was written.
pub(super) struct Landed {
    pub(super) size: Option<u64>,
    pub(super) checksums: Checksums,
}

impl Sink {
    /// `headers` and `size` are those of what is to be written, as far as they are known.
    pub(super) async fn open(end: &End, headers: &Headers, size: Option<u64>) -> anyhow::Result<Self> {
        match end {
            End::Pipe => Ok(Self::Pipe(tokio::io::stdout())),
            End::File(path) => file(path).await,
            End::Object(spot) => {
                let headers = kept(headers, &spot.store.capabilities());
                let options = UploadOptions::new().with_write(WriteOptions::new().with_headers(headers));
                let options = match size {
                    Some(size) => options.with_size_hint(size),
                    None => options,
                };
                Ok(Self::Object(spot.store.start_upload(&spot.key, options).await?))
            }
        }
    }

    pub(super) async fn write(&mut self, chunk: Bytes) -> anyhow::Result<()> {
        match self {
            Self::Pipe(out) => out.write_all(&chunk).await?,
            Self::Device(file) | Self::File { file, .. } => file.write_all(&chunk).await?,
            Self::Object(upload) => upload.write(chunk).await?,
        }
        Ok(())
    }

    /// Makes it visible, whole.
    pub(super) async fn finish(self) -> anyhow::Result<Landed> {
        let unknown = Landed { size: None, checksums: Checksums::new() };
        match self {
            Self::Pipe(mut out) => out.flush().await?,
            Self::Device(mut file) => file.flush().await?,
            Self::File { part, mut file, path } => {
                file.flush().await?;
                file.sync_all().await?;
                let size = file.metadata().await?.len();
                part.persist(&path)?;
                File::open(folder(&path)).await?.sync_all().await?;
                return Ok(Landed { size: Some(size), ..unknown });
            }
            Self::Object(mut upload) => {
                let written = upload.finish().await?;
                return Ok(Landed { size: Some(written.size), checksums: written.checksums });
            }
        }
        Ok(unknown)
    }
}

async fn file(path: &Path) -> anyhow::Result<Sink> {
    let there = match tokio::fs::metadata(path).await {
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if path.to_string_lossy().ends_with('/') || there.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        return Err(Ended::usage("it is a folder: name the file"));
    }
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return Ok(Sink::Device(tokio::fs::OpenOptions::new().write(true).open(path).await?));
    }
    // A link is followed, as `cp` does.
    let path = if there.is_some() { tokio::fs::canonicalize(path).await? } else { path.to_owned() };
    let mode = there.map_or(0o666, |there| there.permissions().mode() & 0o777);
    let part = tempfile::Builder::new()
        .prefix(".objstore-cp-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder(&path))?;
    let (file, part) = part.into_parts();
    Ok(Sink::File { part, file: File::from_std(file), path })
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The headers that the destination can keep.
fn kept(headers: &Headers, capabilities: &Capabilities) -> Headers {
    let features = capabilities.features();
    let mut kept = if features.http_headers { headers.clone() } else { Headers::new() };
    kept.metadata = if features.user_metadata { headers.metadata.clone() } else { Default::default() };
    kept
}
