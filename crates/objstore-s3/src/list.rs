//! Listings: objects, stored versions, unfinished uploads.

use aws_sdk_s3::types::{CommonPrefix, DeleteMarkerEntry, EncodingType, Object, ObjectVersion};
use objstore_core::{
    Error, ErrorKind, ListOptions, ListPage, ObjectKey, ObjectMeta, PageToken, Prefix, Result, Revision, UploadId,
    UploadInfo, UploadPage, VersionId,
};

use crate::{
    errors::of_read,
    profiles::PAGE_ITEMS,
    put::revision,
    read::{time, unreadable},
    store::S3Store,
};

impl S3Store {
    pub(crate) async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        if options.versions {
            self.list_versions(prefix, options).await
        } else {
            self.list_objects(prefix, options).await
        }
    }

    async fn list_objects(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let after = options.after.as_ref().map(|token| tagged(token, OBJECTS)).transpose()?;
        let answer = self
            .send(|| {
                self.client()
                    .list_objects_v2()
                    .bucket(self.bucket())
                    .prefix(prefix.as_str())
                    .encoding_type(EncodingType::Url)
                    .set_delimiter(options.delimited.then(|| "/".to_owned()))
                    .set_start_after(options.start_after.as_ref().map(ToString::to_string))
                    .set_continuation_token(after.map(str::to_owned))
                    .set_max_keys(Some(limit(options)))
                    .set_request_payer(self.payer())
                    .send()
            })
            .await
            .map_err(of_read)?;
        let mut page = Page::new(prefix, is_url(answer.encoding_type()));
        answer.contents().iter().try_for_each(|object| page.object(object))?;
        answer.common_prefixes().iter().try_for_each(|found| page.prefix(found))?;
        let next = answer.next_continuation_token().filter(|_| answer.is_truncated() == Some(true));
        if answer.is_truncated() == Some(true) && next.is_none() {
            return Err(unreadable("it says that there is more, and not where"));
        }
        page.finish(next.map(|next| tag(OBJECTS, next)), options)
    }

    async fn list_versions(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.check_versions(true)?;
        let (after_key, after_version) = match (&options.after, &options.start_after) {
            (Some(token), _) => markers(tagged(token, VERSIONS)?)?,
            (None, Some(key)) => (Some(key.to_string()), None),
            (None, None) => (None, None),
        };
        let answer = self
            .send(|| {
                self.client()
                    .list_object_versions()
                    .bucket(self.bucket())
                    .prefix(prefix.as_str())
                    .encoding_type(EncodingType::Url)
                    .set_delimiter(options.delimited.then(|| "/".to_owned()))
                    .set_key_marker(after_key.clone())
                    .set_version_id_marker(after_version.clone())
                    .set_max_keys(Some(limit(options)))
                    .set_request_payer(self.payer())
                    .send()
            })
            .await
            .map_err(of_read)?;
        let mut page = Page::new(prefix, is_url(answer.encoding_type()));
        answer.versions().iter().try_for_each(|version| page.version(version))?;
        for marker in answer.delete_markers() {
            page.marker(marker)?;
        }
        page.newest_first();
        answer.common_prefixes().iter().try_for_each(|found| page.prefix(found))?;
        let next = if answer.is_truncated() == Some(true) {
            let key =
                answer.next_key_marker().ok_or_else(|| unreadable("it says that there is more, and not where"))?;
            let key = page.text(key)?;
            Some(tag(VERSIONS, &format!("{} {key}", answer.next_version_id_marker().unwrap_or_default())))
        } else {
            None
        };
        page.finish(next, options)
    }

    pub(crate) async fn list_uploads(&self, prefix: &Prefix, after: Option<&PageToken>) -> Result<UploadPage> {
        let (after_key, after_id) = match after {
            Some(token) => markers(tagged(token, UPLOADS)?)?,
            None => (None, None),
        };
        let answer = self
            .send(|| {
                self.client()
                    .list_multipart_uploads()
                    .bucket(self.bucket())
                    .prefix(prefix.as_str())
                    .encoding_type(EncodingType::Url)
                    .set_key_marker(after_key.clone())
                    .set_upload_id_marker(after_id.clone())
                    .set_request_payer(self.payer())
                    .send()
            })
            .await
            .map_err(of_read)?;
        let names = Names { url: is_url(answer.encoding_type()) };
        let mut uploads = Vec::new();
        for upload in answer.uploads() {
            let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else {
                return Err(unreadable("an upload has no key or no id"));
            };
            let key = ObjectKey::new(names.text(key)?)?;
            // Some stores take the prefix for a whole folder's name, or not at all.
            if prefix.contains(&key) {
                let started = upload.initiated().and_then(time);
                uploads.push(UploadInfo::new(key, UploadId::new(id)).with_started(started));
            }
        }
        let next = match (answer.is_truncated(), answer.next_key_marker()) {
            (Some(true), Some(key)) => {
                let id = answer.next_upload_id_marker().unwrap_or_default();
                Some(tag(UPLOADS, &format!("{id} {}", names.text(key)?)))
            }
            (Some(true), None) => return Err(unreadable("it says that there is more, and not where")),
            _ => None,
        };
        check_progress(next.as_ref(), after)?;
        Ok(UploadPage::new().with_uploads(uploads).with_next(next))
    }
}

/// What our page tokens begin with: they are of one kind of listing each.
const OBJECTS: &str = "o:";
const VERSIONS: &str = "v:";
const UPLOADS: &str = "u:";

fn tag(kind: &str, place: &str) -> PageToken {
    PageToken::new(format!("{kind}{place}"))
}

fn tagged<'t>(token: &'t PageToken, kind: &str) -> Result<&'t str> {
    token.as_str().strip_prefix(kind).filter(|place| !place.is_empty()).ok_or_else(foreign)
}

/// `ID KEY`: an id has no space.
fn markers(place: &str) -> Result<(Option<String>, Option<String>)> {
    let (id, key) = place.split_once(' ').ok_or_else(foreign)?;
    Ok((Some(key.to_owned()), (!id.is_empty()).then(|| id.to_owned())))
}

fn foreign() -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail("the page token is not of this listing")
}

fn limit(options: &ListOptions) -> i32 {
    let limit = options.limit.map_or(PAGE_ITEMS, |limit| limit.get().min(PAGE_ITEMS));
    i32::try_from(limit).unwrap_or(i32::MAX)
}

fn is_url(encoding: Option<&EncodingType>) -> bool {
    encoding == Some(&EncodingType::Url)
}

/// A listing that gets nowhere never ends.
fn check_progress(next: Option<&PageToken>, asked: Option<&PageToken>) -> Result<()> {
    if next.is_some() && next == asked {
        return Err(unreadable("it returned the same page token again"));
    }
    Ok(())
}

/// Names in an answer, escaped or not.
#[derive(Debug, Clone, Copy)]
struct Names {
    url: bool,
}

impl Names {
    fn text(self, name: &str) -> Result<String> {
        if !self.url {
            return Ok(name.to_owned());
        }
        // As in a form: a space may be a plus sign, which itself is escaped.
        crate::escape::decode_form(name).ok_or_else(|| unreadable("a name is not escaped as it says"))
    }
}

/// A page that is being read.
struct Page<'p> {
    below: &'p Prefix,
    names: Names,
    /// Each with whether it is the current version.
    objects: Vec<(bool, ObjectMeta)>,
    prefixes: Vec<Prefix>,
    invalid: Vec<String>,
}

impl<'p> Page<'p> {
    fn new(below: &'p Prefix, url: bool) -> Self {
        Self { below, names: Names { url }, objects: Vec::new(), prefixes: Vec::new(), invalid: Vec::new() }
    }

    fn text(&self, name: &str) -> Result<String> {
        self.names.text(name)
    }

    /// The key, unless it is none by our rules.
    fn key(&mut self, name: Option<&str>) -> Result<Option<ObjectKey>> {
        let name = self.text(name.ok_or_else(|| unreadable("an entry has no name"))?)?;
        if !name.starts_with(self.below.as_str()) {
            return Err(unreadable("it lists a name that is not below the prefix"));
        }
        match ObjectKey::new(name.as_str()) {
            Ok(key) => Ok(Some(key)),
            Err(_) => {
                self.invalid.push(name.escape_default().to_string());
                Ok(None)
            }
        }
    }

    fn object(&mut self, object: &Object) -> Result<()> {
        let Some(key) = self.key(object.key())? else { return Ok(()) };
        let size = object.size().and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| unreadable("an entry has no size"))?;
        // Some stores list no ETag. A revision that nothing has is safe: a condition on it fails.
        let revision = object.e_tag().and_then(revision).unwrap_or_else(no_revision);
        let class = object.storage_class().map(|class| class.as_str().to_owned());
        let meta = ObjectMeta::new(key, size, revision)
            .with_last_modified(object.last_modified().and_then(time))
            .with_storage_class(class);
        self.objects.push((true, meta));
        Ok(())
    }

    fn version(&mut self, version: &ObjectVersion) -> Result<()> {
        let Some(key) = self.key(version.key())? else { return Ok(()) };
        let size = version.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
        let revision = version.e_tag().and_then(revision).unwrap_or_else(no_revision);
        let class = version.storage_class().map(|class| class.as_str().to_owned());
        let meta = ObjectMeta::new(key, size, revision)
            .with_last_modified(version.last_modified().and_then(time))
            .with_version(version.version_id().map(VersionId::new))
            .with_storage_class(class);
        self.objects.push((version.is_latest() == Some(true), meta));
        Ok(())
    }

    fn marker(&mut self, marker: &DeleteMarkerEntry) -> Result<()> {
        let Some(key) = self.key(marker.key())? else { return Ok(()) };
        let meta = ObjectMeta::new(key, 0, no_revision())
            .with_last_modified(marker.last_modified().and_then(time))
            .with_version(marker.version_id().map(VersionId::new))
            .with_delete_marker(true);
        self.objects.push((marker.is_latest() == Some(true), meta));
        Ok(())
    }

    /// Versions and markers arrive apart: each key's own become one row again, the current one first.
    fn newest_first(&mut self) {
        self.objects.sort_by(|(a_current, a), (b_current, b)| {
            a.key.cmp(&b.key).then(b_current.cmp(a_current)).then(b.last_modified.cmp(&a.last_modified))
        });
    }

    fn prefix(&mut self, found: &CommonPrefix) -> Result<()> {
        let name = self.text(found.prefix().ok_or_else(|| unreadable("a prefix has no name"))?)?;
        if !name.starts_with(self.below.as_str()) {
            return Err(unreadable("it lists a name that is not below the prefix"));
        }
        match Prefix::new(name.as_str()) {
            Ok(prefix) => self.prefixes.push(prefix),
            Err(_) => self.invalid.push(name.escape_default().to_string()),
        }
        Ok(())
    }

    fn finish(self, next: Option<PageToken>, options: &ListOptions) -> Result<ListPage> {
        check_progress(next.as_ref(), options.after.as_ref())?;
        let objects: Vec<_> = self.objects.into_iter().map(|(_, object)| object).collect();
        Ok(ListPage::new()
            .with_objects(objects)
            .with_prefixes(self.prefixes)
            .with_invalid(self.invalid)
            .with_next(next))
    }
}

fn no_revision() -> Revision {
    Revision::new("")
}
