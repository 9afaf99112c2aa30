//! From an address to a connection, perhaps through a proxy, in bounded time.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use aws_smithy_runtime_api::box_error::BoxError;
use http::Uri;
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use objstore_core::Result;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{HttpSettings, wrong};

type Dialing<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Connects to the host of an address: directly, or, for `https`, through the proxy's CONNECT.
#[derive(Clone)]
pub(crate) struct Dial {
    tcp: HttpConnector,
    proxy: Option<Arc<Matcher>>,
}

impl Dial {
    pub(super) fn new(settings: &HttpSettings) -> Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let proxy = settings.proxy.as_deref().map(|proxy| matcher(proxy, settings.no_proxy.as_deref())).transpose()?;
        Ok(Self { tcp, proxy: proxy.map(Arc::new) })
    }
}

fn matcher(proxy: &str, no_proxy: Option<&str>) -> Result<Matcher> {
    if !proxy.starts_with("http://") {
        return Err(wrong("the proxy must be given as http://host:port (it carries TLS to the store all the same)"));
    }
    let matcher = Matcher::builder().https(proxy).no(no_proxy.unwrap_or_default()).build();
    // What it cannot read it leaves out, and requests would go past the proxy.
    let sample = Uri::from_static("https://bucket.invalid/");
    let everywhere = Matcher::builder().https(proxy).build();
    if everywhere.intercept(&sample).is_none() {
        return Err(wrong("the proxy is not an address: write http://host:port"));
    }
    Ok(matcher)
}

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Dialing<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let intercept = self.proxy.as_deref().and_then(|proxy| proxy.intercept(&address));
        match intercept {
            None => {
                let connecting = self.tcp.call(address);
                Box::pin(async move { Ok(connecting.await?) })
            }
            Some(proxy) => {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
                if let Some(auth) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(auth.clone());
                }
                let connecting = tunnel.call(address);
                Box::pin(async move { Ok(connecting.await?) })
            }
        }
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("proxy", &self.proxy.is_some()).finish_non_exhaustive()
    }
}

/// Gives up on a connection, TLS included, after a time.
#[derive(Clone)]
pub(crate) struct InTime<S> {
    inner: S,
    limit: Duration,
}

impl<S> InTime<S> {
    pub(super) fn new(inner: S, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

impl<S> Service<Uri> for InTime<S>
where
    S: Service<Uri, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Dialing<S::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(address), self.limit);
        Box::pin(async move {
            let late = || io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
            tokio::time::timeout(limit, connecting).await.map_err(|_| late())?
        })
    }
}

impl<S> fmt::Debug for InTime<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTime").field("limit", &self.limit).finish_non_exhaustive()
    }
}
