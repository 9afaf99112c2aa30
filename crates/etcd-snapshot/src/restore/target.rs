//! What is in the place that a restore is asked to fill.

use std::path::{Component, Path, PathBuf};

use objstore_core::disk::FileKind;

use super::claim::{self, Claim, Found};
use super::files::Files;
use super::marker::{self, RestoreMarker};
use super::options::RestoreOptions;
use crate::{Error, Result};

/// The folder in which etcd keeps its data.
const MEMBER: &str = "member";
/// The folder of the v2 proxy, which etcd had until 3.5. Every etcd from 3.4 to 3.7 refuses a data directory that has
/// both names, and a regular file of this name alone (`identifyDataDirOrDie` in `server/etcdmain/etcd.go`, 3.6).
const PROXY: &str = "proxy";

/// The paths of a restore, all absolute.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// The data directory.
    pub(super) data_dir: PathBuf,
    /// The folder of the log, when it is not in `member`.
    pub(super) wal_dir: Option<PathBuf>,
}

impl Paths {
    pub(super) fn new(options: &RestoreOptions) -> Result<Self> {
        let data_dir = absolute(&options.data_dir_or_default())?;
        let wal_dir = options.wal_dir.as_deref().map(absolute).transpose()?;
        let (plain_data, plain_member) = (without_dots(&data_dir), without_dots(&data_dir.join(MEMBER)));
        let wal_dir = wal_dir.filter(|dir| without_dots(dir) != plain_member.join("wal"));
        let overlaps = |dir: &Path| dir.starts_with(&plain_member) || plain_data.starts_with(dir);
        match &wal_dir {
            Some(dir) if overlaps(&without_dots(dir)) => Err(Error::usage(format!(
                "the log directory {} and the data directory {} overlap: put the log elsewhere, or leave it where etcd keeps it by default",
                dir.display(),
                data_dir.display()
            ))),
            Some(dir) if dir.to_str().is_none() => {
                Err(Error::usage(format!("the path {} is not UTF-8", dir.display())))
            }
            _ => Ok(Self { data_dir, wal_dir }),
        }
    }

    pub(super) fn member(&self) -> PathBuf {
        self.data_dir.join(MEMBER)
    }

    /// The second guard, for file systems that cannot exchange two names.
    pub(super) fn proxy(&self) -> PathBuf {
        self.data_dir.join(PROXY)
    }

    pub(super) fn staging(&self, claim: &Claim) -> PathBuf {
        self.data_dir.join(claim.staging_name())
    }
}

/// What was found in the data directory.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// No data. The folder itself need not exist.
    Vacant,
    /// A restore was stopped here. Without its notes it had made nothing but the claim.
    Stopped(Option<Claim>),
    /// A restore finished here; `leftovers` if it was stopped before it had cleaned up.
    Restored { marker: Box<RestoreMarker>, leftovers: bool },
    /// Somebody else's data.
    Populated(PathBuf),
}

impl Place {
    pub(super) fn inspect(files: &Files, paths: &Paths) -> Result<Self> {
        match files.kind(&paths.data_dir)? {
            None => return Ok(Self::Vacant),
            Some(FileKind::Dir) => {}
            Some(FileKind::Symlink) => {
                return Err(Error::refused(format!(
                    "{} is a symbolic link: name the folder that it leads to",
                    paths.data_dir.display()
                )));
            }
            Some(_) => {
                return Err(Error::refused(format!(
                    "{} is not a folder: name one that does not exist, or has no data",
                    paths.data_dir.display()
                )));
            }
        }
        let guard = guard(files, &paths.proxy())?;
        let member = paths.member();
        match (files.kind(&member)?, guard) {
            (_, Some(Found::Foreign)) => Ok(Self::Populated(paths.proxy())),
            (None, None) => Ok(Self::Vacant),
            (None, Some(found)) => Ok(Self::stopped(found)),
            (Some(FileKind::File), _) => Ok(match read_claim(files, &member)? {
                Found::Foreign => Self::Populated(member),
                found => Self::stopped(found),
            }),
            (Some(FileKind::Dir), guard) => match read_marker(files, &member)? {
                Some(marker) => {
                    let leftovers = guard.is_some() || !temporaries(files, &paths.data_dir)?.is_empty();
                    Ok(Self::Restored { marker: Box::new(marker), leftovers })
                }
                None => Ok(Self::Populated(member)),
            },
            (Some(_), _) => Ok(Self::Populated(member)),
        }
    }

    fn stopped(found: Found) -> Self {
        match found {
            Found::Whole(claim) => Self::Stopped(Some(claim)),
            Found::Torn | Found::Foreign => Self::Stopped(None),
        }
    }
}

/// Refuses a log directory that holds anything but what a file system puts there itself.
pub(super) fn check_wal_dir(files: &Files, dir: &Path, stopped: Option<&Claim>) -> Result<()> {
    match files.kind(dir)? {
        None => return Ok(()),
        Some(FileKind::Dir) => {}
        Some(_) => return Err(Error::refused(format!("the log directory {} is not a folder", dir.display()))),
    }
    // What a stopped restore left there is taken away before anything is written.
    let ours = stopped.and_then(|claim| claim.wal.as_ref()).filter(|wal| Path::new(&wal.dir) == dir);
    for (name, _) in files.entries(dir)? {
        let left_behind = claim::is_temporary(&name)
            || match ours {
                Some(wal) => name == wal.name && holds_head(files, &dir.join(&name), &wal.head)?,
                None => false,
            };
        if name != "lost+found" && !left_behind {
            return Err(Error::refused(format!(
                "the log directory {} is not empty, it holds {name}: name one that does not exist, or is empty",
                dir.display()
            )));
        }
    }
    Ok(())
}

/// Whether a file begins with these bytes, given as hex.
pub(super) fn holds_head(files: &Files, path: &Path, head: &str) -> Result<bool> {
    if files.kind(path)? != Some(FileKind::File) {
        return Ok(false);
    }
    let bytes = files.read_head(path, head.len() / 2)?;
    Ok(crate::receive::to_hex(&bytes) == head)
}

/// The names in a folder that only a restore makes.
pub(super) fn temporaries(files: &Files, dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = files.entries(dir)?.into_iter();
    Ok(entries.filter(|(name, _)| claim::is_temporary(name)).map(|(name, _)| dir.join(name)).collect())
}

fn guard(files: &Files, path: &Path) -> Result<Option<Found>> {
    match files.kind(path)? {
        None => Ok(None),
        Some(FileKind::File) => read_claim(files, path).map(Some),
        Some(_) => Ok(Some(Found::Foreign)),
    }
}

pub(super) fn read_claim(files: &Files, path: &Path) -> Result<Found> {
    Ok(files.read_small(path, claim::MAX_LEN)?.map_or(Found::Foreign, |bytes| Claim::parse(&bytes)))
}

fn read_marker(files: &Files, member: &Path) -> Result<Option<RestoreMarker>> {
    let path = member.join(marker::NAME);
    if files.kind(&path)? != Some(FileKind::File) {
        return Ok(None);
    }
    Ok(files.read_small(&path, marker::MAX_LEN)?.and_then(|bytes| RestoreMarker::parse(&bytes)))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| Error::usage(format!("{} is not a path", path.display())).with_source(e))
}

/// The path without `..`, as far as text tells: good enough to see that two paths were mixed up.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}
