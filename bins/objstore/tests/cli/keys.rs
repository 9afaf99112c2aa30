//! Names that need care.

use anyhow::{Context as _, ensure};
use objstore_testkit::s3::Quirk;

use crate::program::{fails, json, piped, run, text};
use crate::server::Server;

/// As they are written in a URL, and as the store has them.
const ODD: [(&str, &str); 12] = [
    ("a//b", "a//b"),
    ("a/../b", "a/../b"),
    ("/lead", "/lead"),
    ("with space", "with space"),
    ("plus+plus", "plus+plus"),
    ("100%25", "100%"),
    ("what%3F", "what?"),
    ("no%231", "no#1"),
    ("a&b=c", "a&b=c"),
    ("größe/配置🚢", "größe/配置🚢"),
    ("%2525", "%25"),
    ("'quoted' \"twice\" <&>", "'quoted' \"twice\" <&>"),
];

pub(crate) fn odd() -> anyhow::Result<()> {
    let server = Server::start()?;
    let long = "k".repeat(1024);
    let all = ODD.iter().copied().chain([(long.as_str(), long.as_str())]);
    for (number, (written, key)) in all.enumerate() {
        let (url, body) = (server.url(&format!("plain/{written}")), format!("body {number}"));
        let up = piped(server.program(&["cp", "-", &url]), body.clone().into_bytes())?;
        ensure!(up.status.success(), "{key}: {}", String::from_utf8_lossy(&up.stderr));
        ensure!(server.s3.keys("plain") == [key], "{key} became {:?}", server.s3.keys("plain"));
        let listed = json(&mut server.program(&["ls", &server.url("plain")]))?;
        ensure!(listed[0]["key"] == key, "{key}: {listed}");
        // What `ls` names can be used as it is.
        let named = listed[0]["url"].as_str().context("a URL")?;
        ensure!(text(&mut server.program(&["cp", named, "-"]))? == body, "{key}: {named} is something else");
        ensure!(json(&mut server.program(&["stat", named]))?["key"] == key, "{key}");
        text(&mut server.program(&["rm", named]))?;
        ensure!(server.s3.keys("plain").is_empty(), "{key} is still there");
    }
    let too_long = server.url(&format!("plain/{}", "k".repeat(1025)));
    fails(&mut server.program(&["stat", &too_long]), 2, &["1025"])?;
    fails(&mut server.program(&["stat", &server.url("plain/bell%07")]), 2, &["control character"])?;
    fails(&mut server.program(&["stat", &server.url("plain/half%")]), 2, &["%25"])
}

pub(crate) fn endless() -> anyhow::Result<()> {
    let server = Server::with(|builder| builder.with_quirk(Quirk::PageSize(2)))?;
    for number in 0..5 {
        text(&mut server.program(&["cp", "/dev/null", &server.url(&format!("plain/k{number}"))]))?;
    }
    let listed = json(&mut server.program(&["ls", &server.url("plain")]))?;
    ensure!(listed.as_array().is_some_and(|all| all.len() == 5), "{listed}");
    let limited = json(&mut server.program(&["ls", &server.url("plain"), "--limit", "3"]))?;
    ensure!(limited.as_array().is_some_and(|all| all.len() == 3), "{limited}");
    server.s3.set_quirks(&[Quirk::PageSize(2), Quirk::RepeatedPageToken]);
    let done = run(&mut server.program(&["ls", &server.url("plain"), "--output", "json"]))?;
    ensure!(!done.status.success() && done.stderr.contains("page"), "{}: {}", done.status, done.stderr);
    ensure!(serde_json::from_str::<serde_json::Value>(&done.stdout).is_err(), "a part looks like the whole");
    Ok(())
}
