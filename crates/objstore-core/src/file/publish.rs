//! The moments at which an object appears, changes or goes.

use std::io;

use super::{
    errors::failed,
    files::{ATTEMPTS, Files, beside_folder, in_the_way, revision},
    layout::object_path,
    staged::Staged,
};
use crate::{
    Condition, DeleteOptions, Deleted, Effect, Error, ErrorKind, ObjectKey, Result, Retry, Written,
    disk::{DiskLock, FileKind, Metadata},
    rules::{check_change, check_delete, unsupported},
};

/// What one attempt came to.
enum Attempt<T> {
    Done(T),
    /// Somebody moved a folder under it.
    Again,
}

impl Staged {
    /// Makes the object visible and durable, if its condition holds.
    pub(super) fn publish(mut self) -> Result<Written> {
        let (checksums, mut metadata) = self.seal()?;
        attempts(|| match self.condition {
            Some(Condition::Absent) => self.try_create(),
            _ => self.try_replace(&mut metadata),
        })?;
        let written = Written::new(revision(&metadata), metadata.len).with_checksums(checksums);
        // From here on the object is visible: an error must not say that nothing happened.
        self.files.sync_parents(&self.target).map_err(|error| error.with_effect(Effect::Unknown))?;
        Ok(written)
    }

    /// Gives the file its second name. The first goes when `self` is dropped; left behind by a crash, it is found as
    /// an upload that was not finished.
    fn try_create(&mut self) -> Result<Attempt<()>> {
        self.files.make_parents(&self.target)?;
        match self.files.disk.hard_link(&self.path, &self.target) {
            Ok(()) => Ok(Attempt::Done(())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match self.files.clear_target(self)? {
                Some(_) => Err(Error::new(ErrorKind::AlreadyExists)),
                None => Ok(Attempt::Again),
            },
            Err(error) => self.again_if_moved("create", error),
        }
    }

    fn try_replace(&mut self, metadata: &mut Metadata) -> Result<Attempt<()>> {
        self.files.make_parents(&self.target)?;
        let Some(lock) = self.lock()? else {
            return Ok(Attempt::Again);
        };
        let current = self.files.clear_target(self)?;
        check_change(self.condition.as_ref(), current.as_ref().map(revision).as_ref())?;
        if let Some(current) = &current {
            *metadata = self.outdate(metadata.clone(), current.modified)?;
        }
        let renamed = self.files.disk.rename(&self.path, &self.target);
        drop(lock);
        match renamed {
            Ok(()) => {
                self.named = false;
                self.files.remove_staging_parents(&self.path);
                Ok(Attempt::Done(()))
            }
            Err(error) => self.again_if_moved("replace", error),
        }
    }

    /// The lock of the target's folder; where there are no locks, a write without condition needs none.
    fn lock(&self) -> Result<Option<Lock>> {
        match self.files.lock_parent(&self.target) {
            Ok(lock) => Ok(lock.map(|lock| Lock(Some(lock)))),
            Err(error) if error.kind() == ErrorKind::Unsupported && self.condition.is_none() => Ok(Some(Lock(None))),
            Err(error) => Err(error),
        }
    }

    fn again_if_moved(&self, doing: &str, error: io::Error) -> Result<Attempt<()>> {
        if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory)
        {
            return Err(failed(doing, &self.target, error));
        }
        match self.files.disk.metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let error = Error::new(ErrorKind::NotFound).with_retry(Retry::FromStart);
                Err(error.with_detail("the upload was given up by somebody else"))
            }
            _ => Ok(Attempt::Again),
        }
    }
}

/// A lock, or none because the file system has none.
struct Lock(#[expect(dead_code, reason = "held until it is dropped")] Option<Box<dyn DiskLock>>);

impl Files {
    /// What stands at the target, after an empty folder there was removed.
    fn clear_target(&self, staged: &Staged) -> Result<Option<Metadata>> {
        let path = &staged.target;
        let metadata = match self.disk.metadata(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            other => other.map_err(|error| failed("look at", path, error))?,
        };
        match metadata.kind {
            FileKind::File => Ok(Some(metadata)),
            FileKind::Dir => self.disk.remove_dir(path).map(|()| None).map_err(|_| beside_folder(path)),
            _ => Err(in_the_way(path)),
        }
    }

    /// Deletes an object, durably.
    pub(super) fn delete(&self, key: &ObjectKey, options: &DeleteOptions) -> Result<Deleted> {
        if options.version.is_some() {
            return Err(unsupported("a file store keeps no old versions"));
        }
        check_delete_condition(options)?;
        attempts(|| self.try_delete(key, options))
    }

    fn try_delete(&self, key: &ObjectKey, options: &DeleteOptions) -> Result<Attempt<Deleted>> {
        let path = object_path(&self.root, key)?;
        if !self.has_real_parents(&path)? {
            check_delete(options.condition.as_ref(), None)?;
            return Ok(Attempt::Done(Deleted::new().with_existed(false)));
        }
        let lock = match self.lock_parent(&path) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) if self.parent_exists(&path)? => return Ok(Attempt::Again),
            Ok(None) => {
                check_delete(options.condition.as_ref(), None)?;
                return Ok(Attempt::Done(Deleted::new().with_existed(false)));
            }
            Err(error) if error.kind() == ErrorKind::Unsupported && options.condition.is_none() => None,
            Err(error) => return Err(error),
        };
        let current = self.find(key)?;
        check_delete(options.condition.as_ref(), current.as_ref().map(revision).as_ref())?;
        if current.is_some() {
            match self.disk.remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other.map_err(|error| failed("delete", &path, error))?,
            }
        }
        drop(lock);
        // Also if it was gone already: whoever removed it may not have come to making that durable.
        self.sync_parents(&path).map_err(|error| error.with_effect(Effect::Unknown))?;
        self.prune_parents(&path);
        Ok(Attempt::Done(Deleted::new().with_existed(current.is_some())))
    }

    fn parent_exists(&self, path: &std::path::Path) -> Result<bool> {
        let dir = path.parent().unwrap_or(&self.root);
        match self.disk.metadata(&dir.join(".")) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("look at", dir, error)),
        }
    }
}

/// Refuses a condition that makes no sense before anything is looked at.
fn check_delete_condition(options: &DeleteOptions) -> Result<()> {
    match &options.condition {
        Some(Condition::Absent) => check_delete(options.condition.as_ref(), None),
        _ => Ok(()),
    }
}

fn attempts<T>(mut attempt: impl FnMut() -> Result<Attempt<T>>) -> Result<T> {
    for _ in 0..ATTEMPTS {
        if let Attempt::Done(done) = attempt()? {
            return Ok(done);
        }
    }
    Err(Error::new(ErrorKind::Conflict).with_detail("others kept removing the folder that the object is in"))
}
