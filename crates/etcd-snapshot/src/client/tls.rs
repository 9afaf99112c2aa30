//! How a member proves itself, and we to it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use etcd_client::{Certificate, Identity, TlsOptions};
use tonic::transport::Endpoint;

use super::error::{causes, transport_error};
use crate::{Advice, Error, Result};

/// Certificates and names for TLS.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tls {
    /// The authorities that may sign the servers' certificates; the system's if absent.
    pub ca: Option<Pem>,
    /// The client's certificate.
    pub cert: Option<Pem>,
    /// Its private key.
    pub key: Option<Pem>,
    /// The name that the servers' certificates must have, where it is not the endpoint's host.
    pub server_name: Option<String>,
}

impl Tls {
    /// Sets the authorities that may sign the servers' certificates.
    #[must_use]
    pub fn with_ca(mut self, ca: Pem) -> Self {
        self.ca = Some(ca);
        self
    }

    /// Sets the client's certificate and its private key.
    #[must_use]
    pub fn with_identity(mut self, cert: Pem, key: Pem) -> Self {
        (self.cert, self.key) = (Some(cert), Some(key));
        self
    }

    /// Sets the name that the servers' certificates must have.
    #[must_use]
    pub fn with_server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    pub(super) fn validate(&self) -> Result<()> {
        if self.cert.is_some() == self.key.is_some() {
            return Ok(());
        }
        let message = "a client certificate needs its key, and the key its certificate: give both";
        Err(Error::usage(message).with_advice(Advice::ClientCertificate))
    }
}

/// PEM text: in a file, which is read again at each connect, or in memory, such as that of a Kubernetes Secret. It has no
/// `Display`, and its `Debug` shows no content.
///
/// ```
/// use etcd_snapshot::client::Pem;
///
/// let key = Pem::new("-----BEGIN PRIVATE KEY-----…");
/// assert_eq!(format!("{key:?}"), "Pem(in memory)");
/// assert_eq!(format!("{:?}", Pem::file("/etc/etcd/ca.crt")), "Pem(/etc/etcd/ca.crt)");
/// ```
#[derive(Clone)]
pub struct Pem(Source);

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl Pem {
    /// Text in memory.
    #[must_use]
    pub fn new(text: impl Into<Vec<u8>>) -> Self {
        Self(Source::Memory(text.into().into()))
    }

    /// A file, which is read again at each connect.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// The text, which holds a `part`.
    async fn read(&self, part: Part) -> Result<Vec<u8>> {
        let text = match &self.0 {
            Source::Memory(text) => text.to_vec(),
            Source::File(path) => {
                let (path, failed) = (path.clone(), format!("cannot read {}", self.place(part)));
                let read = move || std::fs::read(&path).map_err(|e| Error::io(failed, e).with_advice(part.advice()));
                crate::source::blocking(read).await?
            }
        };
        match part.missing(&text) {
            None => Ok(text),
            Some(why) => Err(Error::usage(format!("{} {why}", self.place(part))).with_advice(part.advice())),
        }
    }

    /// Where it is, and what it is to be.
    fn place(&self, part: Part) -> String {
        match &self.0 {
            Source::Memory(_) => format!("the {} (from memory)", part.name()),
            Source::File(path) => format!("{} ({})", path.display(), part.name()),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::File(path) => write!(f, "Pem({})", path.display()),
            Source::Memory(_) => f.write_str("Pem(in memory)"),
        }
    }
}

/// What a PEM text is to be.
#[derive(Clone, Copy)]
enum Part {
    Authority,
    Certificate,
    Key,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Authority => "certificate of the authority",
            Self::Certificate => "client certificate",
            Self::Key => "private key",
        }
    }

    fn advice(self) -> Advice {
        match self {
            Self::Authority => Advice::Authorities,
            Self::Certificate | Self::Key => Advice::ClientCertificate,
        }
    }

    /// Why `text` does not hold one. The TLS stack passes over what it does not look for, and trusts nobody then.
    fn missing(self, text: &[u8]) -> Option<&'static str> {
        let holds = |label: &str| text.windows(label.len()).any(|window| window == label.as_bytes());
        match self {
            _ if text.trim_ascii().is_empty() => Some("is empty: give the right file"),
            Self::Key if !holds("-----BEGIN ") => Some("is not PEM: convert it with `openssl pkey -outform pem`"),
            Self::Key if holds("BEGIN ENCRYPTED PRIVATE KEY") => {
                Some("is encrypted, and no password can be given: decrypt it with `openssl pkey`")
            }
            Self::Key if !holds("PRIVATE KEY-----") => Some("holds no private key: give the right file"),
            Self::Key => None,
            _ if !holds("-----BEGIN ") => Some("is not PEM: convert it with `openssl x509 -outform pem`"),
            _ if !holds("-----BEGIN CERTIFICATE-----") => Some("holds no certificate: give the right file"),
            _ => None,
        }
    }
}

/// `address` with TLS. Files are read now.
pub(super) async fn secure(address: Endpoint, endpoint: &str, tls: Option<&Tls>) -> Result<Endpoint> {
    let none = Tls::default();
    let tls = tls.unwrap_or(&none);
    let mut trust = match &tls.ca {
        Some(ca) => TlsOptions::new().ca_certificate(Certificate::from_pem(ca.read(Part::Authority).await?)),
        None => TlsOptions::new().with_native_roots(),
    };
    if let Some(name) = &tls.server_name {
        trust = trust.domain_name(name);
    }
    let whole = match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => {
            let (cert, key) = (cert.read(Part::Certificate).await?, key.read(Part::Key).await?);
            trust.clone().identity(Identity::from_pem(cert, key))
        }
        _ => trust.clone(),
    };
    match address.clone().tls_config(whole) {
        Ok(address) => Ok(address),
        Err(e) => Err(match address.tls_config(trust) {
            Ok(_) => bad_identity(tls, e),
            Err(e) => bad_trust(endpoint, tls, e),
        }),
    }
}

fn bad_trust(endpoint: &str, tls: &Tls, error: tonic::transport::Error) -> Error {
    match &tls.ca {
        Some(ca) if causes(&error).contains("certificate") => cannot_be_read(ca, Part::Authority, error),
        _ => transport_error(endpoint, error),
    }
}

fn bad_identity(tls: &Tls, error: tonic::transport::Error) -> Error {
    let (Some(cert), Some(key)) = (&tls.cert, &tls.key) else {
        return Error::usage("the TLS stack takes none of these certificates: check them").with_source(error);
    };
    match causes(&error) {
        causes if causes.contains("keymismatch") => {
            let (key, cert) = (key.place(Part::Key), cert.place(Part::Certificate));
            let message = format!("{key} is not that of {cert}: give two that belong together");
            Error::usage(message).with_advice(Advice::ClientCertificate).with_source(error)
        }
        causes if causes.contains("private key") => cannot_be_read(key, Part::Key, error),
        _ => cannot_be_read(cert, Part::Certificate, error),
    }
}

fn cannot_be_read(pem: &Pem, part: Part, error: tonic::transport::Error) -> Error {
    let message = format!("{} cannot be read as one: it is damaged, or of an unknown kind", pem.place(part));
    Error::usage(message).with_advice(part.advice()).with_source(error)
}
