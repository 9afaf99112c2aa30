//! How a member proves itself, and we to it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use etcd_client::{Certificate, Identity, TlsOptions};

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

    /// The text; `what` it is, for an error.
    async fn read(&self, what: &'static str, advice: Advice) -> Result<Vec<u8>> {
        let (text, place) = match &self.0 {
            Source::Memory(text) => (text.to_vec(), format!("the {what}")),
            Source::File(path) => {
                let place = format!("{} ({what})", path.display());
                let path = path.clone();
                let read = crate::source::blocking(move || {
                    std::fs::read(&path).map_err(|e| {
                        Error::io(format!("cannot read {} ({what})", path.display()), e).with_advice(advice)
                    })
                });
                (read.await?, place)
            }
        };
        if text.windows(11).any(|window| window == b"-----BEGIN ") {
            return Ok(text);
        }
        let message = format!("{place} is not PEM: convert it with `openssl x509 -outform pem`");
        Err(Error::usage(message).with_advice(advice))
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

/// What etcd-client is to be told. Files are read now.
pub(super) async fn options(tls: Option<&Tls>) -> Result<TlsOptions> {
    let Some(tls) = tls else { return Ok(TlsOptions::new().with_native_roots()) };
    let mut options = match &tls.ca {
        Some(ca) => {
            let ca = ca.read("certificate of the authority", Advice::Authorities).await?;
            TlsOptions::new().ca_certificate(Certificate::from_pem(ca))
        }
        None => TlsOptions::new().with_native_roots(),
    };
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        let cert = cert.read("client certificate", Advice::ClientCertificate).await?;
        let key = key.read("private key", Advice::ClientCertificate).await?;
        options = options.identity(Identity::from_pem(cert, key));
    }
    if let Some(name) = &tls.server_name {
        options = options.domain_name(name);
    }
    Ok(options)
}
