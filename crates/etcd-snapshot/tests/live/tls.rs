//! Certificates: good ones, wrong ones, expired ones, and none where there should be.

use std::path::Path;

use anyhow::ensure;
use etcd_snapshot::client::{ClientOptions, TlsFiles};
use etcd_snapshot::{Checks, ErrorKind};
use judges::{EtcdServer, EtcdServerBuilder, IdentityFiles, Minor, ServerTls, TestCa, Validity};

use crate::support::{self, expect, save_from};
use ErrorKind::{NotAllowed, Unreachable, Usage};

fn builder() -> anyhow::Result<EtcdServerBuilder> {
    Ok(EtcdServer::builder(&judges::etcd(Minor::V3_6)?))
}

fn trusting(ca: &Path) -> TlsFiles {
    let mut tls = TlsFiles::default();
    tls.ca = Some(ca.to_owned());
    tls
}

fn showing(ca: &Path, identity: &IdentityFiles) -> TlsFiles {
    let mut tls = trusting(ca);
    (tls.cert, tls.key) = (Some(identity.cert.clone()), Some(identity.key.clone()));
    tls
}

fn to(server: &EtcdServer, tls: TlsFiles) -> ClientOptions {
    support::options([server.client_url()]).with_tls(tls)
}

async fn works(options: ClientOptions) -> anyhow::Result<()> {
    let saved = save_from(options).await?;
    ensure!(saved.checks.contains(Checks::SENDER_HASH), "{}", saved.live_check);
    Ok(())
}

pub(crate) fn servers() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (ca, stranger) = (TestCa::new("test")?, TestCa::new("stranger")?);
    let (ca_file, stranger_file) = (ca.write_to(dir.path(), "ca")?, stranger.write_to(dir.path(), "stranger")?);
    let identity = |name: &str, validity| {
        ca.server(&["etcd.test"], validity)?.write_to(dir.path(), name).map_err(anyhow::Error::from)
    };
    let good = builder()?.tls(ServerTls::new(identity("good", Validity::Current)?)).start()?;
    let expired = builder()?.tls(ServerTls::new(identity("expired", Validity::Expired)?)).start()?;
    let plain = builder()?.start()?;
    support::run(async {
        works(to(&good, trusting(&ca_file))).await?;
        // As etcdctl does: without a scheme, https where there are files for it.
        let bare = good.client_url().replace("https://", "");
        works(support::options([bare]).with_tls(trusting(&ca_file))).await?;
        expect(
            save_from(to(&good, trusting(&stranger_file))).await,
            NotAllowed,
            &["not trusted", "give that authority's"],
        )?;
        expect(
            save_from(support::options([good.client_url()])).await,
            NotAllowed,
            &["not trusted", "give that authority's"],
        )?;
        expect(save_from(to(&expired, trusting(&ca_file))).await, NotAllowed, &["has expired", "renew it"])?;
        names(&good, &ca_file).await?;
        let http = good.client_url().replace("https://", "http://");
        expect(save_from(support::options([http])).await, Unreachable, &["closed the connection", "https://"])?;
        let https = plain.client_url().replace("http://", "https://");
        expect(save_from(support::options([https])).await, Unreachable, &["TLS handshake", "http://"])
    })
}

async fn names(server: &EtcdServer, ca: &Path) -> anyhow::Result<()> {
    let named = |name: &str| {
        let mut tls = trusting(ca);
        tls.server_name = Some(name.to_owned());
        to(server, tls)
    };
    works(named("etcd.test")).await?;
    expect(save_from(named("other.test")).await, NotAllowed, &["another name", "server name"])?;
    expect(save_from(named("not a name")).await, Usage, &["server name is no host name"])
}

pub(crate) fn clients() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (ca, stranger) = (TestCa::new("test")?, TestCa::new("stranger")?);
    let ca_file = ca.write_to(dir.path(), "ca")?;
    let files = ca.server(&["localhost"], Validity::Current)?.write_to(dir.path(), "server")?;
    let good = ca.client("backup", Validity::Current)?.write_to(dir.path(), "good")?;
    let expired = ca.client("backup", Validity::Expired)?.write_to(dir.path(), "expired")?;
    let foreign = stranger.client("backup", Validity::Current)?.write_to(dir.path(), "foreign")?;
    let server = builder()?.tls(ServerTls::new(files).with_client_ca(&ca_file)).start()?;
    support::run(async {
        let shown = |identity: &IdentityFiles| to(&server, showing(&ca_file, identity));
        works(shown(&good)).await?;
        expect(save_from(to(&server, trusting(&ca_file))).await, NotAllowed, &["client certificate"])?;
        expect(save_from(shown(&expired)).await, NotAllowed, &["client certificate", "expired"])?;
        expect(save_from(shown(&foreign)).await, NotAllowed, &["client certificate"])?;
        wrong_files(&server, &ca_file, &good, &foreign).await
    })
}

async fn wrong_files(
    server: &EtcdServer,
    ca: &Path,
    good: &IdentityFiles,
    foreign: &IdentityFiles,
) -> anyhow::Result<()> {
    let with = |cert: &Path, key: &Path| {
        let mut tls = trusting(ca);
        (tls.cert, tls.key) = (Some(cert.to_owned()), Some(key.to_owned()));
        to(server, tls)
    };
    expect(save_from(with(&good.cert, &foreign.key)).await, Usage, &["private key is not that of"])?;
    expect(save_from(with(&good.cert, &good.cert)).await, Usage, &["private key holds none"])?;
    expect(save_from(with(&good.key, &good.key)).await, Usage, &["client certificate holds none"])?;
    expect(save_from(with(&good.cert, Path::new("/no/such.key"))).await, ErrorKind::NotFound, &["--key"])
}
