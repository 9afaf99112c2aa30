//! The address of a store.

use std::net::IpAddr;

use http::Uri;
use objstore_core::Result;

use crate::builder::wrong;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// As it is sent to, without a `/` at its end.
    pub(crate) url: String,
    pub(crate) host: String,
    pub(crate) https: bool,
    pub(crate) loopback: bool,
}

impl Endpoint {
    /// # Errors
    /// [`InvalidConfig`](objstore_core::ErrorKind::InvalidConfig) unless it is `http[s]://host[:port]`, and for plain
    /// `http` to another machine.
    pub(crate) fn parse(text: &str, allow_http: bool) -> Result<Self> {
        let uri: Uri = text.parse().map_err(|_| wrong("the endpoint is not an address: write https://host"))?;
        let authority = uri.authority().ok_or_else(|| wrong("the endpoint has no host: write https://host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("an endpoint must not carry credentials"));
        }
        if uri.query().is_some() || !matches!(uri.path(), "" | "/") {
            return Err(wrong("an endpoint has no path and no parameters: the bucket is given apart"));
        }
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("the endpoint must begin with https:// or http://")),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !https && !loopback && !allow_http {
            return Err(wrong("plain http goes to this machine only: use https, or set allow_http"));
        }
        Ok(Self { url: text.trim_end_matches('/').to_owned(), host, https, loopback })
    }
}

/// An address for people to see, whatever somebody wrote into it.
pub(crate) fn without_password(endpoint: &str) -> &str {
    if endpoint.contains('@') { "(with credentials)" } else { endpoint }
}
