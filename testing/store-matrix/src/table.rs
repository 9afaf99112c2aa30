//! The table of the README.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context as _, ensure};
use judges::Part;
use objstore_core::{Promise, Verdict};

use crate::{Row, rows};

const BEGIN: &str = "<!-- promises:begin -->";
const END: &str = "<!-- promises:end -->";

/// The table as it should stand in the README: promises down, stores across.
#[must_use]
pub fn render() -> String {
    let rows: Vec<_> = rows().into_iter().filter_map(|row| Some((row.title.clone()?, row))).collect();
    let mut table = format!("Seen of {}.\n\n", versions(&rows));
    let titles: Vec<_> = rows.iter().map(|(title, _)| title.as_str()).collect();
    writeln!(table, "| promise | {} |", titles.join(" | ")).ok();
    writeln!(table, "|---|{}", "---|".repeat(titles.len())).ok();
    for promise in Promise::ALL {
        let cells: Vec<_> = rows.iter().map(|(_, row)| cell(row, *promise)).collect();
        writeln!(table, "| `{promise}` | {} |", cells.join(" | ")).ok();
    }
    table
}

fn cell(row: &Row, promise: Promise) -> String {
    let words = row.allowed(promise).iter().map(|verdict| match verdict {
        Verdict::Verified => "verified",
        Verdict::Rejected => "*rejected*",
        Verdict::Ignored => "**ignored**",
        Verdict::Racy => "**racy**",
        _ => "unknown",
    });
    words.collect::<Vec<_>>().join(" or ")
}

fn versions(rows: &[(String, Row)]) -> String {
    let mut parts: Vec<Part> = Vec::new();
    for part in rows.iter().filter_map(|(_, row)| row.server.part()) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let names = parts.iter().map(|part| format!("{part} {}", part.pin().map_or("", |pin| &pin.version)));
    names.collect::<Vec<_>>().join(", ")
}

/// Where the README of the workspace is.
#[must_use]
pub fn readme() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"))
}

/// Replaces what stands between the markers in a text.
///
/// # Errors
/// When the markers are not there, each once and in order.
pub fn replace(text: &str) -> anyhow::Result<String> {
    let (before, rest) = text.split_once(BEGIN).with_context(|| format!("there is no {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("there is no {END} after {BEGIN}"))?;
    ensure!(!after.contains(BEGIN) && !after.contains(END), "the markers stand there twice");
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", render()))
}

/// Writes the table into the README.
///
/// # Errors
/// Those of [`replace`], and when the file cannot be read or written.
pub fn write() -> anyhow::Result<()> {
    let path = readme();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    fs::write(&path, replace(&text)?)?;
    Ok(())
}
