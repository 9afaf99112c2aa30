//! The live client against real etcd: which member is chosen, what is compared, and what is said when it cannot be.

#[path = "../restore_live/mod.rs"]
mod restore_live;

mod auth;
mod choice;
mod history;
mod load;
mod reach;
mod support;
mod tls;
mod tools;

use std::process::ExitCode;

use judges::{Case, Minor, Part};

const ETCDCTL: Part = Part::Etcdctl(Minor::V3_6);
const ETCDUTL: Part = Part::Etcdutl(Minor::V3_6);

fn main() -> ExitCode {
    use Minor::{V3_4, V3_5, V3_6, V3_7};
    let mut cases = Vec::new();
    for minor in [V3_5, V3_6] {
        let needs = [Part::Etcd(minor), ETCDCTL];
        cases.push(Case::new(format!("one of three members on {minor}"), needs, move || choice::of_three(minor)));
        cases.push(Case::new(format!("under writes on {minor}"), needs, move || load::under_writes(minor)));
        cases.push(Case::new(format!("in mid-compaction on {minor}"), needs, move || load::in_mid_compaction(minor)));
    }
    for minor in [V3_5, V3_7] {
        let needs = [Part::Etcd(minor), ETCDCTL];
        cases.push(Case::new(format!("three under writes on {minor}"), needs, move || load::three_under_writes(minor)));
    }
    for minor in [V3_4, V3_6] {
        let needs = [Part::Etcd(minor)];
        cases.push(Case::new(format!("without a quorum on {minor}"), needs, move || choice::survivor(minor)));
    }
    for minor in Minor::ALL {
        cases.push(Case::new(format!("one history on {minor}"), [Part::Etcd(minor)], move || {
            history::one_cluster(minor)
        }));
    }
    for minor in [V3_4, V3_6] {
        let needs = [Part::Etcd(minor), ETCDCTL];
        cases.push(Case::new(format!("users on {minor}"), needs, move || auth::users(minor)));
    }
    for minor in Minor::ALL {
        let needs = [Part::Etcd(minor), ETCDCTL, ETCDUTL];
        cases.push(Case::new(format!("etcdctl and etcdutl on {minor}"), needs, move || tools::both_ways(minor)));
    }
    let newest = [Part::Etcd(V3_6), ETCDCTL];
    cases.push(Case::new("tls", newest, tls::servers));
    cases.push(Case::new("mutual tls", newest, tls::clients));
    cases.push(Case::new("renewed certificates", newest, tls::renewed));
    cases.push(Case::new("nobody there", [], reach::nobody));
    cases.push(Case::new("accepts and never answers", newest, reach::silent));
    cases.push(Case::new("stalls in the middle", newest, reach::stalls));
    cases.push(Case::new("dies in the middle", newest, reach::dies));
    cases.push(Case::new("two clusters", newest, reach::two_clusters));
    cases.push(Case::new("under the alarm CORRUPT", newest, reach::corrupt));
    cases.push(Case::new("strangers with one id", newest, history::strangers_with_one_id));
    judges::harness(30, cases)
}
