//! What stands on a disk, as one value.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use objstore_core::disk::{Disk as _, ModelDisk, Survival};
use sha2::{Digest as _, Sha256};

/// What stands where: the content of files, nothing for folders.
pub type Contents = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Everything on a disk.
pub fn contents(disk: &ModelDisk) -> Contents {
    let mut found = Contents::new();
    let mut waiting = vec![PathBuf::from("/")];
    // A disk that was stopped answers nothing; what is up again does.
    let disk = disk.after_crash(Survival::Everything);
    while let Some(dir) = waiting.pop() {
        for entry in disk.read_dir(&dir).expect("the folder is there") {
            let path = dir.join(entry.name);
            match disk.read(&path) {
                Ok(content) => drop(found.insert(path, Some(content))),
                Err(_) => {
                    found.insert(path.clone(), None);
                    waiting.push(path);
                }
            }
        }
    }
    found
}

/// Whether a restore made this for a while only.
pub fn is_litter(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_string_lossy().starts_with(".etcd-restore-"))
}

pub fn without_litter(contents: &Contents) -> Vec<(&PathBuf, &Option<Vec<u8>>)> {
    contents.iter().filter(|(path, _)| !is_litter(path)).collect()
}

pub fn names(contents: &Contents) -> String {
    let name = |(path, content): (&PathBuf, &Option<Vec<u8>>)| match content {
        Some(content) => format!("{} ({} bytes)", path.display(), content.len()),
        None => format!("{}/", path.display()),
    };
    contents.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What an etcd can see of a disk: everything, but for what is in folders and files with a temporary name, into which no
/// etcd looks.
pub fn seen_by_etcd(contents: &Contents) -> Contents {
    let seen = contents.iter().filter(|(path, _)| !path.parent().is_some_and(is_litter));
    seen.map(|(path, content)| (path.clone(), content.clone().filter(|_| !is_litter(path)))).collect()
}

/// A digest over names and contents.
pub fn digest(contents: &Contents) -> [u8; 32] {
    let mut digest = Sha256::new();
    for (path, content) in contents {
        digest.update((path.as_os_str().len() as u64).to_le_bytes());
        digest.update(path.as_os_str().as_encoded_bytes());
        digest.update(content.as_ref().map_or(u64::MAX, |content| content.len() as u64).to_le_bytes());
        digest.update(content.as_deref().unwrap_or_default());
    }
    digest.finalize().into()
}

/// Puts a disk into a real folder.
pub fn materialise(disk: &ModelDisk, into: &Path) {
    let disk = disk.after_crash(Survival::Everything);
    disk.write_to(Path::new("/"), into).expect("the folder is there and empty");
}

/// Where something of a disk lies in the folder that it was put into.
pub fn real(into: &Path, path: &Path) -> PathBuf {
    into.join(path.strip_prefix("/").expect("paths of the disk are absolute"))
}

/// A file for the snapshot of a whole test binary.
pub fn keep(snapshot: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("snapshot.db");
    fs::write(&path, snapshot).expect("the folder can be written");
    (dir, path)
}
