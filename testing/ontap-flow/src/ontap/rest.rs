//! Each request as the HTTP that it stands for. For readers, and for the test that pins paths and codes: nothing on the
//! way of a history makes JSON.

use serde_json::{Value, json};

use super::jobs::{Job, JobState};
use super::record::{Account, Lif, Svm};
use super::request::{Body, Fields, Page, Request, Response};

/// A request or an answer in the words of HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// `GET /api/svm/svms?name=p1`, or a status.
    pub head: String,
    /// The JSON. A password in it is left out.
    pub body: Option<Value>,
}

/// The request line, and the body.
pub fn request(request: &Request) -> Http {
    let get = |path: String| Http { head: format!("GET /api{path}"), body: None };
    let delete = |path: String| Http { head: format!("DELETE /api{path}"), body: None };
    let send = |method: &str, path: String, body| Http { head: format!("{method} /api{path}"), body: Some(body) };
    match request {
        Request::GetNodes => get("/cluster/nodes?fields=uuid,name".to_owned()),
        Request::GetAggregates => get("/storage/aggregates?fields=volume_count".to_owned()),
        Request::GetSvms { name, fields, page } => {
            let name = name.as_ref().map(|name| format!("name={name}"));
            get(query("/svm/svms", name, *fields, "comment,state,nvme.enabled", *page))
        }
        Request::GetSvm { svm } => get(format!("/svm/svms/{svm}")),
        Request::PostSvm { name, comment, nvme, return_timeout_seconds } => send(
            "POST",
            format!("/svm/svms?return_timeout={return_timeout_seconds}"),
            json!({"name": **name, "comment": **comment, "nvme": {"enabled": nvme}}),
        ),
        Request::PatchSvm { svm, state, nvme } => {
            let state = state.map(|state| state.to_string());
            send("PATCH", format!("/svm/svms/{svm}"), json!({"state": state, "nvme": {"enabled": nvme}}))
        }
        Request::DeleteSvm { svm } => delete(format!("/svm/svms/{svm}")),
        Request::GetJob { job } => get(format!("/cluster/jobs/{job}")),
        Request::GetLifs { svm, name, fields, page } => {
            let name = name.as_ref().map_or(String::new(), |name| format!("&name={name}"));
            let filter = Some(format!("svm.uuid={svm}{name}"));
            get(query("/network/ip/interfaces", filter, *fields, "name,ip.address,enabled", *page))
        }
        Request::PostLif { svm, name, address, home_node, service_policy } => send(
            "POST",
            "/network/ip/interfaces".to_owned(),
            json!({
                "svm": {"uuid": svm.to_string()}, "name": **name, "ip": {"address": address, "netmask": "24"},
                "location": {"home_node": {"uuid": home_node.to_string()}}, "service_policy": {"name": service_policy},
            }),
        ),
        Request::PatchLif { lif, address, enabled } => send(
            "PATCH",
            format!("/network/ip/interfaces/{lif}"),
            json!({"ip": {"address": address}, "enabled": enabled}),
        ),
        Request::DeleteLif { lif } => delete(format!("/network/ip/interfaces/{lif}")),
        Request::GetAccount { owner, name } => get(format!("/security/accounts?owner.uuid={owner}&name={name}")),
        Request::PostAccount { owner, name, .. } => send(
            "POST",
            "/security/accounts".to_owned(),
            json!({
                "owner": {"uuid": owner.to_string()}, "name": **name, "role": {"name": "vsadmin"},
                "applications": [{"application": "http", "authentication_methods": ["password"]}],
            }),
        ),
        Request::DeleteAccount { owner, name } => delete(format!("/security/accounts/{owner}/{name}")),
        Request::PostPassword { owner, name, .. } => send(
            "POST",
            "/security/authentication/password".to_owned(),
            json!({"owner": {"uuid": owner.to_string()}, "name": **name}),
        ),
        Request::Login { .. } => get("/svm/svms".to_owned()),
    }
}

/// The status, and the body.
pub fn response(response: &Response) -> Http {
    match response {
        Ok(reply) => Http { head: reply.status.to_string(), body: body(&reply.body) },
        Err(error) => {
            let inner =
                json!({"code": error.code.to_string(), "message": error.code.message(), "target": error.target});
            Http { head: error.code.status().to_string(), body: Some(json!({"error": inner})) }
        }
    }
}

fn query(path: &str, filter: Option<String>, fields: Fields, all: &str, page: Page) -> String {
    let fields = (fields == Fields::All).then(|| format!("fields={all}"));
    let start = (page != Page::FIRST).then(|| format!("start.index={}", page.0));
    let parts: Vec<String> = [filter, fields, start].into_iter().flatten().collect();
    if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
}

fn body(body: &Body) -> Option<Value> {
    let uuid = |uuid: &super::Uuid| json!({"uuid": uuid.to_string()});
    Some(match body {
        Body::Empty => return None,
        Body::Job(job) => json!({"job": job_body(job)}),
        Body::Created(id) => collection(vec![uuid(id)], None),
        Body::Nodes(nodes) => collection(nodes.iter().map(|node| uuid(&node.uuid)).collect(), None),
        Body::Aggregates(all) => {
            let one = |one: &super::Aggregate| json!({"uuid": one.uuid.to_string(), "volume_count": one.volume_count});
            collection(all.iter().map(one).collect(), None)
        }
        Body::Svms { records, next } => collection(records.iter().map(svm_body).collect(), *next),
        Body::Svm(svm) => svm_body(svm),
        Body::Lifs { records, next } => collection(records.iter().map(lif_body).collect(), *next),
        Body::Accounts(records) => collection(records.iter().map(account_body).collect(), None),
    })
}

fn collection(records: Vec<Value>, next: Option<Page>) -> Value {
    let number = records.len();
    match next {
        None => json!({"records": records, "num_records": number}),
        Some(next) => {
            let link = json!({"next": {"href": format!("start.index={}", next.0)}});
            json!({"records": records, "num_records": number, "_links": link})
        }
    }
}

fn job_body(job: &Job) -> Value {
    let uuid = job.uuid.to_string();
    let link = json!({"self": {"href": format!("/api/cluster/jobs/{uuid}")}});
    match job.state {
        JobState::Running => json!({"uuid": uuid, "state": "running", "_links": link}),
        JobState::Success => json!({"uuid": uuid, "state": "success", "_links": link}),
        JobState::Failure(code) => {
            let error = json!({"code": code.to_string(), "message": code.message()});
            json!({"uuid": uuid, "state": "failure", "error": error, "_links": link})
        }
    }
}

fn svm_body(svm: &Svm) -> Value {
    let mut record = json!({"uuid": svm.uuid.to_string(), "name": *svm.name});
    if let (Some(state), Some(nvme)) = (svm.state, svm.nvme) {
        record["state"] = json!(state.to_string());
        record["nvme"] = json!({"enabled": nvme});
        record["comment"] = json!(svm.comment.as_deref());
    }
    record
}

fn lif_body(lif: &Lif) -> Value {
    let mut record = json!({"uuid": lif.uuid.to_string(), "name": *lif.name});
    if let (Some(address), Some(enabled)) = (lif.address, lif.enabled) {
        record["ip"] = json!({"address": address});
        record["enabled"] = json!(enabled);
    }
    record
}

fn account_body(account: &Account) -> Value {
    json!({"owner": {"uuid": account.owner.to_string()}, "name": *account.name, "locked": account.locked})
}
