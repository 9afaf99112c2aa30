//! A progress bar on a terminal, nothing elsewhere.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};

use etcd_snapshot::progress::{Progress, Silent, Stage};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar if standard error is a terminal and the output is for people.
pub(crate) fn watch(json: bool) -> Arc<dyn Progress> {
    match std::io::stderr().is_terminal() && !json {
        true => Arc::new(Bar::default()),
        false if json => Arc::new(Silent),
        false => Arc::new(Notes),
    }
}

/// Says notes as lines, and nothing else: for pipes and logs.
#[derive(Debug)]
struct Notes;

impl Progress for Notes {
    fn begin(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: u64) {}

    #[expect(clippy::print_stderr, reason = "this is the program's voice")]
    fn note(&self, message: &str) {
        eprintln!("{message}");
    }
}

#[derive(Debug, Default)]
struct Bar {
    /// The stage that is shown. Two stages can run at once (a read-back beside the walk): the later one is shown.
    shown: Mutex<Option<ProgressBar>>,
}

impl Progress for Bar {
    fn begin(&self, stage: Stage, total: Option<u64>) {
        let bar = match total {
            Some(total) => ProgressBar::new(total)
                .with_style(style("{msg:>12} {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}")),
            None => ProgressBar::new_spinner().with_style(style("{msg:>12} {spinner}")),
        };
        bar.set_message(name(stage));
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = shown.replace(bar) {
            before.finish_and_clear();
        }
    }

    fn advance(&self, bytes: u64) {
        if let Some(bar) = self.shown.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            bar.inc(bytes);
        }
    }

    fn note(&self, message: &str) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        match shown.as_ref() {
            Some(bar) => bar.println(message),
            None => Notes.note(message),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.shown.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Transfer => "transfer",
        Stage::ReadBack => "read back",
        Stage::Structure => "check pages",
        Stage::LiveHash => "compare",
        _ => "finish",
    }
}
