//! What the program promises to scripts: lines that work as written, and what they print.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, ensure};

use crate::program::{fails, json, noise, piped, program, run, text};
use crate::server::Server;

pub(crate) fn lines() -> anyhow::Result<()> {
    let (server, dir) = (Server::start()?, tempfile::tempdir()?);
    let (body, file) = (noise(100_000), dir.path().join("one.db"));
    std::fs::write(&file, &body)?;
    let source = format!("file://{}", file.display());
    let url = server.url("plain/etcd/one.db");
    let copied = json(&mut server.program(&["cp", &source, &url]))?;
    ensure!(copied["bytes"] == 100_000 && copied["sha256"].as_str().is_some_and(|hex| hex.len() == 64), "{copied}");
    ensure!(server.s3.stored("plain", "etcd/one.db").as_deref() == Some(&*body), "other bytes are stored");

    let listed = json(&mut server.program(&["ls", &server.url("plain/etcd")]))?;
    ensure!(listed[0]["key"] == "etcd/one.db" && listed[0]["size"] == 100_000 && listed[1].is_null(), "{listed}");
    ensure!(listed[0]["url"] == url.as_str(), "{listed} is not {url}");
    ensure!(text(&mut server.program(&["ls", &server.url("plain")]))?.contains("etcd/one.db"));
    let known = json(&mut server.program(&["stat", &url]))?;
    ensure!(known["size"] == 100_000 && known["revision"].is_string(), "{known}");

    signed(&server, &url, &body)?;

    let back = dir.path().join("back.db");
    text(&mut server.program(&["cp", &url, &format!("file://{}", back.display()), "--read-back"]))?;
    ensure!(std::fs::read(&back)? == body, "other bytes came back");
    let twin = server.url("plain/etcd/two.db");
    let copied = json(&mut server.program(&["cp", &url, &twin, "--read-back"]))?;
    ensure!(copied["compared_with"].as_array().is_some_and(|all| all.contains(&"read_back".into())), "{copied}");
    ensure!(server.s3.stored("plain", "etcd/two.db").as_deref() == Some(&*body), "other bytes were copied");

    let gone = json(&mut server.program(&["rm", &url]))?;
    ensure!(gone[0]["existed"] == true, "{gone}");
    ensure!(server.s3.keys("plain") == ["etcd/two.db"], "{:?}", server.s3.keys("plain"));
    // That it is gone already is no error.
    ensure!(json(&mut server.program(&["rm", &url]))?[0]["existed"] == false);
    fails(&mut server.program(&["stat", &url]), 3, &["not found", "objstore ls"])
}

/// The URL alone on standard output; it works without credentials, and not when it is changed.
fn signed(server: &Server, url: &str, body: &[u8]) -> anyhow::Result<()> {
    let said = text(&mut server.program(&["sign", url, "--expires", "10m"]))?;
    let (signed, rest) = said.split_once('\n').context("one line")?;
    ensure!(rest.is_empty() && signed.contains("X-Amz-Expires=600"), "{said}");
    let answer = get(signed)?;
    ensure!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(body), "the signed URL does not give the object");
    let other = get(&signed.replace("one.db", "two.db"))?;
    ensure!(other.starts_with(b"HTTP/1.1 403"), "a changed URL works");
    let value = json(&mut server.program(&["sign", url]))?;
    ensure!(value["method"] == "GET" && value["expires"].is_string(), "{value}");
    ensure!(value["expires_in_seconds"].as_f64().is_some_and(|left| (3500.0..=3600.0).contains(&left)), "{value}");
    let put = ["sign", url, "--method", "put"];
    fails(&mut server.program(&put), 2, &["--sha256", "--any-body"])?;
    let bound = json(&mut server.program(&[&put[..], &["--sha256", &"ab".repeat(32)]].concat()))?;
    ensure!(bound["headers"].to_string().contains("sha256"), "the body is not bound: {}", bound["headers"]);
    Ok(())
}

fn get(url: &str) -> anyhow::Result<Vec<u8>> {
    let rest = url.strip_prefix("http://").context("plain http on loopback")?;
    let (host, path) = rest.split_once('/').context("a path")?;
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

pub(crate) fn pipes() -> anyhow::Result<()> {
    let server = Server::start()?;
    // Several parts, of a length that nobody told; one part; nothing at all.
    for size in [20_000_000, 1_000, 0] {
        let (body, url) = (noise(size), server.url(&format!("plain/piped{size}")));
        let up = piped(server.program(&["cp", "-", &url]), body.clone())?;
        ensure!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
        ensure!(server.s3.stored("plain", &format!("piped{size}")).as_deref() == Some(&*body), "{size}: other bytes");
        let down = piped(server.program(&["cp", &url, "-", "--output", "json"]), Vec::new())?;
        ensure!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
        ensure!(down.stdout == body, "{size}: other bytes came back, or something beside them");
    }
    ensure!(server.s3.unfinished("plain").is_empty());
    fails(&mut server.program(&["cp", &server.url("plain/piped0"), "-", "--read-back"]), 2, &["--read-back"])
}

pub(crate) fn files() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (one, two) = (dir.path().join("a file"), dir.path().join("twö%"));
    std::fs::write(&one, "one")?;
    let url = format!("file://{}", two.display().to_string().replace('%', "%25"));
    text(&mut program(&["cp", &one.display().to_string(), &url]))?;
    ensure!(std::fs::read(&two)? == b"one");
    // Replaced whole, with its mode; a link is followed.
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&two, &link)?;
    let piped = piped(program(&["cp", "-", &link.display().to_string()]), b"two".to_vec())?;
    ensure!(piped.status.success() && std::fs::read(&two)? == b"two" && link.is_symlink());
    text(&mut program(&["cp", &one.display().to_string(), "/dev/null"]))?;
    let folder = dir.path().display().to_string();
    fails(&mut program(&["cp", &one.display().to_string(), &folder]), 2, &["folder"])?;
    fails(&mut program(&["cp", &folder, "-"]), 2, &["folder"])?;
    fails(&mut program(&["cp", "/nonexistent/file", "-"]), 3, &["/nonexistent/file"])?;
    let names: Vec<_> =
        std::fs::read_dir(dir.path())?.map(|entry| entry.map(|e| e.file_name())).collect::<Result<_, _>>()?;
    ensure!(names.len() == 3, "something was left behind: {names:?}");
    let listed = json(&mut program(&["ls", &format!("file://{folder}")]))?;
    ensure!(listed.as_array().is_some_and(|all| all.len() == 2), "{listed}");
    ensure!(json(&mut program(&["ls", "memory://nothing"]))?.as_array().is_some_and(Vec::is_empty));
    Ok(())
}

pub(crate) fn environment() -> anyhow::Result<()> {
    let server = Server::start()?;
    let mut command = server.program(&["ls", "s3://plain"]);
    let done =
        run(command.env("AWS_ENDPOINT_URL_S3", server.s3.endpoint()).env("AWS_REGION", "us-east-1"))?.success()?;
    ensure!(done.stderr.contains(&server.s3.endpoint()), "where it went was not told: {}", done.stderr);
    // The URL wins.
    let mut command = server.program(&["ls", &server.url("plain")]);
    let done = run(command.env("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"))?.success()?;
    ensure!(done.stderr.is_empty(), "{}", done.stderr);
    Ok(())
}

pub(crate) fn help_and_completions() -> anyhow::Result<()> {
    for command in ["probe", "ls", "stat", "cp", "rm", "sign", "sweep", "conformance", "completions"] {
        let help = text(&mut program(&[command, "--help"]))?;
        ensure!(help.contains("Example") && help.contains("objstore "), "{command}: {help}");
        ensure!(help.contains("Exit codes:") && help.contains("130"), "{command}: {help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&mut program(&["completions", shell]))?;
        for word in ["conformance", "expires", "older-than"] {
            ensure!(script.contains(word), "{shell} does not complete {word}");
        }
    }
    ensure!(text(&mut program(&["--version"]))?.starts_with("objstore "));
    Ok(())
}
