//! What becomes of cases whose program is missing, and of servers whose owner is killed: seen from outside, in a second
//! process of this same program.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use judges::{Case, EtcdServer, Finished, Minor, Part, etcd, run_to_end, wait_until};

const LIMIT: Duration = Duration::from_secs(60);
const MINOR: Minor = Minor::V3_6;
const NEEDS: Part = Part::Etcd(MINOR);

fn main() -> ExitCode {
    match role().as_deref() {
        Some("one_case") => judges::harness(1, vec![Case::new("boots", [NEEDS], || ())]),
        Some("too_few") => judges::harness(2, vec![Case::new("alone", [], || ())]),
        Some("own_a_server") => own_a_server(),
        _ => judges::harness(5, cases()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the second process is told its role by the first")]
fn role() -> Option<String> {
    std::env::var("DUNNAGE_TEST_ROLE").ok()
}

fn cases() -> Vec<Case> {
    vec![
        Case::new("missing_is_ignored_with_the_reason", [], missing_is_ignored),
        Case::new("missing_under_ci_fails", [], missing_under_ci_fails),
        Case::new("missing_under_ci_may_be_excused_by_name", [], missing_may_be_excused),
        Case::new("a_list_below_its_floor_fails", [], below_the_floor),
        Case::new("a_server_dies_with_its_killed_owner", [NEEDS], dies_with_its_owner),
    ]
}

fn missing_is_ignored() -> anyhow::Result<()> {
    let done = one_case(&[])?;
    assert_eq!(done.code(), Some(0), "{}", done.stdout);
    assert!(done.stdout.contains("etcd-3.6 is missing: it was not fetched yet"), "{}", done.stdout);
    assert!(done.stdout.contains("0 passed; 0 failed; 1 ignored"), "{}", done.stdout);
    assert!(done.stdout.contains("cases: 1 listed, 0 ran, 1 ignored"), "{}", done.stdout);
    Ok(())
}

fn missing_under_ci_fails() -> anyhow::Result<()> {
    let done = one_case(&[("CI", "true"), ("DUNNAGE_MAY_MISS", "etcd-3.5,etcdutl-3.6")])?;
    assert_eq!(done.code(), Some(101), "{}", done.stdout);
    assert!(done.stdout.contains("0 passed; 1 failed; 0 ignored"), "{}", done.stdout);
    Ok(())
}

fn missing_may_be_excused() -> anyhow::Result<()> {
    let done = one_case(&[("CI", "true"), ("DUNNAGE_MAY_MISS", "etcdutl-3.6, etcd-3.6")])?;
    assert_eq!(done.code(), Some(0), "{}", done.stdout);
    assert!(done.stdout.contains("1 ignored"), "{}", done.stdout);
    Ok(())
}

fn below_the_floor() -> anyhow::Result<()> {
    let done = run_to_end(second("too_few")?.env_remove("CI"), LIMIT)?;
    assert_ne!(done.code(), Some(0), "{}", done.stdout);
    assert!(done.stdout.contains("at least 2 cases"), "{}", done.stdout);
    Ok(())
}

fn dies_with_its_owner() -> anyhow::Result<()> {
    let mut owner = second("own_a_server")?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let pid = first_line(&mut owner)?;
    let proc = Path::new("/proc").join(&pid);
    assert!(proc.exists(), "the server {pid} is not there");
    owner.kill()?;
    owner.wait()?;
    assert!(wait_until(LIMIT, || (!proc.exists()).then_some(())).is_some(), "the server {pid} outlived its owner");
    Ok(())
}

fn one_case(env: &[(&str, &str)]) -> anyhow::Result<Finished> {
    let cache = tempfile::tempdir()?;
    let mut command = second("one_case")?;
    command
        .env("XDG_CACHE_HOME", cache.path())
        .env_remove("CI")
        .env_remove("DUNNAGE_MAY_MISS")
        .envs(env.iter().copied());
    run_to_end(&mut command, LIMIT)
}

fn second(role: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env("DUNNAGE_TEST_ROLE", role);
    Ok(command)
}

fn first_line(child: &mut Child) -> anyhow::Result<String> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is a pipe")).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Starts a server, says its process number, and waits to be killed.
#[expect(clippy::print_stdout, reason = "the first process reads the number from standard output")]
fn own_a_server() -> ExitCode {
    let server = EtcdServer::builder(&etcd(MINOR).expect("the case needs it")).start().expect("it starts");
    println!("{}", server.pid().expect("it runs"));
    std::io::stdin().read_to_end(&mut Vec::new()).ok();
    ExitCode::SUCCESS
}
