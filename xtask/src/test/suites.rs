//! All tests of the workspace, counted.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use anyhow::{Context as _, ensure};

use crate::{
    report::{Counts, Outcome},
    workspace::{cargo, words},
};

pub(super) fn run() -> anyhow::Result<Outcome> {
    let mut command = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    println!("$ {}", words(&command));
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let mut counts = Counts::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        counts.add(count(&line).unwrap_or_default());
    }
    let status = child.wait()?;
    ensure!(status.success() || counts.failed > 0, "`cargo test` ended with {status}");
    ensure!(counts.passed > 0, "no test ran");
    Ok(Outcome::Ran(counts))
}

/// Reads `test result: ok. 9 passed; 0 failed; 1 ignored; …`.
fn count(line: &str) -> Option<Counts> {
    let numbers = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let number = |word: &str| {
        let field = numbers.split(';').map(str::trim).find_map(|field| field.strip_suffix(word));
        field.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
    };
    Some(Counts { passed: number("passed"), failed: number("failed"), skipped: number("ignored") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_cargo_test_prints() {
        let line = "test result: FAILED. 8 passed; 1 failed; 2 ignored; 0 measured; 3 filtered out; finished in 65.50s";
        assert_eq!(count(line), Some(Counts { passed: 8, failed: 1, skipped: 2 }));
        assert_eq!(count("test boots ... ok"), None);
    }
}
