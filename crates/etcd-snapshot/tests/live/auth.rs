//! Users and passwords: a snapshot needs the role root.

use anyhow::ensure;
use etcd_snapshot::client::{ClientOptions, Password};
use etcd_snapshot::{Checks, ErrorKind};
use judges::{EtcdServer, Minor};
use serde_json::json;

use crate::support::{self, expect, save_from};

pub(crate) fn users(minor: Minor) -> anyhow::Result<()> {
    let server = EtcdServer::builder(&judges::etcd(minor)?).start()?;
    support::fill(&server, 10)?;
    add_user(&server, "root", "right")?;
    server.call("/v3/auth/user/grant", &json!({"user": "root", "role": "root"}))?;
    add_user(&server, "reader", "also right")?;
    support::run(async {
        let nobody = || support::options([server.client_url()]);
        let user = |name: &str, password: &str| nobody().with_user(name, Password::new(password));
        // As long as authentication is off, no user is asked for, and one that is given is not minded.
        works(user("root", "right")).await?;
        works(nobody()).await?;

        server.call("/v3/auth/enable", &json!({}))?;
        works(user("root", "right")).await?;
        use ErrorKind::NotAllowed;
        expect(save_from(nobody()).await, NotAllowed, &["asks for a user", "give one, and its password", "role root"])?;
        expect(save_from(user("root", "wrong")).await, NotAllowed, &["does not accept this user and password"])?;
        expect(save_from(user("nobody", "x")).await, NotAllowed, &["does not accept this user and password"])?;
        expect(save_from(user("reader", "also right")).await, NotAllowed, &["does not allow this user", "role root"])
    })
}

fn add_user(server: &EtcdServer, name: &str, password: &str) -> anyhow::Result<()> {
    server.call("/v3/auth/user/add", &json!({"name": name, "password": password}))?;
    server.call("/v3/auth/role/add", &json!({"name": name})).map(drop)
}

async fn works(options: ClientOptions) -> anyhow::Result<()> {
    let saved = save_from(options).await?;
    ensure!(saved.checks.contains(Checks::SENDER_HASH), "{}", saved.live_check);
    Ok(())
}
