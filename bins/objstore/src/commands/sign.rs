//! `objstore sign`: the one command that prints a signed URL.

use std::time::Duration;

use anyhow::Context as _;
use objstore_core::{Checksums, Clock as _, PresignMethod, PresignRequest, Presigned, SystemClock};
use serde_json::{Map, Value, json};

use crate::args::{self, Method};
use crate::exit::Ended;
use crate::meta;
use crate::output::Output;
use crate::place::Spot;

pub(crate) async fn run(args: args::Sign, output: &Output) -> anyhow::Result<()> {
    if args.method == Method::Put && args.sha256.is_none() && !args.any_body {
        return Err(Ended::usage("a URL for put needs --sha256 of the body, or --any-body to allow every one"));
    }
    if args.method != Method::Put && (args.sha256.is_some() || args.any_body) {
        return Err(Ended::usage("--sha256 and --any-body go with --method put"));
    }
    let spot = Spot::open(&args.url, output).await?;
    let mut request = PresignRequest::new(spot.key.clone(), method(args.method), args.expires);
    if let Some(digest) = args.sha256 {
        request = request.with_expect(Checksums::new().with_sha256(digest));
    }
    let signed = spot.store.presign(request).await.with_context(|| format!("cannot sign {}", spot.url))?;
    let left = signed.expires().duration_since(SystemClock.now()).unwrap_or_default();
    tell(&signed, left, args.expires, output);
    let headers: Map<String, Value> =
        signed.headers().iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let value = json!({
        "url": signed.expose_url(),
        "method": verb(args.method),
        "headers": headers,
        "expires": meta::time(signed.expires()),
        "expires_in_seconds": left.as_secs_f64().round(),
    });
    output.result(&value, &format!("{}\n", signed.expose_url()))
}

/// What must be known beside the URL: its end, and the headers that go with it.
fn tell(signed: &Presigned, left: Duration, asked: Duration, output: &Output) {
    let early = left.saturating_add(Duration::from_secs(5)) < asked;
    let why = if early { " (when the credential ends, which is before the time that was asked for)" } else { "" };
    output.note(&format!("good until {}{why}", meta::time(signed.expires())));
    for (name, value) in signed.headers() {
        output.note(&format!("send with it: {name}: {value}"));
    }
}

fn method(method: Method) -> PresignMethod {
    match method {
        Method::Get => PresignMethod::Get,
        Method::Head => PresignMethod::Head,
        Method::Put => PresignMethod::Put,
        Method::Delete => PresignMethod::Delete,
    }
}

fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    }
}
