//! The elements of one leaf, checked as they come, and where their bytes stand.

use std::ops::Range;

use super::FindingKind;
use super::report::Report;
use super::walk::{Bounds, KeyOrder};
use crate::bolt::layout::{LEAF_ELEMENT_SIZE, PAGE_HEADER_SIZE};
use crate::bolt::{LeafElement, PageView};
use crate::crc::Crc;

/// Goes over the elements of a leaf and reports what is wrong with them. Elements out of bounds are passed over.
pub(super) struct LeafScan<'a> {
    view: PageView<'a>,
    order: Option<KeyOrder<'a>>,
    next: usize,
    /// Where the elements so far end.
    end: usize,
}

impl<'a> LeafScan<'a> {
    pub(super) fn new(view: &PageView<'a>, bounds: Bounds<'a>) -> Self {
        let table = usize::from(view.header().count).saturating_mul(LEAF_ELEMENT_SIZE);
        let end = table.saturating_add(PAGE_HEADER_SIZE);
        Self { view: *view, order: Some(KeyOrder::new(bounds)), next: 0, end }
    }

    #[inline]
    pub(super) fn next(&mut self, report: &mut Report) -> Option<LeafElement<'a>> {
        while self.next < usize::from(self.view.header().count) {
            let index = self.next;
            self.next = self.next.saturating_add(1);
            let element = match self.view.leaf_element(index) {
                Ok(element) => element,
                Err(error) => {
                    report.add(FindingKind::ElementBounds, error.to_string());
                    continue;
                }
            };
            if element.position < self.end {
                report
                    .add(FindingKind::ElementOverlap, format!("element {index} starts before the one before it ends"));
            }
            self.end = span(&element).end;
            if let Some(order) = &mut self.order {
                order.check(index, element.key, report);
            }
            return Some(element);
        }
        if let Some(order) = self.order.take() {
            order.finish(report);
        }
        None
    }
}

/// Where key and value stand in the view.
#[inline]
pub(super) fn span(element: &LeafElement<'_>) -> Range<usize> {
    let len = element.key.len().saturating_add(element.value.len());
    element.position..element.position.saturating_add(len)
}

/// Pieces of a view in hashing order, with neighbours merged: of a leaf that bbolt wrote there is one.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<Range<usize>>);

impl Spans {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, span: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => self.0.push(span),
        }
    }

    pub(super) fn append_to(&self, crc: Crc, bytes: &[u8]) -> Crc {
        self.0.iter().fold(crc, |crc, span| crc.append(bytes.get(span.clone()).unwrap_or_default()))
    }
}
