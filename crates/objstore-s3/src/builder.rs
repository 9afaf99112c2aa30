//! How a store is configured.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64},
    sync::{Arc, RwLock},
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    config::{
        AppName, BehaviorVersion, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
    types::ServerSideEncryption,
};
use aws_smithy_async::{rt::sleep::TokioSleep, time::TimeSource};
use objstore_core::{Clock, Error, ErrorKind, Op, Result, SystemClock, layers::RetryLoop};

use crate::{
    credentials::{Credentials, Keyring},
    endpoint::Endpoint,
    environment::Environment,
    http::{Http, HttpSettings},
    profiles::Profile,
    store::{S3Store, Shared},
    upload::Dropped,
};

/// Parts in flight of one upload, unless said otherwise.
const IN_FLIGHT: NonZeroU32 = NonZeroU32::new(4).expect("4 is not 0");

/// How objects are encrypted at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// As the bucket says.
    #[default]
    Bucket,
    /// SSE-S3: keys of the store's.
    Store,
    /// SSE-KMS: this key of a key service (id, ARN or alias), or its default key.
    Kms {
        /// The key.
        key: Option<String>,
        /// Whether one data key serves for many objects, which saves calls to the key service.
        bucket_key: Option<bool>,
    },
}

impl Encryption {
    pub(crate) fn parts(&self) -> (Option<ServerSideEncryption>, Option<String>, Option<bool>) {
        match self {
            Self::Bucket => (None, None, None),
            Self::Store => (Some(ServerSideEncryption::Aes256), None, None),
            Self::Kms { key, bucket_key } => (Some(ServerSideEncryption::AwsKms), key.clone(), *bucket_key),
        }
    }
}

/// What goes with every write of a store.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteSettings {
    pub(crate) encryption: Encryption,
    pub(crate) storage_class: Option<String>,
    pub(crate) acl: Option<String>,
    pub(crate) requester_pays: bool,
}

/// Configures an [`S3Store`]. Nothing is read from the environment but by [`from_env`](Self::from_env) and by
/// [`Credentials::Ambient`].
///
/// `Debug` shows no secrets.
#[derive(Clone)]
#[must_use]
pub struct S3StoreBuilder {
    bucket: String,
    region: Option<String>,
    endpoint: Option<String>,
    path_style: Option<bool>,
    allow_http: bool,
    credentials: Credentials,
    profile: Option<Profile>,
    user_agent: Option<String>,
    http: HttpSettings,
    write: WriteSettings,
    part_size: Option<NonZeroU64>,
    in_flight: NonZeroU32,
    sign_bodies: bool,
    clock: Arc<dyn Clock>,
    retries: RetryLoop,
}

impl S3StoreBuilder {
    pub(crate) fn new(bucket: String) -> Self {
        Self {
            bucket,
            region: None,
            endpoint: None,
            path_style: None,
            allow_http: false,
            credentials: Credentials::Ambient,
            profile: None,
            user_agent: None,
            http: HttpSettings {
                connect_timeout: Duration::from_secs(5),
                response_timeout: Duration::from_secs(60),
                ..HttpSettings::default()
            },
            write: WriteSettings::default(),
            part_size: None,
            in_flight: IN_FLIGHT,
            sign_bodies: false,
            clock: Arc::new(SystemClock),
            retries: RetryLoop::new(),
        }
    }

    /// Takes what the environment says and is not set yet: `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, `AWS_REGION` or
    /// `AWS_DEFAULT_REGION`, `AWS_CA_BUNDLE` (a file), `HTTPS_PROXY` and `NO_PROXY`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if the file of certificates cannot be read.
    pub fn from_env(self) -> Result<Self> {
        self.environment(Environment::from_env()?)
    }

    pub(crate) fn environment(mut self, environment: Environment) -> Result<Self> {
        self.endpoint = self.endpoint.or(environment.endpoint);
        self.region = self.region.or(environment.region);
        if self.http.proxy.is_none() {
            self.http.proxy = environment.proxy;
            self.http.no_proxy = environment.no_proxy;
        }
        match environment.ca_file {
            Some(file) if self.http.ca.is_empty() => self.ca_file(file),
            _ => Ok(self),
        }
    }

    /// The region to sign for. By default what the environment and the shared profile say, or what the store's
    /// profile knows.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The address of the store, `https://host[:port]`. By default AWS in the region.
    ///
    /// Plain `http` is taken for loopback addresses only, or with [`allow_http`](Self::allow_http).
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Whether the bucket stands in the path of requests (`true`) or in the host name. By default as the store's
    /// profile says: in the path everywhere but on AWS and a few others.
    pub fn path_style(mut self, path_style: bool) -> Self {
        self.path_style = Some(path_style);
        self
    }

    /// Whether plain `http` may go to other machines. Bodies are readable on the way then.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Who signs the requests. By default what the machine offers.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// How to speak to the store. By default by the endpoint's host.
    pub fn profile(mut self, profile: &Profile) -> Self {
        self.profile = Some(profile.clone());
        self
    }

    /// Adds certificates to trust beside the system's, in PEM.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.http.ca.push(pem.into());
        self
    }

    /// Adds certificates to trust beside the system's, from a file in PEM.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if the file cannot be read.
    pub fn ca_file(self, path: impl AsRef<std::path::Path>) -> Result<Self> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map_err(|error| {
            wrong(format!("the file of CA certificates {} cannot be read", path.display())).with_source(error)
        })?;
        Ok(self.ca_pem(pem))
    }

    /// The certificate chain and the private key to show to the store, in PEM.
    pub fn client_certificate(mut self, chain_pem: impl Into<Vec<u8>>, key_pem: impl Into<Vec<u8>>) -> Self {
        self.http.client_certificate = Some((chain_pem.into(), key_pem.into()));
        self
    }

    /// The proxy for `https` requests, `http://[user:password@]host:port`. Plain `http` goes past it.
    pub fn proxy(mut self, proxy: impl Into<String>) -> Self {
        self.http.proxy = Some(proxy.into());
        self
    }

    /// How long connecting may take, TLS included: 5 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.http.connect_timeout = timeout;
        self
    }

    /// How long the store may take to answer a request, and to send the next bytes of a body: 60 s by default. A
    /// request with a body gets a second more for each 64 KiB.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.http.response_timeout = timeout;
        self
    }

    /// A name for the store's logs, in the user agent of requests: letters, digits and a few marks.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// The size of parts in bytes, at least 5 MiB, for uploads that do not ask for one. By default 8 MiB, or larger
    /// where the size hint needs it. Memory of an upload is this times (in flight + 1).
    pub fn part_size(mut self, bytes: NonZeroU64) -> Self {
        self.part_size = Some(bytes);
        self
    }

    /// How many parts of one upload are sent at a time: 4 by default.
    pub fn in_flight(mut self, parts: NonZeroU32) -> Self {
        self.in_flight = parts;
        self
    }

    /// Whether bodies are signed also where their digest is enough (TLS or loopback, on stores that verify it). Signing
    /// costs a SHA-256.
    pub fn sign_bodies(mut self, sign: bool) -> Self {
        self.sign_bodies = sign;
        self
    }

    /// How objects are encrypted at rest.
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.write.encryption = encryption;
        self
    }

    /// The storage class of objects that are written, `STANDARD_IA` for one.
    pub fn storage_class(mut self, class: impl Into<String>) -> Self {
        self.write.storage_class = Some(class.into());
        self
    }

    /// The canned ACL of objects that are written, `bucket-owner-full-control` for one.
    pub fn acl(mut self, acl: impl Into<String>) -> Self {
        self.write.acl = Some(acl.into());
        self
    }

    /// Whether we agree to pay for requests, in a bucket that demands it.
    pub fn requester_pays(mut self, pays: bool) -> Self {
        self.write.requester_pays = pays;
        self
    }

    /// The clock that signatures and the life of URLs are taken from.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How the parts of an upload are tried again. All other requests are made once: wrap the store in
    /// [`Retries`](objstore_core::layers::Retries), and give both the same loop.
    pub fn retries(mut self, rule: RetryLoop) -> Self {
        self.retries = rule;
        self
    }

    /// Makes the store. No request goes to it; what the machine says of region is read.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for settings that make no sense.
    pub async fn build(self) -> Result<S3Store> {
        self.build_store().await.map_err(|error| error.with_op(Op::Open))
    }

    async fn build_store(self) -> Result<S3Store> {
        check_bucket(&self.bucket)?;
        let endpoint = self.endpoint.as_deref().map(|text| Endpoint::parse(text, self.allow_http)).transpose()?;
        let host = endpoint.as_ref().map(|endpoint| endpoint.host.as_str());
        let profile = self.profile.clone().unwrap_or_else(|| Profile::of_host(host).clone());
        let http = Http::new(&self.http)?;
        let machine = self.ask_machine(&profile, &http).await;
        let region = self.resolve_region(&profile, machine.as_ref())?;
        let keyring = self.keyring(machine.as_ref());
        let client = self.client(&profile, endpoint.as_ref(), &region, http, keyring.clone())?;
        let private = endpoint.as_ref().is_none_or(|endpoint| endpoint.https || endpoint.loopback);
        Ok(S3Store {
            shared: Arc::new(Shared {
                bucket: self.bucket,
                endpoint: endpoint.map(|endpoint| endpoint.url),
                region,
                client,
                keyring,
                clock: self.clock,
                write: self.write,
                unsigned_bodies: !self.sign_bodies && private && profile.unsigned_bodies,
                part_size: self.part_size,
                in_flight: self.in_flight,
                response_timeout: self.http.response_timeout,
                capabilities: RwLock::new(Arc::new(profile.capabilities())),
                profile,
                retries: self.retries,
                dropped: Dropped::default(),
            }),
        })
    }

    /// What the machine offers, where that is wanted.
    async fn ask_machine(&self, profile: &Profile, http: &Http) -> Option<SdkConfig> {
        if !matches!(self.credentials, Credentials::Ambient) {
            return None;
        }
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http.clone())
            .sleep_impl(TokioSleep::new())
            .time_source(Time(Arc::clone(&self.clock)));
        let loader = match self.known_region(profile) {
            Some(region) => loader.region(Region::new(region)),
            None => loader,
        };
        Some(loader.load().await)
    }

    fn known_region(&self, profile: &Profile) -> Option<String> {
        // A store of one's own has one region, whatever the machine's profile says about AWS.
        let own = || self.endpoint.as_ref().and(profile.region).map(str::to_owned);
        self.region.clone().or_else(own)
    }

    fn resolve_region(&self, profile: &Profile, machine: Option<&SdkConfig>) -> Result<String> {
        let said = || machine.and_then(SdkConfig::region).map(|region| region.as_ref().to_owned());
        self.known_region(profile).or_else(said).ok_or_else(|| wrong("the region is not known: set it"))
    }

    fn keyring(&self, machine: Option<&SdkConfig>) -> Option<Keyring> {
        let clock = Arc::clone(&self.clock);
        match &self.credentials {
            Credentials::Anonymous => None,
            Credentials::Key(key) => Some(Keyring::of_key(key, clock)),
            Credentials::Source(source) => Some(Keyring::of_source(Arc::clone(source), clock)),
            Credentials::Ambient => {
                machine.and_then(SdkConfig::credentials_provider).map(|chain| Keyring::new(chain, clock))
            }
        }
    }

    fn client(
        &self,
        profile: &Profile,
        endpoint: Option<&Endpoint>,
        region: &str,
        http: Http,
        keyring: Option<Keyring>,
    ) -> Result<Client> {
        // Pinned: an upgrade of the SDK must not change what we do. Repeating requests and bounding their time are
        // the business of the layers and of our own HTTP client.
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .force_path_style(self.path_style.unwrap_or(profile.path_style))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(IdentityCache::no_cache()) // the keyring keeps them
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .time_source(Time(Arc::clone(&self.clock)))
            .sleep_impl(TokioSleep::new())
            .http_client(http);
        config = match keyring {
            Some(keyring) => config.credentials_provider(keyring),
            None => config.allow_no_auth(),
        };
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(&endpoint.url);
        }
        if let Some(name) = &self.user_agent {
            let name = AppName::new(name.clone()).map_err(|error| {
                wrong("the name for the user agent holds other than letters, digits and a few marks").with_source(error)
            })?;
            config = config.app_name(name);
        }
        Ok(Client::from_conf(config.build()))
    }
}

impl fmt::Debug for S3StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3StoreBuilder")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_deref().map(crate::endpoint::without_password))
            .field("credentials", &self.credentials)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

fn check_bucket(bucket: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if bucket.is_empty() || !bucket.bytes().all(plain) {
        return Err(wrong("the name of the bucket is empty or holds other than letters, digits, '-', '_' and '.'"));
    }
    Ok(())
}

pub(crate) fn wrong(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidConfig).with_detail(detail)
}

/// Our clock, for the SDK.
#[derive(Debug)]
struct Time(Arc<dyn Clock>);

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}
