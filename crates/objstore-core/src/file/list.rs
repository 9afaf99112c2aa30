//! Listings, sorted by the bytes of the keys.
//!
//! Within a folder, names are sorted with a `/` after those of folders: so `a.b` comes before `a/b`, and a walk in this
//! order meets the keys in theirs. A page reads the folders on its way as a whole.

use std::{ffi::OsStr, io, path::Path};

use super::{
    errors::{failed, is_no_object},
    files::Files,
    layout::{STAGING, is_reserved, parse_staged},
};
use crate::{
    Error, ErrorKind, ListOptions, ListPage, ObjectKey, PageToken, Prefix, Result, UploadInfo, UploadPage,
    disk::{DirEntry, FileKind},
    rules::{Place, page_of_uploads, unsupported},
};

/// The most entries of one page.
pub(super) const PAGE_ITEMS: u32 = 1000;

/// What a walk through the folders gathers.
struct Walk<'f> {
    files: &'f Files,
    place: Place,
    last: Place,
    delimited: bool,
    limit: usize,
    page: ListPage,
}

/// Whether a walk goes on.
#[derive(PartialEq)]
enum Flow {
    On,
    Full,
}

/// An entry of a folder, by the key or prefix that it stands for.
enum Entry {
    Object(ObjectKey),
    Folder(Prefix),
    Invalid(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Object(key) => key.as_str(),
            Self::Folder(prefix) => prefix.as_str(),
            Self::Invalid(name) => name,
        }
    }
}

impl Files {
    pub(super) fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        if options.versions {
            return Err(unsupported("a file store keeps no old versions"));
        }
        let mut walk = Walk {
            files: self,
            place: Place::of(options.after.as_ref(), options.start_after.as_ref())?,
            last: Place::Start,
            delimited: options.delimited,
            limit: options.limit.map_or(PAGE_ITEMS, |limit| limit.get().min(PAGE_ITEMS)) as usize,
            page: ListPage::new(),
        };
        if self.is_walkable(prefix)? && walk.folder(prefix)? == Flow::Full {
            walk.page.next = walk.last.token();
            // What comes after the last entry is on the next page.
            let Walk { page, last, .. } = &mut walk;
            page.invalid.retain(|name| last.skips(name));
        }
        Ok(walk.page)
    }

    /// Whether a prefix names a folder that is reached without links.
    fn is_walkable(&self, prefix: &Prefix) -> Result<bool> {
        let Some(path) = prefix.as_str().strip_suffix('/') else {
            return Ok(true);
        };
        let plain = ObjectKey::new(path).is_ok_and(|key| key.check_portable().is_ok());
        if !plain || path.split('/').any(is_reserved) {
            return Ok(false);
        }
        self.has_real_parents(&self.root.join(path).join("entry"))
    }

    /// The entries of a folder of objects, sorted.
    fn entries(&self, prefix: &Prefix) -> Result<Vec<Entry>> {
        let path = self.root.join(prefix.as_str());
        let found = match self.disk.read_dir(&path) {
            Err(error) if is_no_object(&error) => {
                self.check_root()?;
                Vec::new()
            }
            other => other.map_err(|error| failed("list", &path, error))?,
        };
        let mut entries: Vec<_> = found.into_iter().filter_map(|found| entry(prefix, &found)).collect();
        entries.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        Ok(entries)
    }

    /// A store that was never written to has no folder. One that is a file, or a link to nowhere, is a mistake.
    fn check_root(&self) -> Result<()> {
        let wrong = match self.disk.metadata(&self.root).map(|root| root.kind) {
            Ok(FileKind::Dir) | Err(_) => return Ok(()),
            Ok(FileKind::Symlink) => match self.disk.read_dir(&self.root) {
                Ok(_) => return Ok(()),
                Err(_) => "is a symbolic link that leads to no folder",
            },
            Ok(_) => "is not a folder",
        };
        let detail = format!("{} {wrong}: name the folder that holds the objects", self.root.display());
        Err(Error::new(ErrorKind::InvalidConfig).with_detail(detail))
    }

    /// Whether anything lies below a folder, from a place on: an empty folder is no prefix of anything.
    fn holds_objects(&self, prefix: &Prefix, place: &Place) -> Result<bool> {
        for entry in self.entries(prefix)? {
            let holds = match entry {
                Entry::Folder(folder) => !place.skips_all(folder.as_str()) && self.holds_objects(&folder, place)?,
                other => !place.skips(other.name()),
            };
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Uploads that were begun and neither finished nor given up.
    pub(super) fn uploads(&self, prefix: &Prefix, after: Option<&PageToken>) -> Result<UploadPage> {
        let mut found = Vec::new();
        self.staged(&self.root.join(STAGING), "", &mut found)?;
        page_of_uploads(found, prefix, after)
    }

    fn staged(&self, dir: &Path, before: &str, found: &mut Vec<UploadInfo>) -> Result<()> {
        let entries = match self.disk.read_dir(dir) {
            Err(error) if is_no_object(&error) => return Ok(()),
            other => other.map_err(|error| failed("list", dir, error))?,
        };
        for entry in entries {
            let Some(name) = entry.name.to_str() else { continue };
            let path = dir.join(name);
            match (entry.kind, name.strip_suffix('+')) {
                (FileKind::Dir, Some(part)) => self.staged(&path, &format!("{before}{part}"), found)?,
                (FileKind::File, _) => found.extend(self.staged_file(&path, &format!("{before}{name}"))?),
                _ => {}
            }
        }
        Ok(())
    }

    fn staged_file(&self, path: &Path, name: &str) -> Result<Option<UploadInfo>> {
        let Some((key, id)) = parse_staged(name) else { return Ok(None) };
        match self.disk.metadata(path) {
            Ok(metadata) => Ok(Some(UploadInfo::new(key, id).with_started(metadata.modified))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("look at", path, error)),
        }
    }
}

impl Walk<'_> {
    fn folder(&mut self, prefix: &Prefix) -> Result<Flow> {
        for entry in self.files.entries(prefix)? {
            let flow = match entry {
                Entry::Folder(folder) if self.place.skips_all(folder.as_str()) => Flow::On,
                Entry::Folder(folder) if self.delimited => self.rolled_up(folder)?,
                Entry::Folder(folder) => self.folder(&folder)?,
                other if self.place.skips(other.name()) => Flow::On,
                Entry::Object(key) => self.object(key)?,
                Entry::Invalid(name) => {
                    self.page.invalid.push(name);
                    Flow::On
                }
            };
            if flow == Flow::Full {
                return Ok(Flow::Full);
            }
        }
        Ok(Flow::On)
    }

    fn is_full(&self) -> bool {
        self.page.objects.len().saturating_add(self.page.prefixes.len()) >= self.limit
    }

    fn rolled_up(&mut self, folder: Prefix) -> Result<Flow> {
        if !self.files.holds_objects(&folder, &self.place)? {
            return Ok(Flow::On);
        }
        if self.is_full() {
            return Ok(Flow::Full);
        }
        self.last = Place::Past(folder.to_string());
        self.page.prefixes.push(folder);
        Ok(Flow::On)
    }

    fn object(&mut self, key: ObjectKey) -> Result<Flow> {
        if self.is_full() {
            return Ok(Flow::Full);
        }
        // Deleted since the folder was read: then it is not listed.
        if let Some(metadata) = self.files.find(&key)? {
            self.last = Place::After(key.to_string());
            self.page.objects.push(Files::meta(key, &metadata));
        }
        Ok(Flow::On)
    }
}

/// What a directory entry stands for; nothing for what is the store's own, or neither file nor folder.
fn entry(prefix: &Prefix, found: &DirEntry) -> Option<Entry> {
    let name = found.name.to_str();
    if name.is_some_and(is_reserved) {
        return None;
    }
    let valid = match found.kind {
        FileKind::File => name.and_then(|name| prefix.key(name).ok()).map(Entry::Object),
        FileKind::Dir => name.and_then(|name| prefix.child(name).ok()).map(Entry::Folder),
        _ => return None,
    };
    Some(valid.unwrap_or_else(|| Entry::Invalid(printable(prefix, &found.name))))
}

fn printable(prefix: &Prefix, name: &OsStr) -> String {
    format!("{prefix}{}", name.to_string_lossy()).chars().flat_map(char::escape_debug).collect()
}
