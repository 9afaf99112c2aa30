//! Who may use a server, and for what.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use s3s::{
    S3Error, S3ErrorCode, S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
};

use super::{operation, record::Entry};

/// A key that a server knows. `Debug` does not show its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
}

impl Credentials {
    /// A key without a session.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self { access_key: access_key.into(), secret_key: secret_key.into(), session_token: None }
    }

    /// Makes it a temporary key: requests must carry this token too.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// The key's id.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The secret. Do not log it.
    #[must_use]
    pub fn expose_secret_key(&self) -> &str {
        &self.secret_key
    }

    /// The session's token, also a secret.
    #[must_use]
    pub fn expose_session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// The keys that a server knows, and what they may do.
#[derive(Default)]
pub(super) struct Accounts(Mutex<State>);

#[derive(Default)]
struct State {
    keys: BTreeMap<String, Account>,
    /// Everything, if none are named.
    allowed: Option<BTreeSet<String>>,
}

struct Account {
    credentials: Credentials,
    expired: bool,
}

impl Accounts {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn grant(&self, credentials: Credentials) {
        let account = Account { expired: false, credentials };
        self.lock().keys.insert(account.credentials.access_key.clone(), account);
    }

    pub(super) fn expire(&self, access_key: &str) {
        if let Some(account) = self.lock().keys.get_mut(access_key) {
            account.expired = true;
        }
    }

    pub(super) fn allow_only(&self, actions: Option<&[&str]>) {
        self.lock().allowed = actions.map(|actions| actions.iter().map(|&action| action.to_owned()).collect());
    }

    fn check_action(&self, action: &str) -> S3Result<()> {
        match &self.lock().allowed {
            Some(allowed) if !allowed.contains(action) => {
                let message = format!("the policy does not allow {action}");
                Err(S3Error::with_message(S3ErrorCode::AccessDenied, message))
            }
            _ => Ok(()),
        }
    }

    fn check_session(&self, access_key: &str, token: Option<&str>) -> S3Result<()> {
        let state = self.lock();
        let account = state.keys.get(access_key).ok_or(S3ErrorCode::InvalidAccessKeyId)?;
        if account.expired {
            return Err(expired());
        }
        if account.credentials.session_token.as_deref() != token {
            return Err(S3ErrorCode::InvalidToken.into());
        }
        Ok(())
    }
}

fn expired() -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::ExpiredToken, "The provided token has expired.");
    error.set_status_code(hyper::StatusCode::BAD_REQUEST);
    error
}

/// Says to `s3s` which secret belongs to a key.
pub(super) struct Secrets(pub(super) Arc<Accounts>);

#[async_trait::async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let state = self.0.lock();
        let account = state.keys.get(access_key).ok_or(S3ErrorCode::InvalidAccessKeyId)?;
        if account.expired {
            return Err(expired());
        }
        Ok(SecretKey::from(account.credentials.secret_key.clone()))
    }
}

/// Decides after the signature was found good.
pub(super) struct Policy {
    pub(super) accounts: Arc<Accounts>,
    pub(super) region: String,
}

#[async_trait::async_trait]
impl S3Access for Policy {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(access_key) = context.credentials().map(|credentials| credentials.access_key.clone()) else {
            return Err(S3Error::with_message(S3ErrorCode::AccessDenied, "Anonymous requests are not allowed"));
        };
        let entry = context.extensions_mut().get::<Entry>().cloned();
        let (headers, uri) = (context.headers(), context.uri());
        self.accounts.check_session(&access_key, operation::session_token(headers, uri).as_deref())?;
        check_region(&self.region, operation::signed_region(headers, uri).as_deref())?;
        for action in entry.iter().flat_map(Entry::actions) {
            self.accounts.check_action(&action)?;
        }
        Ok(())
    }
}

/// S3 refuses a signature for another region, and says which is the right one.
fn check_region(ours: &str, signed: Option<&str>) -> S3Result<()> {
    match signed {
        Some(signed) if signed != ours => {
            let message =
                format!("The authorization header is malformed; the region '{signed}' is wrong; expecting '{ours}'");
            let mut error = S3Error::with_message(S3ErrorCode::AuthorizationHeaderMalformed, message);
            let mut headers = hyper::HeaderMap::new();
            if let Ok(region) = ours.parse() {
                headers.insert("x-amz-bucket-region", region);
            }
            error.set_headers(headers);
            Err(error)
        }
        _ => Ok(()),
    }
}
