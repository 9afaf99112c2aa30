//! Peer URLs.

use std::fmt;

use super::MembershipError;

/// The peer URLs of one member: at least one, each valid, sorted by their text.
///
/// The rules are etcd's (`types.NewURLs`): `http` and `https` need a host and a port and have no path; `unix` and
/// `unixs` name a socket. Stricter than etcd, which would accept some of it and then never connect: no user, query or
/// fragment, a port from 0 to 65535, and only the characters of host names and addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerUrls(Vec<String>);

impl PeerUrls {
    /// Reads URLs with commas between them, as in `--initial-advertise-peer-urls`.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Url`] for a URL that etcd does not accept, [`MembershipError::NoUrl`] if there is none.
    pub fn parse(list: &str) -> Result<Self, MembershipError> {
        Self::new(list.split(','))
    }

    /// Takes URLs one by one. Space around each is dropped, the scheme becomes lower case, and they are sorted.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn new<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, MembershipError> {
        let mut urls = urls.into_iter().map(normalised).collect::<Result<Vec<_>, _>>()?;
        if urls.is_empty() {
            return Err(MembershipError::NoUrl);
        }
        urls.sort_unstable();
        Ok(Self(urls))
    }

    /// The URLs in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The URLs in order.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// With commas between them, as etcd prints them.
impl fmt::Display for PeerUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

fn normalised(url: &str) -> Result<String, MembershipError> {
    let url = url.trim();
    let wrong = |reason| MembershipError::Url { url: url.to_owned(), reason };
    if url.is_empty() {
        return Err(MembershipError::NoUrl);
    }
    let (scheme, rest) = url.split_once(':').ok_or_else(|| wrong(SCHEME))?;
    let scheme = scheme.to_ascii_lowercase();
    let checked = match scheme.as_str() {
        "http" | "https" => check_authority(rest.strip_prefix("//").ok_or_else(|| wrong(HOST_PORT))?),
        "unix" | "unixs" => check_socket(rest),
        _ => Err(SCHEME),
    };
    checked.map_err(wrong)?;
    Ok(format!("{scheme}:{rest}"))
}

const SCHEME: &str = "the scheme must be http, https, unix or unixs: write http://HOST:PORT";
const HOST_PORT: &str = "host and port are needed: write http://HOST:PORT";
const PATH: &str = "a path is not allowed, not even a slash at the end: write http://HOST:PORT";
const EXTRA: &str = "user, query and fragment are not allowed: write http://HOST:PORT";
const HOST: &str =
    "the host is neither a name nor an address; an IPv6 address stands in brackets: write http://[::1]:2380";
const PORT: &str = "the port must be a number from 0 to 65535";
const SOCKET: &str = "a socket is named by visible ASCII characters without %, ? and #: write unix://HOST:PORT";

fn check_authority(authority: &str) -> Result<(), &'static str> {
    if authority.contains(['@', '?', '#']) {
        return Err(EXTRA);
    }
    if authority.contains('/') {
        return Err(PATH);
    }
    let (host, port) = authority.rsplit_once(':').ok_or(HOST_PORT)?;
    check_host(host)?;
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PORT);
    }
    port.parse::<u16>().map(drop).map_err(|_| PORT)
}

/// An empty host is what etcd accepts as "every address".
fn check_host(host: &str) -> Result<(), &'static str> {
    let inner = match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(Some(address)) => return check_address(address),
        Some(None) => return Err(HOST),
        None => host,
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if inner.bytes().all(allowed) { Ok(()) } else { Err(HOST) }
}

/// An IPv6 address, with its zone behind `%25`.
fn check_address(address: &str) -> Result<(), &'static str> {
    let (address, zone) = match address.split_once("%25") {
        Some((address, zone)) => (address, Some(zone)),
        None => (address, None),
    };
    let zone_fits = zone.is_none_or(|zone| !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if zone_fits && address.parse::<std::net::Ipv6Addr>().is_ok() { Ok(()) } else { Err(HOST) }
}

fn check_socket(name: &str) -> Result<(), &'static str> {
    let allowed =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'?' | b'#' | b'"' | b'<' | b'>' | b'\\');
    if !name.is_empty() && name.bytes().all(allowed) { Ok(()) } else { Err(SOCKET) }
}
