//! The log, on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// `RUST_LOG` says which, else `-v`. AWS's crates and the HTTP below them are never heard, whatever it says: they log
/// whole requests, with their tokens.
pub(crate) fn start(verbose: u8) {
    let default = match verbose {
        0 => "error",
        1 => "etcd_snapshot=info,objstore_core=info,objstore_s3=info,warn",
        _ => "etcd_snapshot=debug,objstore_core=debug,objstore_s3=debug,info",
    };
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let quiet = filter_fn(|metadata| !metadata.target().starts_with("aws_") && !metadata.target().starts_with("hyper"));
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(level.and(quiet))).init();
}
