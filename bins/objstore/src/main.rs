//! The program `objstore`: a thin shell over the crates of the same beginning.

mod args;
mod commands;
mod exit;
mod hint;
mod log;
mod meta;
mod output;
mod place;
mod progress;
mod signal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::output::Output;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => return output::usage(&e),
    };
    log::start(args.verbose);
    let output = Output::new(args.output);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return output.fail(&anyhow::Error::new(e).context("cannot start")),
    };
    let ended = runtime.block_on(run(args.command, &output));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => output.fail(&e),
    }
}

async fn run(command: Command, output: &Output) -> anyhow::Result<()> {
    match command {
        Command::Probe(args) => commands::probe::run(args, output).await,
        Command::Ls(args) => commands::ls::run(args, output).await,
        Command::Stat(args) => commands::stat::run(args, output).await,
        Command::Cp(args) => commands::cp::run(args, output).await,
        Command::Rm(args) => commands::rm::run(args, output).await,
        Command::Sign(args) => commands::sign::run(args, output).await,
        Command::Sweep(args) => commands::sweep::run(args, output).await,
        Command::Conformance(args) => commands::conformance::run(args, output).await,
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut <Args as clap::CommandFactory>::command(), "objstore", &mut text);
            output.text(&String::from_utf8_lossy(&text))
        }
    }
}
