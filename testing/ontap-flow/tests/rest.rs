//! Paths, statuses and codes are ONTAP's.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::Ipv4Addr;
use std::time::Duration;

use ontap_flow::ontap::rest;
use ontap_flow::ontap::{Body, Cluster, Code, Fields, Habits, Name, Page, Password, Request, SvmState, Uuid};
use serde_json::json;

const SVM: &str = "00000001-0000-4000-8000-000000000010";

/// The first SVM of cluster 1, running.
fn cluster() -> (Cluster, Uuid) {
    let mut cluster = Cluster::new(1, Habits::default());
    let (name, comment) = (Name::from("p1"), Name::from("mark"));
    let request = Request::PostSvm { name, comment, nvme: true, return_timeout_seconds: 120 };
    let Body::Created(uuid) = cluster.handle(Duration::ZERO, &request).unwrap().body else { panic!("an id") };
    (cluster, uuid)
}

#[test]
fn every_request_has_ontaps_method_and_path() {
    let (_, svm) = cluster();
    let (name, password) = (Name::from("shoot"), Password::new("canary-password-1"));
    let (owner, address) = (svm, Ipv4Addr::new(10, 0, 0, 1));
    let (page, all) = (Page::FIRST, Fields::All);
    let copy = || (Name::clone(&name), password.clone());
    let cases = [
        (Request::GetNodes, "GET /api/cluster/nodes?fields=uuid,name".to_owned()),
        (Request::GetAggregates, "GET /api/storage/aggregates?fields=volume_count".to_owned()),
        (
            Request::GetSvms { name: Some(copy().0), fields: all, page },
            "GET /api/svm/svms?name=shoot&fields=comment,state,nvme.enabled".to_owned(),
        ),
        (Request::GetSvms { name: None, fields: Fields::Keys, page }, "GET /api/svm/svms".to_owned()),
        (Request::GetSvm { svm }, format!("GET /api/svm/svms/{SVM}")),
        (
            Request::PostSvm { name: copy().0, comment: copy().0, nvme: true, return_timeout_seconds: 0 },
            "POST /api/svm/svms?return_timeout=0".to_owned(),
        ),
        (Request::PatchSvm { svm, state: Some(SvmState::Running), nvme: None }, format!("PATCH /api/svm/svms/{SVM}")),
        (Request::DeleteSvm { svm }, format!("DELETE /api/svm/svms/{SVM}")),
        (Request::GetJob { job: svm }, format!("GET /api/cluster/jobs/{SVM}")),
        (
            Request::GetLifs { svm, name: None, fields: all, page },
            format!("GET /api/network/ip/interfaces?svm.uuid={SVM}&fields=name,ip.address,enabled"),
        ),
        (
            Request::PostLif { svm, name: copy().0, address, home_node: svm, service_policy: "default-management" },
            "POST /api/network/ip/interfaces".to_owned(),
        ),
        (
            Request::PatchLif { lif: svm, address: Some(address), enabled: None },
            format!("PATCH /api/network/ip/interfaces/{SVM}"),
        ),
        (Request::DeleteLif { lif: svm }, format!("DELETE /api/network/ip/interfaces/{SVM}")),
        (
            Request::GetAccount { owner, name: copy().0 },
            format!("GET /api/security/accounts?owner.uuid={SVM}&name=shoot"),
        ),
        (Request::PostAccount { owner, name: copy().0, password: copy().1 }, "POST /api/security/accounts".to_owned()),
        (Request::DeleteAccount { owner, name: copy().0 }, format!("DELETE /api/security/accounts/{SVM}/shoot")),
        (
            Request::PostPassword { owner, name: copy().0, password: copy().1 },
            "POST /api/security/authentication/password".to_owned(),
        ),
        (Request::Login { address, name: copy().0, password: copy().1 }, "GET /api/svm/svms".to_owned()),
    ];
    for (request, head) in cases {
        let http = rest::request(&request);
        assert_eq!(http.head, head);
        assert_eq!(request.is_write(), !head.starts_with("GET"), "{head}");
        assert!(!format!("{http:?} {request:?}").contains("canary-password"), "{head} shows the password");
    }
}

#[test]
fn every_code_has_ontaps_number_and_status() {
    for (code, number, status) in [
        (Code::DUPLICATE, "1", 409),
        (Code::BAD_FIELD, "2", 400),
        (Code::NOT_THERE, "4", 404),
        (Code::DUPLICATE_ADDRESS, "1376963", 409),
        (Code::LIF_EXISTS, "1966140", 409),
        (Code::LIF_INCONSISTENT, "1967102", 500),
        (Code::LIF_NO_PORT, "1967153", 400),
        (Code::LIF_NO_DOMAIN_PORT, "1967154", 400),
        (Code::LIF_VIP_PORT, "1967384", 400),
        (Code::LIF_VIP_RULES, "1967385", 400),
        (Code::PASSWORD_TOO_PLAIN, "7077921", 400),
        (Code::PASSWORD_USED_BEFORE, "7077924", 400),
        (Code::PASSWORD_SAME, "7077925", 400),
        (Code::PASSWORD_TOO_LONG, "7077940", 400),
        (Code::SVM_CREATE_FAILED, "13434889", 500),
        (Code::TOO_MANY_JOBS, "13434894", 409),
        (Code::SVM_NAME_IN_USE, "13434908", 409),
        (Code::SVM_NAME_TOO_LONG, "13434911", 400),
        (Code::SVM_JOB_FAILED, "13434913", 500),
        (Code::NO_SPACE, "13434914", 500),
        (Code::SVM_BUSY, "13434915", 409),
        (Code::SVM_BEING_CREATED, "13434916", 409),
    ] {
        assert_eq!((code.to_string().as_str(), code.status()), (number, status));
    }
}

#[test]
fn a_job_is_shown_as_202_with_a_link() {
    let (mut cluster, svm) = cluster();
    let http = rest::response(&cluster.handle(Duration::ZERO, &Request::DeleteSvm { svm }));
    assert_eq!(http.head, "202");
    let job = http.body.unwrap()["job"].take();
    assert_eq!(job["state"], "running");
    assert_eq!(job["_links"]["self"]["href"], format!("/api/cluster/jobs/{}", job["uuid"].as_str().unwrap()));
}

#[test]
fn an_error_is_shown_with_its_code_as_text() {
    let (mut cluster, _) = cluster();
    let (name, comment) = (Name::from("p1"), Name::from("mark"));
    let request = Request::PostSvm { name, comment, nvme: true, return_timeout_seconds: 0 };
    let http = rest::response(&cluster.handle(Duration::ZERO, &request));
    assert_eq!(http.head, "409");
    assert_eq!(http.body.unwrap()["error"]["code"], json!("13434908"));
}

#[test]
fn a_collection_has_records_a_number_and_a_next_link() {
    let (mut cluster, svm) = cluster();
    for number in 1..=3 {
        let (name, address) = (Name::from(format!("lif{number}")), Ipv4Addr::new(10, 0, 0, number));
        let request = Request::PostLif { svm, name, address, home_node: svm, service_policy: "default-management" };
        assert_eq!(rest::response(&cluster.handle(Duration::ZERO, &request)).head, "201");
    }
    let request = Request::GetLifs { svm, name: None, fields: Fields::Keys, page: Page::FIRST };
    let body = rest::response(&cluster.handle(Duration::ZERO, &request)).body.unwrap();
    assert_eq!((&body["num_records"], &body["_links"]["next"]["href"]), (&json!(2), &json!("start.index=2")));
    assert_eq!(body["records"][0]["name"], "lif1");
    assert!(body["records"][0].get("ip").is_none(), "not asked for");
}
