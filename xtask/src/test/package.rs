//! The published crates as others get them: packaged, unpacked outside this tree, built without its settings.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;
use judges::Settings;

use crate::{
    report::{Counts, Outcome},
    workspace::{Member, cargo, check, members, root, target_dir},
};

pub(super) fn run() -> anyhow::Result<Outcome> {
    let published: Vec<Member> = members()?.into_iter().filter(|member| member.published).collect();
    let target = target_dir()?;
    let outside = outside()?;
    pack(&published)?;
    for member in &published {
        unpack(member, &target, &outside)?;
    }
    write_user(&published, &outside)?;
    // Built into our own folder, where the dependencies lie ready.
    let builds = Builds { folder: outside, target };
    // Whoever turns the client off needs no protoc: this one cannot be started.
    builds.run(&["-p", "outside"], Path::new("/nonexistent/protoc"))?;
    let protoc = root().join("build/protoc.sh");
    builds.run(&["-p", "outside", "--features", "client"], &protoc)?;
    builds.run(&["-p", "etcd-snapshot-cli", "-p", "objstore-cli"], &protoc)?;
    Ok(Outcome::Ran(Counts { passed: published.len() as u64 + 3, ..Counts::default() }))
}

/// An empty folder outside this tree, always the same for the same tree, so that a second run replaces what the first built.
fn outside() -> anyhow::Result<PathBuf> {
    let tree = root().display().to_string().replace(['/', ' '], "-");
    let folder = Settings::from_env().cache.join(format!("outside{tree}"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Makes the `.crate` files. Not verified by cargo: the sibling crates are not on the registry, so that is done below.
fn pack(published: &[Member]) -> anyhow::Result<()> {
    let mut command = cargo(&["package", "--quiet", "--locked", "--no-verify", "--allow-dirty"]);
    for member in published {
        command.args(["-p", &member.name]);
    }
    check(&mut command)
}

fn unpack(member: &Member, target: &Path, outside: &Path) -> anyhow::Result<()> {
    let file = target.join("package").join(format!("{}.crate", folder(member)));
    let mut tar = Command::new("tar");
    check(tar.arg("-xzf").arg(file).arg("-C").arg(outside)).context("the packaged crate cannot be unpacked")
}

/// A workspace of a stranger: a crate that uses the library, and the packaged program beside it.
fn write_user(published: &[Member], outside: &Path) -> anyhow::Result<()> {
    let mut manifest = String::from(USER_MANIFEST);
    for member in published {
        writeln!(manifest, "{} = {{ path = \"{}\" }}", member.name, folder(member))?;
    }
    let own = fs::read_to_string(root().join("Cargo.toml"))?;
    // The same profile, so that the dependencies need not be built a third time.
    manifest.push_str(own.find("[profile.dev]").and_then(|start| own.get(start..)).unwrap_or_default());
    fs::write(outside.join("Cargo.toml"), manifest)?;
    fs::create_dir(outside.join("src"))?;
    fs::write(outside.join("src/lib.rs"), "pub use {etcd_snapshot, objstore_s3, objstore_testkit, reconcile};\n")?;
    // The same versions as in our lockfile.
    fs::copy(root().join("Cargo.lock"), outside.join("Cargo.lock"))?;
    Ok(())
}

const USER_MANIFEST: &str = r#"[package]
name = "outside"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]
members = ["etcd-snapshot-cli-*", "objstore-cli-*"]

[dependencies]
etcd-snapshot = { version = "*", default-features = false }
objstore-s3 = "*"
objstore-testkit = { version = "*", features = ["s3-server"] }
reconcile = { version = "*", features = ["encrypt", "objstore", "testkit", "tracing"] }

[features]
client = ["etcd-snapshot/client"]

[patch.crates-io]
"#;

struct Builds {
    folder: PathBuf,
    target: PathBuf,
}

impl Builds {
    fn run(&self, args: &[&str], protoc: &Path) -> anyhow::Result<()> {
        let mut command = Command::new(Settings::from_env().cargo);
        command.current_dir(&self.folder).args(["check", "--quiet"]).args(args);
        check(command.env("PROTOC", protoc).env("CARGO_TARGET_DIR", &self.target))
    }
}

fn folder(member: &Member) -> String {
    format!("{}-{}", member.name, member.version)
}
