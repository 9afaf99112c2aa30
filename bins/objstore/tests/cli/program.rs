//! Running the program, and looking at how it ended.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use judges::{Finished, run_to_end};
use serde_json::Value;

pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// The program with these arguments, and without the environment's settings for it.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_objstore"));
    command.args(args).stdin(Stdio::null());
    for name in ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION", "DEFAULT_REGION"] {
        command.env_remove(format!("AWS_{name}"));
    }
    command.env_remove("AWS_ENDPOINT_URL").env_remove("AWS_ENDPOINT_URL_S3").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_CONFIG_FILE", "/nonexistent").env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    command
}

/// Runs it to its end.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Finished> {
    run_to_end(command, LIMIT)
}

/// What it prints when it succeeds, with `--output json`: nothing but one JSON value.
pub(crate) fn json(command: &mut Command) -> anyhow::Result<Value> {
    let done = run(command.args(["--output", "json"]))?.success()?;
    ensure!(done.stderr.is_empty(), "with --output json it also said: {}", done.stderr);
    serde_json::from_str(&done.stdout).with_context(|| format!("not JSON: {}", done.stdout))
}

/// What it prints when it succeeds.
pub(crate) fn text(command: &mut Command) -> anyhow::Result<String> {
    Ok(run(command)?.success()?.stdout)
}

/// That it ends with this code, says all of these on standard error, and nothing on standard output.
pub(crate) fn fails(command: &mut Command, code: i32, says: &[&str]) -> anyhow::Result<()> {
    let done = run(command)?;
    ensure!(done.code() == Some(code), "expected {code}, got {}: {}{}", done.status, done.stdout, done.stderr);
    ensure!(done.stdout.is_empty(), "it failed and printed: {}", done.stdout);
    for part in says {
        ensure!(done.stderr.contains(part), "expected `{part}` in: {}", done.stderr);
    }
    Ok(())
}

/// That it ends with this code and kind, said as one JSON object on standard error. Gives the object.
pub(crate) fn fails_as_json(command: &mut Command, code: i32, kind: &str) -> anyhow::Result<Value> {
    let done = run(command.args(["--output", "json"]))?;
    ensure!(done.code() == Some(code), "expected {code}, got {}: {}", done.status, done.stderr);
    let said: Value =
        serde_json::from_str(&done.stderr).with_context(|| format!("not one JSON value: {}", done.stderr))?;
    let error = &said["error"];
    ensure!(error["kind"] == kind && error["exit_code"] == code, "{said}");
    ensure!(error["message"].is_string() && error["causes"].is_array(), "{said}");
    Ok(error.clone())
}

/// Runs it with these bytes on its standard input; its output as bytes.
pub(crate) fn piped(mut command: Command, input: Vec<u8>) -> anyhow::Result<Output> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot start")?;
    let mut stdin = child.stdin.take().context("it has an input")?;
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?.ok();
    Ok(output)
}

/// Bytes that repeat late, the same in each run.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(&mut next).take(len).collect()
}
