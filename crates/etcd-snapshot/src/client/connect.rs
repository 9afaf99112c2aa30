//! How a member is reached: endpoints, TLS, users.

use std::fmt;
use std::time::Duration;

use etcd_client::{Client, ConnectOptions};
use tonic::transport::Endpoint;

use super::error::{client_error, is_auth_off, transport_error};
use super::tls::{self, Tls};
use crate::{Advice, Error, Result};

/// Bytes that a member may send before they are read, on one stream and on one connection: enough that the network
/// never waits for the disk between two of its writes.
const WINDOW: u32 = 4 * 1024 * 1024;

/// How the members of a cluster are reached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// Endpoints as etcdctl takes them: `https://10.0.0.1:2379`; without a scheme https if TLS is given, else http.
    pub endpoints: Vec<String>,
    /// TLS, for https endpoints. `None` means the system's certificate authorities and no client certificate.
    pub tls: Option<Tls>,
    /// User and password.
    pub user: Option<(String, Password)>,
    /// How long to wait for a connection. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long to wait for the answer to a small request, and for the first message of a stream. Default: 10 s.
    pub request_timeout: Duration,
}

/// A password. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes a password in.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl ClientOptions {
    /// Options with these endpoints and the defaults.
    pub fn new<S: Into<String>>(endpoints: impl IntoIterator<Item = S>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            tls: None,
            user: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
        }
    }

    /// Sets certificates and names for TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets user and password.
    #[must_use]
    pub fn with_user(mut self, name: impl Into<String>, password: Password) -> Self {
        self.user = Some((name.into(), password));
        self
    }

    /// Sets how long to wait for a connection.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long to wait for the answer to a small request.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    pub(super) fn validate(&self) -> Result<()> {
        if self.endpoints.is_empty() {
            let message = "no endpoint was given: name at least one, such as http://127.0.0.1:2379";
            return Err(Error::usage(message).with_advice(Advice::Endpoints));
        }
        for endpoint in &self.endpoints {
            if endpoint.contains('@') {
                let message = "an endpoint has no user or password in it: give them apart";
                return Err(Error::usage(message).with_advice(Advice::User));
            }
            self.address(endpoint)?;
        }
        self.tls.as_ref().map_or(Ok(()), Tls::validate)
    }

    pub(super) fn is_https(&self, endpoint: &str) -> bool {
        self.address(endpoint).is_ok_and(|address| address.uri().scheme_str() == Some("https"))
    }

    fn address(&self, endpoint: &str) -> Result<Endpoint> {
        let with_scheme = match endpoint.split_once("://") {
            Some(("http" | "https", _)) => endpoint.to_owned(),
            Some((scheme, _)) => {
                return Err(Error::usage(format!("endpoint {endpoint} has the scheme {scheme}: use http or https")));
            }
            None if self.tls.is_some() => format!("https://{endpoint}"),
            None => format!("http://{endpoint}"),
        };
        let parsed = Endpoint::from_shared(with_scheme);
        parsed.map_err(|e| {
            Error::usage(format!("endpoint {endpoint} is not a URL: write it as http://host:port")).with_source(e)
        })
    }
}

/// Opens the one channel to `endpoint`, and logs in.
pub(super) async fn connect(endpoint: &str, options: &ClientOptions) -> Result<Client> {
    let mut address = options
        .address(endpoint)?
        .connect_timeout(options.connect_timeout)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(20))
        .tcp_nodelay(true);
    if address.uri().scheme_str() == Some("https") {
        address = tls::secure(address, endpoint, options.tls.as_ref()).await?;
    }
    let connected = tokio::time::timeout(options.connect_timeout, address.connect()).await;
    let channel = match connected {
        Ok(channel) => channel.map_err(|e| transport_error(endpoint, e))?,
        Err(_) => return Err(super::silent(endpoint, options.connect_timeout)),
    };
    let login = options
        .user
        .as_ref()
        .map(|(name, password)| ConnectOptions::new().with_user(name, &password.0).with_auto_token_refresh(true));
    match log_in(endpoint, options, channel.clone(), login.clone()).await {
        // As etcdctl does: a user that a cluster without authentication does not need is no reason to stop.
        Err(e) if login.is_some() && is_auth_off(&e) => log_in(endpoint, options, channel, None).await,
        client => client,
    }
}

async fn log_in(
    endpoint: &str,
    options: &ClientOptions,
    channel: tonic::transport::Channel,
    login: Option<ConnectOptions>,
) -> Result<Client> {
    match tokio::time::timeout(
        options.request_timeout,
        Client::from_channel(etcd_client::Channel::Tonic(channel), login),
    )
    .await
    {
        Ok(client) => client.map_err(|e| client_error(endpoint, e)),
        Err(_) => Err(super::silent(endpoint, options.request_timeout)),
    }
}
