//! `cargo xtask bench`: our program beside etcd's own tools, and beside what the machine allows.

mod data;
mod kit;
mod measure;
mod rows;
mod session;
mod table;

use std::{path::PathBuf, process::ExitCode};

use anyhow::ensure;
use clap::ValueEnum;
use judges::{Judge, Minor, Part};

use crate::{
    servers,
    workspace::{cargo, check, target_dir},
};

use data::DataSet;
use rows::Row;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these rows; all otherwise
    #[arg(long, value_delimiter = ',')]
    only: Vec<Row>,
    /// Only this set of data; both otherwise
    #[arg(long)]
    data: Option<DataSet>,
    /// How often each command runs, turn and turn about; the table has the medians
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// A fraction of the data, to try the bench itself: 100 makes a hundredth
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    divide: u64,
    /// Put the table into README.md, between its markers
    #[arg(long)]
    write_readme: bool,
}

/// Measures, and prints one Markdown table.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(
        !args.write_readme || (args.only.is_empty() && args.data.is_none() && args.divide == 1),
        "only a whole table goes into README.md"
    );
    let tools = Tools::prepare()?;
    let rows: Vec<Row> = if args.only.is_empty() { Row::value_variants().to_vec() } else { args.only.clone() };
    let sets: Vec<DataSet> = args.data.map_or_else(|| DataSet::value_variants().to_vec(), |set| vec![set]);
    let mut text = table::head(&tools, args.runs)?;
    for set in sets.into_iter().filter(|_| rows != [Row::Kit]) {
        let measured = session::run(&tools, set, &rows, args)?;
        text.push_str(&table::section(set, args.divide, &measured));
    }
    if rows.contains(&Row::Kit) {
        text.push_str(&kit::section(&target_dir()?.join("release"), args.runs)?);
    }
    println!("\n{text}");
    if args.write_readme {
        table::write_readme(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The programs that are measured, and those that measure.
struct Tools {
    etcd: Judge,
    etcdctl: Judge,
    etcdutl: Judge,
    ours: PathBuf,
    limits: PathBuf,
}

impl Tools {
    fn prepare() -> anyhow::Result<Self> {
        let minor = Minor::V3_6;
        servers::prepare(&[Part::Etcd(minor), Part::Etcdctl(minor), Part::Etcdutl(minor)]);
        check(&mut cargo(&["build", "--release", "--locked", "-p", "etcd-snapshot-cli", "-p", "limits"]))?;
        let release = target_dir()?.join("release");
        Ok(Self {
            etcd: Part::Etcd(minor).find()?,
            etcdctl: Part::Etcdctl(minor).find()?,
            etcdutl: Part::Etcdutl(minor).find()?,
            ours: release.join("etcd-snapshot"),
            limits: release.join("limits"),
        })
    }
}
