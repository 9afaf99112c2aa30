//! Real etcd boots what this crate writes. The whole matrix of versions is in the tests of `etcd-snapshot`.

mod restoring;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use etcd_format::bolt::patch::Edits;
use etcd_format::membership::InitialCluster;
use etcd_format::restored::RestoreOptions;
use judges::{Case, EtcdCluster, EtcdServer, Judge, Minor, etcd, harness};
use restoring::{Client, How, cluster, database, fill, needs, patched, restore};

const BUMP: u64 = 1_000_000;

fn main() -> ExitCode {
    let mut cases = Vec::new();
    for minor in Minor::ALL {
        for how in [How::Patched, How::Rewritten] {
            cases.push(Case::new(format!("single_member_{minor}_{how:?}"), needs(minor), move || single(minor, how)));
        }
    }
    for (minor, how) in [(Minor::V3_5, How::Rewritten), (Minor::V3_6, How::Patched)] {
        cases.push(Case::new(format!("three_members_{minor}_{how:?}"), needs(minor), move || three(minor, how)));
    }
    for (minor, target) in [(Minor::V3_5, "3.4.0"), (Minor::V3_6, "3.5.0")] {
        let name = format!("alarm_and_downgrade_{minor}");
        cases.push(Case::new(name, needs(minor), move || alarm_and_downgrade(minor, target)));
    }
    harness(12, cases)
}

/// A filled database, with the hash that its server gave.
fn source(etcd: &Judge) -> anyhow::Result<(Vec<u8>, (u64, i64))> {
    let server = EtcdServer::builder(etcd).start()?;
    let client = Client::new(server.client_url())?;
    fill(&client)?;
    Ok((database(client.snapshot()?), client.hash_kv()?))
}

fn single(minor: Minor, how: How) -> anyhow::Result<()> {
    let etcd = etcd(minor)?;
    let (db, hash) = source(&etcd)?;
    for bump in [0, BUMP] {
        let mut server = restored_server(&etcd)?;
        let cluster = cluster(&format!("a={}", server.peer_url()), "fresh")?;
        let options = RestoreOptions::new(&cluster).with_bump_revision(bump);
        restore(&db, server.data_dir(), &options, "a", how)?;
        server.restart()?;
        let client = Client::new(server.client_url())?;
        check_identity(&server, &cluster)?;
        if bump == 0 {
            ensure!(client.hash_kv()? == hash, "the hash is {:?}, not {hash:?}", client.hash_kv()?);
        } else {
            ensure!(client.revision()? > BUMP as i64, "revision {}", client.revision()?);
            let old = client.run(&["get", "/large", "--rev", "5"]);
            ensure!(old.is_err_and(|error| format!("{error:?}").contains("compacted")), "an old revision is readable");
        }
        survives(&mut server)?;
    }
    Ok(())
}

/// A server that has not started, and checks its data when it does (`server/verify/verify.go` of etcd).
fn restored_server(etcd: &Judge) -> anyhow::Result<EtcdServer> {
    EtcdServer::builder(etcd).initial_cluster_by_caller().name("a").env("ETCD_VERIFY", "all").reserve()
}

/// What would stop or change a restored cluster: an alarm of a member that is gone, and a downgrade that was under way.
/// Without the edits, 3.5 refuses to start, and 3.6 goes on with the downgrade.
fn alarm_and_downgrade(minor: Minor, target: &str) -> anyhow::Result<()> {
    let etcd = etcd(minor)?;
    let (db, _) = source(&etcd)?;
    let mut edits = Edits::new();
    edits.bucket("alarm").put(b"\x08\x01\x10\x01", "");
    edits.bucket("cluster").put("downgrade", format!(r#"{{"target-version":"{target}","enabled":true}}"#));
    let db = patched(&db, edits)?;

    let mut server = restored_server(&etcd)?;
    let cluster = cluster(&format!("a={}", server.peer_url()), "fresh")?;
    restore(&db, server.data_dir(), &RestoreOptions::new(&cluster), "a", How::Patched)?;
    server.restart()?;
    survives(&mut server)?;
    ensure!(!downgrades(&server)?);

    let mut server = restored_server(&etcd)?;
    let cluster = restoring::cluster(&format!("a={}", server.peer_url()), "fresh")?;
    let options = RestoreOptions::new(&cluster).with_drop_nospace(false).with_cancel_downgrade(false);
    restore(&db, server.data_dir(), &options, "a", How::Patched)?;
    if minor == Minor::V3_5 {
        server.spawn()?;
        let status = server.wait_exit(Duration::from_secs(30))?;
        ensure!(status.is_some_and(|status| !status.success()) && server.log().contains("invalid downgrade"));
    } else {
        server.restart()?;
        ensure!(downgrades(&server)?);
        let put = Client::new(server.client_url())?.put("/new", "value");
        ensure!(put.is_err_and(|error| format!("{error:?}").contains("space exceeded")), "the alarm was kept");
    }
    Ok(())
}

fn downgrades(server: &EtcdServer) -> anyhow::Result<bool> {
    let status = server.call("/v3/maintenance/status", &serde_json::json!({}))?;
    Ok(status["downgradeInfo"]["enabled"].as_bool() == Some(true))
}

/// Reads what was there, writes, is killed, comes back, and has it.
fn survives(server: &mut EtcdServer) -> anyhow::Result<()> {
    let client = Client::new(server.client_url())?;
    ensure!(client.get("/registry/pods/7")? == "last");
    ensure!(client.get("/registry/pods/3")?.is_empty());
    ensure!(client.get("/large")?.len() == 70_000);
    for key in 0..20 {
        client.put(&format!("/new/{key}"), "value")?;
    }
    server.kill9()?;
    server.restart()?;
    ensure!(client.get("/new/19")? == "value");
    ensure!(client.get("/registry/pods/7")? == "last");
    Ok(())
}

fn check_identity(server: &EtcdServer, cluster: &InitialCluster) -> anyhow::Result<()> {
    let status = server.call("/v3/maintenance/status", &serde_json::json!({}))?;
    let id = |name: &str| status["header"][name].as_str().and_then(|id| id.parse::<u64>().ok());
    ensure!(id("cluster_id") == Some(cluster.id().get()), "{status}");
    ensure!(cluster.voters().any(|member| Some(member.get()) == id("member_id")), "{status}");
    Ok(())
}

fn three(minor: Minor, how: How) -> anyhow::Result<()> {
    let etcd = etcd(minor)?;
    let (db, hash) = source(&etcd)?;
    let mut members = EtcdCluster::reserve(&etcd, 3)?;
    let cluster = cluster(&members.initial_cluster(), "fresh")?;
    let dirs: Vec<(String, &Path)> =
        members.members().iter().map(|member| (member.name().to_owned(), member.data_dir())).collect();
    for (name, dir) in dirs {
        restore(&db, dir, &RestoreOptions::new(&cluster), &name, how)?;
    }
    members.start()?;
    for member in members.members() {
        check_identity(member, &cluster)?;
        let client = Client::new(member.client_url())?;
        ensure!(client.hash_kv()? == hash, "{}: {:?}, not {hash:?}", member.name(), client.hash_kv()?);
    }
    let urls = members.client_urls();
    Client::new(&urls[0])?.put("/new", "from one")?;
    members.kill9();
    members.start()?;
    for url in &urls {
        ensure!(Client::new(url)?.get("/new")? == "from one");
    }
    Ok(())
}
