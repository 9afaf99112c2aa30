//! Deleting, one by one and in batches.

use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
        ObjectIdentifier,
    },
};

use super::{
    Backend, Reply,
    conditions::{Change, Condition},
};
use crate::s3::{
    bucket::Removed,
    quirk::{Quirk, Site},
    record::Entry,
};

/// The most keys of a batch.
const MAX_BATCH: usize = 1000;

/// One object that is to go.
struct Target<'a> {
    bucket: &'a str,
    key: &'a str,
    version: Option<&'a str>,
    condition: Option<Condition>,
    site: Site,
    bypass: bool,
}

impl Backend {
    async fn remove(&self, target: Target<'_>) -> S3Result<Removed> {
        let shared = self.bucket(target.bucket)?;
        let now = self.now();
        let change = Change { site: target.site, key: target.key, condition: target.condition, size: 0 };
        let bypass = (!self.quirks.has(Quirk::IgnoreLocks)).then_some(target.bypass);
        let removed = self.change(&shared, change, |bucket| match target.version {
            Some(id) => bucket.erase(target.key, id, now, bypass),
            None => bucket.hide(target.key, now),
        });
        match removed.await {
            // S3 answers If-Match on a missing key with 412 where something is deleted.
            Err(error) if *error.code() == S3ErrorCode::NoSuchKey => Err(S3ErrorCode::PreconditionFailed.into()),
            removed => removed,
        }
    }

    pub(super) async fn delete(&self, request: S3Request<DeleteObjectInput>) -> Reply<DeleteObjectOutput> {
        let input = request.input;
        let removed = self
            .remove(Target {
                bucket: &input.bucket,
                key: &input.key,
                version: input.version_id.as_deref(),
                condition: Condition::parse(input.if_match, None)?,
                site: Site::Delete,
                bypass: input.bypass_governance_retention == Some(true),
            })
            .await?;
        let output = DeleteObjectOutput {
            delete_marker: removed.marker.then_some(true),
            version_id: removed.version,
            request_charged: None,
        };
        Ok(S3Response::with_status(output, hyper::StatusCode::NO_CONTENT))
    }

    pub(super) async fn delete_batch(&self, request: S3Request<DeleteObjectsInput>) -> Reply<DeleteObjectsOutput> {
        if self.quirks.has(Quirk::NoBatchDelete) {
            return Err(S3ErrorCode::NotImplemented.into());
        }
        let entry = request.extensions.get::<Entry>().cloned();
        let input = request.input;
        if input.delete.objects.len() > MAX_BATCH || input.delete.objects.is_empty() {
            return Err(S3ErrorCode::MalformedXML.into());
        }
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for item in input.delete.objects {
            if let Some(entry) = &entry {
                let versioned = item.version_id.is_some();
                entry.add_action(if versioned { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" });
            }
            match self.remove_item(&input.bucket, &item, input.bypass_governance_retention == Some(true)).await {
                Ok(removed) => deleted.push(as_deleted(item, removed)),
                Err(error) => errors.push(as_error(item, &error)),
            }
        }
        let quiet = input.delete.quiet == Some(true);
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            request_charged: None,
        }))
    }

    async fn remove_item(&self, bucket: &str, item: &ObjectIdentifier, bypass: bool) -> S3Result<Removed> {
        let condition = item.e_tag.as_ref().map(|etag| match etag.value() {
            "*" => Condition::Present,
            value => Condition::Matches(value.to_owned()),
        });
        let (key, version) = (item.key.as_str(), item.version_id.as_deref());
        self.remove(Target { bucket, key, version, condition, site: Site::BatchDelete, bypass }).await
    }
}

fn as_deleted(item: ObjectIdentifier, removed: Removed) -> DeletedObject {
    let asked = item.version_id.is_some();
    DeletedObject {
        key: Some(item.key),
        version_id: item.version_id,
        delete_marker: removed.marker.then_some(true),
        delete_marker_version_id: removed.version.filter(|_| removed.marker || !asked),
    }
}

fn as_error(item: ObjectIdentifier, error: &S3Error) -> Error {
    Error {
        code: Some(error.code().as_str().to_owned()),
        key: Some(item.key),
        message: error.message().map(str::to_owned),
        version_id: item.version_id,
    }
}
