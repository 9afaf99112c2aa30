//! The bucket `key`: hashes, figures, and checks of what the records say.

use super::FindingKind;
use super::changed::Changed;
use super::joined::Joined;
use super::leaf::{LeafScan, Spans, span};
use super::report::Report;
use super::walk::{Bounds, LeafSink};
use crate::bolt::{LeafElement, PageView};
use crate::crc::Crc;
use crate::mvcc::{HashRule, KeyValueView, RevisionKey};

/// What a walk over the records must know beforehand.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) rule: HashRule,
    /// The last finished compaction, -1 for none: up to here there is at most one record of each key.
    pub(super) finished: i64,
    changed: Changed,
    nothing_changed: bool,
    /// Set when nothing at all is kept: then no record is left out for being superseded.
    all_kept: bool,
}

impl Question {
    /// The figures and the hash by this rule, of a file whose last finished compaction is this (-1 for none).
    pub(super) fn new(rule: HashRule, finished: i64) -> Self {
        let changed = if rule.compact_revision < 0 {
            Changed::Nothing
        } else if rule.compact_revision <= finished {
            Changed::keys()
        } else {
            Changed::newest()
        };
        Self { rule, finished, changed, nothing_changed: true, all_kept: false }
    }

    /// The same when nothing at all is kept.
    pub(super) fn with_all_kept(rule: HashRule, finished: i64) -> Self {
        Self { rule, finished, changed: Changed::Nothing, nothing_changed: true, all_kept: true }
    }

    /// Whether a [`ChangeSink`] must see the records above the last finished compaction first.
    pub(super) fn wants_changes(&self) -> bool {
        !matches!(self.changed, Changed::Nothing)
    }

    pub(super) fn memory(&self) -> usize {
        self.changed.memory()
    }

    /// Whether the record is the newest of its key at the revision of the rule, and not a tombstone.
    fn is_kept(&self, record: RevisionKey, key: &[u8]) -> bool {
        if self.all_kept {
            return true;
        }
        if record.tombstone {
            return false;
        }
        if record.revision.main <= self.finished {
            return self.nothing_changed || !self.changed.has(key);
        }
        self.changed.is_newest(record, key)
    }

    fn counts(&self, record: RevisionKey, key: &[u8]) -> bool {
        let kept = !self.rule.asks_if_kept(record) || self.is_kept(record, key);
        self.rule.counts(record, kept)
    }
}

/// Collects the keys that changed after the last finished compaction and up to the rule's revision.
#[derive(Debug)]
pub(super) struct ChangeSink<'q> {
    pub(super) question: &'q mut Question,
}

impl LeafSink for ChangeSink<'_> {
    fn leaf(&mut self, _: usize, view: &PageView<'_>, _: Bounds<'_>, _: &mut Report) {
        for element in view.leaf_elements().filter_map(Result::ok) {
            let Some(record) = RevisionKey::from_bytes(element.key) else { continue };
            let main = record.revision.main;
            if main > self.question.finished
                && main <= self.question.rule.revision
                && let Ok(key_value) = KeyValueView::decode(element.value)
            {
                self.question.nothing_changed = false;
                self.question.changed.record(record, key_value.key);
            }
        }
    }

    fn end_window(&mut self) {}
}

/// The figures of the records, and both checksums.
#[derive(Debug)]
pub(super) struct RecordSink {
    pub(super) question: Question,
    joined: Joined,
    all: Spans,
    counted: Spans,
    items: u64,
    last_revision: i64,
    /// Keys that live at the rule's revision and did not change after the last finished compaction; or, where it is not
    /// remembered which keys changed to what, all that live.
    living: i64,
    /// Keys that came to life after the rule's revision, less those that died.
    living_later: i64,
    left_out: bool,
}

impl RecordSink {
    pub(super) fn new(question: Question) -> Self {
        Self {
            question,
            joined: Joined::default(),
            all: Spans::default(),
            counted: Spans::default(),
            items: 0,
            last_revision: 0,
            living: 0,
            living_later: 0,
            left_out: false,
        }
    }

    pub(super) fn items(&self) -> u64 {
        self.items
    }

    /// Main revision of the last record; 0 when there is none.
    pub(super) fn last_revision(&self) -> i64 {
        self.last_revision
    }

    pub(super) fn all(&self) -> Crc {
        self.joined.all()
    }

    pub(super) fn counted(&self) -> Crc {
        self.joined.counted()
    }

    /// Keys that live at the rule's revision.
    fn living_then(&self) -> i64 {
        let changed = self.question.changed.living().unwrap_or(0);
        self.living.saturating_add(changed.cast_signed())
    }

    /// Keys that live at the end of the file.
    pub(super) fn living(&self) -> u64 {
        u64::try_from(self.living_then().saturating_add(self.living_later)).unwrap_or(0)
    }

    /// Whether records were left out because they are not kept, although nothing is kept: then the rule does not leave out
    /// any, and the walk must be repeated.
    pub(super) fn left_out_for_nothing(&self) -> bool {
        self.left_out && self.living_then() <= 0
    }

    pub(super) fn memory(&self) -> usize {
        self.joined.memory().saturating_add(self.question.memory())
    }

    /// Takes one record. Says whether it counts for the hash.
    fn record(&mut self, element: &LeafElement<'_>, report: &mut Report) -> bool {
        self.items = self.items.saturating_add(1);
        let Some(record) = RevisionKey::from_bytes(element.key) else {
            report.add(FindingKind::RecordKey, format!("a key of {} bytes is not a revision", element.key.len()));
            return false;
        };
        self.last_revision = self.last_revision.max(record.revision.main);
        let Ok(key_value) = KeyValueView::decode(element.value) else {
            report.add(FindingKind::RecordValue, format!("the value of {} does not decode", shown(record)));
            return self.question.counts(record, b"");
        };
        // A bumped restore writes a placeholder without a value, the only record that does not tell its revision.
        let is_placeholder = element.value.is_empty();
        if !record.tombstone && !is_placeholder && key_value.mod_revision != record.revision.main {
            let says = key_value.mod_revision;
            report.add(FindingKind::RecordValue, format!("the value of {} says revision {says}", shown(record)));
        }
        self.count_life(record, &key_value, is_placeholder);
        let counts = self.question.counts(record, key_value.key);
        self.left_out |= !counts && self.question.rule.counts(record, true);
        counts
    }

    fn count_life(&mut self, record: RevisionKey, key_value: &KeyValueView<'_>, is_placeholder: bool) {
        let main = record.revision.main;
        let change = match (record.tombstone, key_value.version == 1 || is_placeholder) {
            (true, _) => -1,
            (false, true) => 1,
            (false, false) => 0,
        };
        let question = &self.question;
        if main <= question.finished {
            let is_superseded = question.changed.remembers_newest() && question.changed.has(key_value.key);
            self.living = self.living.saturating_add(i64::from(!record.tombstone && !is_superseded));
        } else if main > question.rule.revision {
            self.living_later = self.living_later.saturating_add(change);
        } else if !question.changed.remembers_newest() {
            self.living = self.living.saturating_add(change);
        }
    }
}

impl LeafSink for RecordSink {
    fn leaf(&mut self, index: usize, view: &PageView<'_>, bounds: Bounds<'_>, report: &mut Report) {
        self.all.clear();
        self.counted.clear();
        let mut all_count = true;
        let mut scan = LeafScan::new(view, bounds);
        while let Some(element) = scan.next(report) {
            if element.is_bucket {
                report.add(FindingKind::NestedBucket, "a bucket among the records");
                all_count = false;
                continue;
            }
            let span = span(&element);
            self.all.push(span.clone());
            if self.record(&element, report) {
                self.counted.push(span);
            } else {
                all_count = false;
            }
        }
        let counted = (!all_count).then_some(&self.counted);
        self.joined.leaf(index, view.bytes(), &self.all, counted);
    }

    fn end_window(&mut self) {
        self.joined.end_window();
    }
}

fn shown(record: RevisionKey) -> String {
    let mark = if record.tombstone { ", a tombstone" } else { "" };
    format!("{}.{}{mark}", record.revision.main, record.revision.sub)
}
