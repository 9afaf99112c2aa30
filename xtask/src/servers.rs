//! `cargo xtask servers`: the one place that fetches and builds foreign programs.

use std::process::ExitCode;

use judges::{Part, Settings, Source, setup};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these (for example etcd-3.6, etcdutl-3.5); all otherwise
    #[arg(value_parser = part)]
    only: Vec<Part>,
}

/// Prints a table of every part; under `CI`, fails if one is missing that `DUNNAGE_MAY_MISS` does not list.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let wanted = if args.only.is_empty() { Part::all() } else { args.only.clone() };
    let unexcused = prepare(&wanted);
    Ok(if unexcused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the parts ready, a line each, and returns how many are missing that may not be.
pub(crate) fn prepare(parts: &[Part]) -> usize {
    let settings = Settings::from_env();
    println!("judges go to {}", settings.cache.join("judges").display());
    println!("{:<12} {:<8} {:<15} {:<8} {:>7}", "part", "version", "from", "state", "seconds");
    parts.iter().filter(|&&part| !prepare_one(&settings, part)).count()
}

/// Prints the line of one part; false if it is missing and may not be.
fn prepare_one(settings: &Settings, part: Part) -> bool {
    let pin = part.pin();
    let version = pin.map_or("-", |pin| &pin.version);
    let from = pin.map_or("-", |pin| origin(&pin.source));
    print_part(part, version, from);
    match setup::ensure_in(settings, part) {
        Ok(ready) => {
            let state = if ready.made_now { "made" } else { "cached" };
            println!("{state:<8} {:>7.1}", ready.took.as_secs_f64());
            true
        }
        Err(missing) => {
            let excused = settings.may_miss(part);
            println!("{}: {}", if excused { "ignored" } else { "FAILED" }, missing.reason());
            excused
        }
    }
}

fn print_part(part: Part, version: &str, from: &str) {
    use std::io::Write as _;
    print!("{:<12} {version:<8} {from:<15} ", part.id());
    std::io::stdout().flush().ok();
}

fn origin(source: &Source) -> &'static str {
    match source {
        Source::CargoPackage(_) => "Cargo package",
        Source::CargoInstall(_) => "cargo install",
        Source::GoModule(_) => "Go module",
        Source::Python(_) => "Python package",
        _ => "elsewhere",
    }
}

fn part(id: &str) -> Result<Part, String> {
    let all = Part::all();
    let known = || all.iter().map(|part| part.id()).collect::<Vec<_>>().join(", ");
    all.iter().copied().find(|part| part.id() == id).ok_or_else(|| format!("known are {}", known()))
}
