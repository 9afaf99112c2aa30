//! Running the program, and looking at how it ended.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use judges::{Finished, run_to_end};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// The program with these arguments, and without the environment's settings for it.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etcd-snapshot"));
    command.args(args).stdin(Stdio::null());
    for name in ["ENDPOINTS", "CACERT", "CERT", "KEY", "USER", "PASSWORD"] {
        command.env_remove(format!("ETCDCTL_{name}"));
    }
    command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    command
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> anyhow::Result<Finished> {
    run_to_end(&mut program(args), LIMIT)
}

/// As [`run`], in this folder.
pub(crate) fn run_in(dir: &Path, args: &[&str]) -> anyhow::Result<Finished> {
    run_to_end(program(args).current_dir(dir), LIMIT)
}

/// As [`run`], with these variables.
pub(crate) fn run_with(env: &[(&str, &str)], args: &[&str]) -> anyhow::Result<Finished> {
    run_to_end(program(args).envs(env.iter().copied()), LIMIT)
}

/// What it prints when it succeeds.
pub(crate) fn text(args: &[&str]) -> anyhow::Result<String> {
    Ok(run(args)?.success().with_context(|| args.join(" "))?.stdout)
}

/// What it prints when it succeeds, with `--output json`; nothing but one JSON value.
pub(crate) fn json(args: &[&str]) -> anyhow::Result<Value> {
    let mut args = args.to_vec();
    args.extend(["--output", "json"]);
    let done = run(&args)?.success().with_context(|| args.join(" "))?;
    ensure!(done.stderr.is_empty(), "with --output json it also said: {}", done.stderr);
    serde_json::from_str(&done.stdout).with_context(|| format!("not JSON: {}", done.stdout))
}

/// That it ends with this code, says all of these on standard error, and nothing on standard output.
pub(crate) fn fails(args: &[&str], code: i32, says: &[&str]) -> anyhow::Result<()> {
    failed(&run(args)?, code, says).with_context(|| args.join(" "))
}

/// As [`fails`], for one that has ended.
pub(crate) fn failed(done: &Finished, code: i32, says: &[&str]) -> anyhow::Result<()> {
    ensure!(done.code() == Some(code), "expected {code}, got {}: {}", done.status, done.stderr);
    ensure!(done.stdout.is_empty(), "it failed and printed: {}", done.stdout);
    ensure!(!done.stderr.contains('\u{1b}'), "escape codes in a pipe: {:?}", done.stderr);
    for part in says {
        ensure!(done.stderr.contains(part), "expected `{part}` in: {}", done.stderr);
    }
    Ok(())
}

/// That it ends with this code and kind, said as one JSON object on standard error. Gives its message with its causes.
pub(crate) fn fails_as_json(args: &[&str], code: i32, kind: &str) -> anyhow::Result<String> {
    let mut args = args.to_vec();
    args.extend(["--output", "json"]);
    let done = run(&args)?;
    failed(&done, code, &[]).with_context(|| args.join(" "))?;
    let said: Value =
        serde_json::from_str(&done.stderr).with_context(|| format!("not one JSON value: {}", done.stderr))?;
    let error = &said["error"];
    ensure!(error["kind"] == kind && error["exit_code"] == code, "{said}");
    let message = error["message"].as_str().context("it has a message")?;
    ensure!(!message.starts_with("error"), "{message}");
    let causes = error["causes"].as_array().context("it has causes")?;
    let hint = error.get("hint").context("it has a hint, or null")?.as_str().map(|hint| format!("hint: {hint}"));
    let more = causes.iter().filter_map(Value::as_str).map(str::to_owned).chain(hint);
    Ok(more.fold(message.to_owned(), |all, more| format!("{all}: {more}")))
}
