//! Who signs the requests.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use aws_credential_types::{
    Credentials as SdkCredentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use objstore_core::{Clock, Error, ErrorKind, Result};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// Credentials are replaced when they have less than this left, so that a request does not arrive too late.
const MARGIN: Duration = Duration::from_secs(60);

/// Where credentials come from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Credentials {
    /// What the machine offers, in the order of AWS's own tools: environment variables, the shared profile, a web
    /// identity (IRSA), a container's (EKS Pod Identity, ECS), the instance's (IMDSv2).
    ///
    /// Profiles that start a program or use SSO need this crate's features `credentials-process` and `sso`.
    #[default]
    Ambient,
    /// This key.
    Key(AccessKey),
    /// Whatever this returns, asked again before it expires and when the store says that it did.
    Source(Arc<dyn CredentialSource>),
    /// None: requests are not signed.
    Anonymous,
}

/// An access key. `Debug` shows its id only, and the secrets are wiped from memory when it is dropped.
#[derive(Clone)]
pub struct AccessKey {
    id: String,
    secret: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
    expires: Option<SystemTime>,
}

impl AccessKey {
    /// A key that does not expire.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: Zeroizing::new(secret.into()), session_token: None, expires: None }
    }

    /// Adds the token of a session, and when the session ends, if that is known.
    #[must_use]
    pub fn with_session(mut self, token: impl Into<String>, expires: Option<SystemTime>) -> Self {
        self.session_token = Some(Zeroizing::new(token.into()));
        self.expires = expires;
        self
    }

    fn to_sdk(&self) -> SdkCredentials {
        let token = self.session_token.as_deref().cloned();
        SdkCredentials::new(self.id.as_str(), self.secret.as_str(), token, self.expires, "objstore-s3")
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Something that hands out keys: a vault, a secret that is rotated, a file.
#[async_trait]
pub trait CredentialSource: fmt::Debug + Send + Sync + 'static {
    /// A key that is valid now.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] usually. It must not repeat secrets.
    async fn access_key(&self) -> Result<AccessKey>;
}

/// Keeps what a provider returned until it is about to expire or the store refused it.
#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    provider: SharedCredentialsProvider,
    clock: Arc<dyn Clock>,
    /// Held while asking, so that many waiting requests ask once.
    cached: Arc<Mutex<Cached>>,
}

#[derive(Debug, Default)]
struct Cached {
    credentials: Option<SdkCredentials>,
    /// How often they were forgotten.
    age: u64,
}

impl Keyring {
    pub(crate) fn new(provider: impl ProvideCredentials + 'static, clock: Arc<dyn Clock>) -> Self {
        Self { provider: SharedCredentialsProvider::new(provider), clock, cached: Arc::default() }
    }

    pub(crate) fn of_key(key: &AccessKey, clock: Arc<dyn Clock>) -> Self {
        Self::new(key.to_sdk(), clock)
    }

    pub(crate) fn of_source(source: Arc<dyn CredentialSource>, clock: Arc<dyn Clock>) -> Self {
        Self::new(Sourced(source), clock)
    }

    /// How often credentials were forgotten so far.
    pub(crate) async fn age(&self) -> u64 {
        self.cached.lock().await.age
    }

    /// Forgets what was kept at this age: the store says that it expired. Of several requests that find out together,
    /// one has the credentials replaced.
    pub(crate) async fn forget(&self, age: u64) {
        let mut cached = self.cached.lock().await;
        if cached.age == age {
            *cached = Cached { credentials: None, age: age.wrapping_add(1) };
        }
    }

    /// When the credentials in use end, if they do.
    pub(crate) async fn expiry(&self) -> Result<Option<SystemTime>> {
        let credentials = self.load().await.map_err(|error| unauthenticated().with_source(error))?;
        Ok(credentials.expiry())
    }

    async fn load(&self) -> Result<SdkCredentials, CredentialsError> {
        let mut cached = self.cached.lock().await;
        let soon = self.clock.now().checked_add(MARGIN);
        let lasts = |known: &&SdkCredentials| known.expiry().is_none_or(|expiry| soon.is_none_or(|soon| expiry > soon));
        if let Some(known) = cached.credentials.as_ref().filter(lasts) {
            return Ok(known.clone());
        }
        let fresh = self.provider.provide_credentials().await?;
        cached.credentials = Some(fresh.clone());
        Ok(fresh)
    }
}

impl ProvideCredentials for Keyring {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

#[derive(Debug)]
struct Sourced(Arc<dyn CredentialSource>);

impl ProvideCredentials for Sourced {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let key = self.0.access_key().await.map_err(CredentialsError::provider_error)?;
            Ok(key.to_sdk())
        })
    }
}

pub(crate) fn unauthenticated() -> Error {
    let detail = "no credentials were found: give a key, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    Error::new(ErrorKind::Unauthenticated).with_detail(detail)
}
