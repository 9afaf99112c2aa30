//! The program `etcd-snapshot`: a thin shell over the library of the same name.

mod args;
mod commands;
mod exit;
mod hint;
mod log;
mod output;
mod progress;
mod stores;
mod target;

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
