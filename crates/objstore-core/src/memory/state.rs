//! What a memory store holds.

use std::{collections::BTreeMap, ops::Bound, time::SystemTime};

use bytes::Bytes;

use super::PAGE_ITEMS;
use crate::{
    Checksums, Condition, Deleted, Error, ErrorKind, Headers, ListOptions, ListPage, ObjectKey, ObjectMeta, PageToken,
    Prefix, Result, Revision, UploadId, UploadInfo, UploadPage, WriteToken, Written,
    rules::{Place, check_change, check_delete, page_of_uploads, rolled_up},
};

#[derive(Default)]
pub(super) struct State {
    objects: BTreeMap<String, Object>,
    /// When they were started, by key and number.
    uploads: BTreeMap<(String, u64), SystemTime>,
    counter: u64,
}

/// An object that is to be written.
pub(super) struct Draft {
    pub(super) body: Bytes,
    pub(super) checksums: Checksums,
    pub(super) headers: Headers,
    pub(super) token: Option<WriteToken>,
    pub(super) modified: SystemTime,
}

#[derive(Clone)]
pub(super) struct Object {
    pub(super) body: Bytes,
    pub(super) revision: Revision,
    pub(super) headers: Headers,
    checksums: Checksums,
    token: Option<WriteToken>,
    modified: SystemTime,
}

impl Object {
    pub(super) fn meta(&self, key: &ObjectKey) -> ObjectMeta {
        let mut meta = ObjectMeta::new(key.clone(), self.body.len() as u64, self.revision.clone());
        meta.last_modified = Some(self.modified);
        meta.checksums = self.checksums;
        meta.headers = self.headers.clone();
        meta.token = self.token.clone();
        meta
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(1);
        self.counter
    }

    pub(super) fn find(&self, key: &ObjectKey) -> Result<&Object> {
        self.objects.get(key.as_str()).ok_or_else(|| Error::new(ErrorKind::NotFound))
    }

    pub(super) fn write(&mut self, key: &ObjectKey, draft: Draft, condition: Option<&Condition>) -> Result<Written> {
        check_change(condition, self.objects.get(key.as_str()).map(|object| &object.revision))?;
        let revision = Revision::new(self.next().to_string());
        let Draft { body, checksums, headers, token, modified } = draft;
        let written = Written::new(revision.clone(), body.len() as u64).with_checksums(checksums);
        self.objects.insert(key.to_string(), Object { body, revision, headers, checksums, token, modified });
        Ok(written)
    }

    pub(super) fn delete(&mut self, key: &ObjectKey, condition: Option<&Condition>) -> Result<Deleted> {
        check_delete(condition, self.objects.get(key.as_str()).map(|object| &object.revision))?;
        let existed = self.objects.remove(key.as_str()).is_some();
        Ok(Deleted::new().with_existed(existed))
    }

    pub(super) fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let limit = options.limit.map_or(PAGE_ITEMS, |limit| limit.get().min(PAGE_ITEMS)) as usize;
        let mut place = Place::of(options.after.as_ref(), options.start_after.as_ref())?;
        let mut page = ListPage::new();
        while let Some((key, object)) = self.after(prefix, &place) {
            if page.objects.len().saturating_add(page.prefixes.len()) == limit {
                page.next = last_place(&page).token();
                break;
            }
            let up = if options.delimited { rolled_up(prefix, key) } else { None };
            if let Some(up) = up {
                page.prefixes.push(Prefix::new(up)?);
                place = Place::Past(up.to_owned());
            } else {
                page.objects.push(object.meta(&ObjectKey::new(key)?));
                place = Place::After(key.to_owned());
            }
        }
        Ok(page)
    }

    /// The first object below `prefix` from `place` on.
    fn after(&self, prefix: &Prefix, place: &Place) -> Option<(&str, &Object)> {
        let start = match place {
            Place::Start => Bound::Included(prefix.as_str()),
            Place::After(key) | Place::Past(key) if key.as_str() < prefix.as_str() => Bound::Included(prefix.as_str()),
            Place::After(key) | Place::Past(key) => Bound::Excluded(key.as_str()),
        };
        self.objects
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(key, object)| (key.as_str(), object))
            .take_while(|(key, _)| key.starts_with(prefix.as_str()))
            .find(|(key, _)| !place.skips(key))
    }

    pub(super) fn start_upload(&mut self, key: &ObjectKey, now: SystemTime) -> UploadId {
        let number = self.next();
        self.uploads.insert((key.to_string(), number), now);
        UploadId::new(number.to_string())
    }

    /// Whether the upload was there.
    pub(super) fn forget_upload(&mut self, key: &ObjectKey, id: &UploadId) -> bool {
        let number = id.as_str().parse().ok();
        number.is_some_and(|number| self.uploads.remove(&(key.to_string(), number)).is_some())
    }

    pub(super) fn uploads(&self, prefix: &Prefix, after: Option<&PageToken>) -> Result<UploadPage> {
        let all = self.uploads.iter().filter_map(|((key, number), started)| {
            let info = UploadInfo::new(ObjectKey::new(key).ok()?, UploadId::new(number.to_string()));
            Some(info.with_started(*started))
        });
        page_of_uploads(all.collect(), prefix, after)
    }
}

/// The last entry of a full page: the greater of its last object and its last prefix.
fn last_place(page: &ListPage) -> Place {
    let object = page.objects.last().map(|meta| meta.key.as_str());
    let prefix = page.prefixes.last().map(Prefix::as_str);
    match (object, prefix) {
        (Some(object), Some(prefix)) if object > prefix => Place::After(object.to_owned()),
        (_, Some(prefix)) => Place::Past(prefix.to_owned()),
        (Some(object), None) => Place::After(object.to_owned()),
        (None, None) => Place::Start,
    }
}
