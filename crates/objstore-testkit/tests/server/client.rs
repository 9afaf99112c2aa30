//! A client that sends what it is told to, byte by byte.

use std::io;

use objstore_testkit::s3::S3Server;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::sign::{Signer, encode, names, now, sha256, stamp};

/// An answer, as far as it came.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn etag(&self) -> &str {
        self.header("etag").unwrap_or_default()
    }

    /// The text of the first element of this name.
    pub(crate) fn element(&self, name: &str) -> String {
        self.elements(name).into_iter().next().unwrap_or_default()
    }

    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
        let pieces = text.split(&begin).skip(1);
        pieces.map(|piece| piece.split(&end).next().unwrap_or_default().to_owned()).collect()
    }
}

/// How a body is bound to its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    Signed,
    Unsigned,
}

#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) host: String,
    pub(crate) bucket: String,
    pub(crate) signer: Signer,
    pub(crate) payload: Payload,
}

type Headers<'a> = &'a [(&'a str, &'a str)];

impl Client {
    pub(crate) fn of(server: &S3Server) -> Self {
        let signer = Signer {
            access_key: server.credentials().access_key().to_owned(),
            secret_key: server.credentials().expose_secret_key().to_owned(),
            region: server.region().to_owned(),
        };
        let host = server.endpoint().trim_start_matches("http://").to_owned();
        Self { host, bucket: server.bucket().to_owned(), signer, payload: Payload::Signed }
    }

    pub(crate) fn path(&self, key: &str) -> String {
        format!("/{}{}{}", self.bucket, if key.is_empty() { "" } else { "/" }, encode(key, true))
    }

    /// The bytes of a signed request; `query` is encoded and sorted.
    pub(crate) fn request(&self, method: &str, key: &str, query: &str, headers: Headers<'_>, body: &[u8]) -> Vec<u8> {
        let stamp = stamp(now());
        let payload = match self.payload {
            Payload::Signed => sha256(body),
            Payload::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
        };
        let mut signed: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        signed.push(("host".to_owned(), self.host.clone()));
        signed.push(("x-amz-content-sha256".to_owned(), payload.clone()));
        signed.push(("x-amz-date".to_owned(), stamp.clone()));
        signed.sort();
        let path = self.path(key);
        let signature = self.signer.sign((method, &path, query), &signed, &payload, &stamp);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={},SignedHeaders={},Signature={signature}",
            self.signer.credential(&stamp),
            names(&signed),
        );
        signed.push(("authorization".to_owned(), authorization));
        raw(method, &format!("{path}{}{query}", if query.is_empty() { "" } else { "?" }), &signed, body)
    }

    pub(crate) async fn send(&self, request: &[u8]) -> io::Result<Reply> {
        exchange(&self.host, request).await
    }

    pub(crate) async fn call(&self, method: &str, key: &str, query: &str, headers: Headers<'_>, body: &[u8]) -> Reply {
        self.send(&self.request(method, key, query, headers, body)).await.unwrap()
    }

    pub(crate) async fn try_call(&self, method: &str, key: &str, body: &[u8]) -> io::Result<Reply> {
        self.send(&self.request(method, key, "", &[], body)).await
    }

    pub(crate) async fn put(&self, key: &str, headers: Headers<'_>, body: &str) -> Reply {
        self.call("PUT", key, "", headers, body.as_bytes()).await
    }

    pub(crate) async fn get(&self, key: &str) -> Reply {
        self.call("GET", key, "", &[], b"").await
    }

    pub(crate) async fn delete(&self, key: &str, headers: Headers<'_>) -> Reply {
        self.call("DELETE", key, "", headers, b"").await
    }

    /// A request without a signature in its headers.
    pub(crate) async fn plain(&self, method: &str, target: &str, body: &[u8]) -> Reply {
        let headers = [("host".to_owned(), self.host.clone())];
        self.send(&raw(method, target, &headers, body)).await.unwrap()
    }

    /// Starts an upload, sends parts of these sizes, and completes it.
    pub(crate) async fn upload(&self, key: &str, sizes: &[usize], headers: Headers<'_>) -> Reply {
        let id = self.call("POST", key, "uploads=", &[], b"").await.element("UploadId");
        let mut parts = String::new();
        for (number, size) in (1..).zip(sizes) {
            let body = vec![b'x'; *size];
            let part = self.call("PUT", key, &format!("partNumber={number}&uploadId={id}"), &[], &body).await;
            if part.status != 200 {
                return part;
            }
            parts.push_str(&format!("<Part><ETag>{}</ETag><PartNumber>{number}</PartNumber></Part>", part.etag()));
        }
        let document = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        self.call("POST", key, &format!("uploadId={id}"), headers, document.as_bytes()).await
    }

    /// Deletes in one batch; the items are `<Key>…</Key>` and whatever else they have.
    pub(crate) async fn delete_batch(&self, items: &[&str], headers: Headers<'_>) -> Reply {
        let items: String = items.iter().map(|item| format!("<Object>{item}</Object>")).collect();
        self.call("POST", "", "delete=", headers, format!("<Delete>{items}</Delete>").as_bytes()).await
    }

    pub(crate) async fn list(&self, query: &str) -> Reply {
        self.call("GET", "", query, &[], b"").await
    }
}

/// HTTP/1.0: the answer ends with the connection.
fn raw(method: &str, target: &str, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.0\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), body].concat()
}

/// Sends, and reads until the connection ends. An answer that ends early is an error.
pub(crate) async fn exchange(host: &str, request: &[u8]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(request).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    parse(&bytes, request.starts_with(b"HEAD")).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
}

fn parse(bytes: &[u8], head_only: bool) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let reply = Reply { status, headers, body: bytes[end + 4..].to_vec() };
    let length = reply.header("content-length").and_then(|length| length.parse::<usize>().ok());
    (head_only || length.is_none_or(|length| length <= reply.body.len())).then_some(reply)
}
