//! The program as it is run: its words, its exit codes, and what it leaves behind.

mod accepted;
mod codes;
mod damage;
mod init;
mod program;
mod s3;
mod secrets;
mod signals;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use judges::{Case, Minor, Part};
use world::World;

const ETCD: Part = Part::Etcd(Minor::V3_6);
const ETCDUTL: [Part; 3] = [ETCD, Part::Etcdutl(Minor::V3_5), Part::Etcdutl(Minor::V3_6)];

fn main() -> ExitCode {
    let world = Arc::new(World::default());
    let mut cases = vec![
        Case::new("usage", [], codes::usage),
        Case::new("usage as json", [], codes::usage_as_json),
        Case::new("not found", [], codes::not_found),
        Case::new("unreachable", [], codes::unreachable),
        Case::new("not a snapshot", [], damage::not_a_snapshot),
        Case::new("help and completions", [], accepted::help_and_completions),
        Case::new("users are asked for", [ETCD], secrets::users),
        Case::new("stored and not verified", [ETCD], codes::unverified),
    ];
    for minor in Minor::ALL {
        let needs = [Part::Etcd(minor), ETCDUTL[1], ETCDUTL[2]];
        cases.push(Case::new(format!("status as etcdutl's on {minor}"), needs, move || accepted::status(minor)));
    }
    let mut with = |name: &str, run: fn(&World) -> anyhow::Result<()>| {
        let world = Arc::clone(&world);
        cases.push(Case::new(name, [ETCD], move || run(&world)));
    };
    with("the accepted lines", accepted::lines);
    with("the forms of etcdutl", accepted::etcdutls_forms);
    with("odd places", accepted::odd_places);
    with("the accepted lines on s3", s3::lines);
    with("what fails on s3", s3::failures);
    with("pipes", accepted::pipes);
    with("the environment of etcdctl", accepted::environment);
    with("too old", codes::too_old);
    with("refused", codes::refused);
    with("halves of snapshots", damage::halves);
    with("damaged files", damage::files);
    with("damaged stores", damage::stores);
    with("verify says and records", accepted::verify);
    with("a dry run writes nothing", init::dry_run);
    with("init containers", init::containers);
    with("init containers of several members", init::several);
    with("stopped in the middle", signals::in_the_middle);
    with("stopped after the payload", signals::after_the_payload);
    drop(world);
    judges::harness(30, cases)
}
