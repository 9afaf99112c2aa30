//! Secrets are shown nowhere, however loud the log is; signed URLs only by `sign`, on standard output.

use anyhow::ensure;

use crate::program::{program, run};
use crate::server::{SECRET, Server};

const TOKEN: &str = "canary-of-a-session-token";

pub(crate) fn silent() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (url, store) = (server.url("plain/key"), server.url("plain"));
    let wrong = server.url("no-such-bucket/key");
    for args in [
        &["cp", "/dev/null", &url] as &[&str],
        &["cp", &url, "-"],
        &["stat", &url],
        &["stat", &wrong],
        &["ls", &store],
        &["sign", &url],
        &["sweep", &store],
        &["rm", &url],
        &["rm", &store],
    ] {
        for output in ["text", "json"] {
            let args = [args, &["-vv", "--output", output]].concat();
            let done = run(server.program(&args).env("RUST_LOG", "trace"))?;
            check(&args, &done.stdout, &done.stderr)?;
            let mut session = program(&args);
            session.env("AWS_ACCESS_KEY_ID", "ASIASESSION").env("AWS_SECRET_ACCESS_KEY", SECRET);
            let done = run(session.env("AWS_SESSION_TOKEN", TOKEN).env("RUST_LOG", "trace"))?;
            // A session's token is part of what it signs.
            let stdout = if args[0] == "sign" { String::new() } else { done.stdout };
            check(&args, &stdout, &done.stderr)?;
        }
    }
    Ok(())
}

fn check(args: &[&str], stdout: &str, stderr: &str) -> anyhow::Result<()> {
    for (name, said) in [("output", stdout), ("error output", stderr)] {
        let secret = [SECRET, TOKEN].iter().find(|secret| said.contains(**secret));
        ensure!(secret.is_none(), "{}: the {name} shows {secret:?}", args.join(" "));
    }
    let signed = |said: &str| said.contains("X-Amz-Signature");
    ensure!(!signed(stderr), "{}: the error output shows a signed URL", args.join(" "));
    ensure!(args[0] == "sign" || !signed(stdout), "{}: the output shows a signed URL", args.join(" "));
    Ok(())
}
