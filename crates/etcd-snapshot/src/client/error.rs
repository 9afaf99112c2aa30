//! What gRPC and TLS say, said for a person.

use std::error::Error as StdError;

use etcd_client::Error as EtcdError;

use crate::{Advice, Error, ErrorKind};

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
    let (kind, message, advice) = match code {
        INVALID_ARGUMENT if said.contains("user name is empty") => (
            ErrorKind::NotAllowed,
            "asks for a user: give one, and its password; a snapshot needs the role root".to_owned(),
            Some(Advice::User),
        ),
        INVALID_ARGUMENT if said.contains("authentication failed") => {
            (ErrorKind::NotAllowed, "does not accept this user and password: check both".to_owned(), Some(Advice::User))
        }
        INVALID_ARGUMENT if said.contains("auth token") || said.contains("revision of auth store is old") => {
            (ErrorKind::NotAllowed, "does not accept the login any more: run it again".to_owned(), None)
        }
        FAILED_PRECONDITION if is_auth_off_text(said) => {
            (ErrorKind::Usage, "has authentication switched off: give no user".to_owned(), Some(Advice::NoUser))
        }
        PERMISSION_DENIED => (
            ErrorKind::NotAllowed,
            "does not allow this user to do it: a snapshot and a hash need the role root".to_owned(),
            Some(Advice::User),
        ),
        UNAUTHENTICATED => (
            ErrorKind::NotAllowed,
            "does not accept the login: check the user and the password".to_owned(),
            Some(Advice::User),
        ),
        DEADLINE_EXCEEDED => (
            ErrorKind::Unreachable,
            "did not answer in time: try again, or name another endpoint".to_owned(),
            Some(Advice::Endpoints),
        ),
        UNIMPLEMENTED => (
            ErrorKind::Usage,
            "does not speak etcd's v3 API: is it etcd, and not a proxy or a gateway?".to_owned(),
            Some(Advice::Endpoints),
        ),
        UNAVAILABLE if said.contains("transport") || has_source(status) => return with_causes(endpoint, error),
        UNAVAILABLE => (
            ErrorKind::Unreachable,
            format!("cannot answer now ({said}): try again, or name another endpoint"),
            Some(Advice::Endpoints),
        ),
        _ => return with_causes(endpoint, error),
    };
    explained(kind, format!("{endpoint} {message}"), advice).with_source(error)
}

fn explained(kind: ErrorKind, message: String, advice: Option<Advice>) -> Error {
    let error = Error::new(kind, message);
    match advice {
        Some(advice) => error.with_advice(advice),
        None => error,
    }
}

fn has_source(status: &(dyn StdError + 'static)) -> bool {
    status.source().is_some()
}

pub(super) fn transport_error(endpoint: &str, error: tonic::transport::Error) -> Error {
    with_causes(endpoint, error)
}

/// What a cause says, and what a person can do about it. The first line that fits counts: what the other side says of us
/// comes before what we say of it. Texts are those of rustls 0.23, hyper 1 and tonic 0.14, in lower case; TLS stacks have
/// no error type that survives the layers above.
const EXPLAINED: &[(&[&str], ErrorKind, &str, Option<Advice>)] = &[
    (
        &["fatal alert: certificateexpired"],
        ErrorKind::NotAllowed,
        "says that the client certificate has expired: renew it",
        Some(Advice::ClientCertificate),
    ),
    (
        &["fatal alert: unknownca"],
        ErrorKind::NotAllowed,
        "does not trust the authority of the client certificate: give one that its own authority has signed",
        Some(Advice::ClientCertificate),
    ),
    (
        &["fatal alert: certificaterequired", "fatal alert: badcertificate", "fatal alert: certificateunknown"],
        ErrorKind::NotAllowed,
        "does not accept the client certificate, or wants one: check that certificate and key are for it and have not expired",
        Some(Advice::ClientCertificate),
    ),
    (
        &["invalid peer certificate: expired", "certificate expired"],
        ErrorKind::NotAllowed,
        "has a certificate that has expired: renew it there",
        None,
    ),
    (
        &["not valid for name", "notvalidforname"],
        ErrorKind::NotAllowed,
        "has a certificate for another name: use that name in the endpoint, or give it as server name",
        Some(Advice::ServerName),
    ),
    (
        &["unknownissuer", "unknown issuer"],
        ErrorKind::NotAllowed,
        "has a certificate of an authority that is not trusted: give that authority's certificate",
        Some(Advice::Authorities),
    ),
    (
        &["invalid peer certificate"],
        ErrorKind::NotAllowed,
        "has a certificate that cannot be accepted: look at it with `openssl s_client -connect`, and renew it there, or give the authority that has signed it",
        Some(Advice::Authorities),
    ),
    (
        &["no native certs"],
        ErrorKind::Usage,
        "was not asked: this system has no certificate authorities, and none was given: give one",
        Some(Advice::Authorities),
    ),
    (
        &["invalid dns name"],
        ErrorKind::Usage,
        "was not asked: the server name is no host name",
        Some(Advice::ServerName),
    ),
    (
        &["corrupt message", "invalidcontenttype"],
        ErrorKind::Usage,
        "does not speak TLS: write the endpoint with http://",
        Some(Advice::Endpoints),
    ),
    (
        &["tls handshake eof"],
        ErrorKind::Unreachable,
        "closed the connection in the middle of the TLS handshake: if it does not speak TLS, write the endpoint with http://",
        Some(Advice::Endpoints),
    ),
    (
        &["frame with invalid size", "frame_size_error", "http2 error"],
        ErrorKind::Usage,
        "does not speak gRPC there: is it the port for clients? if it speaks TLS, write the endpoint with https://",
        Some(Advice::Endpoints),
    ),
    (
        &["dns error", "failed to lookup"],
        ErrorKind::Unreachable,
        "is a name that cannot be resolved: check it",
        Some(Advice::Endpoints),
    ),
    (&["connection refused", "tcp connect error"], ErrorKind::Unreachable, NOT_THERE, Some(Advice::Endpoints)),
    (
        CLOSED,
        ErrorKind::Unreachable,
        "closed the connection: look at its log; if it speaks TLS, write the endpoint with https://",
        Some(Advice::Endpoints),
    ),
];

const NOT_THERE: &str = "cannot be reached: is it up, and is its port open? if so, name another endpoint";

/// The other side ended the connection without saying why.
const CLOSED: &[&str] = &[
    "broken pipe",
    "brokenpipe",
    "connection reset",
    "connectionreset",
    "connection closed",
    "closed before",
    "unexpected eof",
    "unexpectedeof",
    "error reading a body",
];

fn with_causes<E: StdError + Send + Sync + 'static>(endpoint: &str, error: E) -> Error {
    let causes = causes(&error);
    let fits = |texts: &[&str]| texts.iter().any(|text| causes.contains(text));
    let known = EXPLAINED.iter().find(|(texts, ..)| fits(texts));
    let (kind, message, advice) = known
        .map_or((ErrorKind::Unreachable, NOT_THERE, Some(Advice::Endpoints)), |(_, kind, message, advice)| {
            (*kind, *message, *advice)
        });
    explained(kind, format!("{endpoint} {message}"), advice).with_source(error)
}

pub(super) fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text.to_ascii_lowercase()
}

/// Whether the channel failed, and not the call: the connection, or what must come before it.
pub(super) fn is_broken(error: &EtcdError) -> bool {
    match error {
        EtcdError::GRpcStatus(status) => {
            has_source(status) || (i32::from(status.code()) == UNAVAILABLE && status.message().contains("transport"))
        }
        _ => true,
    }
}

/// Whether the other side ended the connection without saying why.
pub(super) fn is_closed(error: &Error) -> bool {
    let causes = causes(error);
    error.kind() == ErrorKind::Unreachable && CLOSED.iter().any(|text| causes.contains(text))
}

/// A stream that ends in its middle.
pub(super) fn broken_off(endpoint: &str, error: EtcdError) -> Error {
    let error = client_error(endpoint, error);
    if !is_closed(&error) {
        return error;
    }
    let message = format!(
        "{endpoint} broke off in the middle of the snapshot: nothing was saved; look at its log, try again, or name another endpoint"
    );
    Error::new(ErrorKind::Unreachable, message).with_advice(Advice::Endpoints).with_source(error)
}

/// A server that ends connection after connection right after the TLS handshake. In TLS 1.3 the client has finished it
/// when the server looks at the client's certificate, and what it then says of it may be lost with the connection.
pub(super) fn not_let_in(endpoint: &str, error: Error) -> Error {
    let message = format!(
        "{endpoint} closes the connection after the TLS handshake: it wants a client certificate, or does not accept the one that was given; check that certificate and key are of its own authority and have not expired, and look at its log"
    );
    Error::new(ErrorKind::NotAllowed, message).with_advice(Advice::ClientCertificate).with_source(error)
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
