//! The schemes that this crate brings.

use std::sync::Arc;

use async_trait::async_trait;

use super::{OpenedKey, OpenedPrefix, SchemeFactory, StoreUrl, wrong};
use crate::{MemoryStore, ObjectKey, Prefix, Result};

/// `memory://name[/path]`: a store that the process shares by its name.
#[derive(Debug)]
pub(super) struct Memory;

#[async_trait]
impl SchemeFactory for Memory {
    async fn open_prefix(&self, url: &StoreUrl) -> Result<OpenedPrefix> {
        let prefix =
            if url.path().is_empty() { Prefix::root() } else { Prefix::root().child(url.path()).map_err(bad_path)? };
        Ok(OpenedPrefix::new(Arc::new(open_memory(url)?), prefix))
    }

    async fn open_key(&self, url: &StoreUrl) -> Result<OpenedKey> {
        let key = ObjectKey::new(url.path()).map_err(bad_path)?;
        Ok(OpenedKey::new(Arc::new(open_memory(url)?), key))
    }
}

fn open_memory(url: &StoreUrl) -> Result<MemoryStore> {
    url.only_params(&[])?;
    if url.bucket().is_empty() {
        return Err(wrong("a store in memory needs a name: memory://name"));
    }
    Ok(MemoryStore::named(url.bucket()))
}

/// `file:///folder` as a place is a store rooted at the folder; `file:///folder/name` as a key is `name` in `folder`.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Files;

#[cfg(unix)]
#[async_trait]
impl SchemeFactory for Files {
    async fn open_prefix(&self, url: &StoreUrl) -> Result<OpenedPrefix> {
        check_file(url)?;
        let store = crate::FileStore::open(format!("/{}", url.path()))?;
        Ok(OpenedPrefix::new(Arc::new(store), Prefix::root()))
    }

    async fn open_key(&self, url: &StoreUrl) -> Result<OpenedKey> {
        check_file(url)?;
        let (folder, name) = url.path().rsplit_once('/').unwrap_or(("", url.path()));
        let key = ObjectKey::new(name).map_err(bad_path)?;
        let store = crate::FileStore::open(format!("/{folder}"))?;
        Ok(OpenedKey::new(Arc::new(store), key))
    }
}

#[cfg(unix)]
fn check_file(url: &StoreUrl) -> Result<()> {
    url.only_params(&[])?;
    if !url.bucket().is_empty() {
        return Err(wrong("the URL of a folder has three slashes and an absolute path: file:///folder"));
    }
    Ok(())
}

fn bad_path(invalid: crate::InvalidKey) -> crate::Error {
    wrong("the path of the URL is not a key").with_source(invalid)
}
