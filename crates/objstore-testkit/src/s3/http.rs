//! Connections: requests in, answers out, and what goes wrong between.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt as _, future::pending, stream};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_LENGTH, RETRY_AFTER},
};
use s3s::service::S3Service;

use super::{
    operation,
    quirk::{Quirk, Quirks},
    record::{Entry, Log, Recorded},
    rewrite,
};
use crate::{Fault, FaultPlan};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// What all connections of a server share.
pub(super) struct Front {
    pub(super) service: S3Service,
    pub(super) quirks: Arc<Quirks>,
    pub(super) log: Arc<Log>,
    pub(super) plan: Mutex<FaultPlan>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed by plan")]
pub(super) struct Close;

impl Front {
    /// Answers one request, in a task of its own: a client that goes away does not stop what it asked for.
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Close> {
        let entry = self.begin(&request);
        let fault = entry.fault();
        let body_less = request.headers().get(CONTENT_LENGTH).is_none_or(|length| length == "0");
        if let Some(answer) = before(fault) {
            if fault == Some(Fault::NotDelivered) {
                return Err(Close);
            }
            drain(request).await;
            entry.answered(answer.status().as_u16());
            return Ok(answer);
        }
        self.wait(fault).await;
        let cut = cut_for(fault).filter(|_| !body_less);
        let changes = operation::changes(operation::name(request.method(), request.uri(), request.headers()));
        let serving = tokio::spawn(Arc::clone(&self).serve(request, entry.clone(), cut));
        let Ok(Ok(answer)) = serving.await else { return Err(Close) };
        let lost = |quirk| if let Quirk::LostReplies { every } = quirk { Some(every) } else { None };
        if changes && answer.status().is_success() && self.quirks.strikes(lost) {
            return Err(Close);
        }
        match fault {
            Some(Fault::Hang) => pending().await,
            Some(Fault::ReplyLost) => Err(Close),
            _ if cut.is_some() => Err(Close),
            _ => {
                entry.answered(answer.status().as_u16());
                self.send(answer, fault)
            }
        }
    }

    fn begin(&self, request: &Request<Incoming>) -> Entry {
        let (uri, headers) = (request.uri(), request.headers());
        let name = operation::name(request.method(), uri, headers);
        let (bucket, key) = operation::place(uri);
        let line = Recorded {
            number: 0,
            operation: name,
            bucket,
            key,
            headers: headers.keys().map(|name| name.as_str().to_owned()).collect(),
            actions: operation::actions(name, uri, headers).into_iter().map(str::to_owned).collect(),
            status: None,
            fault: None,
        };
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        self.log.begin(line, |number| plan.fault(number))
    }

    async fn wait(&self, fault: Option<Fault>) {
        let quirk = self.quirks.find(|quirk| if let Quirk::Slow(by) = quirk { Some(by) } else { None });
        let planned = if let Some(Fault::Slow(by)) = fault { Some(by) } else { None };
        let by = quirk.unwrap_or_default().saturating_add(planned.unwrap_or_default());
        if !by.is_zero() {
            tokio::time::sleep(by).await;
        }
    }

    async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
        entry: Entry,
        cut: Option<Cut>,
    ) -> Result<Answer, BoxError> {
        let batch = operation::name(request.method(), request.uri(), request.headers()) == "DeleteObjects";
        let (mut head, body) = request.into_parts();
        head.extensions.insert(entry);
        let body = if batch {
            let document = body.collect().await?.to_bytes();
            if let Some(refused) = self.check_batch(&head.headers, &document) {
                return Ok(refused);
            }
            s3s::Body::from(document)
        } else {
            received(body, &head.headers, cut)
        };
        let answer = self.service.call(Request::from_parts(head, body)).await.map_err(BoxError::from)?;
        let answer = answer.map(|body| body.map_err(BoxError::from).boxed_unsync());
        rewrite::answer(answer, &self.quirks).await
    }

    /// A batch of deletions must come with a digest of its document.
    fn check_batch(&self, headers: &HeaderMap, document: &[u8]) -> Option<Answer> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        use s3s::crypto::{Checksum as _, Md5};
        let md5 = headers.get("content-md5").and_then(|value| value.to_str().ok());
        let other = headers.keys().any(|name| name.as_str().starts_with("x-amz-checksum-") || name == "x-amz-trailer");
        if md5.is_none() && (!other || self.quirks.has(Quirk::RequireContentMd5)) {
            return Some(error(400, "InvalidRequest", "Missing required header for this request: Content-MD5"));
        }
        let wrong = md5.is_some_and(|md5| md5 != STANDARD.encode(Md5::checksum(document)));
        wrong.then(|| error(400, "BadDigest", "The Content-MD5 you specified did not match what we received."))
    }

    fn send(&self, answer: Answer, fault: Option<Fault>) -> Result<Answer, Close> {
        let length = length_of(answer.headers());
        let whole = length.filter(|length| *length > 0);
        let strikes = || {
            let every = |quirk| if let Quirk::ResetBodies { every } = quirk { Some(every) } else { None };
            !is_document(answer.headers()) && self.quirks.strikes(every)
        };
        match (cut_for(fault), whole) {
            (Some(Cut::Reset), Some(length)) => Ok(broken(answer, length)),
            (Some(Cut::End), Some(length)) => Ok(shortened(answer, length)),
            (Some(_), None) => Err(Close),
            (None, Some(length)) if strikes() => Ok(broken(answer, length)),
            (None, _) => Ok(answer),
        }
    }
}

/// How a body that is cut in the middle ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// With an error.
    Reset,
    /// As if it were whole.
    End,
}

fn cut_for(fault: Option<Fault>) -> Option<Cut> {
    match fault {
        Some(Fault::Reset) => Some(Cut::Reset),
        Some(Fault::Truncated) => Some(Cut::End),
        _ => None,
    }
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()).and_then(|length| length.parse().ok())
}

fn is_document(headers: &HeaderMap) -> bool {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/xml"))
}

/// The answer of a fault that lets nothing be done.
fn before(fault: Option<Fault>) -> Option<Answer> {
    let retry = |mut answer: Answer, after: Duration| {
        answer.headers_mut().insert(RETRY_AFTER, after.as_secs().into());
        answer
    };
    Some(match fault? {
        Fault::NotDelivered => error(500, "NotDelivered", ""),
        Fault::ServerError => error(500, "InternalError", "We encountered an internal error. Please try again."),
        Fault::SlowDown(after) => retry(error(503, "SlowDown", "Please reduce your request rate."), after),
        Fault::TooManyRequests(after) => {
            retry(error(429, "TooManyRequests", "Please reduce your request rate."), after)
        }
        Fault::ExpiredToken => error(400, "ExpiredToken", "The provided token has expired."),
        _ => return None,
    })
}

/// An error document.
pub(super) fn error(status: u16, code: &str, message: &str) -> Answer {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let full = Full::new(Bytes::from(document)).map_err(|never: Infallible| match never {});
    let mut answer = Response::new(full.boxed_unsync());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/xml"));
    answer
}

/// Reads a body to its end, so that the client reads the answer instead of a broken connection.
async fn drain(request: Request<Incoming>) {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
}

/// The body of a request as the store gets it.
fn received(body: Incoming, headers: &HeaderMap, cut: Option<Cut>) -> s3s::Body {
    let Some(cut) = cut else { return s3s::Body::from(body) };
    let half = length_of(headers).unwrap_or(0) / 2;
    let frames = body.into_data_stream().map(|chunk| chunk.map_err(BoxError::from));
    s3s::Body::http_body_unsync(StreamBody::new(cut_at(frames, half, cut)))
}

/// An answer whose body breaks off in the middle.
fn broken(answer: Answer, length: u64) -> Answer {
    answer.map(|body| StreamBody::new(cut_at(body.into_data_stream(), length / 2, Cut::Reset)).boxed_unsync())
}

/// An answer of which half passes for the whole.
fn shortened(answer: Answer, length: u64) -> Answer {
    let (mut head, body) = answer.into_parts();
    head.headers.insert(CONTENT_LENGTH, (length / 2).into());
    Response::from_parts(head, StreamBody::new(cut_at(body.into_data_stream(), length / 2, Cut::End)).boxed_unsync())
}

fn cut_at(
    body: impl futures::Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
    half: u64,
    cut: Cut,
) -> impl futures::Stream<Item = Result<Frame<Bytes>, BoxError>> + Send + 'static {
    let state = (Box::pin(body), usize::try_from(half).unwrap_or(usize::MAX), false);
    stream::unfold(state, move |(mut body, left, done)| async move {
        if done {
            return None;
        }
        if left == 0 {
            let error = BoxError::from(io::Error::from(io::ErrorKind::ConnectionReset));
            return (cut == Cut::Reset).then(|| (Err(error), (body, 0, true)));
        }
        let mut chunk = match body.next().await? {
            Ok(chunk) => chunk,
            Err(error) => return Some((Err(error), (body, 0, true))),
        };
        chunk.truncate(left);
        let left = left.saturating_sub(chunk.len());
        Some((Ok(Frame::data(chunk)), (body, left, false)))
    })
}
