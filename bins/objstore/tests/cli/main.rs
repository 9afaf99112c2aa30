//! The program as it is run: its words, its exit codes, and what it leaves behind.

mod accepted;
mod codes;
mod keys;
mod leftovers;
mod program;
mod promises;
mod secrets;
mod server;

use std::process::ExitCode;

use judges::Case;

fn main() -> ExitCode {
    let cases = vec![
        Case::new("the accepted lines", [], accepted::lines),
        Case::new("pipes of unknown length", [], accepted::pipes),
        Case::new("files of every kind", [], accepted::files),
        Case::new("the environment's endpoint", [], accepted::environment),
        Case::new("help and completions", [], accepted::help_and_completions),
        Case::new("usage", [], codes::usage),
        Case::new("usage as json", [], codes::usage_as_json),
        Case::new("not found", [], codes::not_found),
        Case::new("refused", [], codes::refused),
        Case::new("unreachable", [], codes::unreachable),
        Case::new("not allowed", [], codes::not_allowed),
        Case::new("damaged on the way", [], codes::damaged),
        Case::new("odd keys", [], keys::odd),
        Case::new("listings that never end", [], keys::endless),
        Case::new("a dry run deletes nothing", [], leftovers::dry_run),
        Case::new("versions are hidden, or deleted", [], leftovers::versions),
        Case::new("sweep finds what a killed copy left", [], leftovers::sweep),
        Case::new("stopped in the middle", [], leftovers::stopped),
        Case::new("probe", [], promises::probe),
        Case::new("probe of a store that ignores conditions", [], promises::ignored),
        Case::new("conformance", [], promises::conformance),
        Case::new("no secret is shown", [], secrets::silent),
    ];
    judges::harness(22, cases)
}
