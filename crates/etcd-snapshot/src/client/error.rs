//! What gRPC and TLS say, said for a person.

use std::error::Error as StdError;

use etcd_client::Error as EtcdError;

use crate::{Error, ErrorKind};

// gRPC status codes (google.rpc.Code); etcd's own texts are in `api/v3rpc/rpctypes/error.go`.
const INVALID_ARGUMENT: i32 = 3;
const DEADLINE_EXCEEDED: i32 = 4;
const PERMISSION_DENIED: i32 = 7;
const FAILED_PRECONDITION: i32 = 9;
const OUT_OF_RANGE: i32 = 11;
const UNIMPLEMENTED: i32 = 12;
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

pub(super) fn client_error(endpoint: &str, error: EtcdError) -> Error {
    let EtcdError::GRpcStatus(status) = &error else {
        return with_causes(endpoint, error);
    };
    let (code, said) = (i32::from(status.code()), status.message());
    let (kind, message) = match code {
        INVALID_ARGUMENT if said.contains("user name is empty") => (
            ErrorKind::NotAllowed,
            "asks for a user: give --user and ETCDCTL_PASSWORD; a snapshot needs the role root".to_owned(),
        ),
        INVALID_ARGUMENT if said.contains("authentication failed") => {
            (ErrorKind::NotAllowed, "does not accept this user and password: check both".to_owned())
        }
        INVALID_ARGUMENT if said.contains("auth token") || said.contains("revision of auth store is old") => {
            (ErrorKind::NotAllowed, "does not accept the login any more: run it again".to_owned())
        }
        FAILED_PRECONDITION if is_auth_off_text(said) => {
            (ErrorKind::Usage, "has authentication switched off: leave --user out".to_owned())
        }
        PERMISSION_DENIED => (
            ErrorKind::NotAllowed,
            "does not allow this user to do it: a snapshot and a hash need the role root".to_owned(),
        ),
        UNAUTHENTICATED => {
            (ErrorKind::NotAllowed, "does not accept the login: check --user and the password".to_owned())
        }
        DEADLINE_EXCEEDED => {
            (ErrorKind::Unreachable, "did not answer in time: try again, or name another with --endpoints".to_owned())
        }
        UNIMPLEMENTED => {
            (ErrorKind::Usage, "does not speak etcd's v3 API: is it etcd, and not a proxy or a gateway?".to_owned())
        }
        UNAVAILABLE if said.contains("transport") || has_source(status) => return with_causes(endpoint, error),
        UNAVAILABLE => {
            (ErrorKind::Unreachable, format!("cannot answer now ({said}): try again, or name another with --endpoints"))
        }
        _ => return with_causes(endpoint, error),
    };
    Error::new(kind, format!("{endpoint} {message}")).with_source(error)
}

fn has_source(status: &(dyn StdError + 'static)) -> bool {
    status.source().is_some()
}

pub(super) fn transport_error(endpoint: &str, error: tonic::transport::Error) -> Error {
    with_causes(endpoint, error)
}

/// Looks through the causes for what a person can act on; TLS stacks have no error type that survives the layers above.
fn with_causes<E: StdError + Send + Sync + 'static>(endpoint: &str, error: E) -> Error {
    let causes = causes(&error);
    let has = |text: &str| causes.contains(text);
    let (kind, message) =
        if has("certificateexpired") || has("certificate expired") || has("invalid peer certificate: expired") {
            (ErrorKind::NotAllowed, "speaks TLS with a certificate, or was given one, that has expired: renew it")
        } else if has("notvalidforname") || has("not valid for name") {
            (ErrorKind::NotAllowed, "has a certificate for another name: use that name, or give it with --server-name")
        } else if has("unknownissuer") || has("unknown issuer") || has("unknownca") {
            (ErrorKind::NotAllowed, "has a certificate of an authority that is not trusted: give it with --cacert")
        } else if has("certificaterequired")
            || has("certificate required")
            || has("badcertificate")
            || has("bad certificate")
        {
            (ErrorKind::NotAllowed, "does not accept the client certificate, or wants one: give --cert and --key")
        } else if has("invalid peer certificate") {
            (ErrorKind::NotAllowed, "has a certificate that is not acceptable")
        } else if has("corrupt message") || has("invalidcontenttype") || has("received corrupt") {
            (ErrorKind::Usage, "does not speak TLS: write the endpoint with http://")
        } else if has("frame with invalid size") || has("http2 error") && has("protocol") {
            (ErrorKind::Usage, "does not speak plain http/2: write the endpoint with https://, or check the port")
        } else if has("dns error") || has("failed to lookup") {
            (ErrorKind::Unreachable, "is a name that cannot be resolved: check it")
        } else {
            (ErrorKind::Unreachable, "cannot be reached: is it up, and is its port open? name another with --endpoints")
        };
    Error::new(kind, format!("{endpoint} {message}")).with_source(error)
}

fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text.to_ascii_lowercase()
}

fn says(error: &EtcdError, code: i32, text: &str) -> bool {
    matches!(error, EtcdError::GRpcStatus(status) if i32::from(status.code()) == code && status.message().contains(text))
}

pub(super) fn is_compacted(error: &EtcdError) -> bool {
    says(error, OUT_OF_RANGE, "required revision has been compacted")
}

pub(super) fn is_future_revision(error: &EtcdError) -> bool {
    says(error, OUT_OF_RANGE, "required revision is a future revision")
}

fn is_auth_off_text(said: &str) -> bool {
    said.contains("authentication is not enabled")
}

pub(super) fn is_auth_off(error: &Error) -> bool {
    error.kind() == ErrorKind::Usage && causes(error).contains("authentication is not enabled")
}
