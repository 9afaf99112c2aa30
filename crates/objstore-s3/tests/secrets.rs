//! No secret in what is shown: canaries are put everywhere, and everything that is shown is searched for them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::{
    error::Error as _,
    fmt::{Debug, Display},
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{Answer, Server};
use objstore_core::{
    Checksums, ObjectKey, ObjectStore as _, ObjectStoreExt as _, PresignMethod, PresignRequest, UploadOptions,
};
use objstore_s3::{AccessKey, CredentialSource, Credentials, S3Store};

const SECRET: &str = "canary-secret-7f3a";
const TOKEN: &str = "canary-session-91bc";
const PROXY: &str = "canary-proxy-55de";
const KEY: &str = "canary-private-key-0c1d";

#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    fn debug(&mut self, value: &impl Debug) {
        self.0.push(format!("{value:?} {value:#?}"));
    }

    fn error(&mut self, error: &objstore_core::Error) {
        self.debug(error);
        self.0.push(error.to_string());
        let mut cause = error.source();
        while let Some(next) = cause {
            self.0.push(format!("{next} {next:?}"));
            cause = next.source();
        }
    }

    fn display(&mut self, value: &impl Display) {
        self.0.push(value.to_string());
    }
}

fn session(expires: Option<SystemTime>) -> AccessKey {
    AccessKey::new("AKID", SECRET).with_session(TOKEN, expires)
}

#[derive(Debug)]
struct Failing;

#[async_trait::async_trait]
impl CredentialSource for Failing {
    async fn access_key(&self) -> objstore_core::Result<AccessKey> {
        Err(objstore_core::Error::new(objstore_core::ErrorKind::Unauthenticated))
    }
}

#[tokio::test]
async fn nothing_that_is_shown_holds_a_secret() {
    let mut seen = Seen::default();
    let key = ObjectKey::new("a").unwrap();
    let credentials = Credentials::Key(session(None));
    seen.debug(&credentials);
    seen.debug(&session(None));
    // An answer that repeats what it was sent, as some do.
    let server = Server::start(|asked| {
        let sent = asked.header("authorization").unwrap_or_default();
        Answer::said(403, "SignatureDoesNotMatch", &format!("string to sign: {}", sent.len()))
    })
    .await;
    let builder = server.builder().credentials(credentials.clone()).proxy(format!("http://u:{PROXY}@127.0.0.1:1"));
    seen.debug(&builder);
    seen.debug(&S3Store::builder("bkt").endpoint(format!("https://u:{SECRET}@h")));
    seen.error(&S3Store::builder("bkt").endpoint(format!("https://u:{SECRET}@h")).build().await.unwrap_err());
    seen.error(&S3Store::builder("bkt").region("r").client_certificate(KEY, KEY).build().await.unwrap_err());
    let store = builder.build().await.unwrap();
    seen.debug(&store);
    seen.display(&store);
    seen.error(&store.put_bytes(&key, "x").await.unwrap_err());
    seen.error(&store.get_bytes(&key, 1).await.unwrap_err());
    seen.debug(&store.start_upload(&key, UploadOptions::new()).await.unwrap());
    let signed =
        store.presign(PresignRequest::new(key.clone(), PresignMethod::Get, Duration::from_secs(60))).await.unwrap();
    seen.debug(&signed);
    seen.error(&store.presign(PresignRequest::new(key.clone(), PresignMethod::Get, Duration::ZERO)).await.unwrap_err());

    // Connections that fail, through a proxy that is not there, and to nobody.
    let through = S3Store::builder("bkt").endpoint("https://127.0.0.1:1").credentials(credentials.clone());
    let through = through.proxy(format!("http://u:{PROXY}@127.0.0.1:1")).build().await.unwrap();
    seen.error(&through.put_bytes(&key, "x").await.unwrap_err());
    let failing = server.builder().credentials(Credentials::Source(Arc::new(Failing))).build().await.unwrap();
    let refused = failing.put_bytes(&key, "x").await.unwrap_err();
    assert_eq!(refused.kind(), objstore_core::ErrorKind::Unauthenticated, "{refused:?}");
    assert_eq!(refused.effect(), &objstore_core::Effect::NotApplied);
    seen.error(&refused);

    let signature = signed.expose_url().split("X-Amz-Signature=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert!(signed.expose_url().contains(TOKEN), "the URL itself is the secret");
    for text in &seen.0 {
        for canary in [SECRET, TOKEN, PROXY, KEY, signature.as_str()] {
            assert!(!text.contains(canary), "{canary} is shown in: {text}");
        }
    }
    assert!(seen.0.len() > 20);
}

#[tokio::test]
async fn a_signed_url_ends_with_its_credential_and_binds_the_body() {
    #[derive(Debug)]
    struct At(u64);
    impl objstore_core::Clock for At {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.0)
        }
    }
    let now = 1_795_255_200; // 2026-11-21 10:00:00 UTC
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(now + seconds);
    let store = async |expires| {
        let builder = S3Store::builder("bkt").endpoint("http://127.0.0.1:9").clock(At(now));
        builder.credentials(Credentials::Key(session(expires))).build().await.unwrap()
    };
    let request =
        |method, seconds| PresignRequest::new(ObjectKey::new("a b").unwrap(), method, Duration::from_secs(seconds));

    let long = store(None).await.presign(request(PresignMethod::Get, 600)).await.unwrap();
    assert_eq!(long.expires(), at(600));
    assert!(long.expose_url().starts_with("http://127.0.0.1:9/bkt/a%20b?"), "{}", long.expose_url());
    assert!(
        long.expose_url().contains("X-Amz-Date=20261121T100000Z") && long.expose_url().contains("X-Amz-Expires=600")
    );
    // The credential ends earlier than was asked for.
    let short = store(Some(at(120))).await.presign(request(PresignMethod::Get, 600)).await.unwrap();
    assert_eq!(short.expires(), at(120));
    assert!(short.expose_url().contains("X-Amz-Expires=120"));
    let ended = store(Some(at(0))).await.presign(request(PresignMethod::Get, 600)).await;
    assert_eq!(ended.unwrap_err().kind(), objstore_core::ErrorKind::Unauthenticated);
    for seconds in [0, 7 * 24 * 3600 + 1] {
        let refused = store(None).await.presign(request(PresignMethod::Get, seconds)).await.unwrap_err();
        assert_eq!(refused.kind(), objstore_core::ErrorKind::InvalidInput);
    }

    let expect = Checksums::of(b"hello");
    let put = store(None).await.presign(request(PresignMethod::Put, 600).with_expect(expect)).await.unwrap();
    let bound = put.headers().iter().any(|(name, value)| name == "x-amz-checksum-crc32c" && value == "mnG7TA==");
    assert!(bound, "{:?}", put.headers());
    assert!(put.expose_url().contains("x-amz-checksum-crc32c"), "it is among the signed headers");
}
