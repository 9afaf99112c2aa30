//! Stores from URLs, and what a configuration may hold.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

use objstore_core::{ErrorKind, Registry, StoreUrl};
use objstore_s3::{AccessKey, Credentials, Profile, S3Store, URL_PARAMETERS};

async fn open(url: &str) -> Result<objstore_core::OpenedPrefix, objstore_core::Error> {
    let mut registry = Registry::new();
    objstore_s3::register(&mut registry);
    registry.open_prefix(&StoreUrl::parse(url)?).await
}

#[tokio::test]
async fn a_url_names_bucket_place_and_settings() {
    let opened = open("s3://bkt/a/b?endpoint=http://127.0.0.1:9000&region=eu-1&path_style=true").await.unwrap();
    assert_eq!(opened.prefix.as_str(), "a/b/");
    assert_eq!(opened.store.to_string(), "s3://bkt?endpoint=http://127.0.0.1:9000");
    let mut registry = Registry::new();
    objstore_s3::register(&mut registry);
    let url = StoreUrl::parse("s3://bkt/a/b%3F?endpoint=http://127.0.0.1:9000&anonymous=true&sse=AES256").unwrap();
    assert_eq!(registry.open_key(&url).await.unwrap().key.as_str(), "a/b?");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    for (url, why) in [
        ("s3://bkt?regoin=x", "does not know the parameter \"regoin\""),
        ("s3://bkt?path_style=yes", "must be true or false"),
        ("s3://bkt?part_size=8MiB", "number of bytes"),
        ("s3://bkt?profile=nobody", "the profile \"nobody\" is not known, only generic, aws"),
        ("s3://bkt?sse=maybe", "AES256 or aws:kms"),
        ("s3://bkt?sse=AES256&kms_key=k", "needs sse=aws:kms"),
        ("s3://bkt?ca_file=/nowhere/ca.pem", "cannot be read"),
        ("s3://bkt?endpoint=http://store.example", "plain http goes to this machine only"),
        ("s3://bkt?endpoint=http://10.0.0.1:9000", "plain http goes to this machine only"),
        ("s3://bkt?endpoint=ftp://store.example", "must begin with https://"),
        ("s3://bkt?endpoint=store.example", "https://"),
        ("s3://bkt?endpoint=https://store.example/bucket", "has no path"),
        ("s3://bkt?endpoint=https://user:pass@store.example", "must not carry credentials"),
        ("s3://user:pass@bkt", "must not carry credentials"),
        ("s3://bkt?secret_key=x", "must not carry credentials"),
        ("s3://?endpoint=http://127.0.0.1:1", "the name of the bucket"),
        ("s3://b%2Fk?endpoint=http://127.0.0.1:1", "the name of the bucket"),
    ] {
        let error = open(url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
        assert!(error.to_string().contains(why), "{url}: {error}");
        assert!(!error.to_string().contains("pass"), "{error}");
    }
    open("s3://bkt?endpoint=http://10.0.0.1:9000&allow_http=true&anonymous=true").await.unwrap();
    open("s3://bkt?endpoint=http://[::1]:9000&anonymous=true").await.unwrap();
}

#[tokio::test]
async fn all_parameters_are_taken() {
    let ca = std::env::temp_dir().join(format!("objstore-s3-empty-{}.pem", std::process::id()));
    std::fs::write(&ca, "no certificate").unwrap();
    for name in URL_PARAMETERS {
        let value = match *name {
            "allow_http" | "anonymous" | "path_style" | "requester_pays" => "true".to_owned(),
            "ca_file" => ca.display().to_string(),
            "endpoint" => "http://127.0.0.1:9".to_owned(),
            "part_size" => "5242880".to_owned(),
            "profile" => "minio".to_owned(),
            "sse" => "aws:kms".to_owned(),
            _ => "x".to_owned(),
        };
        let rest = if *name == "endpoint" { "" } else { "&endpoint=http://127.0.0.1:9" };
        let opened = open(&format!("s3://bkt?{name}={value}{rest}")).await;
        if *name == "ca_file" {
            assert!(opened.unwrap_err().to_string().contains("no certificate in PEM"));
        } else {
            opened.unwrap();
        }
    }
    std::fs::remove_file(ca).unwrap();
}

fn builder() -> objstore_s3::S3StoreBuilder {
    S3Store::builder("bkt").credentials(Credentials::Key(AccessKey::new("id", "secret")))
}

#[tokio::test]
async fn a_profile_is_found_by_the_host() {
    for (endpoint, name, region) in [
        ("https://s3.eu-west-1.amazonaws.com", "aws", None),
        ("https://acc.r2.cloudflarestorage.com", "r2", Some("auto")),
        ("https://storage.googleapis.com", "gcs-interop", Some("auto")),
        ("https://s3.us-west-004.backblazeb2.com", "b2", None),
        ("https://s3.fr-par.scw.cloud", "scaleway", None),
        ("https://notamazonaws.com", "generic", Some("us-east-1")),
        ("http://127.0.0.1:9000", "generic", Some("us-east-1")),
    ] {
        let store = builder().endpoint(endpoint).region("given").build().await.unwrap();
        assert_eq!((store.profile().name, store.region()), (name, "given"));
        let implied = builder().endpoint(endpoint).build().await;
        match region {
            Some(region) => assert_eq!(implied.unwrap().region(), region, "{endpoint}"),
            None => assert!(implied.unwrap_err().to_string().contains("the region is not known"), "{endpoint}"),
        }
    }
    assert_eq!(builder().region("r").build().await.unwrap().profile().name, "aws");
    let names: std::collections::BTreeSet<_> = Profile::TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), Profile::TABLE.len());
}

#[tokio::test]
async fn certificates_and_proxies_are_checked_early() {
    let at = || builder().endpoint("https://127.0.0.1:1");
    for (builder, why) in [
        (at().ca_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "CA certificate"),
        (at().client_certificate("none", "none"), "client certificate"),
        (at().proxy("https://proxy.example"), "http://host:port"),
        (at().proxy("http://"), "http://host:port"),
        (at().user_agent("a b"), "user agent"),
    ] {
        let error = builder.build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// The environment is the process's: what is to be tried starts this test again, in a process of its own.
#[tokio::test]
async fn the_environment_is_respected_and_the_url_wins() {
    const CHILD: &str = "OBJSTORE_S3_URL_TEST";
    #[expect(clippy::disallowed_methods, reason = "it tells the child from its parent")]
    let child = std::env::var(CHILD);
    if let Ok(url) = child {
        let shown = match open(&url).await {
            Ok(opened) => opened.store.to_string(),
            Err(error) => error.to_string(),
        };
        println!("{shown}");
        return;
    }
    let run = |url: &str, variables: &[(&str, &str)]| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "the_environment_is_respected_and_the_url_wins", "--nocapture"]);
        command.env_clear().env(CHILD, url).env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let own = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")];
    assert!(run("s3://bkt", &own).contains("s3://bkt?endpoint=http://127.0.0.1:2\n"));
    assert!(run("s3://bkt", &own[..1]).contains("s3://bkt?endpoint=http://127.0.0.1:1\n"));
    assert!(run("s3://bkt?endpoint=http://127.0.0.1:3", &own).contains("s3://bkt?endpoint=http://127.0.0.1:3\n"));
    assert!(run("s3://bkt", &[("AWS_REGION", "eu-1")]).contains("s3://bkt\n"));
    assert!(run("s3://bkt", &[]).contains("the region is not known: set it"));
    let far = [("AWS_ENDPOINT_URL_S3", "http://store.example")];
    assert!(run("s3://bkt", &far).contains("plain http goes to this machine only"));
}
