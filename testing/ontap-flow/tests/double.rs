//! The double has the habits of ONTAP that flows trip over.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::Ipv4Addr;
use std::time::Duration;

use ontap_flow::ontap::{
    ApiError, Body, Cluster, Code, Fields, Habits, Job, JobState, Name, Page, Password, Request, Svm, SvmState, Uuid,
};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn cluster() -> Cluster {
    Cluster::new(1, Habits::default())
}

fn post_svm(name: &str) -> Request {
    Request::PostSvm { name: Name::from(name), comment: Name::from("test"), nvme: true, return_timeout_seconds: 0 }
}

fn job(cluster: &mut Cluster, now: Duration, request: &Request) -> Job {
    match cluster.handle(now, request).unwrap().body {
        Body::Job(job) => job,
        other => panic!("a job, not {other:?}"),
    }
}

fn svm(cluster: &mut Cluster, now: Duration, name: &str) -> Option<Svm> {
    let request = Request::GetSvms { name: Some(Name::from(name)), fields: Fields::All, page: Page::FIRST };
    match cluster.handle(now, &request).unwrap().body {
        Body::Svms { mut records, .. } => records.pop(),
        other => panic!("SVMs, not {other:?}"),
    }
}

/// A cluster with a running SVM, and the time.
fn running() -> (Cluster, Duration, Uuid) {
    let mut cluster = cluster();
    job(&mut cluster, at(0), &post_svm("p1"));
    let svm = svm(&mut cluster, at(6), "p1").unwrap();
    (cluster, at(6), svm.uuid)
}

fn post_lif(svm: Uuid, name: &str, last: u8) -> Request {
    let (name, address) = (Name::from(name), Ipv4Addr::new(10, 0, 0, last));
    Request::PostLif { svm, name, address, home_node: svm, service_policy: "default-management" }
}

fn code(cluster: &mut Cluster, now: Duration, request: &Request) -> Code {
    cluster.handle(now, request).expect_err("refused").code
}

fn set(owner: Uuid, password: &str) -> Request {
    Request::PostPassword { owner, name: Name::from("shoot"), password: Password::new(password) }
}

#[test]
fn an_svm_comes_to_life_after_the_answer() {
    let mut cluster = cluster();
    let answer = cluster.handle(at(0), &post_svm("p1")).unwrap();
    assert_eq!(answer.status, 202);
    let mut states = Vec::new();
    for second in [0, 4, 6] {
        states.push(svm(&mut cluster, at(second), "p1").unwrap().state.unwrap());
    }
    assert_eq!(states, [SvmState::Initializing, SvmState::Starting, SvmState::Running]);
}

#[test]
fn a_job_is_forgotten_300_seconds_after_its_end() {
    let mut cluster = cluster();
    let request = Request::GetJob { job: job(&mut cluster, at(0), &post_svm("p1")).uuid };
    assert_eq!(job(&mut cluster, at(1), &request).state, JobState::Running);
    assert_eq!(job(&mut cluster, at(305), &request).state, JobState::Success);
    assert_eq!(code(&mut cluster, at(306), &request), Code::NOT_THERE);
    assert!(svm(&mut cluster, at(306), "p1").is_some());
}

#[test]
fn a_caller_may_wait_for_the_job() {
    let mut cluster = cluster();
    let Request::PostSvm { name, comment, nvme, .. } = post_svm("p1") else { unreachable!() };
    let request = Request::PostSvm { name, comment, nvme, return_timeout_seconds: 120 };
    assert_eq!(cluster.handle(at(0), &request).unwrap().status, 201);
    assert_eq!(svm(&mut cluster, at(0), "p1").unwrap().state, Some(SvmState::Running));
}

#[test]
fn a_job_that_fails_leaves_nothing_and_tells_for_a_while() {
    let mut cluster = Cluster::new(1, Habits { failing_svms: 1, ..Habits::default() });
    let failed = job(&mut cluster, at(0), &post_svm("p1"));
    assert!(svm(&mut cluster, at(5), "p1").is_some());
    assert!(svm(&mut cluster, at(6), "p1").is_none());
    let state = job(&mut cluster, at(7), &Request::GetJob { job: failed.uuid }).state;
    assert_eq!(state, JobState::Failure(Code::NO_SPACE));
    job(&mut cluster, at(8), &post_svm("p1"));
}

#[test]
fn a_job_can_be_slow() {
    let mut cluster = cluster();
    job(&mut cluster, at(0), &post_svm("p1"));
    cluster.delay_jobs(at(10));
    assert_ne!(svm(&mut cluster, at(15), "p1").unwrap().state, Some(SvmState::Running));
    assert_eq!(svm(&mut cluster, at(16), "p1").unwrap().state, Some(SvmState::Running));
}

#[test]
fn names_of_svms_are_taken_from_the_first_moment() {
    let mut cluster = cluster();
    job(&mut cluster, at(0), &post_svm("p1"));
    assert_eq!(code(&mut cluster, at(1), &post_svm("p1")), Code::SVM_BEING_CREATED);
    assert_eq!(code(&mut cluster, at(6), &post_svm("p1")), Code::SVM_NAME_IN_USE);
    assert_eq!(code(&mut cluster, at(6), &post_svm(&"p".repeat(48))), Code::SVM_NAME_TOO_LONG);
    let error = cluster.handle(at(6), &post_svm("1p")).expect_err("a digit first");
    assert_eq!(error, ApiError { code: Code::BAD_FIELD, target: Some("name") });
}

#[test]
fn five_jobs_run_at_once() {
    let mut cluster = cluster();
    for number in 0..5 {
        job(&mut cluster, at(0), &post_svm(&format!("p{number}")));
    }
    assert_eq!(code(&mut cluster, at(1), &post_svm("p5")), Code::TOO_MANY_JOBS);
    job(&mut cluster, at(6), &post_svm("p5"));
}

#[test]
fn an_svm_that_is_worked_on_takes_nothing_else() {
    let mut cluster = cluster();
    job(&mut cluster, at(0), &post_svm("p1"));
    let uuid = svm(&mut cluster, at(0), "p1").unwrap().uuid;
    assert_eq!(code(&mut cluster, at(1), &Request::DeleteSvm { svm: uuid }), Code::SVM_BUSY);
    assert_eq!(code(&mut cluster, at(1), &post_lif(uuid, "managementlif", 1)), Code::SVM_BUSY);
}

#[test]
fn an_svm_stops_starts_and_goes_with_all_that_is_in_it() {
    let (mut cluster, now, uuid) = running();
    cluster.handle(now, &post_lif(uuid, "managementlif", 1)).unwrap();
    job(&mut cluster, now, &Request::PatchSvm { svm: uuid, state: Some(SvmState::Stopped), nvme: None });
    assert_eq!(svm(&mut cluster, now, "p1").unwrap().state, Some(SvmState::Stopping));
    assert_eq!(svm(&mut cluster, at(12), "p1").unwrap().state, Some(SvmState::Stopped));
    job(&mut cluster, at(12), &Request::PatchSvm { svm: uuid, state: Some(SvmState::Running), nvme: None });
    assert_eq!(svm(&mut cluster, at(18), "p1").unwrap().state, Some(SvmState::Running));
    job(&mut cluster, at(18), &Request::DeleteSvm { svm: uuid });
    assert_eq!(svm(&mut cluster, at(19), "p1").unwrap().state, Some(SvmState::Deleting));
    assert!(svm(&mut cluster, at(24), "p1").is_none());
    assert!(lifs(&mut cluster, at(24), uuid, Fields::All, Page::FIRST).0.is_empty());
}

fn lifs(
    cluster: &mut Cluster,
    now: Duration,
    svm: Uuid,
    fields: Fields,
    page: Page,
) -> (Vec<ontap_flow::ontap::Lif>, Option<Page>) {
    match cluster.handle(now, &Request::GetLifs { svm, name: None, fields, page }).unwrap().body {
        Body::Lifs { records, next } => (records, next),
        other => panic!("LIFs, not {other:?}"),
    }
}

#[test]
fn collections_come_in_pages_and_with_the_fields_that_were_asked_for() {
    let (mut cluster, now, uuid) = running();
    for number in 1..=5 {
        cluster.handle(now, &post_lif(uuid, &format!("lif{number}"), number)).unwrap();
    }
    let (mut names, mut page) = (Vec::new(), Some(Page::FIRST));
    let mut pages = 0;
    while let Some(from) = page {
        let (records, next) = lifs(&mut cluster, now, uuid, Fields::Keys, from);
        assert!(records.iter().all(|lif| lif.address.is_none() && lif.enabled.is_none()));
        names.extend(records.into_iter().map(|lif| lif.name));
        page = next;
        pages += 1;
    }
    assert_eq!((names.len(), pages), (5, 3));
    let (records, _) = lifs(&mut cluster, now, uuid, Fields::All, Page::FIRST);
    assert_eq!(records[0].address, Some(Ipv4Addr::new(10, 0, 0, 1)));
}

#[test]
fn lifs_have_names_of_the_svm_and_addresses_of_the_cluster() {
    let (mut cluster, now, uuid) = running();
    cluster.handle(now, &post_lif(uuid, "lif", 1)).unwrap();
    assert_eq!(code(&mut cluster, now, &post_lif(uuid, "lif", 2)), Code::LIF_EXISTS);
    assert_eq!(code(&mut cluster, now, &post_lif(uuid, "other", 1)), Code::DUPLICATE_ADDRESS);
}

#[test]
fn a_creation_can_end_half_way() {
    let (mut cluster, now, uuid) = running();
    cluster.habits.inconsistent_lifs = 1;
    assert_eq!(code(&mut cluster, now, &post_lif(uuid, "lif", 1)), Code::LIF_INCONSISTENT);
    let lif = lifs(&mut cluster, now, uuid, Fields::All, Page::FIRST).0.remove(0);
    assert_eq!(lif.enabled, Some(false));
    cluster.handle(now, &Request::PatchLif { lif: lif.uuid, address: None, enabled: Some(true) }).unwrap();
    assert_eq!(lifs(&mut cluster, now, uuid, Fields::All, Page::FIRST).0[0].enabled, Some(true));
}

/// A cluster with an account of this password, and its SVM.
fn with_account(password: &str) -> (Cluster, Duration, Uuid) {
    let (mut cluster, now, owner) = running();
    cluster.handle(now, &post_lif(owner, "managementlif", 9)).unwrap();
    let (name, password) = (Name::from("shoot"), Password::new(password));
    let answer = cluster.handle(now, &Request::PostAccount { owner, name, password }).unwrap();
    assert_eq!(answer.status, 201);
    (cluster, now, owner)
}

fn login(password: &str, last: u8) -> Request {
    let address = Ipv4Addr::new(10, 0, 0, last);
    Request::Login { address, name: Name::from("shoot"), password: Password::new(password) }
}

#[test]
fn an_account_that_is_locked_lets_nobody_in_and_says_so() {
    let (mut cluster, now, owner) = with_account("first-pass-1");
    cluster.someone_locks_accounts(true);
    assert_eq!(code(&mut cluster, now, &login("first-pass-1", 9)), Code::NOT_AUTHORIZED);
    let shown = cluster.handle(now, &Request::GetAccount { owner, name: Name::from("shoot") }).unwrap();
    let Body::Accounts(accounts) = shown.body else { panic!("{shown:?}") };
    assert!(accounts[0].locked);
}

#[test]
fn a_password_is_known_by_logging_in_and_in_no_other_way() {
    let (mut cluster, now, owner) = with_account("first-pass-1");
    cluster.handle(now, &login("first-pass-1", 9)).unwrap();
    assert_eq!(code(&mut cluster, now, &login("other-pass-1", 9)), Code::NOT_AUTHORIZED);
    assert_eq!(code(&mut cluster, now, &login("first-pass-1", 8)), Code::UNREACHABLE);
    let shown = cluster.handle(now, &Request::GetAccount { owner, name: Name::from("shoot") }).unwrap();
    assert!(!format!("{shown:?}").contains("first-pass-1"));
}

#[test]
fn a_password_cannot_be_set_again() {
    let (mut cluster, now, owner) = with_account("first-pass-1");
    assert_eq!(code(&mut cluster, now, &set(owner, "first-pass-1")), Code::PASSWORD_SAME);
    assert_eq!(cluster.handle(now, &set(owner, "second-pass-2")).unwrap().status, 200);
    assert_eq!(code(&mut cluster, now, &set(owner, "first-pass-1")), Code::PASSWORD_USED_BEFORE);
    cluster.handle(now, &login("second-pass-2", 9)).unwrap();
}

#[test]
fn a_password_must_please_the_policy() {
    let (mut cluster, now, owner) = with_account("first-pass-1");
    for (password, expected) in [
        ("abc1", Code::PASSWORD_TOO_SHORT),
        ("abcdefghij", Code::PASSWORD_TOO_SIMPLE),
        ("1234567890", Code::PASSWORD_TOO_SIMPLE),
        ("my-shoot-1", Code::PASSWORD_HAS_USER),
        (&"ab1".repeat(43), Code::PASSWORD_TOO_LONG),
    ] {
        assert_eq!(code(&mut cluster, now, &set(owner, password)), expected, "{password}");
    }
}

#[test]
fn an_account_is_there_once() {
    let (mut cluster, now, owner) = with_account("first-pass-1");
    let (name, password) = (Name::from("shoot"), Password::new("second-pass-2"));
    assert_eq!(code(&mut cluster, now, &Request::PostAccount { owner, name, password }), Code::DUPLICATE);
    let name = Name::from("shoot");
    cluster.handle(now, &Request::DeleteAccount { owner, name: Name::clone(&name) }).unwrap();
    assert_eq!(code(&mut cluster, now, &Request::DeleteAccount { owner, name }), Code::NOT_THERE);
}

#[test]
fn writes_are_counted_and_reads_are_not() {
    let (mut cluster, now, uuid) = running();
    let before = cluster.counts();
    svm(&mut cluster, now, "p1");
    assert_eq!(cluster.counts(), before);
    code(&mut cluster, now, &post_svm("p1"));
    cluster.handle(now, &post_lif(uuid, "lif", 1)).unwrap();
    let after = cluster.counts();
    assert_eq!((after.writes, after.lifs_created, after.svms_created), (before.writes + 2, 1, 1));
}

#[test]
fn time_does_not_go_back() {
    let (mut cluster, _, _) = running();
    assert_eq!(svm(&mut cluster, at(0), "p1").unwrap().state, Some(SvmState::Running));
}
