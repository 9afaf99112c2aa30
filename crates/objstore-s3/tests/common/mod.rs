//! A server that says what it is told to say, and remembers what it was asked.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use objstore_s3::{AccessKey, Credentials, S3Store, S3StoreBuilder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What becomes of one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Status, headers, body.
    Reply(u16, Vec<(String, String)>, Vec<u8>),
    /// The same, but the connection closes in the middle of the body.
    Cut(u16, Vec<(String, String)>, Vec<u8>),
    /// The request is read whole, and the connection closes.
    Lost,
    /// The request is read whole, and nothing comes.
    Silence,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::Reply(status, Vec::new(), Vec::new())
    }

    pub(crate) fn ok() -> Self {
        Self::status(200).with("etag", "\"e1\"")
    }

    /// An error document.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::said(status, code, "as the store puts it")
    }

    pub(crate) fn said(status: u16, code: &str, message: &str) -> Self {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::body(status, body)
    }

    pub(crate) fn body(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Reply(status, vec![("content-type".into(), "application/xml".into())], body.into())
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Reply(_, headers, _) | Self::Cut(_, headers, _) = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// What HEAD says of an object that this token wrote.
    pub(crate) fn head(token: &str, etag: &str, size: u64) -> Self {
        Self::status(200)
            .with("content-length", &size.to_string())
            .with("etag", &format!("\"{etag}\""))
            .with("last-modified", "Sat, 21 Nov 2026 10:00:00 GMT")
            .with("x-amz-meta-objstore-token", token)
    }
}

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// `PUT /bucket/key`, without the query.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target.split('?').next().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

type Script = Box<dyn FnMut(&Request) -> Answer + Send>;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers in this order; then 418.
    pub(crate) async fn of(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: VecDeque<_> = answers.into_iter().collect();
        Self::start(move |_| answers.pop_front().unwrap_or_else(|| Answer::error(418, "NotInTheScript"))).await
    }

    pub(crate) async fn start(script: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(script)));
        let remembered = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&remembered), Arc::clone(&script)));
            }
        });
        Self { address, asked, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// The lines of all requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Request::line).collect()
    }

    /// A store of the bucket `bkt` here.
    pub(crate) fn builder(&self) -> S3StoreBuilder {
        S3Store::builder("bkt").endpoint(self.url()).region("us-east-1").credentials(key())
    }

    pub(crate) async fn store(&self) -> S3Store {
        self.builder().build().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn key() -> Credentials {
    Credentials::Key(AccessKey::new("AKIDEXAMPLE", "canary-secret"))
}

async fn serve(mut stream: TcpStream, asked: Arc<Mutex<Vec<Request>>>, script: Arc<Mutex<Script>>) {
    let mut read = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut read).await {
        let answer = (script.lock().unwrap())(&request);
        let head = request.method == "HEAD";
        asked.lock().unwrap().push(request);
        match answer {
            Answer::Reply(status, headers, body) => {
                let bytes = encode(status, &headers, &body, head);
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Answer::Cut(status, headers, body) => {
                let bytes = encode(status, &headers, &body, head);
                let _ = stream.write_all(&bytes[..bytes.len() - body.len() / 2]).await;
                return;
            }
            Answer::Lost => return,
            Answer::Silence => std::future::pending::<()>().await,
        }
    }
}

fn encode(status: u16, headers: &[(String, String)], body: &[u8], head: bool) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(name, _)| name == "content-length") && !matches!(status, 204 | 304) {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    if !head {
        bytes.extend_from_slice(body);
    }
    bytes
}

async fn read_request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
        if read.first() == Some(&0x16) {
            // TLS, to whom this makes as little sense as it does to us.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            return None;
        }
    };
    let text = String::from_utf8(read[..end].to_vec()).unwrap();
    read.drain(..end + 4);
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    while read.len() < length {
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
    let body = read.drain(..length).collect();
    Some(Request { method, target, headers, body })
}
