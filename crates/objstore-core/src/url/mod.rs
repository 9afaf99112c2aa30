//! URLs of stores and objects.

mod percent;
mod registry;
mod schemes;

use std::fmt;

#[cfg(unix)]
pub(crate) use percent::decode as decode_percent;
pub use registry::{OpenedKey, OpenedPrefix, Registry, SchemeFactory};

use crate::{Error, ErrorKind, Op, Result};

/// A URL of a store, of a place in it, or of an object: `scheme://bucket[/path][?name=value&…][#fragment]`.
///
/// Split by rules of our own, because those of the web lose keys: the path is percent-decoded once and kept as it is
/// (no `..` is folded, `+` is a plus sign). `?`, `#` and `%` in a key are written `%3F`, `%23`, `%25`. Whether the path
/// is a key or a prefix is up to whoever opens it.
///
/// Credentials have no place in a URL: `user@bucket` and parameters that are named like one are errors, and the error
/// does not repeat them. So `Display` (which gives a URL that parses to an equal one) and `Debug` show no secrets.
///
/// ```
/// use objstore_core::StoreUrl;
/// let url = StoreUrl::parse("file:///backups/etcd-a#2026-01")?;
/// assert_eq!((url.scheme(), url.bucket(), url.path()), ("file", "", "backups/etcd-a"));
/// assert_eq!(url.fragment(), Some("2026-01"));
/// # Ok::<(), objstore_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreUrl {
    scheme: String,
    bucket: String,
    path: String,
    params: Vec<(String, String)>,
    fragment: Option<String>,
}

/// Parameters that would carry a secret: their names, in lower case without `-` and `_`.
const SECRETS: &[&str] = &["auth", "key", "pass", "pwd", "sas", "sig"];

/// And what only names of such parameters contain.
const SECRET_PARTS: &[&str] = &[
    "accesskey",
    "accountkey",
    "apikey",
    "authorization",
    "bearer",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sharedkey",
    "signature",
    "storagekey",
    "token",
];

impl StoreUrl {
    /// Splits a URL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: no scheme, a broken percent escape, a control character, a parameter without name
    /// or given twice, credentials.
    pub fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("a store's URL begins with scheme://"))?;
        let (rest, fragment) = split_last_part(rest, '#');
        let (rest, query) = split_last_part(rest, '?');
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        check_no_password(bucket, path)?;
        let url = Self {
            scheme: parse_scheme(scheme)?,
            bucket: parse_text(bucket, "bucket")?,
            path: parse_text(path, "path")?,
            params: query.map_or(Ok(Vec::new()), parse_params)?,
            fragment: fragment.map(|text| parse_text(text, "fragment")).transpose()?,
        };
        Ok(url)
    }

    /// The URL of a folder or file of this machine.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] unless the path is absolute, UTF-8 and without control characters.
    pub fn from_path(path: &std::path::Path) -> Result<Self> {
        let text = path.to_str().ok_or_else(|| wrong("a path in a URL must be UTF-8"))?;
        let path = text.strip_prefix('/').ok_or_else(|| wrong("a path in a URL must be absolute"))?;
        check_plain(path, "path")?;
        Ok(Self { scheme: "file".into(), bucket: String::new(), path: path.into(), params: Vec::new(), fragment: None })
    }

    /// What kind of store, in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Which bucket (or host, or name).
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What follows the bucket and its `/`, decoded; empty if nothing does.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The parameters, decoded, in order.
    #[must_use]
    pub fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// The parameter of this name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// What follows `#`, decoded: which thing of those at the place.
    #[must_use]
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }

    /// The same without the fragment.
    #[must_use]
    pub fn without_fragment(mut self) -> Self {
        self.fragment = None;
        self
    }

    /// The same with this fragment.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a control character.
    pub fn with_fragment(mut self, fragment: impl Into<String>) -> Result<Self> {
        let fragment = fragment.into();
        check_plain(&fragment, "fragment")?;
        self.fragment = Some(fragment);
        Ok(self)
    }

    /// Refuses parameters that are not in `known`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] with the first unknown name and the known ones; never with a value.
    pub fn only_params(&self, known: &[&str]) -> Result<()> {
        let Some((name, _)) = self.params.iter().find(|(name, _)| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let known =
            if known.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", known.join(", ")) };
        Err(wrong(&format!("the scheme {} does not know the parameter {name:?}: {known}", self.scheme)))
    }

    /// A parameter that is `true` or `false`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for anything else.
    pub fn bool_param(&self, name: &str) -> Result<Option<bool>> {
        match self.param(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(wrong(&format!("the parameter {name:?} must be true or false"))),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, percent::Encoded(&self.bucket, "/?#@:"))?;
        if !self.path.is_empty() {
            write!(f, "/{}", percent::Encoded(&self.path, "?#"))?;
        }
        for (index, (name, value)) in self.params.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{}={}", percent::Encoded(name, "&=#"), percent::Encoded(value, "&#"))?;
        }
        match &self.fragment {
            Some(fragment) => write!(f, "#{}", percent::Encoded(fragment, "")),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({:?})", self.to_string())
    }
}

impl std::str::FromStr for StoreUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// Splits at the first mark, so that `#` may stand in a fragment and `?` in a query.
fn split_last_part(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn parse_scheme(scheme: &str) -> Result<String> {
    let mut bytes = scheme.bytes();
    let starts = bytes.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !starts || !bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')) {
        return Err(wrong("the scheme of a URL is letters, digits, '+', '-' and '.'"));
    }
    Ok(scheme.to_ascii_lowercase())
}

/// Refuses `user:password@bucket`, also where the password holds a `/` and so looks like a bucket and a path.
fn check_no_password(bucket: &str, path: &str) -> Result<()> {
    let port = bucket.split_once(':').map(|(_, port)| port);
    let is_port = port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    if bucket.contains('@') || !is_port || port.is_some() && path.contains('@') {
        return Err(wrong("a URL must not carry credentials (in names, '@' is written %40 and ':' is written %3A)"));
    }
    Ok(())
}

fn parse_params(query: &str) -> Result<Vec<(String, String)>> {
    let mut params: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = parse_text(name, "parameter")?;
        if is_secret(&name) {
            return Err(wrong("a URL must not carry credentials: give them by the environment or a file"));
        }
        if name.is_empty() {
            return Err(wrong("a parameter of the URL has no name"));
        }
        if params.iter().any(|(known, _)| *known == name) {
            return Err(wrong(&format!("the parameter {name:?} is given twice")));
        }
        params.push((name, parse_text(value, "parameter")?));
    }
    Ok(params)
}

/// Whether a parameter of this name would carry a secret. One that names a file does not.
fn is_secret(name: &str) -> bool {
    let bare: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
    let named = SECRETS.contains(&bare.as_str()) || SECRET_PARTS.iter().any(|part| bare.contains(part));
    named && !bare.ends_with("file")
}

fn parse_text(text: &str, what: &str) -> Result<String> {
    let decoded = percent::decode(text).ok_or_else(|| {
        wrong(&format!("the {what} of the URL has a '%' that does not stand for a byte of UTF-8: write %25"))
    })?;
    check_plain(&decoded, what)?;
    Ok(decoded)
}

fn check_plain(text: &str, what: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(wrong(&format!("the {what} of the URL holds a control character")));
    }
    Ok(())
}

fn wrong(detail: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig).with_op(Op::Open).with_detail(detail)
}
