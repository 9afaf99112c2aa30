//! Top-level buckets: their list, and a walk over one, whether it has a tree or is inline.

use super::FindingKind;
use super::leaf::LeafScan;
use super::pages::Pages;
use super::report::Report;
use super::walk::{Bounds, LeafSink, Limits, Walk};
use crate::ReadRequest;
use crate::bolt::layout::LEAF_FLAG;
use crate::bolt::{BucketView, PageView};
use crate::crc::Crc;

/// Top-level buckets that are looked at; further ones are findings. etcd has ten.
const MOST_BUCKETS: usize = 256;

/// Where the entries of a bucket stand.
#[derive(Debug, Clone)]
enum Place {
    Tree { root: u64 },
    Inline { image: Vec<u8> },
}

/// A top-level bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: Vec<u8>,
    place: Place,
    /// The checksum over its keys and values, once it was walked.
    pub(super) crc: Crc,
    /// The number of its items, once it was walked.
    pub(super) items: u64,
}

impl Bucket {
    pub(super) fn walk(&self, limits: Limits) -> BucketWalk {
        match &self.place {
            Place::Tree { root } => BucketWalk::Tree(Box::new(Walk::new(*root, limits))),
            Place::Inline { image } => BucketWalk::Inline(image.clone()),
        }
    }

    pub(super) fn walk_from(&self, key: Vec<u8>, limits: Limits) -> BucketWalk {
        match self.walk(limits) {
            BucketWalk::Tree(walk) => BucketWalk::Tree(Box::new(walk.starting_at(key))),
            inline => inline,
        }
    }
}

/// Collects the top-level buckets.
#[derive(Debug)]
pub(super) struct BucketSink {
    buckets: Vec<Bucket>,
    page_len: usize,
}

impl BucketSink {
    pub(super) fn new(page_size: u32) -> Self {
        Self { buckets: Vec::new(), page_len: page_size as usize }
    }

    /// All buckets, by name.
    pub(super) fn into_buckets(mut self) -> Vec<Bucket> {
        self.buckets.sort_by(|a, b| a.name.cmp(&b.name));
        self.buckets
    }

    fn bucket(&mut self, name: &[u8], view: BucketView<'_>, report: &mut Report) {
        if self.buckets.len() >= MOST_BUCKETS {
            report.add(FindingKind::Bucket, format!("more than {MOST_BUCKETS} buckets"));
            return;
        }
        let place = if view.root != 0 {
            Place::Tree { root: view.root }
        } else if view.inline.len() <= self.page_len {
            Place::Inline { image: view.inline.to_vec() }
        } else {
            report.add(FindingKind::InlineBucket, format!("{} bytes, more than a page", view.inline.len()));
            return;
        };
        self.buckets.push(Bucket { name: name.to_vec(), place, crc: Crc::default(), items: 0 });
    }
}

impl LeafSink for BucketSink {
    fn leaf(&mut self, _: usize, view: &PageView<'_>, bounds: Bounds<'_>, report: &mut Report) {
        let mut scan = LeafScan::new(view, bounds);
        while let Some(element) = scan.next(report) {
            if !element.is_bucket {
                report.add(FindingKind::NotABucket, "a plain key among the buckets");
                continue;
            }
            match BucketView::parse(element.value, view.offset()) {
                Ok(bucket) => self.bucket(element.key, bucket, report),
                Err(error) => report.add(FindingKind::Bucket, error.to_string()),
            }
        }
    }

    fn end_window(&mut self) {}
}

/// A walk over the entries of one bucket.
#[derive(Debug)]
pub(super) enum BucketWalk {
    Tree(Box<Walk>),
    Inline(Vec<u8>),
    Ended,
}

impl BucketWalk {
    /// See [`Walk::request`].
    pub(super) fn request(
        &mut self,
        pages: &Pages,
        report: &mut Report,
        sink: &mut impl LeafSink,
    ) -> Option<ReadRequest> {
        match self {
            Self::Tree(walk) => walk.request(pages, report, sink),
            Self::Inline(image) => {
                let image = std::mem::take(image);
                *self = Self::Ended;
                take_inline(&image, report, sink);
                None
            }
            Self::Ended => None,
        }
    }

    /// See [`Walk::feed`].
    pub(super) fn feed(&mut self, bytes: &[u8], pages: &mut Pages, report: &mut Report, sink: &mut impl LeafSink) {
        if let Self::Tree(walk) = self {
            walk.feed(bytes, pages, report, sink);
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Tree(walk) => walk.memory(),
            Self::Inline(image) => image.capacity(),
            Self::Ended => 0,
        }
    }
}

/// An inline bucket is the image of one leaf page with id 0 and no overflow.
fn take_inline(image: &[u8], report: &mut Report, sink: &mut impl LeafSink) {
    report.at_page(None);
    let Ok(view) = PageView::new(image, 0) else {
        report.add(FindingKind::InlineBucket, format!("an image of {} bytes, shorter than a page header", image.len()));
        return;
    };
    let header = view.header();
    if header.flags != LEAF_FLAG {
        report.add(FindingKind::InlineBucket, format!("flags {:#x} where a leaf must be", header.flags));
        return;
    }
    if header.id != 0 || header.overflow != 0 {
        report.add(FindingKind::InlineBucket, format!("page id {} and overflow {}, not 0", header.id, header.overflow));
    }
    sink.leaf(0, &view, Bounds::default(), report);
    sink.end_window();
}
