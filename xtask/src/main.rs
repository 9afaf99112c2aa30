//! `cargo xtask …`: the demo, all tests, the comparison with etcd's own tools, and the programs that they need.
//!
//! Nothing of the product is in here.
#![expect(clippy::print_stdout, reason = "tasks report on standard output")]

mod bench;
mod demo;
mod report;
mod servers;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Fetch or build the real programs that the tests run against, into the cache folder
    Servers(servers::Args),
    /// Run every test and check of the workspace, set-up included
    Test(test::Args),
    /// Compare our program with etcd's own tools: time and peak memory
    Bench(bench::Args),
    /// Save a real etcd, verify the snapshot, restore it, boot it, and compare
    Demo(demo::Args),
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Servers(args) => servers::run(&args),
        Task::Test(args) => Ok(test::run(&args)),
        Task::Bench(args) => bench::run(&args),
        Task::Demo(args) => demo::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
