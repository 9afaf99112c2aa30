//! Two checksums over leaves that come in the order of the file, joined in the order of the keys.

use super::leaf::Spans;
use crate::crc::Crc;

/// Leaves that came one after the other in both orders: their checksums just went on. 40 bytes: there may be one a leaf.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    first: u32,
    next: u32,
    all: u32,
    counted: u32,
    all_len: u64,
    counted_len: u64,
    /// Whether everything counts, so that one checksum does for both.
    is_whole: bool,
}

impl Stretch {
    fn at(index: u32) -> Self {
        Self { first: index, next: index, all: 0, counted: 0, all_len: 0, counted_len: 0, is_whole: true }
    }

    fn all(&self) -> Crc {
        Crc { value: self.all, len: self.all_len }
    }

    fn counted(&self) -> Crc {
        if self.is_whole { self.all() } else { Crc { value: self.counted, len: self.counted_len } }
    }
}

/// The checksum over all records and that over the ones that count.
#[derive(Debug, Default)]
pub(super) struct Joined {
    window: Vec<Stretch>,
    all: Crc,
    counted: Crc,
}

impl Joined {
    /// Takes a leaf: all of its records, and those that count unless all do.
    pub(super) fn leaf(&mut self, index: usize, bytes: &[u8], all: &Spans, counted: Option<&Spans>) {
        let Ok(index) = u32::try_from(index) else { return };
        let goes_on = |last: &Stretch| last.next == index && last.is_whole && counted.is_none();
        if !self.window.last().is_some_and(goes_on) {
            self.window.push(Stretch::at(index));
        }
        let Some(stretch) = self.window.last_mut() else { return };
        stretch.next = index.saturating_add(1);
        Crc { value: stretch.all, len: stretch.all_len } = all.append_to(stretch.all(), bytes);
        if let Some(counted) = counted {
            stretch.is_whole = false;
            Crc { value: stretch.counted, len: stretch.counted_len } = counted.append_to(Crc::default(), bytes);
        }
    }

    pub(super) fn end_window(&mut self) {
        self.window.sort_unstable_by_key(|stretch| stretch.first);
        for stretch in self.window.drain(..) {
            self.all = self.all.join(stretch.all());
            self.counted = self.counted.join(stretch.counted());
        }
    }

    pub(super) fn all(&self) -> Crc {
        self.all
    }

    pub(super) fn counted(&self) -> Crc {
        self.counted
    }

    pub(super) fn memory(&self) -> usize {
        self.window.capacity().saturating_mul(size_of::<Stretch>())
    }
}
