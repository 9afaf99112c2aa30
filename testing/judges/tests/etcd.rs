//! The judges judged: every etcd starts, survives kill -9, and leaves no process behind.

use std::{process::ExitCode, time::Duration};

use judges::{Case, EtcdCluster, EtcdServer, Minor, Part, ServerTls, TestCa, Validity, etcd};
use serde_json::json;

fn main() -> ExitCode {
    let mut cases: Vec<Case> = Minor::ALL
        .into_iter()
        .map(|minor| Case::new(format!("survives_kill9_{minor}"), [Part::Etcd(minor)], move || survives_kill9(minor)))
        .collect();
    let newest = [Part::Etcd(Minor::V3_7)];
    cases.push(Case::new("three_members_form_a_cluster", newest, three_members));
    cases.push(Case::new("refused_data_ends_the_server", newest, refused_data));
    cases.push(Case::new("mutual_tls", newest, mutual_tls));
    cases.push(Case::new("ready_under_an_alarm_3.4", [Part::Etcd(Minor::V3_4)], || ready_under_an_alarm(Minor::V3_4)));
    cases.push(Case::new("ready_under_an_alarm_3.7", newest, || ready_under_an_alarm(Minor::V3_7)));
    judges::harness(9, cases)
}

fn survives_kill9(minor: Minor) -> anyhow::Result<()> {
    let mut server = EtcdServer::builder(&etcd(minor)?).start()?;
    let pid = server.pid().expect("it was started");
    server.call("/v3/kv/put", &json!({ "key": "YQ==", "value": "Yg==" }))?;
    let before = server.hash_kv(0)?;
    server.kill9()?;
    assert!(!is_etcd(pid), "process {pid} is still there");
    server.restart()?;
    assert_eq!(server.hash_kv(0)?, before);
    server.stop()?;
    assert!(server.pid().is_none());
    Ok(())
}

fn three_members() -> anyhow::Result<()> {
    let cluster = EtcdCluster::start_three(&etcd(Minor::V3_7)?)?;
    let members = cluster.members()[1].call("/v3/cluster/member/list", &json!({}))?;
    assert_eq!(members["members"].as_array().map(Vec::len), Some(3));
    Ok(())
}

fn refused_data() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("member"), "a file where a folder belongs")?;
    let mut server = EtcdServer::builder(&etcd(Minor::V3_7)?).data_dir(dir.path()).reserve()?;
    server.spawn()?;
    let status = server.wait_exit(Duration::from_secs(30))?;
    assert!(status.is_some_and(|status| !status.success()), "{status:?}\n{}", server.log());
    Ok(())
}

fn mutual_tls() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let ca = TestCa::new("test")?;
    let files = ca.server(&["localhost"], Validity::Current)?.write_to(dir.path(), "server")?;
    let tls = ServerTls::new(files).with_client_ca(ca.write_to(dir.path(), "ca")?);
    let server = EtcdServer::builder(&etcd(Minor::V3_7)?).tls(tls).start()?;
    assert!(server.client_url().starts_with("https://127.0.0.1:"));
    Ok(())
}

fn ready_under_an_alarm(minor: Minor) -> anyhow::Result<()> {
    let mut server = EtcdServer::builder(&etcd(minor)?).start()?;
    let member = server.call("/v3/cluster/member/list", &json!({}))?["members"][0]["ID"].clone();
    server.call("/v3/maintenance/alarm", &json!({ "action": "ACTIVATE", "memberID": member, "alarm": "NOSPACE" }))?;
    server.kill9()?;
    server.restart()
}

fn is_etcd(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "etcd")
}
