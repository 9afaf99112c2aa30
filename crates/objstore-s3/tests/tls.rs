//! TLS: a private authority, a certificate of the client's, a proxy.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use objstore_core::{Effect, ErrorKind, ObjectKey, ObjectStoreExt as _};
use objstore_s3::{AccessKey, Credentials, S3Store, S3StoreBuilder};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that answers every request with 200, to clients of this authority only.
fn serve(authority: &Issuer) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream.unwrap());
            let mut read = [0; 4096];
            // One answer; a client that is refused ends in an error here, as it should.
            if stream.read(&mut read).is_ok() {
                let answer = b"HTTP/1.1 200 OK\r\netag: \"e1\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer).and_then(|()| stream.flush());
            }
        }
    });
    address
}

fn builder(address: SocketAddr) -> S3StoreBuilder {
    let key = Credentials::Key(AccessKey::new("id", "secret"));
    S3Store::builder("bkt").endpoint(format!("https://{address}")).credentials(key)
}

/// A chain and a key, PEM.
fn client(authority: &Issuer) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["client".to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

async fn put(builder: S3StoreBuilder) -> Result<(), objstore_core::Error> {
    builder.build().await.unwrap().put_bytes(&ObjectKey::new("a").unwrap(), "x").await.map(drop)
}

#[tokio::test]
async fn a_private_authority_and_a_client_certificate_are_used() {
    let authority = authority();
    let address = serve(&authority);
    let (chain, key) = client(&authority);
    put(builder(address).ca_pem(authority.pem()).client_certificate(chain.clone(), key.clone())).await.unwrap();

    let unknown = put(builder(address).client_certificate(chain, key)).await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.effect()), (ErrorKind::InvalidConfig, &Effect::NotApplied), "{unknown:?}");
    assert!(unknown.to_string().contains("certificate is not trusted"), "{unknown}");
    // The server takes nobody without a certificate.
    put(builder(address).ca_pem(authority.pem())).await.unwrap_err();
}

#[tokio::test]
async fn a_proxy_carries_tls_and_is_told_who_asks() {
    let authority = authority();
    let address = serve(&authority);
    let (chain, key) = client(&authority);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(String::new()));
    let remembered = Arc::clone(&asked);
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut read = [0; 4096];
        let count = client.read(&mut read).unwrap();
        *remembered.lock().unwrap() = String::from_utf8(read[..count].to_vec()).unwrap();
        let mut store = TcpStream::connect(address).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from_client, mut to_store) = (client.try_clone().unwrap(), store.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from_client, &mut to_store));
        let _ = std::io::copy(&mut store, &mut client);
    });
    let through = builder(address).ca_pem(authority.pem()).client_certificate(chain, key);
    put(through.proxy(format!("http://user:pass@{proxy}"))).await.unwrap();
    let asked = asked.lock().unwrap().to_ascii_lowercase();
    assert!(asked.starts_with(&format!("connect {address} ")), "{asked}");
    assert!(asked.contains("proxy-authorization: basic "), "{asked}");
}
