//! A server under another name.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    task::JoinHandle,
};

/// How every answer begins. No body of a probe has this.
const ANSWER: &[u8] = b"HTTP/1.1 ";

/// Passes connections on to a server, and changes the header `Server` of its answers. It ends with this value.
#[derive(Debug)]
pub struct Renamed {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Renamed {
    /// Listens on loopback for what is meant for the server at `endpoint`, which calls itself `name` from then on.
    ///
    /// # Errors
    /// When the endpoint has no address, or nothing can listen.
    pub async fn start(endpoint: &str, name: &'static str) -> anyhow::Result<Self> {
        let (_, server) = endpoint.split_once("://").unwrap_or(("", endpoint));
        let server: SocketAddr = server.parse()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, name));
            }
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Renamed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, server: SocketAddr, name: &str) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    // When one of the two ends, both connections are closed.
    tokio::select! {
        asked = copy(&mut from_client, &mut to_server) => asked.map(drop),
        answered = answer(from_server, to_client, name) => answered,
    }
}

/// A connection asks only after it was answered: so the beginning of an answer is the beginning of a piece.
async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, name: &str) -> io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut piece).await?;
        let Some(piece) = piece.get(..read).filter(|piece| !piece.is_empty()) else { return Ok(()) };
        match piece.starts_with(ANSWER).then(|| rename(piece, name)).flatten() {
            Some(renamed) => to.write_all(&renamed).await?,
            None => to.write_all(piece).await?,
        }
    }
}

/// The same answer with this name; `None` if its header is not whole.
fn rename(answer: &[u8], name: &str) -> Option<Vec<u8>> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = answer.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?;
    let is_name = |line: &&str| !line.to_ascii_lowercase().starts_with("server:");
    let mut lines: Vec<_> = head.split("\r\n").filter(is_name).collect();
    let named = format!("Server: {name}");
    lines.push(&named);
    Some([lines.join("\r\n").as_bytes(), rest].concat())
}
