//! A save that is stopped by a signal leaves nothing half-made, and ends soon.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use judges::{Relay, wait_until};

use crate::program::{program, text};
use crate::world::{World, content, url};

/// Less than the file has: the stream goes silent in its middle.
const UNTIL_SILENT: u64 = 150_000;
const LIMIT: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_secs(5);
const ROUNDS: usize = 12;

pub(crate) fn in_the_middle(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    for (signal, raw) in [("TERM", false), ("TERM", true), ("INT", false)] {
        let dir = tempfile::tempdir()?;
        let relay = Relay::start(&made.server.client_url(), UNTIL_SILENT)?;
        let target = match raw {
            true => ["--raw".to_owned(), dir.path().join("etcd.db").display().to_string()],
            false => ["--to".to_owned(), url(&dir.path().join("store"))],
        };
        let [flag, place] = &target;
        let url = relay.url();
        let args = ["save", "--endpoints", &url, flag, place, "--stall-timeout", "10m", "--command-timeout", "10m"];
        let said = stop(&args, &relay, signal).with_context(|| format!("{signal} in save {flag}"))?;
        ensure!(said.contains("stopped by SIG"), "{said}");
        nothing_half_made(dir.path()).with_context(|| format!("{signal} in save {flag}"))?;
    }
    Ok(())
}

/// Between the payload and its manifest: whichever comes first, there is a backup or nothing.
pub(crate) fn after_the_payload(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let mut stopped = 0;
    for round in 0..ROUNDS {
        let dir = tempfile::tempdir()?;
        let store = dir.path().join("store");
        let place = url(&store);
        let args = ["save", "--endpoints", &made.server.client_url(), "--to", &place, "--timeout", "30s"];
        let mut child = program(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let landed = || {
            let payload = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".db");
            std::fs::read_dir(&store).is_ok_and(|entries| entries.flatten().any(payload))
        };
        while !landed() && child.try_wait()?.is_none() {
            std::hint::spin_loop();
        }
        Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status()?;
        let done = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        match done.status.code() {
            Some(130) => {
                stopped += 1;
                ensure!(said.contains("stopped by SIGTERM") && said.contains("nothing was committed"), "{said}");
                nothing_half_made(dir.path()).with_context(|| format!("round {round}: {said}"))?;
            }
            // The signal came when it was committing, or after its end.
            Some(0) => drop(text(&["verify", &place])?),
            code => bail!("round {round}: {code:?}: {said}"),
        }
    }
    ensure!(stopped > 0, "no signal came in time in {ROUNDS} rounds");
    Ok(())
}

/// Sends the signal when nothing more comes, and gives what the program says.
fn stop(args: &[&str], relay: &Relay, signal: &str) -> anyhow::Result<String> {
    let mut child = program(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let silent = wait_until(LIMIT, || (relay.is_silent() || child.try_wait().is_ok_and(|s| s.is_some())).then_some(()));
    let signalled = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    let ended = wait_until(SOON, || child.try_wait().transpose());
    if ended.is_none() {
        child.kill()?;
    }
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(silent.is_some() && signalled?.success(), "the stream did not come so far: {said}");
    ensure!(ended.is_some(), "it had not ended {SOON:?} after the signal: {said}");
    ensure!(done.status.code() == Some(130) && done.stdout.is_empty(), "{}: {said}", done.status);
    Ok(said)
}

/// No payload, no manifest, no file that was being written: at most a home that is laid and empty.
fn nothing_half_made(dir: &Path) -> anyhow::Result<()> {
    for (path, bytes) in content(dir)? {
        let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        let laid = name == "home.json" || name.starts_with("incarnation-") || bytes.is_empty() && path.is_dir();
        ensure!(laid, "{} was left behind, with {} bytes", path.display(), bytes.len());
    }
    Ok(())
}
