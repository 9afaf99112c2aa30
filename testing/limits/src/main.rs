//! What the machine itself allows, as programs: the rows that `cargo xtask bench` compares with, its data and its stop-watch.
#![expect(clippy::print_stdout, reason = "a program reports on standard output")]

mod files;
mod fill;
mod measure;
mod stream;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::Parser;

/// Limits of the machine, for `cargo xtask bench`.
#[derive(Parser)]
enum Task {
    /// Read the snapshot stream of an etcd and throw it away
    Discard { endpoint: String },
    /// One SHA-256 pass over a file
    Sha256 { file: PathBuf },
    /// Copy a file and fsync the copy
    Copy { from: PathBuf, to: PathBuf },
    /// Fill an etcd with keys whose values cannot be compressed
    Fill(fill::Args),
    /// Run a command; print its seconds, its peak memory in bytes and its exit code as JSON
    Measure {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Discard { endpoint } => stream::discard(&endpoint),
        Task::Sha256 { file } => files::sha256(&file),
        Task::Copy { from, to } => files::copy(&from, &to),
        Task::Fill(args) => fill::run(&args),
        Task::Measure { command } => measure::run(&command),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
