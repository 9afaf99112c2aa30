//! Conditions: what they demand, and how a store may mistreat them.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use hyper::HeaderMap;
use s3s::{S3Error, S3ErrorCode, S3Result, dto::ETagCondition};

use super::{Backend, Shared};
use crate::s3::{
    bucket::Bucket,
    quirk::{Quirk, Site, Treatment},
};

/// How long a racy store waits for another writer of the same key, between its check and its act.
const RACE_WINDOW: Duration = Duration::from_millis(150);

/// What must hold of the object that a plain read sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    Absent,
    Present,
    Matches(String),
}

impl Condition {
    /// From `If-Match` and `If-None-Match`, of which S3 knows only `*`.
    pub(super) fn parse(matches: Option<ETagCondition>, none_match: Option<ETagCondition>) -> S3Result<Option<Self>> {
        match (matches, none_match) {
            (None, None) => Ok(None),
            (None, Some(ETagCondition::Any)) => Ok(Some(Self::Absent)),
            (Some(ETagCondition::Any), None) => Ok(Some(Self::Present)),
            (Some(ETagCondition::ETag(etag)), None) => Ok(Some(Self::Matches(etag.into_value()))),
            _ => Err(not_implemented()),
        }
    }

    /// The same from headers that `s3s` does not read for a request of this kind.
    pub(super) fn of_headers(headers: &HeaderMap) -> S3Result<Option<Self>> {
        let parse = |name: &str| {
            let value = headers.get(name).map(|value| ETagCondition::parse_http_header(value.as_bytes()));
            value.transpose().map_err(|_| S3Error::from(S3ErrorCode::InvalidArgument))
        };
        Self::parse(parse("if-match")?, parse("if-none-match")?)
    }

    fn check(&self, bucket: &Bucket, key: &str, markers_count: bool) -> S3Result<()> {
        let current = bucket.current(key).and_then(|version| version.object.as_ref());
        let taken = current.is_some() || (markers_count && bucket.latest(key).is_some());
        match self {
            Self::Absent if taken => Err(failed()),
            Self::Present if !taken => Err(S3ErrorCode::NoSuchKey.into()),
            Self::Matches(_) if current.is_none() => Err(S3ErrorCode::NoSuchKey.into()),
            Self::Matches(etag) if current.is_some_and(|object| object.etag != *etag) => Err(failed()),
            _ => Ok(()),
        }
    }
}

fn failed() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

fn not_implemented() -> S3Error {
    let message = "A header you provided implies functionality that is not implemented";
    S3Error::with_message(S3ErrorCode::NotImplemented, message)
}

/// A change that is to be made.
pub(super) struct Change<'a> {
    pub(super) site: Site,
    pub(super) key: &'a str,
    pub(super) condition: Option<Condition>,
    /// Of the body.
    pub(super) size: u64,
}

impl Backend {
    /// Makes a change if its condition holds: at one moment, unless a quirk says otherwise.
    pub(super) async fn change<T>(
        &self,
        shared: &Arc<Shared>,
        change: Change<'_>,
        act: impl FnOnce(&mut Bucket) -> S3Result<T> + Send,
    ) -> S3Result<T> {
        let Change { site, key, condition, size } = change;
        let Some(condition) = condition else { return act(&mut shared.lock()) };
        let treatment = self.quirks.treatment(site, shared.lock().versioned(), size);
        if treatment == Treatment::Rejected {
            return Err(not_implemented());
        }
        if self.quirks.strikes(|quirk| if let Quirk::Conflicts { every } = quirk { Some(every) } else { None }) {
            let message = "A conflicting operation is in progress against this resource. Try again";
            return Err(S3Error::with_message(S3ErrorCode::ConditionalRequestConflict, message));
        }
        let markers_count = self.quirks.has(Quirk::MarkersCount);
        let check = |bucket: &MutexGuard<'_, Bucket>| condition.check(bucket, key, markers_count);
        match treatment {
            Treatment::Atomic => {
                let mut bucket = shared.lock();
                check(&bucket)?;
                act(&mut bucket)
            }
            Treatment::Racy => {
                check(&shared.lock())?;
                shared.meet(key, RACE_WINDOW).await;
                act(&mut shared.lock())
            }
            Treatment::Ignored | Treatment::Rejected => act(&mut shared.lock()),
        }
    }
}
