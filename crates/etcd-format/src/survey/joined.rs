//! Two checksums over leaves that come in the order of the file, joined in the order of the keys.

use super::leaf::Spans;
use crate::crc::Crc;

/// Leaves that came one after the other in both orders: their checksums just went on.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    first: usize,
    next: usize,
    all: Crc,
    /// The checksum over what counts; `None` while that is everything.
    counted: Option<Crc>,
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
        let stretch = match self.window.last_mut() {
            Some(last) if last.next == index && last.counted.is_none() && counted.is_none() => last,
            _ => {
                self.window.push(Stretch { first: index, next: index, all: Crc::default(), counted: None });
                let Some(new) = self.window.last_mut() else { return };
                new
            }
        };
        stretch.next = index.saturating_add(1);
        stretch.all = all.append_to(stretch.all, bytes);
        stretch.counted = counted.map(|spans| spans.append_to(Crc::default(), bytes));
    }

    pub(super) fn end_window(&mut self) {
        self.window.sort_unstable_by_key(|stretch| stretch.first);
        for stretch in self.window.drain(..) {
            self.all = self.all.join(stretch.all);
            self.counted = self.counted.join(stretch.counted.unwrap_or(stretch.all));
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
