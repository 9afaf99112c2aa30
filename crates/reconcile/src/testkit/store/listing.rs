//! Listings that are late, or lack a page.

use std::collections::VecDeque;

use objstore_core::{Condition, ListPage, ObjectKey, ObjectMeta, Prefix};

/// The last writes, the latest first.
pub(super) struct Recent {
    writes: VecDeque<Write>,
    depth: usize,
}

/// What a late listing would not know of.
#[derive(Clone)]
pub(super) enum Write {
    Created(ObjectKey),
    Deleted(Box<ObjectMeta>),
    /// An object was there before and after.
    Replaced,
}

impl Recent {
    pub(super) fn new(depth: usize) -> Self {
        Self { writes: VecDeque::new(), depth }
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Only what was written to be created is known to have been absent.
    pub(super) fn written(&mut self, key: &ObjectKey, condition: Option<&Condition>) {
        let created = matches!(condition, Some(Condition::Absent));
        self.push(if created { Write::Created(key.clone()) } else { Write::Replaced });
    }

    pub(super) fn deleted(&mut self, before: Option<ObjectMeta>) {
        if let Some(meta) = before {
            self.push(Write::Deleted(Box::new(meta)));
        }
    }

    fn push(&mut self, write: Write) {
        self.writes.push_front(write);
        self.writes.truncate(self.depth);
    }

    pub(super) fn last(&self, count: usize) -> Vec<Write> {
        self.writes.iter().take(count).cloned().collect()
    }
}

/// The page as it was before these writes. What was deleted reappears where the whole listing is one page.
pub(super) fn as_of(mut page: ListPage, writes: Vec<Write>, prefix: &Prefix, delimited: bool, whole: bool) -> ListPage {
    let whole = whole && page.next.is_none();
    for write in writes {
        match write {
            Write::Created(key) => page.objects.retain(|object| object.key != key),
            Write::Deleted(meta) if whole && is_listed(&meta.key, prefix, delimited) => put_back(&mut page, *meta),
            Write::Deleted(_) | Write::Replaced => {}
        }
    }
    page
}

fn is_listed(key: &ObjectKey, prefix: &Prefix, delimited: bool) -> bool {
    key.as_str().strip_prefix(prefix.as_str()).is_some_and(|name| !delimited || !name.contains('/'))
}

fn put_back(page: &mut ListPage, meta: ObjectMeta) {
    if let Err(place) = page.objects.binary_search_by(|object| object.key.cmp(&meta.key)) {
        page.objects.insert(place, meta);
    }
}

/// The second half is missing, and nothing says so.
pub(super) fn without_half(mut page: ListPage) -> ListPage {
    page.objects.truncate(page.objects.len() / 2);
    page.prefixes.truncate(page.prefixes.len() / 2);
    page.next = None;
    page
}
