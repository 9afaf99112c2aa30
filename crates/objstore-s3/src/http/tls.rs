//! TLS, by rustls with ring: the provider is named, because a process may hold several.

use std::sync::{Arc, LazyLock};

use objstore_core::Result;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::{HttpSettings, wrong};

/// The system's roots, read once. A machine may have none: then only the certificates given are trusted.
static SYSTEM: LazyLock<Vec<CertificateDer<'static>>> =
    LazyLock::new(|| rustls_native_certs::load_native_certs().certs);

pub(super) fn config(settings: &HttpSettings) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS cannot be set up").with_source(error))?
        .with_root_certificates(roots(&settings.ca)?);
    let Some((chain, key)) = &settings.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(chain, "client certificate")?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| wrong("the client certificate's private key is not a key in PEM"))?; // the cause might show it
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| wrong("the client certificate and its key cannot be used").with_source(error))
}

fn roots(given: &[Vec<u8>]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(SYSTEM.iter().cloned());
    for pem in given {
        for certificate in certificates(pem, "CA certificate")? {
            roots.add(certificate).map_err(|error| wrong("the CA certificate cannot be used").with_source(error))?;
        }
    }
    Ok(roots)
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| wrong(format!("the {what} is not PEM")).with_source(error))?;
    if found.is_empty() {
        return Err(wrong(format!("the {what} holds no certificate in PEM")));
    }
    Ok(found)
}
