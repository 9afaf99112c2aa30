//! A certificate authority for tests.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

/// Whether a certificate can still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Validity {
    /// From 2020 to 2120.
    Current,
    /// From 2020 to 2021.
    Expired,
}

/// A CA with a fresh key.
#[derive(Debug)]
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both PEM.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Identity {
    /// The certificate.
    pub cert_pem: String,
    /// Its private key, PKCS #8.
    pub key_pem: String,
}

/// An [`Identity`] in files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IdentityFiles {
    /// The file with the certificate.
    pub cert: PathBuf,
    /// The file with the key.
    pub key: PathBuf,
}

impl TestCa {
    /// Makes one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let mut params = named(name, Validity::Current);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    /// The certificate of the CA, PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes the certificate of the CA to `dir/<name>.crt`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_to(&self, dir: &Path, name: &str) -> io::Result<PathBuf> {
        let file = dir.join(format!("{name}.crt"));
        fs::write(&file, self.pem())?;
        Ok(file)
    }

    /// A server's certificate for `127.0.0.1` and these DNS names.
    ///
    /// # Errors
    /// When a name is not a DNS name.
    pub fn server(&self, dns_names: &[&str], validity: Validity) -> anyhow::Result<Identity> {
        let mut params = named("server", validity);
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        for name in dns_names {
            params.subject_alt_names.push(SanType::DnsName((*name).try_into()?));
        }
        // etcd's gateway is a client of its own server and shows it this certificate.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    /// A client's certificate; its common name is etcd's user name, where etcd is told to take it from there.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn client(&self, common_name: &str, validity: Validity) -> anyhow::Result<Identity> {
        let mut params = named(common_name, validity);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> anyhow::Result<Identity> {
        let key = KeyPair::generate()?;
        let cert = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { cert_pem: cert.pem(), key_pem: key.serialize_pem() })
    }
}

impl Identity {
    /// Writes `dir/<name>.crt` and `dir/<name>.key`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_to(&self, dir: &Path, name: &str) -> io::Result<IdentityFiles> {
        let files = IdentityFiles { cert: dir.join(format!("{name}.crt")), key: dir.join(format!("{name}.key")) };
        fs::write(&files.cert, &self.cert_pem)?;
        fs::write(&files.key, &self.key_pem)?;
        Ok(files)
    }
}

fn named(common_name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = match validity {
        Validity::Current => date_time_ymd(2120, 1, 1),
        Validity::Expired => date_time_ymd(2021, 1, 1),
    };
    params
}
