//! A progress bar on a terminal, nothing elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar if standard error is a terminal and the output is for people. It is taken away when it is dropped.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// For so many bytes, where that is known.
    pub(crate) fn of_bytes(what: &'static str, total: Option<u64>, json: bool) -> Self {
        if json || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = match total {
            Some(total) => ProgressBar::new(total)
                .with_style(style("{msg:>12} {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}")),
            None => ProgressBar::new_spinner().with_style(style("{msg:>12} {spinner} {bytes} {binary_bytes_per_sec}")),
        };
        Self(bar.with_message(what))
    }

    /// For work of unknown length.
    pub(crate) fn of_time(what: &'static str, json: bool) -> Self {
        if json || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner().with_style(style("{msg:>12} {spinner} {elapsed}")).with_message(what);
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Self(bar)
    }

    pub(crate) fn advance(&self, bytes: usize) {
        self.0.inc(bytes as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
