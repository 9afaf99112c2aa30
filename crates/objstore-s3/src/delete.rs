//! Deleting, one by one and in batches.

use std::collections::HashMap;

use aws_sdk_s3::{
    operation::delete_objects::DeleteObjectsOutput,
    types::{Delete, ObjectIdentifier},
};
use aws_smithy_runtime_api::http::Request;
use futures::{StreamExt as _, stream};
use objstore_core::{
    Condition, DeleteItem, DeleteOptions, Deleted, Effect, Error, ErrorKind, ObjectKey, Op, Promise, ReadOptions,
    Result, VersionId,
};

use crate::{
    checksum::md5_text,
    errors::{of_change, of_code},
    profiles::BATCH_ITEMS,
    put::version,
    store::S3Store,
};

/// Single deletes at a time, in place of a batch.
const AT_A_TIME: usize = 8;

impl S3Store {
    pub(crate) async fn delete_object(&self, key: &ObjectKey, options: &DeleteOptions) -> Result<Deleted> {
        let matches = self.check_delete(options)?;
        let answer = self
            .send(|| {
                self.client()
                    .delete_object()
                    .bucket(self.bucket())
                    .key(key.as_str())
                    .set_version_id(options.version.as_ref().map(ToString::to_string))
                    .set_if_match(matches.clone())
                    .set_request_payer(self.payer())
                    .send()
            })
            .await;
        match answer {
            Ok(answer) => {
                let hidden = options.version.is_none() && answer.delete_marker() == Some(true);
                let marker = answer.version_id().and_then(version).filter(|_| hidden);
                Ok(Deleted::new().with_delete_marker(marker))
            }
            Err(failed) => {
                let error = of_change(failed, options.condition.as_ref());
                match error.kind() {
                    // Also of a version: it is not there.
                    ErrorKind::NotFound => Ok(Deleted::new().with_existed(false)),
                    _ => self.look_after_delete(error, key, options).await,
                }
            }
        }
    }

    /// The condition as a header, if the store keeps it.
    fn check_delete(&self, options: &DeleteOptions) -> Result<Option<String>> {
        self.check_versions(options.version.is_some())?;
        match &options.condition {
            None => Ok(None),
            Some(Condition::Absent) => {
                let detail = "a delete cannot demand that the object is absent";
                Err(Error::new(ErrorKind::InvalidInput).with_detail(detail))
            }
            Some(Condition::Matches(revision)) => {
                self.check_promise(Promise::ConditionalDelete)?;
                Ok(Some(self.etag(revision)))
            }
            Some(_) => Err(Error::new(ErrorKind::Unsupported).with_detail("this condition is not known here")),
        }
    }

    /// Turns a delete whose effect is unknown into what the store shows.
    async fn look_after_delete(&self, error: Error, key: &ObjectKey, options: &DeleteOptions) -> Result<Deleted> {
        if *error.effect() != Effect::Unknown {
            return Err(error);
        }
        let mut look = ReadOptions::new();
        look.version.clone_from(&options.version);
        match (self.head_object(key, &look).await, &options.condition) {
            (Err(found), _) if found.kind() == ErrorKind::NotFound => Ok(Deleted::new()),
            (Err(_), _) => Err(error),
            (Ok(found), Some(Condition::Matches(revision))) if found.revision != *revision => Err(error),
            (Ok(_), _) => Err(error.with_effect(Effect::NotApplied)),
        }
    }

    pub(crate) async fn delete_objects(&self, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
        if items.len() > BATCH_ITEMS as usize {
            let at = self.at(Op::Delete, None);
            let refuse = |_| Err(at(Error::new(ErrorKind::InvalidInput).with_detail("a batch holds 1,000 at most")));
            return items.into_iter().map(refuse).collect();
        }
        let (batch, single): (Vec<_>, Vec<_>) =
            items.into_iter().enumerate().partition(|(_, item)| self.can_batch(&item.options));
        let mut results = self.delete_batch(batch).await;
        results.extend(self.delete_each(single).await);
        results.sort_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }

    fn can_batch(&self, options: &DeleteOptions) -> bool {
        self.check_promise(Promise::BatchDelete).is_ok()
            && self.check_versions(options.version.is_some()).is_ok()
            && match options.condition {
                None => true,
                Some(Condition::Matches(_)) => self.check_promise(Promise::ConditionalBatchDelete).is_ok(),
                Some(_) => false,
            }
    }

    async fn delete_each(&self, items: Vec<(usize, DeleteItem)>) -> Vec<(usize, Result<Deleted>)> {
        let delete = |(index, item): (usize, DeleteItem)| async move {
            let result = self.delete_object(&item.key, &item.options).await;
            (index, result.map_err(self.at(Op::Delete, Some(&item.key))))
        };
        stream::iter(items).map(delete).buffer_unordered(AT_A_TIME).collect().await
    }

    /// Deletes what a batch without an answer may have deleted already. Without a condition that does no harm; with one
    /// the second delete would take the first for another's, so there is a look before it.
    async fn delete_doubtful(&self, items: Vec<(usize, DeleteItem)>) -> Vec<(usize, Result<Deleted>)> {
        let mut results = Vec::new();
        let mut again = Vec::new();
        for (index, item) in items {
            if item.options.condition.is_none() {
                again.push((index, item));
                continue;
            }
            let lost = Error::new(ErrorKind::Transport).with_effect(Effect::Unknown);
            match self.look_after_delete(lost.with_detail("the batch was not answered"), &item.key, &item.options).await
            {
                Err(error) if *error.effect() == Effect::NotApplied => again.push((index, item)),
                told => results.push((index, told.map_err(self.at(Op::Delete, Some(&item.key))))),
            }
        }
        results.extend(self.delete_each(again).await);
        results
    }

    async fn delete_batch(&self, items: Vec<(usize, DeleteItem)>) -> Vec<(usize, Result<Deleted>)> {
        if items.len() < 2 {
            return self.delete_each(items).await;
        }
        match self.send_batch(&items).await {
            Ok(answer) => self.read_batch(items, &answer),
            // Said, not worked around, so that a probe sees it: what it found makes single deletes of a batch.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let refuse = |item: &DeleteItem| {
                    let detail = "it has no batches of deletions: probe it, or delete one by one";
                    Err(self.at(Op::Delete, Some(&item.key))(Error::new(ErrorKind::Unsupported).with_detail(detail)))
                };
                items.into_iter().map(|(index, item)| (index, refuse(&item))).collect()
            }
            Err(error) if *error.effect() == Effect::Unknown => self.delete_doubtful(items).await,
            // Whatever else was wrong with the batch (a permission, a header), the single deletes tell.
            Err(_) => self.delete_each(items).await,
        }
    }

    async fn send_batch(&self, items: &[(usize, DeleteItem)]) -> Result<DeleteObjectsOutput> {
        let identify = |(_, item): &(usize, DeleteItem)| {
            let matches = match &item.options.condition {
                Some(Condition::Matches(revision)) => Some(self.etag(revision)),
                _ => None,
            };
            ObjectIdentifier::builder()
                .key(item.key.as_str())
                .set_version_id(item.options.version.as_ref().map(ToString::to_string))
                .set_e_tag(matches)
                .build()
        };
        let objects: Result<Vec<_>, _> = items.iter().map(identify).collect();
        let batch = objects.and_then(|objects| Delete::builder().set_objects(Some(objects)).build());
        let batch = batch.map_err(|error| Error::new(ErrorKind::InvalidInput).with_source(error))?;
        let answer = self
            .send(|| {
                let request = self
                    .client()
                    .delete_objects()
                    .bucket(self.bucket())
                    .delete(batch.clone())
                    .set_request_payer(self.payer())
                    .customize();
                async move {
                    if self.shared.profile.batch_md5 {
                        request.mutate_request(md5_instead_of_crc).send().await
                    } else {
                        request.send().await
                    }
                }
            })
            .await;
        answer.map_err(|failed| of_change(failed, None))
    }

    /// One result for each, by key and version.
    fn read_batch(
        &self,
        items: Vec<(usize, DeleteItem)>,
        answer: &DeleteObjectsOutput,
    ) -> Vec<(usize, Result<Deleted>)> {
        let mut found: HashMap<(String, Option<String>), Result<Deleted>> = HashMap::new();
        for deleted in answer.deleted() {
            let hidden = deleted.delete_marker() == Some(true) && deleted.version_id().is_none();
            let marker = deleted.delete_marker_version_id().filter(|_| hidden).map(VersionId::new);
            let name = (deleted.key().unwrap_or_default().to_owned(), deleted.version_id().map(str::to_owned));
            found.insert(name, Ok(Deleted::new().with_delete_marker(marker)));
        }
        for failed in answer.errors() {
            let result = match of_code(failed.code().unwrap_or_default(), failed.message().unwrap_or_default()) {
                error if error.kind() == ErrorKind::NotFound => Ok(Deleted::new().with_existed(false)),
                error => Err(error),
            };
            let name = (failed.key().unwrap_or_default().to_owned(), failed.version_id().map(str::to_owned));
            found.insert(name, result);
        }
        let one = |(index, item): (usize, DeleteItem)| {
            let (key, version) = (item.key.to_string(), item.options.version.as_ref().map(ToString::to_string));
            let result = found.remove(&(key.clone(), version)).or_else(|| found.remove(&(key, None)));
            (index, result.unwrap_or_else(|| Err(unmentioned())).map_err(self.at(Op::Delete, Some(&item.key))))
        };
        items.into_iter().map(one).collect()
    }
}

fn unmentioned() -> Error {
    let detail = "the store's answer to the batch does not mention the object";
    Error::new(ErrorKind::Other).with_effect(Effect::Unknown).with_detail(detail)
}

/// What stores that are older than the newer checksums want of a batch.
fn md5_instead_of_crc(request: &mut Request) {
    let Some(md5) = request.body().bytes().map(md5_text) else { return };
    for name in ["x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm"] {
        request.headers_mut().remove(name);
    }
    request.headers_mut().insert("content-md5", md5);
}
