//! Rules that every store of this crate keeps alike: conditions, digests, ranges, places in a listing.

use std::ops::Range;

use crate::{
    ChecksumScope, Checksums, Condition, DeleteItem, Deleted, Error, ErrorKind, Hasher, ObjectKey, ObjectStore, Op,
    PageToken, Prefix, Protection, ReadOptions, Result, Revision, UploadInfo, UploadPage, WriteOptions,
};

/// A batch, for a store that has none: one delete after another.
pub(crate) async fn delete_each(store: &dyn ObjectStore, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        results.push(store.delete(&item.key, item.options).await);
    }
    results
}

/// Whether a change may go on, given what is there now.
pub(crate) fn check_change(condition: Option<&Condition>, current: Option<&Revision>) -> Result<()> {
    match (condition, current) {
        (None, _) | (Some(Condition::Absent), None) => Ok(()),
        (Some(Condition::Absent), Some(_)) => Err(Error::new(ErrorKind::AlreadyExists)),
        (Some(Condition::Matches(wanted)), Some(current)) if wanted == current => Ok(()),
        (Some(Condition::Matches(_)), Some(_)) => Err(Error::new(ErrorKind::PreconditionFailed)),
        (Some(Condition::Matches(_)), None) => {
            Err(Error::new(ErrorKind::PreconditionFailed).with_detail("the object does not exist"))
        }
    }
}

/// Whether a delete may go on. [`Condition::Absent`] makes no sense for it.
pub(crate) fn check_delete(condition: Option<&Condition>, current: Option<&Revision>) -> Result<()> {
    match condition {
        Some(Condition::Absent) => Err(invalid("a delete cannot demand that the object is absent")),
        other => check_change(other, current),
    }
}

/// Whether what is there is what the reader wants.
pub(crate) fn check_read(options: &ReadOptions, current: &Revision) -> Result<()> {
    if options.matches.as_ref().is_some_and(|wanted| wanted != current) {
        return Err(Error::new(ErrorKind::PreconditionFailed));
    }
    if options.differs.as_ref() == Some(current) {
        return Err(Error::new(ErrorKind::NotModified));
    }
    Ok(())
}

/// A hasher that computes what is needed to check what is announced. Refuses what no store of this crate can do.
pub(crate) fn hasher_for(options: &WriteOptions) -> Result<Hasher> {
    if options.protection != Protection::default() {
        return Err(unsupported("this store cannot keep an object from being deleted"));
    }
    let expect = &options.expect;
    if expect.md5.is_some() || expect.crc64nvme.is_some() {
        return Err(unsupported("this store checks crc32c and sha256 only"));
    }
    if !expect.is_empty() && expect.scope != ChecksumScope::Full {
        return Err(unsupported("this store has no parts: give digests of the whole body"));
    }
    Ok(if expect.sha256.is_some() { Hasher::new().with_sha256() } else { Hasher::new() })
}

/// Compares what was written with what was to be.
pub(crate) fn check_digest(computed: &Checksums, expect: &Checksums) -> Result<()> {
    match computed.mismatch(expect) {
        Some(kind) => {
            Err(Error::new(ErrorKind::Integrity).with_detail(format!("the body does not have the {kind} announced")))
        }
        None => Ok(()),
    }
}

/// The bytes to read of an object of `size` bytes.
pub(crate) fn resolve_range(range: Option<Range<u64>>, size: u64) -> Result<Range<u64>> {
    match range {
        None => Ok(0..size),
        Some(range) if range.start >= range.end => Err(invalid("the range is empty")),
        Some(range) if range.start >= size => {
            let detail = format!("asked for bytes from {}, of {size}", range.start);
            Err(Error::new(ErrorKind::RangeNotSatisfiable).with_detail(detail))
        }
        Some(range) => Ok(range.start..range.end.min(size)),
    }
}

/// Where a page of a listing begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the first.
    #[default]
    Start,
    /// After this key.
    After(String),
    /// After everything below this prefix.
    Past(String),
}

impl Place {
    /// Where the caller wants to begin: the later of its token and its key.
    pub(crate) fn of(after: Option<&PageToken>, start_after: Option<&ObjectKey>) -> Result<Self> {
        let place = match after {
            None => Self::Start,
            Some(token) => Self::parse(token)?,
        };
        Ok(match start_after {
            Some(key) if !place.skips(key.as_str()) => Self::After(key.to_string()),
            _ => place,
        })
    }

    fn parse(token: &PageToken) -> Result<Self> {
        let text = token.as_str();
        if let Some(key) = text.strip_prefix("k:") {
            Ok(Self::After(key.to_owned()))
        } else if let Some(prefix) = text.strip_prefix("p:") {
            Ok(Self::Past(prefix.to_owned()))
        } else {
            Err(invalid("the page token is not of this store"))
        }
    }

    /// The token that begins here.
    pub(crate) fn token(&self) -> Option<PageToken> {
        match self {
            Self::Start => None,
            Self::After(key) => Some(PageToken::new(format!("k:{key}"))),
            Self::Past(prefix) => Some(PageToken::new(format!("p:{prefix}"))),
        }
    }

    /// Whether `key` was before this place.
    pub(crate) fn skips(&self, key: &str) -> bool {
        match self {
            Self::Start => false,
            Self::After(last) => key <= last.as_str(),
            Self::Past(last) => key <= last.as_str() || key.starts_with(last.as_str()),
        }
    }

    /// Whether everything below `prefix` was before this place.
    #[cfg(unix)] // for the file store only
    pub(crate) fn skips_all(&self, prefix: &str) -> bool {
        match self {
            Self::Start => false,
            Self::After(last) => prefix < last.as_str() && !last.starts_with(prefix),
            Self::Past(last) => self.skips(prefix) && (prefix.starts_with(last.as_str()) || !last.starts_with(prefix)),
        }
    }
}

/// One page of uploads out of all: those below a prefix, sorted by key and id.
pub(crate) fn page_of_uploads(all: Vec<UploadInfo>, prefix: &Prefix, after: Option<&PageToken>) -> Result<UploadPage> {
    const PAGE_ITEMS: usize = 1000;
    let place = |upload: &UploadInfo| (upload.key.to_string(), upload.id.to_string());
    let mut uploads: Vec<_> = all.into_iter().filter(|upload| prefix.contains(&upload.key)).collect();
    if let Some(token) = after {
        let (id, key) = token.as_str().split_once(':').ok_or_else(|| invalid("the page token is not of this store"))?;
        let last = (key.to_owned(), id.to_owned());
        uploads.retain(|upload| place(upload) > last);
    }
    uploads.sort_by_cached_key(place);
    let more = uploads.len() > PAGE_ITEMS;
    uploads.truncate(PAGE_ITEMS);
    let last = uploads.last().filter(|_| more);
    let next = last.map(|last| PageToken::new(format!("{}:{}", last.id, last.key)));
    Ok(UploadPage::new().with_uploads(uploads).with_next(next))
}

/// In a delimited listing: the prefix that stands for `key`, unless the key is a direct child.
pub(crate) fn rolled_up<'k>(prefix: &Prefix, key: &'k str) -> Option<&'k str> {
    let start = prefix.as_str().len();
    let slash = key.get(start..)?.find('/')?;
    key.get(..start.saturating_add(slash).saturating_add(1))
}

/// An error of the caller.
pub(crate) fn invalid(detail: &str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(detail)
}

/// Something that this store has not.
pub(crate) fn unsupported(detail: &str) -> Error {
    Error::new(ErrorKind::Unsupported).with_detail(detail)
}

/// Adds where it happened.
pub(crate) fn context<'a>(
    op: Op,
    store: &'a dyn std::fmt::Display,
    key: Option<&'a ObjectKey>,
) -> impl Fn(Error) -> Error + 'a {
    move |error| {
        let error = error.with_op(op).with_store(store);
        match key {
            Some(key) => error.with_key(key),
            None => error,
        }
    }
}
