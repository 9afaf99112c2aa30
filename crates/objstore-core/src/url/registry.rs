//! From a URL to a store.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;

use super::{StoreUrl, schemes, wrong};
use crate::{ObjectKey, ObjectStore, Prefix, Result};

/// A place in a store, opened from a URL.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenedPrefix {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The place in it.
    pub prefix: Prefix,
}

impl OpenedPrefix {
    /// A place in a store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Prefix) -> Self {
        Self { store, prefix }
    }
}

/// An object in a store (which need not exist), opened from a URL.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenedKey {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The object's key.
    pub key: ObjectKey,
}

impl OpenedKey {
    /// An object in a store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, key: ObjectKey) -> Self {
        Self { store, key }
    }
}

/// Opens the stores of one scheme. Opening need not reach the store, and changes nothing in it.
#[async_trait]
pub trait SchemeFactory: fmt::Debug + Send + Sync + 'static {
    /// Takes the path as a place: a `/` at its end is implied.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for unknown parameters ([`StoreUrl::only_params`]) and bad
    /// values.
    async fn open_prefix(&self, url: &StoreUrl) -> Result<OpenedPrefix>;

    /// Takes the path as an object's key.
    ///
    /// # Errors
    /// As [`open_prefix`](Self::open_prefix); also if there is no path.
    async fn open_key(&self, url: &StoreUrl) -> Result<OpenedKey>;
}

/// The schemes that a program knows.
///
/// ```
/// use objstore_core::{ObjectStoreExt as _, Registry, StoreUrl};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let registry = Registry::with_defaults();
/// let opened = registry.open_key(&StoreUrl::parse("memory://scratch/a/b")?).await?;
/// opened.store.put_bytes(&opened.key, "hello").await?;
/// # Ok::<(), objstore_core::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Registry {
    schemes: BTreeMap<String, Arc<dyn SchemeFactory>>,
}

impl Registry {
    /// A registry that knows no scheme.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A registry that knows `memory` and, on Unix, `file`. Neither takes parameters.
    #[must_use]
    pub fn with_defaults() -> Self {
        let mut registry = Self::new();
        registry.register("memory", schemes::Memory);
        #[cfg(unix)]
        registry.register("file", schemes::Files);
        registry
    }

    /// Adds a scheme (in lower case), or replaces it.
    pub fn register(&mut self, scheme: impl Into<String>, factory: impl SchemeFactory) {
        self.schemes.insert(scheme.into(), Arc::new(factory));
    }

    /// The schemes known, sorted.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.schemes.keys().map(String::as_str)
    }

    /// Opens a place: the URL's path is a prefix, whether it ends with `/` or not. The fragment is the caller's.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for an unknown scheme; those of the scheme.
    pub async fn open_prefix(&self, url: &StoreUrl) -> Result<OpenedPrefix> {
        self.find(url)?.open_prefix(url).await
    }

    /// Opens an object: the URL's path is its key. The fragment is the caller's.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) for an unknown scheme; those of the scheme.
    pub async fn open_key(&self, url: &StoreUrl) -> Result<OpenedKey> {
        self.find(url)?.open_key(url).await
    }

    fn find(&self, url: &StoreUrl) -> Result<&dyn SchemeFactory> {
        self.schemes.get(url.scheme()).map(|factory| &**factory).ok_or_else(|| {
            let known: Vec<_> = self.schemes().collect();
            wrong(&format!("the scheme {:?} is not known here, only {}", url.scheme(), known.join(", ")))
        })
    }
}
