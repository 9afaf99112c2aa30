//! Answers as other stores would write them: `s3s` always quotes an `ETag`.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Response,
    header::{CONTENT_LENGTH, ETAG},
};

use super::{
    http::Answer,
    quirk::{Quirk, Quirks},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(super) async fn answer(mut answer: Answer, quirks: &Quirks) -> Result<Answer, BoxError> {
    if !quirks.has(Quirk::UnquotedEtags) {
        return Ok(answer);
    }
    if let Some(etag) = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok()) {
        let bare = etag.trim_matches('"').parse()?;
        answer.headers_mut().insert(ETAG, bare);
    }
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/xml")) || answer.headers().contains_key(ETAG) {
        return Ok(answer);
    }
    let (mut head, body) = answer.into_parts();
    let document = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    let bare = Bytes::from(without_quotes(&document));
    head.headers.insert(CONTENT_LENGTH, bare.len().into());
    Ok(Response::from_parts(head, Full::new(bare).map_err(|never| match never {}).boxed_unsync()))
}

/// Takes the quotes away inside `ETag` elements, escaped or not.
fn without_quotes(document: &str) -> String {
    let mut pieces = document.split("<ETag>");
    let mut bare = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (etag, rest) = piece.split_once("</ETag>").unwrap_or((piece, ""));
        bare.push_str("<ETag>");
        bare.push_str(etag.replace("&quot;", "").trim_matches('"'));
        bare.push_str("</ETag>");
        bare.push_str(rest);
    }
    bare
}
