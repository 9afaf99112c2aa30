//! A double of the secrets of a Kubernetes namespace: create-only, and changed only by who knows the latest version.

use std::fmt;

use crate::ontap::{Name, Password};

/// What a secret holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// The user.
    pub username: Name,
    /// The password.
    pub password: Password,
}

/// A secret, as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// Its name.
    pub name: Name,
    /// Who made it: a label.
    pub owner: Name,
    /// What it holds.
    pub credential: Credential,
    /// Changes with each write.
    pub resource_version: u64,
}

/// Why the store refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refused {
    /// 404.
    NotFound,
    /// 409 with reason `AlreadyExists`.
    AlreadyExists,
    /// 409 with reason `Conflict`: the version is not the latest.
    Conflict,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "secret not found",
            Self::AlreadyExists => "secret already exists",
            Self::Conflict => "the secret has been modified",
        })
    }
}

impl std::error::Error for Refused {}

/// The secrets of one namespace.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    stored: Vec<Stored>,
    last_version: u64,
    writes: u32,
}

impl Secrets {
    /// Reads one.
    pub fn get(&self, name: &str) -> Option<Stored> {
        self.stored.iter().find(|one| &*one.name == name).cloned()
    }

    /// Creates one that is not there.
    ///
    /// # Errors
    /// [`Refused::AlreadyExists`].
    pub fn create(&mut self, name: &Name, owner: &Name, credential: Credential) -> Result<(), Refused> {
        let resource_version = self.write();
        if self.stored.iter().any(|one| one.name == *name) {
            return Err(Refused::AlreadyExists);
        }
        let (name, owner) = (Name::clone(name), Name::clone(owner));
        self.stored.push(Stored { name, owner, credential, resource_version });
        Ok(())
    }

    /// Changes what one holds, if this is still its version.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Conflict`].
    pub fn update(&mut self, name: &str, version: u64, credential: Credential) -> Result<(), Refused> {
        let latest = self.write();
        let index = self.find(name, version)?;
        self.stored[index].credential = credential;
        self.stored[index].resource_version = latest;
        Ok(())
    }

    /// Deletes one, if this is still its version.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Conflict`].
    pub fn delete(&mut self, name: &str, version: u64) -> Result<(), Refused> {
        self.write();
        let index = self.find(name, version)?;
        self.stored.remove(index);
        Ok(())
    }

    /// How many writes were asked for, refused ones included.
    pub fn writes(&self) -> u32 {
        self.writes
    }

    /// All of them.
    pub fn all(&self) -> &[Stored] {
        &self.stored
    }

    fn write(&mut self) -> u64 {
        self.writes += 1;
        self.last_version += 1;
        self.last_version
    }

    fn find(&self, name: &str, version: u64) -> Result<usize, Refused> {
        let index = self.stored.iter().position(|one| &*one.name == name).ok_or(Refused::NotFound)?;
        if self.stored[index].resource_version == version { Ok(index) } else { Err(Refused::Conflict) }
    }
}
