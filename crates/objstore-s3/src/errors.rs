//! From what the SDK reports to what it means.
//!
//! The SDK knows few errors by type: 409, 412, 301 and 503 arrive as "unhandled". So the code in the answer and the HTTP
//! status decide, both, because stores agree on neither.

use std::{error::Error as StdError, fmt, time::Duration};

use aws_sdk_s3::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::Headers};
use objstore_core::{Condition, Effect, Error, ErrorKind, Retry};

use crate::http::{NoAnswer, NotSent};

/// How the SDK reports a failure.
pub(crate) type Failed<E> = SdkError<E, HttpResponse>;

/// What the SDK's errors are.
pub(crate) trait Service: ProvideErrorMetadata + StdError + Send + Sync + 'static {}

impl<E: ProvideErrorMetadata + StdError + Send + Sync + 'static> Service for E {}

/// What a failed read means: nothing was changed.
pub(crate) fn of_read<E: Service>(failed: Failed<E>) -> Error {
    classify(failed, |kind| kind).with_effect(Effect::NotApplied)
}

/// What a failed change means. Its effect is [`Effect::Unknown`] where the store may have done what it was asked.
pub(crate) fn of_change<E: Service>(failed: Failed<E>, condition: Option<&Condition>) -> Error {
    classify(failed, |kind| match (kind, condition) {
        (ErrorKind::PreconditionFailed, Some(Condition::Absent)) => ErrorKind::AlreadyExists,
        // Some answer 404 where there is nothing to match.
        (ErrorKind::NotFound, Some(Condition::Matches(_))) => ErrorKind::PreconditionFailed,
        _ => kind,
    })
}

/// What a failure means, with the kind changed by `kind`.
pub(crate) fn classify<E: Service>(failed: Failed<E>, kind: impl Fn(ErrorKind) -> ErrorKind) -> Error {
    if let Some(raw) = failed.raw_response() {
        return answered(failed.meta(), raw, kind);
    }
    match failed {
        SdkError::DispatchFailure(_) => not_answered(Cause(failed.into_source().unwrap_or_else(Into::into))),
        SdkError::TimeoutError(_) => Error::new(ErrorKind::Timeout).with_effect(Effect::Unknown),
        SdkError::ConstructionFailure(_) => {
            let cause = failed.into_source().unwrap_or_else(Into::into);
            Error::new(ErrorKind::InvalidInput).with_detail("the request cannot be made").with_source(Cause(cause))
        }
        _ => Error::new(ErrorKind::Other).with_effect(Effect::Unknown),
    }
}

/// What the code of one item of a batch means.
pub(crate) fn of_code(code: &str, message: &str) -> Error {
    let kind = kind_of_code(code, message).unwrap_or(ErrorKind::Other);
    let error = Error::new(kind).with_service_code(code).with_source(Said(message.to_owned()));
    if matches!(kind, ErrorKind::Unavailable) { error.with_effect(Effect::Unknown) } else { error }
}

/// Why the same request may be sent once more: nothing was done, and the next one is signed otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The credentials have expired.
    Expired,
    /// The clocks differ. The SDK has taken the store's time from the answer.
    Skewed,
}

pub(crate) fn refused<E: Service>(failed: &Failed<E>) -> Option<Refused> {
    match failed.code()? {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Some(Refused::Expired),
        "RequestTimeTooSkewed" => Some(Refused::Skewed),
        _ => None,
    }
}

fn answered(meta: &ErrorMetadata, raw: &HttpResponse, change: impl Fn(ErrorKind) -> ErrorKind) -> Error {
    let (status, code, message) = (raw.status().as_u16(), meta.code(), meta.message().unwrap_or_default());
    let kind = change(kind_of(status, code, message, raw.headers()));
    let mut error = Error::new(kind).with_http_status(status).with_retry(retry_of(kind, raw.headers()));
    if raw.status().is_success() && code.is_none() {
        error = error.with_detail("the store's answer cannot be read");
    }
    if is_open(kind, status, code) {
        error = error.with_effect(Effect::Unknown);
    }
    if let Some(code) = code {
        error = error.with_service_code(code);
    }
    if let Some(id) = raw.headers().get("x-amz-request-id").or_else(|| raw.headers().get("x-request-id")) {
        error = error.with_request_id(id);
    }
    if let Some(detail) = advice(kind, code, message, raw.headers()) {
        error = error.with_detail(detail);
    }
    if message.is_empty() { error } else { error.with_source(Said(message.to_owned())) }
}

/// Whether the store may have done it all the same.
fn is_open(kind: ErrorKind, status: u16, code: Option<&str>) -> bool {
    match kind {
        ErrorKind::RateLimited | ErrorKind::Unsupported | ErrorKind::StorageFull => false,
        ErrorKind::Unavailable => true,
        ErrorKind::Other => status < 400 || code == Some("InternalError"),
        _ => (200..300).contains(&status) && code.is_none(),
    }
}

fn kind_of(status: u16, code: Option<&str>, message: &str, headers: &Headers) -> ErrorKind {
    code.and_then(|code| kind_of_code(code, message)).unwrap_or_else(|| kind_of_status(status, message, headers))
}

fn kind_of_code(code: &str, message: &str) -> Option<ErrorKind> {
    Some(match code {
        "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" => ErrorKind::NotFound,
        "NoSuchBucket" => ErrorKind::StoreNotFound,
        "PreconditionFailed" => ErrorKind::PreconditionFailed,
        "ConditionalRequestConflict" | "OperationAborted" => ErrorKind::Conflict,
        "NotModified" => ErrorKind::NotModified,
        "AccessDenied" | "InvalidRequest" | "MethodNotAllowed" | "ObjectLocked" if is_lock(code, message) => {
            ErrorKind::Locked
        }
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "NotSignedUp" => ErrorKind::PermissionDenied,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "TokenRefreshRequired"
        | "InvalidToken"
        | "InvalidClientTokenId"
        | "XAdminUserNotFound"
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "MissingSecurityHeader"
        | "InvalidSecurity"
        | "CredentialsNotSupported" => ErrorKind::Unauthenticated,
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "IllegalLocationConstraintException"
        | "InvalidBucketName"
        | "InvalidRegion" => ErrorKind::InvalidConfig,
        "InvalidObjectState" => ErrorKind::Archived,
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "TooManyRequests"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "ThrottledException" => ErrorKind::RateLimited,
        "RequestTimeout" => ErrorKind::Timeout,
        "InternalError" | "ServiceUnavailable" | "InternalFailure" => ErrorKind::Unavailable,
        "NotImplemented" | "MethodNotAllowed" | "UnsupportedOperation" => ErrorKind::Unsupported,
        "InvalidRange" => ErrorKind::RangeNotSatisfiable,
        "EntityTooLarge" | "MaxMessageLengthExceeded" => ErrorKind::TooLarge,
        "BadDigest"
        | "InvalidDigest"
        | "XAmzContentSHA256Mismatch"
        | "XAmzContentChecksumMismatch"
        | "IncompleteBody"
        | "ContentSHA256Mismatch" => ErrorKind::Integrity,
        "QuotaExceeded" | "XMinioStorageFull" | "InsufficientStorage" => ErrorKind::StorageFull,
        "KMSDisabledException" | "KMS.DisabledException" | "KMS.NotFoundException" => ErrorKind::InvalidConfig,
        "InvalidArgument"
        | "InvalidRequest"
        | "KeyTooLongError"
        | "KeyTooLong"
        | "InvalidURI"
        | "MalformedXML"
        | "EntityTooSmall"
        | "InvalidPart"
        | "InvalidPartOrder"
        | "MissingContentLength"
        | "InvalidObjectName"
        | "XMinioInvalidObjectName"
        | "ObjectParentIsFile"
        | "MissingContentMD5" => ErrorKind::InvalidInput,
        _ => return None,
    })
}

/// Locks have no code of their own on AWS, and others on other stores.
fn is_lock(code: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    code == "ObjectLocked" || message.contains("object lock") || message.contains("worm protected")
}

fn kind_of_status(status: u16, message: &str, headers: &Headers) -> ErrorKind {
    match status {
        301 | 302 | 307 | 308 => ErrorKind::InvalidConfig,
        304 => ErrorKind::NotModified,
        // The region in the answer is the bucket's: a HEAD has no body to say so in.
        400 if headers.get("x-amz-bucket-region").is_some() => ErrorKind::InvalidConfig,
        400 => ErrorKind::InvalidInput,
        401 => ErrorKind::Unauthenticated,
        403 if is_lock("", message) => ErrorKind::Locked,
        403 => ErrorKind::PermissionDenied,
        404 | 410 => ErrorKind::NotFound,
        // A read of a version that is a delete marker.
        405 if headers.get("x-amz-delete-marker") == Some("true") => ErrorKind::NotFound,
        405 | 411 | 501 => ErrorKind::Unsupported,
        408 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        412 => ErrorKind::PreconditionFailed,
        413 => ErrorKind::TooLarge,
        416 => ErrorKind::RangeNotSatisfiable,
        429 => ErrorKind::RateLimited,
        507 => ErrorKind::StorageFull,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

fn retry_of(kind: ErrorKind, headers: &Headers) -> Retry {
    let asked = headers.get("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    match kind.default_retry() {
        Retry::After(least) => Retry::After(asked.unwrap_or(least)),
        // Damaged on the way: our own digests are right.
        _ if kind == ErrorKind::Integrity => Retry::After(Duration::ZERO),
        other => other,
    }
}

fn advice(kind: ErrorKind, code: Option<&str>, message: &str, headers: &Headers) -> Option<String> {
    let region = headers.get("x-amz-bucket-region");
    match (kind, code, region) {
        (ErrorKind::InvalidConfig, _, Some(region)) => Some(format!("the bucket is in the region {region}: set it")),
        (ErrorKind::InvalidConfig, Some("AuthorizationHeaderMalformed"), None) => {
            Some("the bucket is in another region: set it".to_owned())
        }
        (ErrorKind::InvalidConfig, Some("PermanentRedirect" | "TemporaryRedirect"), None) => {
            Some("the bucket is at another endpoint or in another region: set it".to_owned())
        }
        (ErrorKind::Unauthenticated, Some("RequestTimeTooSkewed"), _) => {
            Some("this machine's clock and the store's differ by more than 15 minutes: set the clock".to_owned())
        }
        (ErrorKind::Unauthenticated, Some("SignatureDoesNotMatch"), _) => {
            Some("the secret of the access key is wrong".to_owned())
        }
        (ErrorKind::Unauthenticated, Some("InvalidAccessKeyId" | "XAdminUserNotFound"), _) => {
            Some("the store does not know the access key".to_owned())
        }
        (ErrorKind::Unauthenticated, Some(code), _) if code.contains("Expired") || code.contains("Refresh") => {
            Some("the credentials have expired".to_owned())
        }
        (ErrorKind::StoreNotFound, ..) => Some("the bucket does not exist".to_owned()),
        (ErrorKind::Archived, ..) => Some("have it restored first".to_owned()),
        (ErrorKind::Unsupported, Some(code), _) => Some(format!("it answers {code}")),
        (ErrorKind::InvalidInput | ErrorKind::Other | ErrorKind::Integrity, ..) if !message.is_empty() => {
            Some(format!("the store says {message:?}"))
        }
        _ => None,
    }
}

/// Nothing came back: the connection could not be made, or broke, or there was nothing to sign with.
fn not_answered(cause: Cause) -> Error {
    let (kind, detail, effect) = if cause.is::<aws_credential_types::provider::error::CredentialsError>() {
        return crate::credentials::unauthenticated().with_source(cause);
    } else if let Some(tls) = cause.find::<rustls::Error>() {
        let detail = match tls {
            rustls::Error::InvalidMessage(_) => "the endpoint does not speak TLS: write http:// if that is meant",
            rustls::Error::InvalidCertificate(_) => "the endpoint's certificate is not trusted: give its CA",
            _ => "no TLS connection to the endpoint",
        };
        (ErrorKind::InvalidConfig, Some(detail), Effect::NotApplied)
    } else if cause.is::<NotSent>() {
        let late = cause.find::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut);
        let kind = if late { ErrorKind::Timeout } else { ErrorKind::Transport };
        (kind, Some("no connection to the endpoint"), Effect::NotApplied)
    } else if cause.is::<NoAnswer>() {
        (ErrorKind::Timeout, None, Effect::Unknown)
    } else {
        (ErrorKind::Transport, None, Effect::Unknown)
    };
    let error = Error::new(kind).with_effect(effect).with_source(cause);
    match detail {
        Some(detail) => error.with_detail(detail),
        None => error,
    }
}

/// What the SDK gives as the cause.
#[derive(Debug)]
struct Cause(Box<dyn StdError + Send + Sync>);

impl Cause {
    fn find<T: StdError + 'static>(&self) -> Option<&T> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(&*self.0);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            // An io::Error shows not its inner error but that one's cause.
            let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            next = inner.map(|inner| inner as _).or_else(|| error.source());
        }
        None
    }

    fn is<T: StdError + 'static>(&self) -> bool {
        self.find::<T>().is_some()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// What the store said, in its words.
#[derive(Debug)]
struct Said(String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store says {:?}", self.0)
    }
}

impl StdError for Said {}
