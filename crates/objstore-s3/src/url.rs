//! `s3://bucket[/path][?name=value&…]`.

use std::{num::NonZeroU64, sync::Arc};

use async_trait::async_trait;
use objstore_core::{
    Error, ErrorKind, ObjectKey, OpenedKey, OpenedPrefix, Prefix, Registry, Result, SchemeFactory, StoreUrl,
};

use crate::{
    builder::{Encryption, S3StoreBuilder, wrong},
    credentials::Credentials,
    profiles::Profile,
    store::S3Store,
};

/// The parameters of an `s3://` URL. All others are errors, and so are credentials.
///
/// | parameter | sets |
/// |---|---|
/// | `acl` | [`S3StoreBuilder::acl`] |
/// | `allow_http` | [`S3StoreBuilder::allow_http`]: `true` or `false` |
/// | `anonymous` | [`Credentials::Anonymous`]: `true` or `false` |
/// | `ca_file` | [`S3StoreBuilder::ca_file`] |
/// | `endpoint` | [`S3StoreBuilder::endpoint`]; wins over the environment |
/// | `kms_key` | the key of [`Encryption::Kms`] |
/// | `part_size` | [`S3StoreBuilder::part_size`] in bytes |
/// | `path_style` | [`S3StoreBuilder::path_style`]: `true` or `false` |
/// | `profile` | [`S3StoreBuilder::profile`], by its name |
/// | `region` | [`S3StoreBuilder::region`]; wins over the environment |
/// | `requester_pays` | [`S3StoreBuilder::requester_pays`]: `true` or `false` |
/// | `sse` | [`S3StoreBuilder::encryption`]: `AES256` or `aws:kms` |
/// | `storage_class` | [`S3StoreBuilder::storage_class`] |
pub const URL_PARAMETERS: &[&str] = &[
    "acl",
    "allow_http",
    "anonymous",
    "ca_file",
    "endpoint",
    "kms_key",
    "part_size",
    "path_style",
    "profile",
    "region",
    "requester_pays",
    "sse",
    "storage_class",
];

/// Makes `s3://` URLs known to a registry. Stores that are opened so take the rest from the environment
/// ([`S3StoreBuilder::from_env`]) and their credentials from the machine.
///
/// ```
/// use objstore_core::{Registry, StoreUrl};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> objstore_core::Result<()> {
/// let mut registry = Registry::with_defaults();
/// objstore_s3::register(&mut registry);
/// let url = StoreUrl::parse("s3://backups/etcd-a?endpoint=http://127.0.0.1:9000&region=us-east-1")?;
/// let opened = registry.open_prefix(&url).await?;
/// assert_eq!(opened.prefix.as_str(), "etcd-a/");
/// # Ok(()) }
/// ```
pub fn register(registry: &mut Registry) {
    registry.register("s3", S3Scheme);
}

#[derive(Debug)]
struct S3Scheme;

#[async_trait]
impl SchemeFactory for S3Scheme {
    async fn open_prefix(&self, url: &StoreUrl) -> Result<OpenedPrefix> {
        let prefix = match url.path() {
            "" => Prefix::root(),
            path => Prefix::root().child(path).map_err(bad_path)?,
        };
        Ok(OpenedPrefix::new(Arc::new(open(url).await?), prefix))
    }

    async fn open_key(&self, url: &StoreUrl) -> Result<OpenedKey> {
        let key = ObjectKey::new(url.path()).map_err(bad_path)?;
        Ok(OpenedKey::new(Arc::new(open(url).await?), key))
    }
}

async fn open(url: &StoreUrl) -> Result<S3Store> {
    builder(url)?.from_env()?.build().await
}

fn builder(url: &StoreUrl) -> Result<S3StoreBuilder> {
    url.only_params(URL_PARAMETERS)?;
    let mut builder = S3Store::builder(url.bucket());
    let text = |name| url.param(name);
    if let Some(value) = text("acl") {
        builder = builder.acl(value);
    }
    if let Some(file) = text("ca_file") {
        builder = builder.ca_file(file)?;
    }
    if let Some(endpoint) = text("endpoint") {
        builder = builder.endpoint(endpoint);
    }
    if let Some(bytes) = text("part_size") {
        let bytes: NonZeroU64 =
            bytes.parse().map_err(|_| wrong("the parameter \"part_size\" must be a number of bytes"))?;
        builder = builder.part_size(bytes);
    }
    if let Some(name) = text("profile") {
        builder = builder.profile(find_profile(name)?);
    }
    if let Some(region) = text("region") {
        builder = builder.region(region);
    }
    if let Some(class) = text("storage_class") {
        builder = builder.storage_class(class);
    }
    if let Some(on) = url.bool_param("path_style")? {
        builder = builder.path_style(on);
    }
    if url.bool_param("anonymous")? == Some(true) {
        builder = builder.credentials(Credentials::Anonymous);
    }
    builder = builder.allow_http(url.bool_param("allow_http")?.unwrap_or(false));
    builder = builder.requester_pays(url.bool_param("requester_pays")?.unwrap_or(false));
    Ok(builder.encryption(encryption(text("sse"), text("kms_key"))?))
}

fn encryption(sse: Option<&str>, key: Option<&str>) -> Result<Encryption> {
    match (sse, key) {
        (None, None) => Ok(Encryption::Bucket),
        (Some("AES256"), None) => Ok(Encryption::Store),
        (Some("aws:kms") | None, key) => Ok(Encryption::Kms { key: key.map(str::to_owned), bucket_key: None }),
        (Some("AES256"), Some(_)) => Err(wrong("the parameter \"kms_key\" needs sse=aws:kms")),
        (Some(_), _) => Err(wrong("the parameter \"sse\" must be AES256 or aws:kms")),
    }
}

fn find_profile(name: &str) -> Result<&'static Profile> {
    Profile::find(name).ok_or_else(|| {
        let known: Vec<_> = Profile::TABLE.iter().map(|row| row.name).collect();
        wrong(format!("the profile {name:?} is not known, only {}", known.join(", ")))
    })
}

fn bad_path(invalid: objstore_core::InvalidKey) -> Error {
    Error::new(ErrorKind::InvalidConfig).with_detail("the path of the URL is not a key").with_source(invalid)
}
