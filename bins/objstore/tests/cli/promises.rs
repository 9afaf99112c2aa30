//! What a store keeps.

use anyhow::{Context as _, ensure};
use objstore_core::Promise;
use objstore_testkit::s3::Quirk;

use crate::program::{json, program, run};
use crate::server::Server;

pub(crate) fn probe() -> anyhow::Result<()> {
    let (server, dir) = (Server::start()?, tempfile::tempdir()?);
    for store in [server.url("plain/place"), format!("file://{}", dir.path().display()), "memory://probed".to_owned()] {
        let report = json(&mut server.program(&["probe", &store]))?;
        let promises = report["promises"].as_object().context("promises")?;
        ensure!(promises.len() == Promise::ALL.len(), "{report}");
        for promise in Promise::ALL {
            let verdict = promises.get(promise.as_str()).and_then(|verdict| verdict.as_str()).context("a verdict")?;
            ensure!(["verified", "rejected", "ignored", "racy", "unknown"].contains(&verdict), "{promise}: {verdict}");
        }
        ensure!(promises["create_if_absent"] == "verified" && promises["update_if_match"] == "verified", "{report}");
    }
    ensure!(server.s3.keys("plain").is_empty(), "it did not clean up: {:?}", server.s3.keys("plain"));
    let mut command = server.program(&["probe", &server.url("plain"), "--require", "create_if_absent,list_ordered"]);
    run(&mut command)?.success()?;
    Ok(())
}

pub(crate) fn ignored() -> anyhow::Result<()> {
    let server = Server::with(|builder| builder.with_quirk(Quirk::IgnoreConditions))?;
    let report = json(&mut server.program(&["probe", &server.url("plain")]))?;
    ensure!(report["promises"]["create_if_absent"] == "ignored", "{}", report["promises"]);
    let args = ["probe", &server.url("plain"), "--require", "create_if_absent", "--output", "json"];
    let done = run(&mut server.program(&args))?;
    ensure!(done.code() == Some(8) && done.stderr.contains("create_if_absent"), "{}: {}", done.status, done.stderr);
    ensure!(done.stdout.contains("\"ignored\""), "it also reports: {}", done.stdout);
    Ok(())
}

pub(crate) fn conformance() -> anyhow::Result<()> {
    let (server, dir) = (Server::start()?, tempfile::tempdir()?);
    for store in [server.url("plain/place"), format!("file://{}", dir.path().display()), "memory://judged".to_owned()] {
        let report = json(&mut server.program(&["conformance", &store]))?;
        ensure!(report["failed"] == 0 && report["ran"].as_u64() >= Some(20), "{report}");
    }
    ensure!(server.s3.keys("plain").is_empty(), "it did not clean up: {:?}", server.s3.keys("plain"));
    let done = run(&mut program(&["conformance", "memory://judged", "--floor", "1000"]))?;
    ensure!(done.code() == Some(8) && done.stderr.contains("--floor"), "{}: {}", done.status, done.stderr);
    Ok(())
}
