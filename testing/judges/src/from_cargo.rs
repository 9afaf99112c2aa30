//! Programs out of Cargo packages: carried inside one, or built by `cargo install`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::{Finished, Pin, Settings, run_to_end};

const FETCH_LIMIT: Duration = Duration::from_secs(600);
const INSTALL_LIMIT: Duration = Duration::from_secs(1800);

/// Takes `bin/<name>` out of the Cargo package `<package>-<os>-<arch>`.
///
/// Two versions that are semver-compatible cannot stand in one lockfile, so each one gets a crate of its own to be fetched by.
pub(crate) fn unpack(settings: &Settings, pin: &Pin, package: &str, dir: &Path) -> anyhow::Result<()> {
    let package = format!("{package}-{}", platform()?);
    let wrapper = tempfile::tempdir_in(dir)?;
    write_wrapper(wrapper.path(), &package, &pin.version)?;
    cargo(settings, wrapper.path(), &["fetch", "--quiet"], FETCH_LIMIT)?;
    let carried = package_dir(settings, wrapper.path(), &package)?.join("bin").join(&pin.name);
    let program = dir.join(&pin.name);
    fs::copy(&carried, &program).with_context(|| format!("cannot copy {}", carried.display()))?;
    make_executable(&program)
}

/// Builds a crate's program with its own lockfile.
pub(crate) fn install(settings: &Settings, pin: &Pin, name: &str, dir: &Path) -> anyhow::Result<()> {
    let root = tempfile::tempdir_in(dir)?;
    let build = tempfile::tempdir_in(dir)?;
    let mut command = Command::new(&settings.cargo);
    command
        .current_dir(root.path())
        .args(["install", "--quiet", "--locked", "--version", &pin.version, name, "--root"])
        .arg(root.path())
        .env("CARGO_TARGET_DIR", build.path())
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off");
    run_to_end(&mut command, INSTALL_LIMIT)?.success().context("cargo install failed")?;
    fs::rename(root.path().join("bin").join(&pin.name), dir.join(&pin.name))?;
    Ok(())
}

/// The platform's name in the packages that carry etcd: Go's words for it.
fn platform() -> anyhow::Result<&'static str> {
    Ok(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-amd64",
        ("linux", "aarch64") => "linux-arm64",
        ("linux", "powerpc64") => "linux-ppc64le",
        ("linux", "s390x") => "linux-s390x",
        ("macos", "x86_64") => "darwin-amd64",
        ("macos", "aarch64") => "darwin-arm64",
        (os, arch) => bail!("no Cargo package carries it for {os} on {arch}"),
    })
}

fn write_wrapper(dir: &Path, package: &str, version: &str) -> anyhow::Result<()> {
    let manifest = format!(
        "[package]\nname = \"wrapper\"\nversion = \"0.0.0\"\nedition = \"2021\"\npublish = false\n\n[workspace]\n\n\
         [dependencies]\n{package} = \"={version}\"\n"
    );
    fs::create_dir(dir.join("src"))?;
    fs::write(dir.join("src/lib.rs"), "")?;
    fs::write(dir.join("Cargo.toml"), manifest)?;
    Ok(())
}

fn package_dir(settings: &Settings, wrapper: &Path, package: &str) -> anyhow::Result<PathBuf> {
    let args = ["metadata", "--quiet", "--offline", "--format-version", "1"];
    let metadata = cargo(settings, wrapper, &args, FETCH_LIMIT)?.stdout;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let manifest =
        packages.iter().find(|found| found["name"] == package).and_then(|found| found["manifest_path"].as_str());
    let folder = manifest.and_then(|path| Path::new(path).parent());
    Ok(folder.with_context(|| format!("cargo metadata does not know {package}"))?.to_owned())
}

fn cargo(settings: &Settings, dir: &Path, args: &[&str], limit: Duration) -> anyhow::Result<Finished> {
    let mut command = Command::new(&settings.cargo);
    // Its own folder decides, not the settings that a running `cargo test` hands down.
    command.current_dir(dir).args(args).env_remove("CARGO_TARGET_DIR");
    run_to_end(&mut command, limit)?.success().with_context(|| format!("cargo {} failed", args.join(" ")))
}

pub(crate) fn make_executable(program: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
