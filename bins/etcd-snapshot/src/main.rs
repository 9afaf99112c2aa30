//! The program `etcd-snapshot`: a thin shell over the library of the same name.

mod args;
mod commands;
mod exit;
mod hint;
mod output;
mod progress;
mod target;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::output::Output;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => return output::usage(&e),
    };
    start_log(args.verbose);
    let output = Output::new(args.output);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return output.fail(&anyhow::Error::new(e).context("cannot start")),
    };
    let ended = runtime.block_on(run(args, &output));
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match ended {
        Ok(code) => code,
        Err(e) => output.fail(&e),
    }
}

async fn run(args: Args, output: &Output) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Save(save) => commands::save::run(save, output).await,
        Command::List(list) => commands::list::run(list, output).await,
        Command::Verify(verify) => commands::verify::run(verify, output).await,
        Command::Status(status) => commands::status::run(&status, output).await,
        Command::Restore(restore) => commands::restore::run(*restore, output).await,
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut <Args as clap::CommandFactory>::command(), "etcd-snapshot", &mut text);
            output.text(&String::from_utf8_lossy(&text))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Logs go to standard error. `RUST_LOG` says which, else `-v`.
fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "error",
        1 => "etcd_snapshot=info,objstore_core=info,warn",
        _ => "etcd_snapshot=debug,objstore_core=debug,info",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
}
