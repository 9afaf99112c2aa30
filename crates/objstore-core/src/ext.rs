//! Comfort for callers.

use std::{future::Future, ops::Range};

use bytes::{Bytes, BytesMut};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};

use crate::{
    Condition, Error, ErrorKind, Get, ListOptions, ListPage, ObjectKey, ObjectMeta, ObjectStore, Op, PageToken,
    Payload, Prefix, ReadOptions, Result, Revision, WriteOptions, Written,
};

/// What callers do with a store, on top of [`ObjectStore`]. Implemented for every store, also behind `dyn`.
pub trait ObjectStoreExt: ObjectStore {
    /// Writes an object from memory, whatever is there.
    ///
    /// # Errors
    /// Those of [`ObjectStore::put`].
    fn put_bytes(
        &self,
        key: &ObjectKey,
        body: impl Into<Payload> + Send,
    ) -> impl Future<Output = Result<Written>> + Send {
        async move { self.put(key, body.into(), WriteOptions::new()).await }
    }

    /// Creates an object from memory; never overwrites.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if the key is taken; those of [`ObjectStore::put`].
    fn create(&self, key: &ObjectKey, body: impl Into<Payload> + Send) -> impl Future<Output = Result<Written>> + Send {
        async move { self.put(key, body.into(), WriteOptions::new().with_condition(Condition::Absent)).await }
    }

    /// Replaces an object that is at `revision`, and nothing else.
    ///
    /// # Errors
    /// [`ErrorKind::PreconditionFailed`] if it is not; those of [`ObjectStore::put`].
    fn replace(
        &self,
        key: &ObjectKey,
        revision: Revision,
        body: impl Into<Payload> + Send,
    ) -> impl Future<Output = Result<Written>> + Send {
        async move { self.put(key, body.into(), WriteOptions::new().with_condition(Condition::Matches(revision))).await }
    }

    /// Reads a whole object of at most `max_len` bytes into memory.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] if it is longer (nothing is read then); those of [`ObjectStore::get`].
    fn get_bytes(&self, key: &ObjectKey, max_len: u64) -> impl Future<Output = Result<(ObjectMeta, Bytes)>> + Send {
        async move {
            let get = self.get(key, None, ReadOptions::new()).await?;
            if get.meta.size > max_len {
                let detail = format!("the object has {} bytes, of at most {max_len} expected", get.meta.size);
                return Err(Error::new(ErrorKind::TooLarge)
                    .with_op(Op::Get)
                    .with_store(self)
                    .with_key(key)
                    .with_detail(detail));
            }
            let (meta, bytes) = collect(get).await?;
            Ok((meta, bytes))
        }
    }

    /// Reads the bytes `range` of an object into memory, exactly.
    ///
    /// # Errors
    /// [`ErrorKind::RangeNotSatisfiable`] if the object ends before the range does; those of [`ObjectStore::get`].
    fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> impl Future<Output = Result<Bytes>> + Send {
        async move {
            let get = self.get(key, Some(range.clone()), ReadOptions::new()).await?;
            if get.range != range {
                let detail = format!("asked for bytes {}..{} of {}", range.start, range.end, get.meta.size);
                let error = Error::new(ErrorKind::RangeNotSatisfiable).with_op(Op::Get).with_detail(detail);
                return Err(error.with_store(self).with_key(key));
            }
            Ok(collect(get).await?.1)
        }
    }

    /// Whether an object has this key.
    ///
    /// # Errors
    /// Those of [`ObjectStore::head`] but [`ErrorKind::NotFound`].
    fn exists(&self, key: &ObjectKey) -> impl Future<Output = Result<bool>> + Send {
        async move {
            match self.head(key, ReadOptions::new()).await {
                Ok(_) => Ok(true),
                Err(error) if error.is_not_found() => Ok(false),
                Err(error) => Err(error),
            }
        }
    }

    /// All objects below a prefix, page after page; sorted where the store's pages are.
    ///
    /// A name that is not a key by our rules ends the stream with [`ErrorKind::InvalidInput`]: whoever decides on a
    /// listing must not take a part for the whole. Use [`ObjectStore::list_page`] to look around it.
    fn list(&self, prefix: &Prefix) -> BoxStream<'_, Result<ObjectMeta>> {
        objects(self, prefix.clone(), ListOptions::new())
    }

    /// The objects that are direct children of a prefix; what lies deeper is left out. Otherwise like
    /// [`list`](Self::list).
    fn list_direct(&self, prefix: &Prefix) -> BoxStream<'_, Result<ObjectMeta>> {
        objects(self, prefix.clone(), ListOptions::new().with_delimited(true))
    }
}

impl<T: ObjectStore + ?Sized> ObjectStoreExt for T {}

async fn collect(get: Get) -> Result<(ObjectMeta, Bytes)> {
    let Get { meta, range, body } = get;
    let mut body = body.fuse();
    let wanted = range.end.saturating_sub(range.start);
    let first = body.try_next().await?.unwrap_or_default();
    let next = body.try_next().await?; // also after the last byte: a digest may be compared at the end only
    let bytes = if let Some(next) = next {
        let mut all = BytesMut::with_capacity(usize::try_from(wanted).unwrap_or(0));
        all.extend_from_slice(&first);
        all.extend_from_slice(&next);
        while all.len() as u64 <= wanted
            && let Some(chunk) = body.try_next().await?
        {
            all.extend_from_slice(&chunk);
        }
        all.freeze()
    } else {
        first
    };
    if bytes.len() as u64 != wanted {
        let detail = format!("the body has {} bytes, {wanted} were announced", bytes.len());
        return Err(Error::new(ErrorKind::Integrity).with_op(Op::Read).with_key(&meta.key).with_detail(detail));
    }
    Ok((meta, bytes))
}

/// Where a listing stands.
enum Next {
    First,
    After(PageToken),
    End,
}

fn objects<S: ObjectStore + ?Sized>(
    store: &S,
    prefix: Prefix,
    options: ListOptions,
) -> BoxStream<'_, Result<ObjectMeta>> {
    let pages = stream::try_unfold(Next::First, move |next| {
        let (prefix, mut options) = (prefix.clone(), options.clone());
        async move {
            options.after = match next {
                Next::First => None,
                Next::After(token) => Some(token),
                Next::End => return Ok::<_, Error>(None),
            };
            let asked = options.after.clone();
            let page = store.list_page(&prefix, options).await?;
            check_page(&page, asked.as_ref()).map_err(|error| error.with_store(store))?;
            let next = page.next.map_or(Next::End, Next::After);
            Ok(Some((stream::iter(page.objects.into_iter().map(Ok::<_, Error>)), next)))
        }
    });
    pages.try_flatten().boxed()
}

/// Refuses what would make a listing silently incomplete, or endless.
fn check_page(page: &ListPage, asked: Option<&PageToken>) -> Result<()> {
    if let Some(name) = page.invalid.first() {
        let detail = format!("the store holds a name that is not a key, {name:?}: rename or remove it");
        return Err(Error::new(ErrorKind::InvalidInput).with_op(Op::List).with_detail(detail));
    }
    if page.next.is_some() && page.next.as_ref() == asked {
        let detail = "the store returned the same page token again: the listing would never end";
        return Err(Error::new(ErrorKind::Other).with_op(Op::List).with_detail(detail));
    }
    Ok(())
}
