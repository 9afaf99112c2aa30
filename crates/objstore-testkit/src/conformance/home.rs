//! A place of its own for each case, and what cases do there.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use objstore_core::{
    Condition, DeleteItem, DeleteOptions, ErrorKind, ListOptions, ObjectKey, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PageToken, Payload, Prefix, UploadInfo, UploadOptions, WriteOptions, Written,
};

use super::failure::Failure;

/// More pages than any case makes: a listing that goes on is one that never ends.
const MAX_PAGES: usize = 10_000;

/// Larger than what stores keep in memory of an upload before they send it.
pub(super) const LARGE: usize = 11 << 20;

/// A random prefix of a store.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) prefix: Prefix,
}

impl Home {
    pub(super) fn new(store: Arc<dyn ObjectStore>, within: &Prefix, case: &str) -> Result<Self, Failure> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| Failure::new(format!("no randomness: {error}")))?;
        let prefix = within.child(format!("{case}-{:016x}", u64::from_le_bytes(random)))?;
        Ok(Self { store, prefix })
    }

    pub(super) fn key(&self, name: &str) -> Result<ObjectKey, Failure> {
        Ok(self.prefix.key(name)?)
    }

    /// All keys, relative to the prefix, in the order of the listing.
    pub(super) async fn names(&self) -> Result<Vec<String>, Failure> {
        self.names_below(&self.prefix).await
    }

    pub(super) async fn names_below(&self, prefix: &Prefix) -> Result<Vec<String>, Failure> {
        let objects: Vec<_> = self.store.list(prefix).try_collect().await?;
        let relative = |meta: &ObjectMeta| prefix.relative(&meta.key).map(str::to_owned);
        let names: Option<Vec<_>> = objects.iter().map(relative).collect();
        names.ok_or_else(|| Failure::new(format!("the listing of {prefix} shows a key that is not below it")))
    }

    /// A listing, page after page, with prefixes marked by their `/`; and how many pages there were.
    pub(super) async fn pages(&self, prefix: &Prefix, options: ListOptions) -> Result<(Vec<String>, usize), Failure> {
        let (mut all, mut options) = (Vec::new(), options);
        for count in 1..=MAX_PAGES {
            let page = self.store.list_page(prefix, options.clone()).await?;
            let mut entries: Vec<_> = page.objects.iter().map(|meta| meta.key.to_string()).collect();
            entries.extend(page.prefixes.iter().map(ToString::to_string));
            entries.sort();
            if options.limit.is_some_and(|limit| entries.len() > limit.get() as usize) {
                return Err(Failure::new(format!("a page holds {} entries, more than asked for", entries.len())));
            }
            let relative = |entry: String| entry.strip_prefix(prefix.as_str()).map(str::to_owned);
            all.extend(entries.into_iter().filter_map(relative));
            match page.next {
                Some(next) => options = options.with_after(next),
                None => return Ok((all, count)),
            }
        }
        Err(Failure::new(format!("the listing has more than {MAX_PAGES} pages")))
    }

    pub(super) async fn uploads(&self) -> Result<Vec<UploadInfo>, Failure> {
        self.uploads_below(&self.prefix).await
    }

    pub(super) async fn uploads_below(&self, prefix: &Prefix) -> Result<Vec<UploadInfo>, Failure> {
        let (mut uploads, mut after): (Vec<UploadInfo>, Option<PageToken>) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = self.store.uploads_page(prefix, after).await;
            let page = match page {
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    return Err(Failure::ignored("needs a list of unfinished uploads"));
                }
                page => page?,
            };
            uploads.extend(page.uploads);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(uploads),
            }
        }
        Err(Failure::new(format!("the list of uploads has more than {MAX_PAGES} pages")))
    }

    /// Writes a body in pieces.
    pub(super) async fn upload(
        &self,
        key: &ObjectKey,
        chunks: &[Bytes],
        options: UploadOptions,
    ) -> objstore_core::Result<Written> {
        let mut upload = self.store.start_upload(key, options).await?;
        for chunk in chunks {
            upload.write(chunk.clone()).await?;
        }
        upload.finish().await
    }

    /// Deletes what the case left, versions and unfinished uploads included.
    pub(super) async fn clean(&self) -> Result<(), Failure> {
        self.store.close().await?;
        for upload in
            self.uploads().await.or_else(|failure| if failure.ignored { Ok(Vec::new()) } else { Err(failure) })?
        {
            self.store.abort_upload(&upload.key, &upload.id).await?;
        }
        let versions = self.store.capabilities().features().versions;
        let mut options = ListOptions::new().with_versions(versions);
        for _ in 0..MAX_PAGES {
            let page = self.store.list_page(&self.prefix, options.clone()).await?;
            let item = |meta: ObjectMeta| match meta.version.filter(|_| versions) {
                Some(version) => DeleteItem::new(meta.key).with_options(DeleteOptions::new().with_version(version)),
                None => DeleteItem::new(meta.key),
            };
            for item in page.objects.into_iter().map(item) {
                self.store.delete(&item.key, item.options).await?;
            }
            match page.next {
                Some(next) => options = options.with_after(next),
                None => return Ok(()),
            }
        }
        Err(Failure::new("cleaning up did not come to an end"))
    }
}

/// A body of [`LARGE`] bytes, in odd pieces, so that no boundary of the store is one of the caller.
pub(super) fn large_body() -> Vec<Bytes> {
    const PIECE: usize = 777_777;
    let pattern: Vec<u8> = (0..=250).collect();
    let mut whole = Bytes::from(pattern.repeat(LARGE.div_ceil(pattern.len()))).split_to(LARGE);
    let mut pieces = Vec::new();
    while !whole.is_empty() {
        pieces.push(whole.split_to(PIECE.min(whole.len())));
    }
    pieces
}

pub(super) fn joined(chunks: &[Bytes]) -> Bytes {
    chunks.iter().cloned().collect::<Payload>().into_bytes()
}

/// Create, never overwrite.
pub(super) fn absent() -> WriteOptions {
    WriteOptions::new().with_condition(Condition::Absent)
}
