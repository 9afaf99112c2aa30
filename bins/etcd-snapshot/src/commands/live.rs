//! The live cluster that the arguments and the environment name.

use std::path::PathBuf;

use etcd_snapshot::client::{ClientOptions, EtcdCluster, Password, Pem, Tls};
use etcd_snapshot::{Error, ErrorKind};

use crate::args;

/// The cluster to talk to.
pub(crate) fn cluster(args: args::Live) -> anyhow::Result<EtcdCluster> {
    if !args.endpoints.is_empty() && !named(&args) && !variable_is_blank("ETCDCTL_ENDPOINTS") {
        let message = "--endpoints names none: is a variable empty? name at least one, as in http://127.0.0.1:2379";
        return Err(Error::new(ErrorKind::Usage, message).into());
    }
    let endpoints = match named(&args) {
        true => args.endpoints.iter().map(|endpoint| endpoint.trim()).filter(|endpoint| !endpoint.is_empty()).collect(),
        false => vec!["http://127.0.0.1:2379"],
    };
    let mut options = ClientOptions::new(endpoints)
        .with_connect_timeout(args.dial_timeout)
        .with_request_timeout(args.command_timeout);
    let mut tls = Tls::default();
    let set = |path: Option<PathBuf>| path.filter(|path| !path.as_os_str().is_empty()).map(Pem::file);
    (tls.ca, tls.cert, tls.key) = (set(args.cacert), set(args.cert), set(args.key));
    tls.server_name = args.server_name;
    if tls.ca.is_some() || tls.cert.is_some() || tls.key.is_some() || tls.server_name.is_some() {
        options = options.with_tls(tls);
    }
    if let Some((name, password)) = user(args.user)? {
        options = options.with_user(name, password);
    }
    Ok(EtcdCluster::new(options)?)
}

/// Whether endpoints were named. A variable that is set to nothing counts as not set, as it does for etcdctl.
pub(crate) fn named(args: &args::Live) -> bool {
    args.endpoints.iter().any(|endpoint| !endpoint.trim().is_empty())
}

/// The user, as etcdctl finds it: `--user`, else ETCDCTL_USER; the password in ETCDCTL_PASSWORD, or behind the name in
/// ETCDCTL_USER. A password on the command line would be in every process list.
fn user(flag: Option<String>) -> anyhow::Result<Option<(String, Password)>> {
    if flag.as_deref().is_some_and(|name| name.contains(':')) {
        let message = "a password on the command line can be read by everybody on the machine: give --user NAME, and the password in ETCDCTL_PASSWORD";
        return Err(Error::new(ErrorKind::Usage, message).into());
    }
    let password = variable("ETCDCTL_PASSWORD");
    let (name, password) = match (flag, variable("ETCDCTL_USER")) {
        (Some(name), _) => (name, password),
        (None, Some(user)) => match user.split_once(':') {
            Some((name, behind)) => (name.to_owned(), password.or_else(|| Some(behind.to_owned()))),
            None => (user, password),
        },
        (None, None) => return Ok(None),
    };
    match password {
        Some(password) => Ok(Some((name, Password::new(password)))),
        None => Err(Error::new(ErrorKind::Usage, format!("user {name} has no password: set ETCDCTL_PASSWORD")).into()),
    }
}

/// Whether a variable is set, to nothing.
#[expect(clippy::disallowed_methods, reason = "clap does not tell an empty variable from an empty flag")]
fn variable_is_blank(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value.trim_matches([' ', ',']).is_empty())
}

#[expect(clippy::disallowed_methods, reason = "secrets are not arguments, so clap does not read them")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
