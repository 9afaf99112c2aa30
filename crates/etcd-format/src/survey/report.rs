//! Findings on their way out: where we are, how many there were, and not too many at once.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::{Finding, FindingKind, Severity};

/// Findings that one page may list; further ones are counted. It bounds the queue.
const LISTED_PER_PAGE: u32 = 16;

#[derive(Debug, Default)]
pub(super) struct Report {
    queue: VecDeque<Finding>,
    damage: u64,
    notices: u64,
    page_size: u64,
    bucket: Option<String>,
    page: Option<u64>,
    listed: u32,
    muted: bool,
}

impl Report {
    pub(super) fn set_page_size(&mut self, page_size: u32) {
        self.page_size = u64::from(page_size);
    }

    /// What follows is about this bucket.
    pub(super) fn in_bucket(&mut self, name: Option<&[u8]>) {
        self.bucket = name.map(|name| String::from_utf8_lossy(name).into_owned());
        self.at_page(None);
    }

    /// What follows is about this page.
    pub(super) fn at_page(&mut self, page: Option<u64>) {
        self.page = page;
        self.listed = 0;
    }

    /// While muted nothing is taken: for walks that repeat what another one checks.
    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    #[cold]
    pub(super) fn add(&mut self, kind: FindingKind, detail: impl Into<Cow<'static, str>>) {
        if self.muted {
            return;
        }
        let count = match kind.severity() {
            Severity::Damage => &mut self.damage,
            Severity::Notice => &mut self.notices,
        };
        *count = count.saturating_add(1);
        self.listed = self.listed.saturating_add(1);
        if self.listed <= LISTED_PER_PAGE {
            let detail = if self.listed == LISTED_PER_PAGE {
                "and more here, which are counted but not listed".into()
            } else {
                detail.into()
            };
            let offset = self.page.map(|page| page.saturating_mul(self.page_size));
            self.queue.push_back(Finding { kind, page: self.page, offset, bucket: self.bucket.clone(), detail });
        }
    }

    pub(super) fn pop(&mut self) -> Option<Finding> {
        self.queue.pop_front()
    }

    pub(super) fn damage(&self) -> u64 {
        self.damage
    }

    pub(super) fn notices(&self) -> u64 {
        self.notices
    }
}
