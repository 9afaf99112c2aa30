//! The HTTP client that the SDK sends with.
//!
//! The SDK's own takes no client certificate and panics on a machine without system roots or with a bad PEM file. This
//! one also says of each failure whether the request can have reached the store, which decides on
//! [`Effect`](objstore_core::Effect).

mod dial;
mod tls;

use std::{error::Error as StdError, fmt, time::Duration};

use aws_sdk_s3::config::RuntimeComponents;
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use objstore_core::{Error, ErrorKind, Result};

use self::dial::{Dial, InTime};

/// The slowest body that is waited for, in bytes a second.
const SLOWEST: u64 = 64 << 10;

/// How long an idle connection is kept: less than stores keep it, so that they do not close it under a request.
const IDLE: Duration = Duration::from_secs(15);

/// How connections are made.
#[derive(Clone, Default)]
pub(crate) struct HttpSettings {
    /// Certificates to trust beside the system's, PEM.
    pub(crate) ca: Vec<Vec<u8>>,
    /// Certificate chain and private key to show, PEM.
    pub(crate) client_certificate: Option<(Vec<u8>, Vec<u8>)>,
    /// Where `https` requests go through.
    pub(crate) proxy: Option<String>,
    /// Hosts that are reached without the proxy, separated by commas.
    pub(crate) no_proxy: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("ca", &self.ca.len())
            .field("client_certificate", &self.client_certificate.is_some())
            .field("proxy", &self.proxy.is_some()) // may hold a password
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}

/// The client. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<InTime<HttpsConnector<Dial>>, SdkBody>,
    response_timeout: Duration,
}

impl Http {
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for certificates or a proxy that cannot be read.
    pub(crate) fn new(settings: &HttpSettings) -> Result<Self> {
        let tls = tls::config(settings)?;
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Dial::new(settings)?);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
        let client = builder.build(InTime::new(https, settings.connect_timeout));
        Ok(Self { client, response_timeout: settings.response_timeout })
    }

    /// How long the store may take to answer: the time set, and what a slow line needs for the body.
    fn patience(&self, body: &SdkBody) -> Duration {
        let bytes = body.content_length().unwrap_or(0);
        self.response_timeout.saturating_add(Duration::from_secs(bytes / SLOWEST))
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let patience = self.patience(request.body());
        let client = self.client.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            match tokio::time::timeout(patience, client.request(request)).await {
                Ok(Ok(response)) => {
                    let response = response.map(SdkBody::from_body_1_x);
                    HttpResponse::try_from(response).map_err(|error| ConnectorError::io(error.into()))
                }
                Ok(Err(error)) if error.is_connect() => Err(ConnectorError::io(Box::new(NotSent(Box::new(error))))),
                Ok(Err(error)) => Err(ConnectorError::io(Box::new(error))),
                Err(_) => Err(ConnectorError::timeout(Box::new(NoAnswer(patience)))),
            }
        })
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The connection could not be made: nothing of the request was sent.
#[derive(Debug)]
pub(crate) struct NotSent(Box<hyper_util::client::legacy::Error>);

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection")
    }
}

impl StdError for NotSent {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// The store did not answer in time.
#[derive(Debug)]
pub(crate) struct NoAnswer(Duration);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {} s", self.0.as_secs())
    }
}

impl StdError for NoAnswer {}

fn wrong(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidConfig).with_detail(detail)
}
