//! Explores the flow with every single fault and every pair, and prints the figures as one line of JSON.
//!
//! `cargo run --release -p ontap-flow`; it ends with 1 if an oracle was violated.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let figures = ontap_flow::bench();
    let line = serde_json::to_string(&figures).unwrap_or_default();
    let written = writeln!(std::io::stdout(), "{line}");
    if written.is_ok() && figures.bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
