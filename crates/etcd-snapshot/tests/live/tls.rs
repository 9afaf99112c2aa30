//! Certificates: good ones, wrong ones, expired ones, and none where there should be.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use etcd_snapshot::client::{ClientOptions, EtcdCluster, Pem, Tls};
use etcd_snapshot::{Advice, Checks, ErrorKind, Live as _, SaveOptions, save};
use judges::{EtcdServer, EtcdServerBuilder, IdentityFiles, Minor, ServerTls, TestCa, Validity};

use crate::support::{self, expect, save_from};
use ErrorKind::{NotAllowed, Unreachable, Usage};

fn builder() -> anyhow::Result<EtcdServerBuilder> {
    Ok(EtcdServer::builder(&judges::etcd(Minor::V3_6)?))
}

fn trusting(ca: &Path) -> Tls {
    Tls::default().with_ca(Pem::file(ca))
}

fn showing(ca: &Path, identity: &IdentityFiles) -> Tls {
    trusting(ca).with_identity(Pem::file(&identity.cert), Pem::file(&identity.key))
}

/// The same, from memory.
fn holding(ca: &Path, identity: &IdentityFiles) -> anyhow::Result<Tls> {
    let held = |path: &Path| anyhow::Ok(Pem::new(std::fs::read(path)?));
    Ok(Tls::default().with_ca(held(ca)?).with_identity(held(&identity.cert)?, held(&identity.key)?))
}

fn to(server: &EtcdServer, tls: Tls) -> ClientOptions {
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
    let named = |name: &str| to(server, trusting(ca).with_server_name(name));
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
        works(to(&server, holding(&ca_file, &good)?)).await?;
        expect(save_from(to(&server, holding(&ca_file, &foreign)?)).await, NotAllowed, &["client certificate"])?;
        let binary = trusting(&ca_file).with_identity(Pem::new([0x30, 0x82]), Pem::new("secret"));
        let error = save_from(to(&server, binary)).await.expect_err("it is not PEM");
        ensure!(
            error.kind() == Usage && error.to_string().contains("the client certificate (from memory) is not PEM"),
            "{error}"
        );
        expect(save_from(to(&server, trusting(&ca_file))).await, NotAllowed, &["client certificate"])?;
        expect(save_from(shown(&expired)).await, NotAllowed, &["client certificate", "expired"])?;
        expect(save_from(shown(&foreign)).await, NotAllowed, &["client certificate"])?;
        wrong_files(&server, &ca_file, &good, &foreign).await
    })
}

/// Every certificate is renewed in its place, by another authority, while a cluster is in use.
pub(crate) fn renewed() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let issue = |name: &str| -> anyhow::Result<_> {
        let ca = TestCa::new(name)?;
        let server = ca.server(&["localhost"], Validity::Current)?.write_to(dir.path(), "server")?;
        let client = ca.client("backup", Validity::Current)?.write_to(dir.path(), "client")?;
        Ok((ca.write_to(dir.path(), "ca")?, server, client))
    };
    let (ca, server, client) = issue("first")?;
    let mut server = builder()?.tls(ServerTls::new(server).with_client_ca(&ca)).start()?;
    let cluster = EtcdCluster::new(to(&server, showing(&ca, &client)))?;
    support::run(async {
        for name in ["second", "third"] {
            save(&cluster, &support::home(), &SaveOptions::default()).await?;
            issue(name)?;
            server.stop()?;
            server.restart()?;
            let status = cluster.member(&server.client_url()).await;
            ensure!(status.is_ok(), "{name}: {status:?}");
        }
        // What cannot be read is an error, and no longer one when it is there again.
        issue("fourth")?;
        let key = std::fs::read(&client.key)?;
        std::fs::remove_file(&client.key)?;
        server.stop()?;
        server.restart()?;
        expect(cluster.member(&server.client_url()).await, ErrorKind::NotFound, &["client.key (private key)"])?;
        std::fs::write(&client.key, key)?;
        cluster.member(&server.client_url()).await?;
        Ok(())
    })
}

async fn wrong_files(
    server: &EtcdServer,
    ca: &Path,
    good: &IdentityFiles,
    foreign: &IdentityFiles,
) -> anyhow::Result<()> {
    let with = |cert: &Path, key: &Path| to(server, trusting(ca).with_identity(Pem::file(cert), Pem::file(key)));
    let dir = tempfile::tempdir()?;
    let broken = |name: &str, label: &str| -> anyhow::Result<PathBuf> {
        let file = dir.path().join(name);
        std::fs::write(&file, format!("-----BEGIN {label}-----\nMAMCAQA=\n-----END {label}-----\n"))?;
        Ok(file)
    };
    let (key, cert) = (broken("broken.key", "PRIVATE KEY")?, broken("broken.crt", "CERTIFICATE")?);
    let locked = broken("locked.key", "ENCRYPTED PRIVATE KEY")?;
    let torn = dir.path().join("torn.crt");
    std::fs::write(&torn, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")?;
    let nothing = dir.path().join("empty.crt");
    std::fs::write(&nothing, "\n")?;
    let identity = Some(Advice::ClientCertificate);
    for (options, advice, says) in [
        (with(&good.cert, &foreign.key), identity, ["foreign.key (private key)", "is not that of"]),
        (with(&good.cert, &good.cert), identity, ["good.crt (private key)", "holds no private key"]),
        (with(&good.key, &good.key), identity, ["good.key (client certificate)", "holds no certificate"]),
        (with(&good.cert, &key), identity, ["broken.key (private key)", "cannot be read"]),
        (with(&good.cert, &locked), identity, ["locked.key (private key)", "is encrypted"]),
        (with(&cert, &good.key), identity, ["broken.crt (client certificate)", "cannot be read"]),
        (with(&torn, &good.key), identity, ["torn.crt (client certificate)", "cannot be read"]),
        (to(server, trusting(&torn)), Some(Advice::Authorities), ["torn.crt", "cannot be read"]),
        (to(server, trusting(&good.key)), Some(Advice::Authorities), ["good.key", "holds no certificate"]),
        (to(server, trusting(&nothing)), Some(Advice::Authorities), ["empty.crt", "is empty"]),
        (
            to(server, Tls::default().with_ca(Pem::new("no PEM"))),
            Some(Advice::Authorities),
            ["authority (from memory)", "is not PEM"],
        ),
    ] {
        let error = save_from(options).await.expect_err("it holds something else");
        ensure!(error.advice() == advice, "{error:?}");
        expect::<()>(Err(error), Usage, &says)?;
    }
    expect(
        save_from(with(&good.cert, Path::new("/no/such.key"))).await,
        ErrorKind::NotFound,
        &["/no/such.key (private key)"],
    )
}
