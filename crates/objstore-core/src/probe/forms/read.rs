//! What reads and listings show of writes.

use std::{future::Future, num::NonZeroU32};

use futures::{TryStreamExt as _, future::join_all};

use super::super::{
    finding::{Finding, Held},
    ground::{Ground, Shape, unwritable},
};
use crate::{
    DeleteOptions, ListOptions, ObjectKey, ObjectStore as _, ObjectStoreExt as _, PageToken, Promise, ReadOptions,
    Verdict,
};

/// Sorted by bytes: not as a walk through folders would sort them, nor as UTF-16 would.
const NAMES: &[&str] = &["A", "B/z", "a-b", "a.b", "a/b", "a0", "b/c/d", "b/c0", "z", "ä", "～", "𝄞"];

/// More than one page for so many names.
const PAGE: u32 = 5;

/// A listing of twelve names has no more pages than this, on any store.
const MOST_PAGES: usize = 100;

impl Ground {
    pub(super) async fn try_reads(&self) {
        let rounds = self.settings.bodies.first().map_or(1, |(_, rounds)| *rounds);
        let one = Shape { rounds, ..Shape::SMALL };
        let many = Shape { width: self.settings.width, rounds: 1, ..Shape::SMALL };
        let promise = Promise::ReadAfterWrite;
        if self.check(promise, "put, get, put, get, delete", one, repeat(rounds, || self.read_what_is_written())).await
        {
            self.check(promise, "the same at once", many, at_once(self.settings.width, || self.read_what_is_written()))
                .await;
        }
        let promise = Promise::ListAfterWrite;
        if self.check(promise, "put, list, delete, list", one, repeat(rounds, || self.list_what_is_written())).await {
            self.check(promise, "the same at once", many, at_once(self.settings.width, || self.list_what_is_written()))
                .await;
        }
        self.try_pages().await;
    }

    /// One listing of several pages shows whether all is there, and in which order.
    async fn try_pages(&self) {
        let shown = self.list_names().await;
        let (complete, ordered) = match shown {
            Ok(shown) => (shown.complete(), shown.ordered()),
            Err(Finding { verdict, note }) => {
                (Err(Finding { verdict, note: note.clone() }), Err(Finding { verdict, note }))
            }
        };
        self.check(Promise::ListAfterWrite, "pages", Shape::SMALL, std::future::ready(complete)).await;
        self.check(Promise::ListOrdered, "pages", Shape::SMALL, std::future::ready(ordered)).await;
    }

    async fn read_what_is_written(&self) -> Held {
        let (key, bytes) = (self.key()?, Shape::SMALL.bytes);
        for mark in [self.number(), self.number()] {
            let written = self.put(&key, mark, bytes).await.map_err(unwritable)?;
            match self.store.head(&key, ReadOptions::new()).await {
                Err(error) if error.is_not_found() => return Err(Finding::ignored("what was written was not there")),
                Err(error) => return Err(unwritable(error)),
                Ok(meta) if meta.revision != written.revision => {
                    return Err(Finding::ignored("a read after a write showed another revision than the write made"));
                }
                Ok(_) => self.expect_holder(&key, mark, "a read after a write showed the state before").await?,
            }
        }
        self.store.delete(&key, DeleteOptions::new()).await.map_err(unwritable)?;
        self.expect_absent(&key, "a deleted object was still there").await
    }

    async fn list_what_is_written(&self) -> Held {
        let key = self.key()?;
        self.put(&key, self.number(), Shape::SMALL.bytes).await.map_err(unwritable)?;
        if !self.is_listed(&key).await? {
            return Err(Finding::ignored("a listing after a write did not show the object"));
        }
        self.store.delete(&key, DeleteOptions::new()).await.map_err(unwritable)?;
        if self.is_listed(&key).await? {
            return Err(Finding::ignored("a listing after a delete showed the object"));
        }
        Ok(())
    }

    async fn is_listed(&self, key: &ObjectKey) -> Held<bool> {
        let mut objects = self.store.list(&self.home);
        while let Some(meta) = objects.try_next().await? {
            if meta.key == *key {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn list_names(&self) -> Held<Shown> {
        for name in NAMES {
            let key = self.named(&format!("order/{name}"))?;
            self.put(&key, self.number(), Shape::SMALL.bytes).await.map_err(unwritable)?;
        }
        let folder = self.home.child("order").map_err(|error| Finding::unknown(error.to_string()))?;
        let mut options = ListOptions::new();
        options.limit = NonZeroU32::new(PAGE);
        let mut seen: Vec<PageToken> = Vec::new();
        let mut names = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.store.list_page(&folder, options.clone()).await?;
            let shown = page.objects.iter().filter_map(|meta| folder.relative(&meta.key));
            names.extend(shown.map(str::to_owned));
            match page.next {
                None => return Ok(Shown { names, ended: true }),
                Some(next) if seen.contains(&next) => break,
                Some(next) => {
                    seen.push(next.clone());
                    options.after = Some(next);
                }
            }
        }
        Ok(Shown { names, ended: false })
    }
}

/// What the pages of a listing showed.
struct Shown {
    names: Vec<String>,
    ended: bool,
}

impl Shown {
    fn complete(&self) -> Held {
        if !self.ended {
            return Err(Finding::ignored("a listing never ended"));
        }
        match NAMES.iter().find(|name| !self.names.iter().any(|shown| shown == *name)) {
            Some(name) => Err(Finding::ignored(format!("the pages of a listing left out {name:?}"))),
            None => Ok(()),
        }
    }

    fn ordered(&self) -> Held {
        match self.names.iter().zip(self.names.iter().skip(1)).find(|(before, after)| before >= after) {
            Some((before, after)) => Err(Finding::ignored(format!("a listing showed {before:?} before {after:?}"))),
            None if !self.ended => Err(Finding::unknown("a listing never ended")),
            None => Ok(()),
        }
    }
}

async fn repeat<F: Future<Output = Held> + Send>(rounds: u32, form: impl Fn() -> F + Send + Sync) -> Held {
    for _ in 0..rounds {
        form().await?;
    }
    Ok(())
}

/// What fails only when several do it at once is racy.
async fn at_once<F: Future<Output = Held> + Send>(width: u32, form: impl Fn() -> F + Send + Sync) -> Held {
    let all = join_all((0..width).map(|_| form())).await;
    all.into_iter().collect::<Held<()>>().map_err(|finding| match finding.verdict {
        Verdict::Ignored => Finding::racy(finding.note),
        _ => finding,
    })
}
