//! A connection that goes silent in the middle.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

/// Passes connections on to a server, and stops passing on what the server says after so many bytes: nothing is closed,
/// nothing more comes. All ends when this is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    left: AtomicU64,
    stop: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Listens on loopback for what is meant for `server_url`, an `http://127.0.0.1:PORT`, and passes on `bytes` of its
    /// answers. With 0 it is an endpoint that accepts connections and never answers.
    ///
    /// # Errors
    /// When the URL has no address, or nothing can listen.
    pub fn start(server_url: &str, bytes: u64) -> anyhow::Result<Self> {
        let (_, server) = server_url.split_once("://").unwrap_or(("", server_url));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let shared = Arc::new(Shared {
            server: server.parse()?,
            left: AtomicU64::new(bytes),
            stop: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let address = listener.local_addr()?;
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// Where clients connect, without TLS.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether it has gone silent.
    pub fn is_silent(&self) -> bool {
        self.shared.left.load(Ordering::Acquire) == 0
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for stream in self.shared.open().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            if let Ok(client) = client {
                // A server that is not there looks like one that closes at once.
                let _ = self.pass_on(client);
            }
        }
    }

    fn pass_on(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.server)?;
        let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
        self.open().extend([client.try_clone()?, server.try_clone()?]);
        thread::spawn(move || {
            let _ = io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        let shared = Arc::clone(self);
        thread::spawn(move || shared.answer(server, client));
        Ok(())
    }

    fn answer(&self, mut server: TcpStream, mut client: TcpStream) {
        let mut buffer = [0; 16 * 1024];
        while !self.is_used_up() {
            let Ok(len @ 1..) = server.read(&mut buffer) else {
                let _ = client.shutdown(Shutdown::Write);
                return;
            };
            let granted = self.take(len as u64);
            if client.write_all(&buffer[..granted as usize]).is_err() {
                return;
            }
        }
    }

    fn is_used_up(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    /// How many of `wanted` bytes may pass.
    fn take(&self, wanted: u64) -> u64 {
        let before =
            self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| Some(left.saturating_sub(wanted)));
        before.unwrap_or_default().min(wanted)
    }
}
