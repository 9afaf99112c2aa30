//! What is left, and how it goes.

use std::io::Write as _;
use std::process::{Child, Stdio};

use anyhow::{Context as _, bail, ensure};
use judges::wait_until;

use crate::program::{LIMIT, json, noise, piped, text};
use crate::server::Server;

pub(crate) fn dry_run() -> anyhow::Result<()> {
    let server = Server::start()?;
    let url = server.url("plain/key");
    text(&mut server.program(&["cp", "/dev/null", &url]))?;
    let planned = json(&mut server.program(&["rm", "--dry-run", &url, &server.url("plain/none")]))?;
    ensure!(planned[0]["existed"] == true && planned[1]["existed"] == false, "{planned}");
    ensure!(server.s3.keys("plain") == ["key"], "it was deleted");
    ensure!(text(&mut server.program(&["rm", "--dry-run", &url]))?.contains("would delete"));
    Ok(())
}

pub(crate) fn versions() -> anyhow::Result<()> {
    let server = Server::with(|builder| builder.with_versioned_bucket("kept"))?;
    let url = server.url("kept/key");
    for body in ["one", "two"] {
        piped(server.program(&["cp", "-", &url]), body.into())?;
    }
    let gone = json(&mut server.program(&["rm", &url]))?;
    ensure!(gone[0]["hidden"] == true, "its bytes stay: {gone}");
    let count = || -> anyhow::Result<usize> {
        let listed = json(&mut server.program(&["ls", "--versions", &server.url("kept")]))?;
        Ok(listed.as_array().context("an array")?.len())
    };
    ensure!(count()? == 3, "two versions and a marker, not {}", count()?);
    let deleted = json(&mut server.program(&["rm", "--delete-versions", &url]))?;
    ensure!(deleted[0]["versions"] == 3 && count()? == 0, "{deleted}, {} are left", count()?);
    Ok(())
}

/// A copy from a pipe that stays open, with an upload begun.
fn half(server: &Server, key: &str) -> anyhow::Result<Child> {
    let mut command = server.program(&["cp", "-", &server.url(&format!("plain/{key}"))]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.as_mut().context("it has an input")?.write_all(&noise(20_000_000))?;
    let begun = wait_until(LIMIT, || (!server.s3.unfinished("plain").is_empty()).then_some(()));
    if begun.is_none() {
        child.kill()?;
        bail!("no upload was begun");
    }
    Ok(child)
}

pub(crate) fn sweep() -> anyhow::Result<()> {
    let server = Server::start()?;
    let mut child = half(&server, "place/half")?;
    child.kill()?;
    child.wait()?;
    ensure!(server.s3.keys("plain").is_empty() && server.s3.unfinished("plain") == ["place/half"]);
    let young = json(&mut server.program(&["sweep", &server.url("plain")]))?;
    ensure!(young[0]["key"] == "place/half" && young[0]["outcome"] == "kept", "{young}");
    let elsewhere = json(&mut server.program(&["sweep", &server.url("plain/plac"), "--older-than", "1ms"]))?;
    ensure!(elsewhere.as_array().is_some_and(Vec::is_empty), "another prefix: {elsewhere}");
    let store = server.url("plain/place");
    // The age must pass one millisecond, or one second where times are whole.
    let old = wait_until(LIMIT, || {
        let planned = json(&mut server.program(&["sweep", &store, "--older-than", "1ms", "--dry-run"]));
        planned.map(|planned| (planned[0]["outcome"] == "would_be_given_up").then_some(())).transpose()
    });
    old.context("it never grew old")??;
    ensure!(server.s3.unfinished("plain").len() == 1, "a dry run changed something");
    let swept = json(&mut server.program(&["sweep", &store, "--older-than", "1ms"]))?;
    ensure!(swept[0]["outcome"] == "given_up" && server.s3.unfinished("plain").is_empty(), "{swept}");
    Ok(())
}

pub(crate) fn stopped() -> anyhow::Result<()> {
    let server = Server::start()?;
    let mut child = half(&server, "half")?;
    let killed = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    ensure!(killed.success());
    let stdin = child.stdin.take();
    let output = child.wait_with_output()?;
    drop(stdin);
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(130) && said.contains("SIGTERM"), "{}: {said}", output.status);
    ensure!(server.s3.keys("plain").is_empty() && server.s3.unfinished("plain").is_empty(), "an upload was left");
    Ok(())
}
