//! Making a bucket: what `objstore-s3` does not do.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};

use crate::BucketKind;

/// What all servers are spoken to for.
pub(crate) const REGION: &str = "us-east-1";

const LIMIT: Duration = Duration::from_secs(30);

const KEEP_VERSIONS: &str = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                             <Status>Enabled</Status></VersioningConfiguration>";

/// A key that the server knows.
pub(crate) struct Key<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: &'a str,
}

/// Makes a bucket of this kind.
pub(crate) fn make(endpoint: &str, key: &Key<'_>, name: &str, kind: BucketKind) -> anyhow::Result<()> {
    let url = format!("{endpoint}/{name}");
    let lock: &[(&str, &str)] = match kind {
        BucketKind::Locked => &[("x-amz-bucket-object-lock-enabled", "true")],
        BucketKind::Plain | BucketKind::Versioned => &[],
    };
    put(&url, key, lock, "")?;
    if kind == BucketKind::Versioned {
        put(&format!("{url}?versioning="), key, &[], KEEP_VERSIONS)?;
    }
    Ok(())
}

/// One signed request over plain HTTP.
#[expect(clippy::disallowed_methods, reason = "a signature has the time of the system, which the server compares")]
fn put(url: &str, key: &Key<'_>, headers: &[(&str, &str)], body: &str) -> anyhow::Result<()> {
    let rest = url.strip_prefix("http://").context("only plain HTTP")?;
    let (host, path) = rest.split_once('/').context("no path")?;
    let headers: Vec<_> = [("host", host)].into_iter().chain(headers.iter().copied()).collect();
    let identity = Credentials::new(key.id, key.secret, None, None, "test").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("s3")
        .time(SystemTime::now())
        .settings(settings)
        .build()?
        .into();
    let request = SignableRequest::new("PUT", url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()))?;
    let (signed, _) = sign(request, &params)?.into_parts();
    let mut text = format!("PUT /{path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers.iter().copied().chain(signed.headers()) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(LIMIT))?;
    write!(stream, "{text}\r\n{body}")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.starts_with("HTTP/1.1 2"), "PUT {url}: {answer}");
    Ok(())
}
