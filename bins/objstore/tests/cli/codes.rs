//! Exit codes, with a message that says what to do.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::ensure;
use objstore_testkit::s3::Quirk;

use crate::program::{fails, fails_as_json, noise, program, text};
use crate::server::Server;

pub(crate) fn usage() -> anyhow::Result<()> {
    fails(&mut program(&["ls", "--bogus", "file:///x"]), 2, &["--bogus"])?;
    fails(&mut program(&["cp", "only-one"]), 2, &["DST"])?;
    fails(&mut program(&["sign", "s3://b/k", "--expires", "soon"]), 2, &["10m"])?;
    fails(&mut program(&["sign", "s3://b/k", "--expires", "0s"]), 2, &["zero"])?;
    fails(&mut program(&["sign", "s3://b/k", "--method", "put", "--sha256", "xyz"]), 2, &["sha256sum"])?;
    fails(&mut program(&["probe", "s3://b", "--require", "create"]), 2, &["create_if_absent"])?;
    fails(&mut program(&["stat", "s3://bucket?region=us-east-1"]), 2, &["names no object"])?;
    fails(&mut program(&["cp", "-", "s3://bucket/folder/?region=us-east-1"]), 2, &["is a prefix"])?;
    for (store, says) in [
        ("/a/folder", "file:///a/folder"),
        ("nfs://host/path", "nfs"),
        ("s3://bucket?colour=blue", "colour"),
        ("s3://bucket?path_style=yes", "path_style"),
        ("s3://user:canary@bucket/a", "credentials"),
        ("s3://bucket?secret_access_key=canary", "credentials"),
        ("s3://bucket/a#b", "%23"),
        ("s3://bucket?region=us-east-1&endpoint=http://10.0.0.1:9000", "allow_http"),
    ] {
        let done = crate::program::run(&mut program(&["ls", store]))?;
        let shown = format!("{store}: {}", done.stderr);
        ensure!(done.code() == Some(2) && done.stderr.contains(says), "{shown}");
        ensure!(!done.stderr.contains("canary"), "{shown}");
    }
    Ok(())
}

pub(crate) fn usage_as_json() -> anyhow::Result<()> {
    fails_as_json(&mut program(&["ls"]), 2, "usage")?;
    fails_as_json(&mut program(&["ls", "nfs://host/path"]), 2, "usage")?;
    fails_as_json(&mut program(&["stat", "s3://bucket"]), 2, "usage").map(drop)
}

pub(crate) fn not_found() -> anyhow::Result<()> {
    let server = Server::start()?;
    let error = fails_as_json(&mut server.program(&["stat", &server.url("plain/none")]), 3, "not_found")?;
    ensure!(error["effect"] == "not_applied", "{error}");
    fails(&mut server.program(&["cp", &server.url("plain/none"), "-"]), 3, &["none"])?;
    fails(&mut server.program(&["ls", &server.url("no-such-bucket")]), 3, &["bucket"])?;
    fails(&mut server.program(&["cp", "/dev/null", &server.url("no-such-bucket/key")]), 3, &["bucket"])
}

pub(crate) fn refused() -> anyhow::Result<()> {
    let (server, dir) = (Server::start()?, tempfile::tempdir()?);
    let file = dir.path().join("f");
    std::fs::write(&file, "x")?;
    text(&mut server.program(&["cp", &file.display().to_string(), &server.url("plain/place/key")]))?;
    for path in ["plain", "plain/", "plain/place", "plain/place/"] {
        fails(&mut server.program(&["rm", &server.url(path)]), 5, &["is a prefix"])?;
    }
    // A mistake among several: none is deleted.
    let (object, place) = (server.url("plain/place/key"), server.url("plain/place"));
    fails(&mut server.program(&["rm", &object, &place]), 5, &["is a prefix"])?;
    ensure!(server.s3.keys("plain") == ["place/key"], "something was deleted");
    let folder = format!("file://{}", dir.path().display());
    fails(&mut program(&["rm", &folder]), 5, &["is a prefix"])?;
    ensure!(file.exists(), "the folder was emptied");
    Ok(())
}

pub(crate) fn unreachable() -> anyhow::Result<()> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let url = format!("s3://bucket/key?region=us-east-1&endpoint=http://127.0.0.1:{port}");
    let with = |args: &[&str]| {
        let mut command = program(args);
        command.env("AWS_ACCESS_KEY_ID", "AKIAX").env("AWS_SECRET_ACCESS_KEY", "x");
        command
    };
    fails(&mut with(&["stat", &url]), 6, &["endpoint"])?;
    let error = fails_as_json(&mut with(&["cp", "/dev/null", &url]), 6, "unreachable")?;
    ensure!(error["effect"] == "not_applied", "a refused connection changed nothing: {error}");
    Ok(())
}

pub(crate) fn not_allowed() -> anyhow::Result<()> {
    let server = Server::start()?;
    let url = server.url("plain/key");
    let wrong = |id: &str, secret: &str| {
        let mut command = program(&["stat", &url]);
        command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
        command
    };
    fails(&mut wrong("AKIAPROGRAM", "another-secret"), 7, &["hint"])?;
    fails(&mut wrong("AKIANOBODY", "another-secret"), 7, &["hint"])?;
    fails(&mut program(&["ls", &server.url("plain")]), 7, &["AWS_ACCESS_KEY_ID"])?;
    server.s3.allow_only(Some(&["s3:ListBucket"]));
    fails(&mut server.program(&["cp", "/dev/null", &url]), 7, &["permission"])
}

/// A connection that breaks is taken up again; what arrives is compared before it is shown.
pub(crate) fn damaged() -> anyhow::Result<()> {
    let server = Server::with(|builder| builder.with_quirk(Quirk::ResetBodies { every: 2 }))?;
    let (dir, body) = (tempfile::tempdir()?, noise(3_000_000));
    let (file, back) = (dir.path().join("f"), dir.path().join("back"));
    std::fs::write(&file, &body)?;
    let url = server.url("plain/key");
    text(&mut server.program(&["cp", &file.display().to_string(), &url]))?;
    for round in 0..4 {
        text(&mut server.program(&["cp", &url, &back.display().to_string()]))?;
        ensure!(std::fs::read(&back)? == body, "other bytes in round {round}");
    }
    // Nothing but broken bodies: the file that was there stays.
    server.s3.set_quirks(&[Quirk::ResetBodies { every: 1 }]);
    std::fs::write(&back, "before")?;
    let done = crate::program::run(&mut server.program(&["cp", &url, &back.display().to_string()]))?;
    ensure!(
        done.code() == Some(6) || done.code() == Some(4) || done.code() == Some(0),
        "{}: {}",
        done.status,
        done.stderr
    );
    let now = std::fs::read(&back)?;
    ensure!(if done.code() == Some(0) { now == body } else { now == b"before" }, "half a file was shown");
    Ok(())
}
