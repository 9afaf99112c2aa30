//! Listings, page by page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{
        CommonPrefix, DeleteMarkerEntry, ETag, EncodingType, ListMultipartUploadsInput, ListMultipartUploadsOutput,
        ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsV2Input, ListObjectsV2Output, MultipartUpload,
        Object, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass, Timestamp,
    },
};

use super::{Backend, Reply};
use crate::s3::{
    bucket::{Bucket, Version},
    operation::percent_encode,
    quirk::Quirk,
};

/// The most entries of a page.
const MAX_PAGE: usize = 1000;

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    /// After this name,
    after: String,
    /// and after everything that begins with it.
    whole: bool,
}

impl Place {
    fn skips(&self, name: &str) -> bool {
        name <= self.after.as_str() && !self.after.is_empty() || (self.whole && name.starts_with(&self.after))
    }

    fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}{}", if self.whole { 'p' } else { 'k' }, self.after))
    }

    fn parse(token: &str) -> S3Result<Self> {
        let wrong = || S3Error::with_message(S3ErrorCode::InvalidArgument, "The continuation token is not valid");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        match text.split_at_checked(1) {
            Some(("k", after)) => Ok(Self { after: after.to_owned(), whole: false }),
            Some(("p", after)) => Ok(Self { after: after.to_owned(), whole: true }),
            _ => Err(wrong()),
        }
    }
}

/// One line of a listing.
enum Line<'b> {
    Key(&'b str, &'b [Version]),
    Prefix(&'b str),
}

struct Page<'b> {
    lines: Vec<Line<'b>>,
    next: Option<Place>,
}

/// What is listed.
struct Scope<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    place: Place,
    limit: usize,
    /// A key that is not shown yet.
    hidden: Option<&'a str>,
}

/// One page of the keys that `shown` lets through.
fn page<'b>(bucket: &'b Bucket, scope: &Scope<'_>, shown: impl Fn(&[Version]) -> bool) -> Page<'b> {
    let mut page = Page { lines: Vec::new(), next: None };
    let mut place = scope.place.clone();
    for (key, versions) in bucket.objects.range(scope.prefix.to_owned()..) {
        if !key.starts_with(scope.prefix) {
            break;
        }
        if place.skips(key) || !shown(versions) || scope.hidden == Some(key) {
            continue;
        }
        if page.lines.len() >= scope.limit {
            page.next = Some(place);
            break;
        }
        match rolled_up(key, scope) {
            Some(prefix) => {
                page.lines.push(Line::Prefix(prefix));
                place = Place { after: prefix.to_owned(), whole: true };
            }
            None => {
                page.lines.push(Line::Key(key, versions));
                place = Place { after: key.clone(), whole: false };
            }
        }
    }
    page
}

fn rolled_up<'b>(key: &'b str, scope: &Scope<'_>) -> Option<&'b str> {
    let delimiter = scope.delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let rest = key.get(scope.prefix.len()..)?;
    let end = scope.prefix.len().saturating_add(rest.find(delimiter)?).saturating_add(delimiter.len());
    key.get(..end)
}

/// How names are shown: as they are, or percent-encoded.
struct Names(bool);

impl Names {
    fn of(encoding: Option<&EncodingType>) -> Self {
        Self(encoding.is_some_and(|encoding| encoding.as_str() == EncodingType::URL))
    }

    fn show(&self, name: &str) -> String {
        if self.0 { percent_encode(name) } else { name.to_owned() }
    }
}

fn visible(versions: &[Version]) -> bool {
    versions.last().is_some_and(|version| !version.is_marker())
}

impl Backend {
    fn limit(&self, asked: Option<i32>) -> usize {
        let asked = asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(MAX_PAGE);
        let quirk = self.quirks.find(|quirk| if let Quirk::PageSize(size) = quirk { Some(size) } else { None });
        let most = quirk.map_or(MAX_PAGE, |size| usize::try_from(size).unwrap_or(MAX_PAGE));
        asked.min(most)
    }

    pub(super) async fn list(&self, request: S3Request<ListObjectsV2Input>) -> Reply<ListObjectsV2Output> {
        let input = request.input;
        let shared = self.bucket(&input.bucket)?;
        let bucket = shared.lock();
        let place = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => Place::parse(token)?,
            (None, Some(after)) => Place { after: after.clone(), whole: false },
            (None, None) => Place::default(),
        };
        let hidden = bucket.last_written.clone().filter(|_| self.quirks.has(Quirk::LateListings));
        let scope = Scope {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            place,
            limit: self.limit(input.max_keys),
            hidden: hidden.as_deref(),
        };
        let page = page(&bucket, &scope, visible);
        let names = Names::of(input.encoding_type.as_ref());
        let (mut contents, prefixes) = self.contents(&page, &names);
        if self.quirks.has(Quirk::UnsortedListings) {
            contents.reverse();
        }
        let repeated = input.continuation_token.clone().filter(|_| self.quirks.has(Quirk::RepeatedPageToken));
        let next = page.next.as_ref().map(Place::token).map(|next| repeated.unwrap_or(next));
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: i32::try_from(page.lines.len()).ok(),
            max_keys: i32::try_from(scope.limit).ok(),
            is_truncated: Some(next.is_some()),
            next_continuation_token: next,
            contents: Some(contents),
            common_prefixes: Some(prefixes),
            name: Some(input.bucket),
            prefix: input.prefix.map(|prefix| names.show(&prefix)),
            delimiter: input.delimiter.map(|delimiter| names.show(&delimiter)),
            start_after: input.start_after.map(|after| names.show(&after)),
            continuation_token: input.continuation_token,
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    fn contents(&self, page: &Page<'_>, names: &Names) -> (Vec<Object>, Vec<CommonPrefix>) {
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for line in &page.lines {
            match line {
                Line::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(names.show(prefix)) }),
                Line::Key(key, versions) => contents.extend(versions.last().and_then(|version| {
                    let object = version.object.as_ref()?;
                    let class = object.kept.storage_class.as_deref().unwrap_or("STANDARD");
                    Some(Object {
                        key: Some(names.show(key)),
                        e_tag: Some(ETag::Strong(object.etag.clone())),
                        size: i64::try_from(object.body.size()).ok(),
                        last_modified: Some(Timestamp::from(version.modified)),
                        storage_class: Some(ObjectStorageClass::from(class.to_owned())),
                        ..Default::default()
                    })
                })),
            }
        }
        (contents, prefixes)
    }

    pub(super) async fn list_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> Reply<ListObjectVersionsOutput> {
        let input = request.input;
        let shared = self.bucket(&input.bucket)?;
        let bucket = shared.lock();
        let names = Names::of(input.encoding_type.as_ref());
        let prefix = input.prefix.clone().unwrap_or_default();
        let limit = self.limit(input.max_keys);
        let delimiter = input.delimiter.as_deref();
        let mut lines = version_lines(&bucket, &prefix, delimiter);
        if let Some(marker) = &input.key_marker {
            lines = after_marker(lines, marker, input.version_id_marker.as_deref())?;
        }
        let truncated = lines.len() > limit;
        lines.truncate(limit);
        let last = lines.last().filter(|_| truncated);
        let next_key_marker = last.map(|line| names.show(line.name()));
        let next_version_id_marker = last.and_then(|line| line.version().map(|version| version.id.clone()));
        let mut output = ListObjectVersionsOutput {
            is_truncated: Some(truncated),
            next_key_marker,
            next_version_id_marker,
            max_keys: i32::try_from(limit).ok(),
            name: Some(input.bucket),
            prefix: input.prefix.map(|prefix| names.show(&prefix)),
            delimiter: input.delimiter.map(|delimiter| names.show(&delimiter)),
            key_marker: input.key_marker.map(|marker| names.show(&marker)),
            version_id_marker: input.version_id_marker,
            encoding_type: input.encoding_type,
            ..Default::default()
        };
        lines.iter().for_each(|line| line.add_to(&mut output, &names));
        Ok(S3Response::new(output))
    }

    pub(super) async fn list_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Reply<ListMultipartUploadsOutput> {
        if self.quirks.has(Quirk::NoUploadList) {
            return Err(S3ErrorCode::NotImplemented.into());
        }
        let input = request.input;
        let shared = self.bucket(&input.bucket)?;
        let bucket = shared.lock();
        let names = Names::of(input.encoding_type.as_ref());
        let prefix = input.prefix.clone().unwrap_or_default();
        let limit = self.limit(input.max_uploads);
        let marker = input.key_marker.clone().filter(|marker| !marker.is_empty());
        let after = |key: &str, id: &str| match (&marker, &input.upload_id_marker) {
            (None, _) => true,
            (Some(marker), Some(last)) if !last.is_empty() => (key, id) > (marker.as_str(), last.as_str()),
            (Some(marker), _) => key > marker.as_str(),
        };
        let pending = bucket.uploads.iter();
        let all = pending.filter(|((key, id), _)| key.starts_with(&prefix) && after(key, id));
        let mut found: Vec<_> = all.take(limit.saturating_add(1)).collect();
        let truncated = found.len() > limit;
        found.truncate(limit);
        let last = found.last().map(|(place, _)| *place).filter(|_| truncated);
        let uploads = found.iter().map(|((key, id), pending)| MultipartUpload {
            key: Some(names.show(key)),
            upload_id: Some(id.clone()),
            initiated: Some(Timestamp::from(pending.started)),
            ..Default::default()
        });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            uploads: Some(uploads.collect()),
            is_truncated: Some(truncated),
            next_key_marker: last.map(|(key, _)| names.show(key)),
            next_upload_id_marker: last.map(|(_, id)| id.clone()),
            max_uploads: i32::try_from(limit).ok(),
            bucket: Some(input.bucket),
            prefix: input.prefix.map(|prefix| names.show(&prefix)),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }
}

/// One line of a listing of versions.
enum VersionLine<'b> {
    Version { key: &'b str, version: &'b Version, latest: bool },
    Prefix(&'b str),
}

/// All lines, sorted by key, the newest version of a key first.
fn version_lines<'b>(bucket: &'b Bucket, prefix: &str, delimiter: Option<&str>) -> Vec<VersionLine<'b>> {
    let scope = Scope { prefix, delimiter, place: Place::default(), limit: usize::MAX, hidden: None };
    let page = page(bucket, &scope, |_| true);
    let lines = page.lines.into_iter().flat_map(|line| match line {
        Line::Prefix(prefix) => vec![VersionLine::Prefix(prefix)],
        Line::Key(key, versions) => {
            let newest_first = versions.iter().rev().enumerate();
            newest_first.map(|(age, version)| VersionLine::Version { key, version, latest: age == 0 }).collect()
        }
    });
    lines.collect()
}

fn after_marker<'b>(lines: Vec<VersionLine<'b>>, key: &str, id: Option<&str>) -> S3Result<Vec<VersionLine<'b>>> {
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return Ok(lines.into_iter().filter(|line| line.name() > key).collect());
    };
    let place = lines.iter().position(|line| line.name() == key && line.version().is_some_and(|there| there.id == id));
    let message = "The version id marker is not valid";
    let place = place.ok_or_else(|| S3Error::with_message(S3ErrorCode::InvalidArgument, message))?;
    Ok(lines.into_iter().skip(place.saturating_add(1)).collect())
}

impl VersionLine<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Version { key, .. } => key,
            Self::Prefix(prefix) => prefix,
        }
    }

    fn version(&self) -> Option<&Version> {
        match self {
            Self::Version { version, .. } => Some(version),
            Self::Prefix(_) => None,
        }
    }

    fn add_to(&self, output: &mut ListObjectVersionsOutput, names: &Names) {
        let Self::Version { key, version, latest } = self else {
            let prefix = CommonPrefix { prefix: Some(names.show(self.name())) };
            output.common_prefixes.get_or_insert_default().push(prefix);
            return;
        };
        let (key, modified) = (Some(names.show(key)), Some(Timestamp::from(version.modified)));
        match &version.object {
            None => output.delete_markers.get_or_insert_default().push(DeleteMarkerEntry {
                key,
                is_latest: Some(*latest),
                last_modified: modified,
                version_id: Some(version.id.clone()),
                owner: None,
            }),
            Some(object) => output.versions.get_or_insert_default().push(ObjectVersion {
                key,
                is_latest: Some(*latest),
                last_modified: modified,
                version_id: Some(version.id.clone()),
                e_tag: Some(ETag::Strong(object.etag.clone())),
                size: i64::try_from(object.body.size()).ok(),
                storage_class: Some(ObjectVersionStorageClass::from("STANDARD".to_owned())),
                ..Default::default()
            }),
        }
    }
}
