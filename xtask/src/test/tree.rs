//! What must not be in the dependencies of a package.

use std::collections::BTreeSet;

use anyhow::ensure;

use crate::{
    report::{Counts, Outcome},
    workspace::{Member, cargo, members, read},
};

/// The packages that may know a cloud's SDK, and the names by which one is known.
const CLOUDS: [(&str, &[&str]); 2] = [
    ("objstore-s3", &["aws-config", "aws-credential-types", "aws-sdk-s3", "aws-sdk-sts", "aws-sigv4"]),
    ("objstore-gcs", &["gcp_auth", "google-cloud-auth", "google-cloud-storage"]),
];

/// In no package: one crypto provider (ring), no system TLS.
const NOWHERE: &[&str] = &["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys"];

/// A rule for one package: with these arguments of `cargo tree`, none of these names.
const RULES: [(&str, &[&str], &[&str]); 8] = [
    ("etcd-format", &["--all-features"], &["tokio", "tonic", "prost", "async-trait", "futures", "objstore-core"]),
    ("objstore-core", &["--all-features"], &["etcd-format", "etcd-client", "tonic", "reqwest", "rustls", "hyper"]),
    ("objstore-s3", &["--all-features"], &["aws-smithy-http-client", "reqwest", "tonic"]),
    ("objstore-testkit", &[], &["s3s", "hyper", "http"]),
    ("objstore-cli", &["--all-features"], &["etcd-snapshot", "etcd-client", "tonic", "reqwest", "s3s"]),
    ("etcd-snapshot", &["--no-default-features"], &["etcd-client", "tonic", "prost", "rustls", "ring"]),
    ("reconcile", &[], &["tokio", "futures", "async-trait", "objstore-core", "tracing", "rand"]),
    (
        "reconcile",
        &["--all-features"],
        &["kube", "kube-client", "kube-runtime", "k8s-openapi", "etcd-snapshot", "reqwest"],
    ),
];

pub(super) fn run() -> anyhow::Result<Outcome> {
    let mut counts = Counts::default();
    for member in members()?.iter().filter(|member| member.published) {
        let tree = tree(&member.name, &["--all-features"])?;
        let clouds = CLOUDS.iter().filter(|(owner, _)| !tree.contains(*owner) && *owner != member.name);
        let clouds = clouds.flat_map(|(_, names)| names.iter());
        forbid(member, &tree, NOWHERE.iter().chain(clouds))?;
        counts.add(Counts::PASSED);
        for (_, args, names) in RULES.iter().filter(|(name, ..)| *name == member.name) {
            forbid(member, &self::tree(&member.name, args)?, names.iter())?;
            counts.add(Counts::PASSED);
        }
    }
    Ok(Outcome::Ran(counts))
}

fn forbid<'a>(
    member: &Member,
    tree: &BTreeSet<String>,
    names: impl Iterator<Item = &'a &'a str>,
) -> anyhow::Result<()> {
    let found: Vec<&str> = names.copied().filter(|name| tree.contains(*name)).collect();
    println!("{:<18} {:>3} dependencies, forbidden ones: {}", member.name, tree.len(), found.len());
    ensure!(found.is_empty(), "{} depends on {}", member.name, found.join(", "));
    Ok(())
}

/// The names of all normal and build dependencies, for every platform.
fn tree(name: &str, args: &[&str]) -> anyhow::Result<BTreeSet<String>> {
    let fixed =
        ["tree", "--locked", "-p", name, "-e", "normal,build", "--target", "all", "--prefix", "none", "-f", "{p}"];
    let text = read(cargo(&fixed).args(args))?;
    let names = text.lines().filter_map(|line| line.split(' ').next());
    Ok(names.filter(|found| !found.is_empty() && *found != name).map(str::to_owned).collect())
}
