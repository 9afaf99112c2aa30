//! Users: who is not allowed is told so, and a password is never shown.

use anyhow::ensure;
use judges::{EtcdServer, Finished, Minor};
use serde_json::json;

use crate::program::{failed, run_with};
use crate::world::{put, url};

const CANARY: &str = "canary-of-a-password";

pub(crate) fn users() -> anyhow::Result<()> {
    let server = EtcdServer::builder(&judges::etcd(Minor::V3_6)?).start()?;
    put(&server, "key", "value")?;
    server.call("/v3/auth/user/add", &json!({"name": "root", "password": CANARY}))?;
    server.call("/v3/auth/user/grant", &json!({"user": "root", "role": "root"}))?;
    server.call("/v3/auth/user/add", &json!({"name": "reader", "password": CANARY}))?;
    server.call("/v3/auth/enable", &json!({}))?;

    let dir = tempfile::tempdir()?;
    let (endpoint, store) = (server.client_url(), url(&dir.path().join("store")));
    let save = ["save", "--endpoints", &endpoint, "--to", &store];
    let as_user = |env: &[(&str, &str)], more: &[&str]| -> anyhow::Result<Finished> {
        let loud = [&[("RUST_LOG", "trace")], env].concat();
        let done = run_with(&loud, &[&save as &[_], &["-vv"], more].concat())?;
        silent(&done)?;
        let done = run_with(env, &[&save as &[_], more].concat())?;
        silent(&done)?;
        Ok(done)
    };
    failed(&as_user(&[], &[])?, 7, &["--user", "ETCDCTL_PASSWORD", "role root"])?;
    let wrong = format!("{CANARY}-wrong");
    failed(&as_user(&[("ETCDCTL_USER", "root"), ("ETCDCTL_PASSWORD", &wrong)], &[])?, 7, &["user and password"])?;
    failed(&as_user(&[("ETCDCTL_PASSWORD", CANARY)], &["--user", "reader"])?, 7, &["role root"])?;
    failed(&as_user(&[], &["--user", &format!("root:{CANARY}")])?, 2, &["ETCDCTL_PASSWORD"])?;
    as_user(&[("ETCDCTL_PASSWORD", CANARY)], &["--user", "root"])?.success()?;
    as_user(&[("ETCDCTL_USER", &format!("root:{CANARY}"))], &["--output", "json"])?.success()?;
    Ok(())
}

fn silent(done: &Finished) -> anyhow::Result<()> {
    for (name, said) in [("output", &done.stdout), ("error output", &done.stderr)] {
        let found = said.lines().find(|line| line.contains(CANARY));
        ensure!(found.is_none(), "the {name} shows the password: {found:?}");
    }
    Ok(())
}
