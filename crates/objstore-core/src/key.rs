//! Names of objects, and of the places that hold them.

use std::{fmt, sync::Arc};

/// The longest key, in bytes of UTF-8 (S3, GCS: 1,024).
pub const MAX_KEY_BYTES: usize = 1024;

/// The longest part between two slashes that a store which keeps files can hold, in bytes.
pub const MAX_SEGMENT_BYTES: usize = 255;

/// The name of an object: 1 to 1,024 bytes of UTF-8 without control characters, kept exactly as given.
///
/// A key is never normalised: `a//b`, `/a` and `a/../b` are keys like any other, because buckets hold such. Keys that
/// are to work on every store should pass [`check_portable`](Self::check_portable), and no key should be a folder of
/// another (`x` beside `x/y`): some stores refuse the second, some hide it from listings.
///
/// ```
/// use objstore_core::ObjectKey;
/// let key = ObjectKey::new("etcd/a/snapshot.db")?;
/// assert_eq!(key.as_str(), "etcd/a/snapshot.db");
/// assert!(ObjectKey::new("").is_err());
/// # Ok::<(), objstore_core::InvalidKey>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Arc<str>);

impl ObjectKey {
    /// Takes a key as it is.
    ///
    /// # Errors
    /// [`InvalidKey`] if it is empty, longer than [`MAX_KEY_BYTES`], or holds a control character (or U+FFFE, U+FFFF,
    /// which a listing in XML cannot carry).
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidKey> {
        let key = key.into();
        if key.is_empty() {
            return Err(InvalidKey::new(&key, Reason::Empty));
        }
        check_text(&key)?;
        Ok(Self(key.into()))
    }

    /// The key, byte for byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether every store that we know keeps this key as it is: no empty, `.` or `..` segment (some stores
    /// rewrite them silently, some refuse), none over [`MAX_SEGMENT_BYTES`].
    ///
    /// # Errors
    /// [`InvalidKey`] with the first segment that is not portable.
    pub fn check_portable(&self) -> Result<(), InvalidKey> {
        self.0.split('/').try_for_each(|segment| check_segment(&self.0, segment))
    }

    /// The prefix that this key is a direct child of: all up to its last `/`.
    #[must_use]
    pub fn parent(&self) -> Prefix {
        let end = self.0.rfind('/').map_or(0, |slash| slash.saturating_add(1));
        Prefix(self.0.get(..end).unwrap_or_default().into())
    }

    /// What follows the last `/`; empty if the key ends with one.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// A place in a store: empty (the whole store), or ending with `/`.
///
/// Listings and deletions take a `Prefix`, so that `etcd-a` can never match `etcd-a-2`.
///
/// ```
/// use objstore_core::Prefix;
/// let home = Prefix::new("clusters/")?.child("etcd-a")?;
/// assert_eq!(home.key("one.db")?.as_str(), "clusters/etcd-a/one.db");
/// assert!(Prefix::new("clusters").is_err());
/// # Ok::<(), objstore_core::InvalidKey>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// The whole store.
    #[must_use]
    pub fn root() -> Self {
        Self("".into())
    }

    /// Takes a prefix as it is.
    ///
    /// # Errors
    /// [`InvalidKey`] unless it is empty or ends with `/`; and for what [`ObjectKey::new`] refuses, length included.
    pub fn new(prefix: impl Into<String>) -> Result<Self, InvalidKey> {
        let prefix = prefix.into();
        check_text(&prefix)?;
        if !prefix.is_empty() && !prefix.ends_with('/') {
            return Err(InvalidKey::new(&prefix, Reason::NoSlash));
        }
        Ok(Self(prefix.into()))
    }

    /// The prefix, byte for byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the whole store.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The key `name` below this prefix.
    ///
    /// # Errors
    /// [`InvalidKey`] if `name` is empty or the whole is not a key.
    pub fn key(&self, name: impl AsRef<str>) -> Result<ObjectKey, InvalidKey> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(InvalidKey::new(&self.0, Reason::Empty));
        }
        ObjectKey::new(format!("{}{name}", self.0))
    }

    /// The prefix `segment/` below this one; a `/` at the end of `segment` is allowed and not doubled.
    ///
    /// # Errors
    /// [`InvalidKey`] if `segment` is empty or the whole is not a prefix.
    pub fn child(&self, segment: impl AsRef<str>) -> Result<Self, InvalidKey> {
        let segment = segment.as_ref();
        if segment.is_empty() {
            return Err(InvalidKey::new(&self.0, Reason::Empty));
        }
        let slash = if segment.ends_with('/') { "" } else { "/" };
        Self::new(format!("{}{segment}{slash}", self.0))
    }

    /// Whether `key` lies below this prefix (at any depth).
    #[must_use]
    pub fn contains(&self, key: &ObjectKey) -> bool {
        key.0.starts_with(&*self.0)
    }

    /// What follows this prefix in `key`, or `None` if the key does not lie below it.
    #[must_use]
    pub fn relative<'k>(&self, key: &'k ObjectKey) -> Option<&'k str> {
        key.0.strip_prefix(&*self.0)
    }
}

fn check_text(text: &str) -> Result<(), InvalidKey> {
    if text.len() > MAX_KEY_BYTES {
        return Err(InvalidKey::new(text, Reason::TooLong(text.len())));
    }
    match text.chars().find(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}')) {
        Some(c) => Err(InvalidKey::new(text, Reason::Character(c))),
        None => Ok(()),
    }
}

fn check_segment(key: &str, segment: &str) -> Result<(), InvalidKey> {
    match segment {
        "" => Err(InvalidKey::new(key, Reason::EmptySegment)),
        "." | ".." => Err(InvalidKey::new(key, Reason::DotSegment)),
        long if long.len() > MAX_SEGMENT_BYTES => Err(InvalidKey::new(key, Reason::LongSegment(long.len()))),
        _ => Ok(()),
    }
}

/// A text that is not a key, or a prefix; its message says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid key: {reason} key={shown:?}")]
pub struct InvalidKey {
    reason: Reason,
    shown: String,
}

impl InvalidKey {
    fn new(text: &str, reason: Reason) -> Self {
        const SHOWN: usize = 80;
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self { reason, shown }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("it is empty")]
    Empty,
    #[error("it is {0} bytes long, of at most {MAX_KEY_BYTES}")]
    TooLong(usize),
    #[error("it holds the character {0:?}")]
    Character(char),
    #[error("a prefix must be empty or end with '/'")]
    NoSlash,
    #[error("it has an empty segment, which not every store can keep")]
    EmptySegment,
    #[error("it has a segment '.' or '..', which not every store can keep")]
    DotSegment,
    #[error("it has a segment of {0} bytes, of at most {MAX_SEGMENT_BYTES} on stores that keep files")]
    LongSegment(usize),
}

macro_rules! text_impls {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({:?})"), &*self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = InvalidKey;

            fn from_str(text: &str) -> Result<Self, InvalidKey> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = InvalidKey;

            fn try_from(text: &str) -> Result<Self, InvalidKey> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidKey;

            fn try_from(text: String) -> Result<Self, InvalidKey> {
                Self::new(text)
            }
        }
    };
}

text_impls!(ObjectKey);
text_impls!(Prefix);
